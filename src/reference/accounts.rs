//! Accounts: opened by issuer and subject, or by a local sign-up; linked by a verified address only, and never taken
//! away from whoever has it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::state::{Account, App, Session, User};
use super::web::{Page, Visit, sign_in};

/// The account of whoever the provider names.
pub(super) fn of(app: &App, sub: &str, claims: &BTreeMap<String, Json>) -> String {
    let issuer = if app.flaws.has("sub-without-iss") { String::new() } else { app.config.issuer.clone() };
    let identity = (issuer, sub.to_owned());
    let email = claims.get("email").and_then(Json::as_str).map(str::to_owned);
    let verified = match claims.get("email_verified") {
        None | Some(Json::Null) => app.flaws.has("missing-verified-means-verified"),
        Some(said) => *said == Json::Bool(true),
    };
    let names: BTreeSet<String> = ["preferred_username", "upn", "nickname"]
        .iter()
        .filter_map(|claim| claims.get(*claim).and_then(Json::as_str).map(str::to_owned))
        .collect();
    let mut inner = app.inner();
    let by_flaw = if app.flaws.has("email-as-key") && email.is_some() {
        inner.accounts.iter().find(|account| account.email == email).map(|account| account.id.clone())
    } else if app.flaws.has("shared-null-email") && email.is_none() {
        inner.accounts.iter().find(|account| account.email.is_none()).map(|account| account.id.clone())
    } else if app.flaws.has("username-as-key") {
        inner.accounts.iter().find(|account| !account.names.is_disjoint(&names)).map(|account| account.id.clone())
    } else {
        None
    };
    if let Some(id) = by_flaw {
        return id;
    }
    let casefold = app.flaws.has("sub-casefold");
    let by_address_too = app.flaws.has("identifier-change-new-account");
    let same = |own: &(String, String)| {
        *own == identity || (casefold && own.0 == identity.0 && own.1.eq_ignore_ascii_case(&identity.1))
    };
    let is_hers =
        |account: &Account| account.identity.as_ref().is_some_and(same) && (!by_address_too || account.email == email);
    if let Some(own) = inner.accounts.iter().find(|account| is_hers(account)) {
        return own.id.clone();
    }
    let may_link = verified || app.flaws.has("link-unverified-email");
    let local = inner
        .accounts
        .iter_mut()
        .find(|account| email.is_some() && account.email == email && account.identity.is_none() && may_link);
    if let Some(local) = local {
        local.identity = Some(identity);
        return local.id.clone();
    }
    inner.open_account(Account { identity: Some(identity), email, names, ..Account::default() })
}

/// Whether another subject of the provider differs from this one by the case of its letters alone.
pub(super) fn has_lookalike(app: &App, sub: &str) -> bool {
    let inner = app.inner();
    let mut subjects = inner.accounts.iter().filter_map(|account| account.identity.as_ref()).map(|(_, own)| own);
    subjects.any(|own| own != sub && own.eq_ignore_ascii_case(sub))
}

fn form(action: &str, fields: &[(&str, &str)]) -> String {
    let inputs: String = fields
        .iter()
        .map(|(name, kind)| format!("<label>{name} <input name=\"{name}\" type=\"{kind}\" required></label>\n"))
        .collect();
    format!("<form method=\"post\" action=\"{action}\">\n{inputs}<button type=\"submit\">Go on</button>\n</form>")
}

pub(super) fn sign_up_page() -> Page {
    Page::html(200, "Sign up", &form("/signup", &[("email", "email"), ("name", "text"), ("password", "password")]))
}

pub(super) fn local_login_page() -> Page {
    Page::html(200, "Log in with a password", &form("/local-login", &[("email", "email"), ("password", "password")]))
}

/// A local account, without the provider.
pub(super) fn sign_up(app: &App, visit: &Visit) -> Page {
    let field = |name: &str| visit.form.get(name).filter(|value| !value.is_empty()).cloned();
    let (Some(email), Some(password)) = (field("email"), field("password")) else {
        return Page::sorry(400, "An e-mail address and a password are needed.");
    };
    let mut inner = app.inner();
    if inner.accounts.iter().any(|account| account.email.as_ref() == Some(&email) && account.password.is_some()) {
        return Page::sorry(400, "This address has an account already.");
    }
    let account = Account { email: Some(email.clone()), password: Some(password), ..Account::default() };
    let id = inner.open_account(account);
    drop(inner);
    enter(app, visit, &id, email)
}

pub(super) fn local_login(app: &App, visit: &Visit) -> Page {
    let (email, password) = (visit.form.get("email"), visit.form.get("password"));
    let account = {
        let inner = app.inner();
        let own = inner.accounts.iter().find(|account| {
            account.email.as_ref() == email && account.password.is_some() && account.password.as_ref() == password
        });
        own.map(|account| account.id.clone())
    };
    match (account, email) {
        (Some(id), Some(email)) => enter(app, visit, &id, email.clone()),
        _ => Page::sorry(401, "The address or the password is wrong."),
    }
}

fn enter(app: &App, visit: &Visit, account: &str, email: String) -> Page {
    let claims = BTreeMap::from([("email".to_owned(), Json::from(email))]);
    let user = User { sub: String::new(), account: account.to_owned(), claims };
    let id = sign_in(app, visit.session.as_deref(), Session { user: Some(user), ..Session::default() });
    Page { cookie: Some(id), ..Page::to("/") }
}
