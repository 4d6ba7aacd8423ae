//! A login by an access token that came another way than by a code of the dialog, and by whom it is said to be of.

use std::collections::BTreeMap;

use crate::reference::facebook;
use crate::reference::state::{App, Transaction};
use crate::reference::web::{Page, Visit};

use super::Fresh;
use super::finish::finish;
use super::profile::{ask_userinfo, take_userinfo};

/// Signs the person in whose profile the token opens, if it is `subject`; `None`: nobody said whose it is.
pub(in crate::reference) async fn by_token(app: &App, visit: &Visit, token: &str, subject: Option<&str>) -> Page {
    let asked = app.asked();
    let Ok(granted) = facebook::granted(app, token, &asked).await else {
        return Page::sorry(400, "The provider does not say what you allowed.");
    };
    let mut fresh = Fresh {
        sub: String::new(),
        claims: BTreeMap::new(),
        granted,
        access_token: token.to_owned(),
        refresh_token: None,
        sid: None,
        id_token: None,
    };
    let told = match ask_userinfo(app, token).await {
        Ok(members) => take_userinfo(app, &mut fresh, members),
        Err(page) => Err(page),
    };
    if let Err(page) = told {
        return *page;
    }
    if subject.is_some_and(|subject| subject != fresh.sub) {
        return Page::sorry(400, "The provider speaks of somebody else.");
    }
    let transaction = Transaction { return_to: "/".to_owned(), asked, ..Transaction::default() };
    finish(app, visit, visit.session.as_deref(), &transaction, fresh)
}
