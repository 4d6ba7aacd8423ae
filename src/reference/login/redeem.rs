//! The code for tokens, and tokens for who somebody is and what was granted.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::reference::Base;
use crate::reference::facebook;
use crate::reference::jwt::Token;
use crate::reference::provider::Trouble;
use crate::reference::state::{Account, App, Transaction};
use crate::reference::web::Page;

use super::Fresh;
use super::id_token::verified;
use super::profile::{ask_userinfo, take_userinfo};

/// Members of a token response that are known.
const KNOWN: [&str; 7] = ["access_token", "token_type", "expires_in", "expires", "refresh_token", "scope", "id_token"];

pub(super) async fn redeem(app: &App, code: &str, transaction: &Transaction) -> Result<Fresh, Box<Page>> {
    let sorry = |status: u16, text: &str| Box::new(Page::sorry(status, text));
    let form = vec![
        ("grant_type", "authorization_code".to_owned()),
        ("code", code.to_owned()),
        ("redirect_uri", app.redirect_uri()),
        ("code_verifier", transaction.verifier.clone().unwrap_or_default()),
    ];
    let body = app.token(form).await.map_err(|trouble| match trouble {
        Trouble::NoJson if app.flaws.has("no-json-guard") => {
            Box::new(Page::html(500, "Internal error", "<p>unexpected token</p>"))
        }
        Trouble::Refused(_) => sorry(400, "The provider refused the code."),
        Trouble::NoJson | Trouble::Away(_) => sorry(502, "The provider cannot be used at the moment."),
    })?;
    let text = |name: &str| body.get(name).and_then(Json::as_str).map(str::to_owned);
    let unknown = body.as_object().is_some_and(|members| members.keys().any(|name| !KNOWN.contains(&name.as_str())));
    if unknown && app.flaws.has("rejects-unknown-member") {
        return Err(sorry(400, "The provider's answer has unknown members."));
    }
    let spelled_like_that = app.flaws.has("token-type-case-sensitive");
    let bearer =
        |kind: &String| kind == app.tongue().token_type || !spelled_like_that && kind.eq_ignore_ascii_case("bearer");
    let kind = text("token_type").or_else(|| app.tongue().form_token.then(|| app.tongue().token_type.to_owned()));
    if !kind.as_ref().is_some_and(bearer) {
        return Err(sorry(400, "The provider gave a token of an unknown type."));
    }
    if app.flaws.has("counts-on-expiry") && !["expires_in", "expires"].iter().any(|name| body.get(name).is_some()) {
        return Err(sorry(400, "The provider's token has expired already."));
    }
    let access_token = text("access_token").unwrap_or_default();
    let granted = if app.tongue().graph {
        let asked = facebook::granted(app, &access_token, &transaction.asked).await;
        asked.map_err(|_| sorry(502, "The provider does not say what you allowed."))?
    } else {
        granted(app, text("scope").as_deref(), &transaction.asked)
    };
    let mut fresh = Fresh {
        sub: String::new(),
        claims: BTreeMap::new(),
        granted,
        access_token,
        refresh_token: text("refresh_token"),
        sid: None,
        id_token: None,
    };
    if app.flaws.has("openid-not-asked") {
        let token = Token::parse(&fresh.access_token).map_err(|why| sorry(400, why))?;
        fresh.sub = token.text("sub").unwrap_or_default().to_owned();
    }
    let early = match app.odd.has("prefetches-userinfo") {
        true => Some(ask_userinfo(app, &fresh.access_token).await),
        false => None,
    };
    let id_token = text("id_token").filter(|token| !token.is_empty());
    if app.reads_id_token() && !(id_token.is_none() && app.flaws.has("logs-in-without-id-token")) {
        let token = id_token.ok_or_else(|| sorry(400, "The provider gave no ID token."))?;
        fresh.id_token = Some(token.clone());
        let token = verified(app, &token, Some((&fresh.access_token, transaction))).await?;
        if app.flaws.has("account-before-check") && token.text("sub").is_none_or(str::is_empty) {
            app.inner().open_account(Account::default());
        }
        fresh.sub = token
            .text("sub")
            .filter(|sub| !sub.is_empty())
            .or(app.flaws.has("null-sub-account").then_some(""))
            .ok_or_else(|| sorry(400, "The ID token names nobody."))?
            .to_owned();
        fresh.sid = token.text("sid").map(str::to_owned);
        fresh.claims = token.claims.as_object().cloned().unwrap_or_default().into_iter().collect();
    }
    if (app.config.base >= Base::Oidc && !app.odd.has("no-userinfo")) || !app.openid() {
        let members = match early {
            Some(members) => members,
            None => ask_userinfo(app, &fresh.access_token).await,
        };
        take_userinfo(app, &mut fresh, members?)?;
    }
    Ok(fresh)
}

/// What was granted, by the scope of a token response.
fn granted(app: &App, scope: Option<&str>, asked: &[String]) -> Vec<String> {
    let scope = match scope {
        _ if app.flaws.has("assumes-all-scopes-granted") => return asked.to_vec(),
        Some(scope) => scope,
        None if app.flaws.has("missing-scope-means-none") => return Vec::new(),
        // Left out means: as asked (RFC 6749, section 5.1).
        None => return asked.to_vec(),
    };
    let parts = scope.split(app.tongue().separator).map(str::trim).filter(|scope| !scope.is_empty());
    let granted: Vec<String> = parts.map(str::to_owned).collect();
    if app.flaws.has("scope-order-matters") {
        let mut rest = granted.iter();
        return asked.iter().filter(|scope| rest.any(|own| own == *scope)).cloned().collect();
    }
    granted
}
