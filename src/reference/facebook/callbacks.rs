//! What the provider tells the partner by itself: somebody removed the app, or wants her data deleted. Both messages are
//! sealed with the app's secret; what is not sealed has no effect.

use serde_json::{Value as Json, json};

use crate::reference::state::{App, push_bounded, random};
use crate::reference::web::{Page, Visit, escaped};

use super::seal;

/// Deletions that can still be asked about.
const KEPT: usize = 1_000;

/// Who it is about, if the provider says so.
fn meant(app: &App, visit: &Visit) -> Option<String> {
    let text = visit.form.get("signed_request")?;
    if text.contains('=') && app.flaws.has("takes-no-padding") {
        return None;
    }
    let trusting = app.flaws.has("deauth-no-signature-check");
    let payload = seal::opened(text, &app.config.client_secret, trusting)?;
    payload.get("user_id").and_then(Json::as_str).filter(|id| !id.is_empty()).map(str::to_owned)
}

fn unsealed() -> Page {
    Page::json(400, &json!({ "error": "this is not a signed_request of the provider" }))
}

/// Ends every session of a person; what she gave us tokens for is over with them.
pub(super) fn end(app: &App, subject: &str) {
    let is_hers = |user: &Option<super::super::state::User>| user.as_ref().is_some_and(|user| user.sub == subject);
    app.inner().sessions.retain(|_, own| !(own.issuer == app.config.issuer && is_hers(&own.user)));
}

/// Somebody removed the app at the provider.
pub(in crate::reference) fn deauthorize(app: &App, visit: &Visit) -> Page {
    let Some(subject) = meant(app, visit) else { return unsealed() };
    if !app.flaws.has("deauth-ignored") {
        end(app, &subject);
    }
    Page { body: String::new(), ..Page::html(204, "", "") }
}

/// Somebody asks at the provider that her data be deleted here.
pub(in crate::reference) fn delete(app: &App, visit: &Visit) -> Page {
    let Some(subject) = meant(app, visit) else { return unsealed() };
    if !app.flaws.has("deletion-ignored") {
        end(app, &subject);
        let identity = (app.config.issuer.clone(), subject);
        app.inner().accounts.retain(|own| own.identity.as_ref() != Some(&identity));
    }
    if app.flaws.has("deletion-wrong-reply") {
        return Page::html(200, "Deleted", "<p>Your data is gone.</p>");
    }
    let code: String = random().chars().filter(char::is_ascii_alphanumeric).take(20).collect();
    push_bounded(&mut app.inner().deletions, code.clone(), KEPT);
    let url = format!("{}/deletion?code={code}", app.base_url);
    Page::json(200, &json!({ "url": url, "confirmation_code": code }))
}

/// How far a deletion is: open to whoever has its code, and says nothing of anybody.
pub(in crate::reference) fn deletion_status(app: &App, visit: &Visit) -> Page {
    let code = visit.query.get("code").filter(|code| app.inner().deletions.contains(code));
    let Some(code) = code else { return Page::sorry(404, "There is no such request.") };
    let text = format!("<p>Request {}: everything that we knew is deleted.</p>", escaped(code));
    Page::html(200, "Deletion of data", &text)
}
