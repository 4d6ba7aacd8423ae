//! What an access token opens, and what nothing else does (RFC 6750; OpenID Connect Core, section 5.3; RFC 7009).

use countersign::model::case::Change;
use countersign::model::persona::Audience;

use super::http::{get, method, post};
use super::site::{SECRET, Site, part};

#[tokio::test]
async fn nothing_is_told_without_a_token() {
    let site = Site::start().await;
    for target in ["/userinfo", "/api/profile"] {
        for ask in [get(target), get(&format!("{target}?access_token=x")), post("/userinfo", &[])] {
            let answer = site.ask(ask).await;
            assert_eq!((answer.status, answer.body.as_str()), (401, ""), "{answer:?}");
            // No error code where nothing was tried (RFC 6750, section 3.1).
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        }
    }
}

#[tokio::test]
async fn a_token_that_was_never_issued_opens_nothing() {
    let site = Site::start().await;
    let tokens = site.tokens(&[]).await;
    let unsigned = {
        let mut parts = tokens.access.split('.');
        format!("eyJhbGciOiJub25lIn0.{}.", parts.nth(1).unwrap())
    };
    let resigned = format!("{}A", &tokens.access[..tokens.access.len() - 1]);
    for token in ["guessed", tokens.refresh.as_str(), &tokens.id, &unsigned, &resigned, &tokens.access.to_uppercase()] {
        if token == tokens.access {
            continue;
        }
        for target in ["/userinfo", "/api/profile"] {
            let answer = site.ask(get(target).bearer(token)).await;
            assert_eq!((answer.status, answer.text("error").as_str()), (401, "invalid_token"), "{token}");
            assert!(answer.header("www-authenticate").unwrap().contains("error=\"invalid_token\""));
        }
    }
}

#[tokio::test]
async fn an_expired_token_opens_nothing() {
    let site = Site::start().await;
    let tokens = site.tokens(&[]).await;
    assert_eq!(site.userinfo(&tokens.access).await.status, 200);
    site.clock(3600);
    let answer = site.userinfo(&tokens.access).await;
    assert_eq!((answer.status, answer.text("error").as_str()), (401, "invalid_token"));
}

#[tokio::test]
async fn userinfo_needs_openid() {
    let site = Site::start().await;
    let code = site.code(&[("scope", "profile")]).await;
    let token = site.redeem(&code, &[]).await.text("access_token");
    let answer = site.userinfo(&token).await;
    assert_eq!((answer.status, answer.text("error").as_str()), (403, "insufficient_scope"));
    assert_eq!(site.ask(get("/api/profile").bearer(&token)).await.status, 200);
}

#[tokio::test]
async fn a_scope_that_was_not_granted_opens_nothing() {
    let site = Site::start().await;
    let (back, _) = site.log_in(&site.alice, &[("scope", "openid profile email")], Some(&["openid", "profile"])).await;
    let tokens = site.redeem(&back.parameter("code").unwrap(), &[]).await;
    let access = tokens.text("access_token");
    let answer = site.ask(get("/api/email").bearer(&access)).await;
    assert_eq!((answer.status, answer.text("error").as_str()), (403, "insufficient_scope"));
    assert!(site.userinfo(&access).await.json().get("email").is_none());
    assert!(part(&tokens.text("id_token"), 1).get("email").is_none());
    assert!(site.userinfo(&access).await.json().get("name").is_some());
}

#[tokio::test]
async fn a_token_in_two_places_or_in_the_query_opens_nothing() {
    let site = Site::start().await;
    let token = site.tokens(&[]).await.access;
    let both = post("/userinfo", &[("access_token", &token)]).bearer(&token);
    assert_eq!(site.ask(both).await.status, 400);
    assert_eq!(site.ask(get(&format!("/userinfo?access_token={token}"))).await.status, 401);
    let twice = post("/userinfo", &[("access_token", &token), ("access_token", &token)]);
    assert_eq!(site.ask(twice).await.status, 400);
    let headers = get("/userinfo").bearer(&token).bearer(&token);
    assert_eq!(site.ask(headers).await.status, 400);
}

