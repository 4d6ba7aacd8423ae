//! Front-channel logout (OpenID Connect Front-Channel Logout 1.0, section 2): a page of the provider loads this address in
//! a frame when a session there has ended.

use std::sync::Arc;

use super::state::App;
use super::web::{Page, Visit, session_of};

/// Ends the session that `iss` and `sid` name. The session cookie may not come along into a frame of another site, so
/// it is not needed; whatever names no session of this partner is ignored.
pub(super) fn logout(app: &Arc<App>, visit: &Visit) -> Page {
    let done = Page {
        cache: if app.flaws.has("frontchannel-cached") { "public, max-age=3600" } else { "no-store" },
        framing: app.flaws.has("frontchannel-not-frameable").then_some("DENY"),
        ..Page::html(200, "Signed out", "")
    };
    if app.flaws.has("frontchannel-keeps-session") {
        return done;
    }
    let (iss, sid) = (visit.query.get("iss"), visit.query.get("sid"));
    let own = session_of(app, visit).map(|(id, _)| id);
    if app.flaws.has("frontchannel-unchecked") {
        own.and_then(|id| app.inner().sessions.remove(&id));
        return Page { cookie: Some(String::new()), ..done };
    }
    let (Some(iss), Some(sid)) = (iss, sid) else { return done };
    app.inner().sessions.retain(|id, session| {
        let named = session.issuer == *iss && session.sid.as_ref() == Some(sid);
        let here = !app.odd.has("frontchannel-by-cookie") || own.as_ref() == Some(id);
        let meant = session.user.is_some() && (named && here || app.flaws.has("frontchannel-ends-all"));
        !meant
    });
    done
}
