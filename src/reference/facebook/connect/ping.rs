//! The ping of 2010: a form of `fb_sig_…` and their signature tells that somebody removed the app.

use std::collections::BTreeMap;

use serde_json::json;

use crate::reference::facebook::callbacks;
use crate::reference::state::App;
use crate::reference::web::{Page, Visit};

use super::is_signed;

/// Somebody removed the app at the provider.
pub(in crate::reference) fn removed(app: &App, visit: &Visit) -> Page {
    let named = |(name, value): (&String, &String)| Some((name.strip_prefix("fb_sig_")?.to_owned(), value.clone()));
    let members: BTreeMap<String, String> = visit.form.iter().filter_map(named).collect();
    let sig = visit.form.get("fb_sig").map(String::as_str).unwrap_or_default();
    if !is_signed(&members, &app.config.client_secret, sig) && !app.flaws.has("ping-no-signature-check") {
        return Page::json(400, &json!({ "error": "this is not signed by the provider" }));
    }
    // A ping that tells of something else is nothing to act upon.
    let uninstalled = members.get("uninstall").is_some_and(|said| said == "1") && !app.flaws.has("ping-ignored");
    if let Some(user) = members.get("user").filter(|_| uninstalled) {
        callbacks::end(app, user);
    }
    Page { body: String::new(), ..Page::html(204, "", "") }
}