#[tokio::test]
async fn userinfo_takes_a_token_by_header_or_by_a_posted_form_and_no_other_way() {
    let site = Site::start().await;
    let token = site.tokens(&[]).await.access;
    assert_eq!(site.userinfo(&token).await.status, 200);
    assert_eq!(site.ask(post("/userinfo", &[]).bearer(&token)).await.status, 200);
    assert_eq!(site.ask(post("/userinfo", &[("access_token", &token)])).await.status, 200);
    // A body has no meaning on a GET (RFC 6750, section 2.2).
    let form = format!("access_token={token}");
    let by_get = method("GET", "/userinfo").body("application/x-www-form-urlencoded", form.clone());
    assert_eq!(site.ask(by_get).await.status, 401);
    let as_text = method("POST", "/userinfo").body("text/plain", form);
    assert_eq!(site.ask(as_text).await.status, 401);
    for scheme in ["Basic", "Token", "DPoP", ""] {
        let other = get("/userinfo").header("authorization", &format!("{scheme} {token}"));
        assert_eq!(site.ask(other).await.status, 401, "{scheme}");
    }
}

#[tokio::test]
async fn a_revoked_token_is_dead_and_only_its_client_can_revoke_it() {
    let site = Site::start().await;
    let tokens = site.tokens(&[]).await;
    let revoke = |token: &str| post("/revoke", &[("token", token)]);
    site.ask(revoke(&tokens.access).basic("other", SECRET)).await.refused(400, "invalid_grant");
    site.ask(revoke(&tokens.access).basic("shop", "wrong")).await.refused(401, "invalid_client");
    site.ask(revoke(&tokens.access)).await.refused(401, "invalid_client");
    assert_eq!(site.userinfo(&tokens.access).await.status, 200);
    assert_eq!(site.ask(revoke(&tokens.access).basic("shop", SECRET)).await.status, 200);
    assert_eq!(site.userinfo(&tokens.access).await.status, 401);

    let tokens = site.tokens(&[]).await;
    assert_eq!(site.ask(revoke(&tokens.refresh).basic("shop", SECRET)).await.status, 200);
    site.refreshed(&tokens.refresh, &[]).await.refused(400, "invalid_grant");
    assert_eq!(site.userinfo(&tokens.access).await.status, 401, "the access token of the same grant goes with it");
}

#[tokio::test]
async fn a_revocation_request_is_one_posted_form_with_one_token() {
    let site = Site::start().await;
    let token = site.tokens(&[]).await.access;
    let twice = post("/revoke", &[("token", &token), ("token", "x")]).basic("shop", SECRET);
    site.ask(twice).await.refused(400, "invalid_request");
    site.ask(post("/revoke", &[]).basic("shop", SECRET)).await.refused(400, "invalid_request");
    let in_query = get(&format!("/revoke?token={token}")).basic("shop", SECRET);
    assert!(site.ask(in_query).await.status >= 400);
    assert_eq!(site.userinfo(&token).await.status, 200);
    // What is not known is as dead as it should be (RFC 7009, section 2.2).
    assert_eq!(site.ask(post("/revoke", &[("token", "x")]).basic("shop", SECRET)).await.status, 200);
}

#[tokio::test]
async fn what_a_person_hides_is_not_told_from_then_on() {
    let site = Site::start().await;
    let tokens = site.tokens(&[]).await;
    assert_eq!(site.userinfo(&tokens.access).await.text("name"), "Alice Archer");
    let hide = |field: &str, audience: Audience| {
        let visible = vec![(field.to_owned(), audience)];
        let change = Change { of: "alice".to_owned(), visible, ..Change::default() };
        site.provider.everybody().change(&change).expect("alice is there");
    };
    hide("name", Audience::OnlyMe);
    // Her own token shows what she shows to friends.
    hide("given_name", Audience::Friends);
    let body = site.userinfo(&tokens.access).await.json();
    assert!(body.get("name").is_none(), "{body}");
    assert_eq!(body["given_name"], "Alice");
    hide("name", Audience::Everyone);
    assert_eq!(site.userinfo(&tokens.access).await.text("name"), "Alice Archer");
}
