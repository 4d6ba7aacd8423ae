//! What the script asks by itself: who is signed in here, and sign out. Only pages of the app may ask, by their `Origin`,
//! and read the answer.

use serde_json::{Value as Json, json};

use crate::model::wire::Wire;
use crate::provider::ClientRegistration;
use crate::provider::authorize;
use crate::provider::dialect::NEVER;
use crate::provider::dialect::facebook::bearer::User;
use crate::provider::dialect::is_same_origin;
use crate::provider::inbound::{Inbound, one};
use crate::provider::ledger::{Origin, Session};
use crate::provider::mint::answer::Answer;
use crate::provider::reply::Reply;
use crate::provider::state::Shared;

use super::{Style, Told};

/// The app, and the page's origin.
///
/// # Errors
/// A refusal that no page can read.
fn page_of(shared: &Shared, inbound: &Inbound, client_id: &str) -> Result<(ClientRegistration, String), Box<Reply>> {
    let refuse = |status: u16, why: &str| {
        let body = Wire::from(json!({ "error": { "type": "OAuthException", "message": why } }));
        Box::new(Reply::page(Answer::json(status, body)).because(why))
    };
    let client =
        shared.client(client_id).ok_or_else(|| refuse(400, "no application is registered under this app id"))?;
    let page = inbound.header("origin").unwrap_or_default();
    if !is_same_origin(page, &client.redirect_uris) {
        return Err(refuse(403, "this page is of none of the application's addresses"));
    }
    Ok((client, page.to_owned()))
}

/// An answer that the page may read.
fn told(page: &str, body: Json, origin: Option<Origin>) -> Reply {
    let answer = Answer::json(200, Wire::from(body))
        .with("access-control-allow-origin", page)
        .with("access-control-allow-credentials", "true")
        .with("vary", "Origin");
    Reply::page(answer).from(origin)
}

fn begun(shared: &Shared, tagged: Option<&Origin>) -> Origin {
    tagged.cloned().unwrap_or_else(|| Origin {
        attempt: shared.default_attempt(),
        browser: String::new(),
        tab: String::new(),
        person: None,
    })
}

/// Whether a session is of the person and the browser of a token.
fn is_of(session: &Session, user: &User) -> bool {
    let (own, other) = (&session.origin, &user.origin);
    !session.ended
        && own.attempt.id == other.attempt.id
        && own.browser == other.browser
        && session.person == user.person.name
}

/// `x/oauth/status`: who is signed in at the provider in this browser, and whether she has let the app in. The browser's
/// cookie says so; where the browser sends none to a page of another site, the token that the page has already.
pub(super) fn status(style: &Style, shared: &Shared, inbound: &Inbound, tagged: Option<&Origin>) -> Reply {
    let (client, page) = match page_of(shared, inbound, one(&inbound.form, "client_id").unwrap_or_default()) {
        Ok(known) => known,
        Err(refusal) => return *refusal,
    };
    let origin = begun(shared, tagged);
    let token = one(&inbound.form, "access_token").filter(|text| !text.is_empty());
    let user = token.and_then(|text| (style.user)(shared, text)).filter(|user| user.client_id == client.id);
    let by_token = || {
        let user = user.as_ref()?;
        let ledger = shared.ledger();
        let (_, session) = ledger.sessions.find(|_, session| is_of(session, user))?;
        Some((user.origin.clone(), session.person.clone()))
    };
    let signed_in = match authorize::embedded_session_of(shared, inbound, &origin) {
        Some((_, session)) => Some((origin.clone(), session.person)),
        None => by_token(),
    };
    let Some((origin, person)) = signed_in else {
        return told(&page, json!({ "status": "unknown" }), Some(origin));
    };
    let origin = Origin { person: Some(person.clone()), ..origin };
    let granted = (style.granted)(shared, &origin, &client.id);
    if granted.is_empty() {
        return told(&page, json!({ "status": "not_authorized" }), Some(origin));
    }
    let token = user.as_deref().filter(|user| user.person.name == person);
    let about = Told { shared, origin: &origin, client: &client, granted: &granted, token, page: &page };
    let mut body = json!({ "status": "connected", "granted": granted });
    if let (Some(all), Json::Object(members)) = (body.as_object_mut(), (style.told)(&about).to_json()) {
        all.extend(members);
    }
    told(&page, body, Some(origin))
}

/// `x/oauth/logout`: ends the session of the person whose token is shown, and that token with it, unless it lasts.
pub(super) fn logout(style: &Style, shared: &Shared, inbound: &Inbound, tagged: Option<&Origin>) -> Reply {
    let (client, page) = match page_of(shared, inbound, one(&inbound.form, "client_id").unwrap_or_default()) {
        Ok(known) => known,
        Err(refusal) => return *refusal,
    };
    let token = one(&inbound.form, "access_token").unwrap_or_default();
    let user = (style.user)(shared, token).filter(|user| user.client_id == client.id);
    let Some(user) = user else {
        return told(&page, json!({ "signed_out": false }), tagged.cloned()).because("this token speaks for nobody");
    };
    let mut ledger = shared.ledger();
    ledger.sessions.values_mut().filter(|session| is_of(session, &user)).for_each(|session| session.ended = true);
    if let Some(own) = ledger.access.get_mut(token).filter(|own| own.expires < NEVER) {
        own.revoked = true;
    }
    drop(ledger);
    told(&page, json!({ "signed_out": true }), Some(user.origin))
}
