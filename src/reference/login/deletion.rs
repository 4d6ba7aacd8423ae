//! The end of an account: only after the provider has asked for the person's password anew, and says so of the token.

use crate::reference::facebook;
use crate::reference::state::{App, Transaction};
use crate::reference::web::Page;

use super::Fresh;

/// The person is back from the provider. Her account goes if it is she, and if her password was asked for this time.
pub(super) async fn confirmed(app: &App, session: Option<&str>, transaction: &Transaction, fresh: &Fresh) -> Page {
    let user = session.and_then(|id| app.inner().sessions.get(id).and_then(|own| own.user.clone()));
    let Some(user) = user.filter(|user| user.sub == fresh.sub) else {
        return Page::sorry(400, "Somebody else is signed in here.");
    };
    let believed = ["reauthentication-not-asked", "reauthentication-unchecked"].iter().any(|flaw| app.flaws.has(flaw));
    if !believed {
        match facebook::reauthenticated(app, &fresh.access_token).await {
            Ok(nonce) if nonce.is_some() && nonce == transaction.confirms => {}
            Ok(_) => return Page::sorry(400, "The provider did not ask for your password, so nothing was deleted."),
            Err(_) => return Page::sorry(502, "The provider does not say whether it asked for your password."),
        }
    }
    let mut inner = app.inner();
    inner.sessions.retain(|_, own| own.user.as_ref().is_none_or(|own| own.account != user.account));
    inner.accounts.retain(|own| own.id != user.account);
    drop(inner);
    Page { cookie: Some(String::new()), ..Page::html(200, "Deleted", "<p>Your account is deleted.</p>") }
}
