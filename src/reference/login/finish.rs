//! The end of a login: the account that it opens, the session that begins, the page where it leads.

use crate::reference::accounts;
use crate::reference::detour;
use crate::reference::state::{App, Session, Transaction, User};
use crate::reference::web::{Page, Visit, sign_in};

use super::Fresh;

pub(super) fn finish(app: &App, visit: &Visit, old: Option<&str>, transaction: &Transaction, fresh: Fresh) -> Page {
    let lacks = |claim: &str| !fresh.claims.contains_key(claim);
    if app.flaws.has("crashes-on-missing-claim") && app.tongue().counts_on.iter().any(|own| lacks(own)) {
        return Page::html(500, "Internal error", "<p>cannot read a property</p>");
    }
    if app.odd.has("refuses-lookalike-subjects") && accounts::has_lookalike(app, &fresh.sub) {
        return Page::sorry(400, "Somebody with nearly the same identifier is known here already.");
    }
    let as_number = || fresh.sub.parse::<f64>().map(|number| number.to_string());
    let subject = match as_number() {
        Ok(number) if app.flaws.has("subject-as-number") => number,
        _ => fresh.sub.clone(),
    };
    let account = accounts::of(app, &subject, &fresh.claims);
    let mut granted = fresh.granted;
    if app.flaws.has("keeps-old-grant")
        && let Some(own) = app.inner().accounts.iter_mut().find(|own| own.id == account)
    {
        own.granted.extend(granted.iter().cloned());
        granted = own.granted.iter().cloned().collect();
    }
    let mut claims = fresh.claims;
    if app.flaws.has("keeps-stale-fields")
        && let Some(own) = app.inner().accounts.iter_mut().find(|own| own.id == account)
    {
        own.claims.extend(claims);
        claims = own.claims.clone();
    }
    let lacks_needed = !app.required().iter().all(|scope| granted.contains(scope));
    if lacks_needed && app.flaws.has("required-declined-crash") {
        return Page::html(500, "Internal error", "<p>cannot make an account</p>");
    }
    let incomplete = !transaction.asked.iter().all(|scope| granted.contains(scope));
    let session = Session {
        user: Some(User { sub: fresh.sub, account, claims }),
        issuer: app.config.issuer.clone(),
        sid: fresh.sid,
        id_token: fresh.id_token,
        session_state: visit.query.get("session_state").cloned(),
        granted,
        access_token: Some(fresh.access_token),
        refresh_token: fresh.refresh_token,
        ..Session::default()
    };
    let access_token = session.access_token.clone().unwrap_or_default();
    let old = old.or(visit.session.as_deref().filter(|_| app.flaws.has("session-not-regenerated")));
    let id = sign_in(app, old, session);
    let target = if incomplete && app.flaws.has("rerequests-declined-scope-in-loop") {
        "/login"
    } else {
        transaction.return_to.as_str()
    };
    if app.flaws.has("session-id-in-url") {
        return Page { cookie: Some(id.clone()), ..Page::to(&format!("{target}?session={id}&token={access_token}")) };
    }
    let login = app.odd.has("state-in-signed-cookie").then(String::new);
    let page = Page { cookie: Some(id), login, ..Page::to(target) };
    if app.odd.has("pop-up") { detour::in_a_pop_up(page) } else { page }
}
