//! Token introspection (RFC 7662): true of what lives, silent about everything else, and only to the client whose token
//! it is.

use super::http::{Answer, Pairs, get, method, post};
use super::site::{SECRET, Site, part, with};

async fn asked(site: &Site, token: &str, changed: Pairs<'_>) -> Answer {
    site.ask(post("/introspect", &with(&[("token", token)], changed)).basic("shop", SECRET)).await
}

/// Inactive, and not a word more (section 2.2).
#[track_caller]
fn inactive(answer: &Answer) {
    assert_eq!((answer.status, answer.json()), (200, serde_json::json!({ "active": false })), "{answer:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn a_living_access_token_is_described_as_it_was_given() {
    let site = Site::start().await;
    let tokens = site.tokens(&[]).await;
    let told = asked(&site, &tokens.access, &[]).await.json();
    let own = part(&tokens.access, 1);
    assert_eq!(told["active"], true);
    for member in ["iss", "sub", "aud", "exp", "iat", "client_id", "scope"] {
        assert_eq!(told[member], own[member], "{member}");
    }
    assert_eq!((&told["token_type"], &told["username"]), (&"Bearer".into(), &site.alice.login.as_str().into()));
}

#[tokio::test]
async fn a_living_refresh_token_is_described_without_a_token_type() {
    let site = Site::start().await;
    let tokens = site.tokens(&[]).await;
    let told = asked(&site, &tokens.refresh, &[("token_type_hint", "refresh_token")]).await.json();
    assert_eq!((&told["active"], &told["scope"]), (&true.into(), &"openid profile".into()));
    assert!(told.get("token_type").is_none());
}

#[tokio::test]
async fn a_hint_that_is_wrong_changes_nothing() {
    let site = Site::start().await;
    let tokens = site.tokens(&[]).await;
    for hint in ["refresh_token", "access_token", "nonsense"] {
        assert_eq!(asked(&site, &tokens.access, &[("token_type_hint", hint)]).await.json()["active"], true);
    }
}

#[tokio::test]
async fn a_clients_own_token_speaks_for_the_client() {
    let site = Site::start().await;
    let own = post("/token", &[("grant_type", "client_credentials"), ("scope", "profile")]).basic("shop", SECRET);
    let token = site.ask(own).await.text("access_token");
    let told = asked(&site, &token, &[]).await.json();
    assert_eq!((&told["sub"], &told["client_id"]), (&"shop".into(), &"shop".into()));
    assert!(told.get("username").is_none());
}

#[tokio::test]
async fn what_was_never_issued_is_not_active() {
    let site = Site::start().await;
    let tokens = site.tokens(&[]).await;
    let code = site.code(&[]).await;
    let unsigned = format!("eyJhbGciOiJub25lIn0.{}.", tokens.access.split('.').nth(1).unwrap());
    for token in ["garbage", " ", tokens.id.as_str(), &code, &unsigned, &tokens.access.to_lowercase()] {
        inactive(&asked(&site, token, &[]).await);
    }
}

#[tokio::test]
async fn an_expired_a_revoked_and_a_used_token_are_not_active() {
    let site = Site::start().await;
    let tokens = site.tokens(&[]).await;
    site.clock(3600);
    inactive(&asked(&site, &tokens.access, &[]).await);
    site.clock(0);
    assert_eq!(asked(&site, &tokens.access, &[]).await.json()["active"], true);
    site.refreshed(&tokens.refresh, &[]).await;
    inactive(&asked(&site, &tokens.refresh, &[]).await);

    let tokens = site.tokens(&[]).await;
    site.ask(post("/revoke", &[("token", &tokens.refresh)]).basic("shop", SECRET)).await;
    inactive(&asked(&site, &tokens.access, &[]).await);
    inactive(&asked(&site, &tokens.refresh, &[]).await);
}

#[tokio::test]
async fn nobody_learns_anything_about_another_clients_token() {
    let site = Site::start().await;
    let tokens = site.tokens(&[]).await;
    for token in [&tokens.access, &tokens.refresh] {
        inactive(&site.ask(post("/introspect", &[("token", token)]).basic("other", SECRET)).await);
    }
}

#[tokio::test]
async fn nobody_asks_without_being_known() {
    let site = Site::start().await;
    let token = site.tokens(&[]).await.access;
    let ask = || post("/introspect", &[("token", &token)]);
    site.ask(ask()).await.refused(401, "invalid_client");
    site.ask(ask().basic("shop", "wrong")).await.refused(401, "invalid_client");
    site.ask(ask().basic("nobody", SECRET)).await.refused(401, "invalid_client");
    site.ask(ask().bearer(&token)).await.refused(401, "invalid_client");
    let public = post("/introspect", &[("token", &token), ("client_id", "public")]);
    site.ask(public).await.refused(401, "invalid_client");
    let wrong = post("/introspect", &[("token", &token), ("client_id", "poster"), ("client_secret", "wrong")]);
    site.ask(wrong).await.refused(401, "invalid_client");
}

#[tokio::test]
async fn an_introspection_request_is_one_posted_form_with_one_token() {
    let site = Site::start().await;
    let token = site.tokens(&[]).await.access;
    let twice = post("/introspect", &[("token", &token), ("token", &token)]).basic("shop", SECRET);
    site.ask(twice).await.refused(400, "invalid_request");
    site.ask(post("/introspect", &[]).basic("shop", SECRET)).await.refused(400, "invalid_request");
    let in_query = post(&format!("/introspect?token={token}"), &[]).basic("shop", SECRET);
    site.ask(in_query).await.refused(400, "invalid_request");
    let by_get = get(&format!("/introspect?token={token}")).basic("shop", SECRET);
    assert_eq!(site.ask(by_get).await.status, 405);
    let json = method("POST", "/introspect").body("application/json", format!(r#"{{"token":"{token}"}}"#));
    site.ask(json.basic("shop", SECRET)).await.refused(400, "invalid_request");
}
