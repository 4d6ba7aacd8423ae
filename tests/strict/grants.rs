//! The token endpoint: codes, refresh tokens, a client's own credentials (RFC 6749, sections 4 to 6; RFC 9700).

use countersign::model::case::{PkcePolicy, RefreshPolicy};

use super::http::{Pairs, post};
use super::site::{CALLBACK, CHALLENGE, SECRET, Site, Tokens, VERIFIER, part, redemption};

const PKCE: Pairs<'_> = &[("code_challenge", CHALLENGE), ("code_challenge_method", "S256")];

#[tokio::test]
async fn a_code_that_was_never_issued_gives_nothing() {
    let site = Site::start().await;
    for code in ["guessed", "0", "00000000000000000000000000000000", " "] {
        site.redeem(code, &[]).await.refused(400, "invalid_grant");
    }
    site.redeem("", &[]).await.refused(400, "invalid_request");
}

#[tokio::test]
async fn an_altered_code_gives_nothing_and_the_code_stays_good() {
    let site = Site::start().await;
    let code = site.code(&[]).await;
    for wrong in [code.to_uppercase(), format!("{code} "), code[1..].to_owned(), format!("{code}0")] {
        site.redeem(&wrong, &[]).await.refused(400, "invalid_grant");
    }
    Tokens::of(&site.redeem(&code, &[]).await);
}

#[tokio::test]
async fn a_code_that_is_used_twice_revokes_what_it_gave() {
    let site = Site::start().await;
    let code = site.code(&[]).await;
    let first = Tokens::of(&site.redeem(&code, &[]).await);
    assert_eq!(site.userinfo(&first.access).await.status, 200);
    let second = Tokens::of(&site.refreshed(&first.refresh, &[]).await);
    site.redeem(&code, &[]).await.refused(400, "invalid_grant");
    for dead in [&first, &second] {
        assert_eq!(site.userinfo(&dead.access).await.status, 401);
        site.refreshed(&dead.refresh, &[]).await.refused(400, "invalid_grant");
    }
}

#[tokio::test]
async fn a_used_code_is_no_weapon_of_another_client() {
    let site = Site::start().await;
    let code = site.code(&[]).await;
    let tokens = Tokens::of(&site.redeem(&code, &[]).await);
    site.ask(redemption(&code, &[]).basic("other", SECRET)).await.refused(400, "invalid_grant");
    assert_eq!(site.userinfo(&tokens.access).await.status, 200, "only the client that had the code can revoke by it");
}

#[tokio::test]
async fn two_who_redeem_a_code_at_the_same_time_do_not_both_get_tokens() {
    let site = Site::start().await;
    for _ in 0..20 {
        let code = site.code(&[]).await;
        let (one, other) = tokio::join!(site.redeem(&code, &[]), site.redeem(&code, &[]));
        let mut statuses = [one.status, other.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 400]);
    }
}

#[tokio::test]
async fn a_code_of_another_client_gives_nothing() {
    let site = Site::start().await;
    let code = site.code(&[]).await;
    site.ask(redemption(&code, &[]).basic("other", SECRET)).await.refused(400, "invalid_grant");
    site.ask(redemption(&code, &[("client_id", "public")])).await.refused(400, "invalid_grant");
}

#[tokio::test]
async fn an_expired_code_gives_nothing() {
    let site = Site::start().await;
    let code = site.code(&[]).await;
    site.clock(61);
    site.redeem(&code, &[]).await.refused(400, "invalid_grant");
}

#[tokio::test]
async fn a_code_with_another_redirect_uri_gives_nothing() {
    let site = Site::start().await;
    let code = site.code(&[]).await;
    for uri in [
        "http://127.0.0.1:1/callback/",
        "http://127.0.0.1:1/callback?x=y",
        "http://127.0.0.1:1/CALLBACK",
        "http://127.0.0.1:1/callbac",
        "http://127.0.0.1:1/callback2",
        "",
    ] {
        site.redeem(&code, &[("redirect_uri", uri)]).await.refused(400, "invalid_grant");
    }
}

#[tokio::test]
async fn a_wrong_or_missing_verifier_gives_nothing() {
    let site = Site::start().await;
    let code = site.code(PKCE).await;
    let altered = format!("e{}", &VERIFIER[1..]);
    for verifier in ["", altered.as_str(), CHALLENGE, &VERIFIER.to_lowercase(), &VERIFIER[..42], &"a".repeat(129)] {
        site.redeem(&code, &[("code_verifier", verifier)]).await.refused(400, "invalid_grant");
    }
    Tokens::of(&site.redeem(&code, &[("code_verifier", VERIFIER)]).await);
}

#[tokio::test]
async fn a_verifier_without_a_challenge_gives_nothing() {
    let site = Site::start().await;
    // A stolen request without PKCE is not made good by a verifier of the thief (RFC 9700, section 4.8).
    let code = site.code(&[]).await;
    site.redeem(&code, &[("code_verifier", VERIFIER)]).await.refused(400, "invalid_grant");
}

#[tokio::test]
async fn the_challenge_is_forgotten_only_where_the_provider_is_told_to_ignore_it() {
    let site = Site::start().await;
    let code = site.code(PKCE).await;
    site.redeem(&code, &[]).await.refused(400, "invalid_grant");
    site.pkce(PkcePolicy::Ignore);
    Tokens::of(&site.redeem(&code, &[]).await);
}

#[tokio::test]
async fn a_refresh_token_that_was_never_issued_gives_nothing() {
    let site = Site::start().await;
    let tokens = site.tokens(&[]).await;
    for token in ["guessed", " ", tokens.access.as_str(), &tokens.id, &tokens.refresh.to_uppercase()] {
        site.refreshed(token, &[]).await.refused(400, "invalid_grant");
    }
    site.refreshed("", &[]).await.refused(400, "invalid_request");
}

#[tokio::test]
async fn a_refresh_token_of_another_client_gives_nothing() {
    let site = Site::start().await;
    let tokens = site.tokens(&[]).await;
    let stolen = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh.as_str())];
    site.ask(post("/token", &stolen).basic("other", SECRET)).await.refused(400, "invalid_grant");
    Tokens::of(&site.refreshed(&tokens.refresh, &[]).await);
}

#[tokio::test]
async fn a_refresh_token_that_is_used_twice_kills_its_family() {
    let site = Site::start().await;
    let first = site.tokens(&[]).await;
    let second = Tokens::of(&site.refreshed(&first.refresh, &[]).await);
    site.refreshed(&first.refresh, &[]).await.refused(400, "invalid_grant");
    site.refreshed(&second.refresh, &[]).await.refused(400, "invalid_grant");
    assert_eq!(site.userinfo(&second.access).await.status, 401);
}

#[tokio::test]
async fn where_refresh_tokens_only_rotate_a_used_one_is_refused_and_the_next_one_lives() {
    let site = Site::start().await;
    site.refresh(RefreshPolicy::Rotate);
    let first = site.tokens(&[]).await;
    let second = Tokens::of(&site.refreshed(&first.refresh, &[]).await);
    site.refreshed(&first.refresh, &[]).await.refused(400, "invalid_grant");
    Tokens::of(&site.refreshed(&second.refresh, &[]).await);
}

#[tokio::test]
async fn a_refresh_that_asks_for_more_scope_gives_nothing() {
    let site = Site::start().await;
    let tokens = site.tokens(&[]).await;
    for scope in ["openid profile email", "email", "root", "OPENID"] {
        site.refreshed(&tokens.refresh, &[("scope", scope)]).await.refused(400, "invalid_scope");
    }
    assert_eq!(site.refreshed(&tokens.refresh, &[]).await.text("scope"), "openid profile");
}

#[tokio::test]
async fn a_refresh_that_asks_for_less_keeps_what_was_granted_for_the_next_time() {
    let site = Site::start().await;
    let tokens = site.tokens(&[]).await;
    let fewer = site.refreshed(&tokens.refresh, &[("scope", "openid")]).await;
    assert_eq!(fewer.text("scope"), "openid");
    // The new refresh token has the scope of the one that it replaces (RFC 6749, section 6).
    let again = site.refreshed(&fewer.text("refresh_token"), &[]).await;
    assert_eq!(again.text("scope"), "openid profile");
}

#[tokio::test]
async fn an_unknown_or_missing_grant_gives_nothing() {
    let site = Site::start().await;
    for grant in [
        "password",
        "implicit",
        "Authorization_Code",
        "urn:ietf:params:oauth:grant-type:device_code",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "urn:ietf:params:oauth:grant-type:token-exchange",
    ] {
        let form = [("grant_type", grant), ("username", "alice"), ("password", "password"), ("assertion", "x")];
        site.ask(post("/token", &form).basic("shop", SECRET)).await.refused(400, "unsupported_grant_type");
    }
    site.ask(post("/token", &[("code", "x")]).basic("shop", SECRET)).await.refused(400, "invalid_request");
}

#[tokio::test]
async fn a_client_of_its_own_gets_no_persons_rights() {
    let site = Site::start().await;
    let own = |scope| post("/token", &[("grant_type", "client_credentials"), ("scope", scope)]).basic("shop", SECRET);
    for scope in ["openid", "root", "openid profile"] {
        site.ask(own(scope)).await.refused(400, "invalid_scope");
    }
    let token = site.ask(own("profile")).await;
    assert!(token.json().get("id_token").is_none() && token.json().get("refresh_token").is_none());
    assert_eq!(site.userinfo(&token.text("access_token")).await.status, 403);
    assert_eq!(part(&token.text("access_token"), 1)["sub"], "shop");
}

#[tokio::test]
async fn a_public_client_has_no_credentials_of_its_own() {
    let site = Site::start().await;
    let own = post("/token", &[("grant_type", "client_credentials"), ("client_id", "public")]);
    site.ask(own).await.refused(400, "unauthorized_client");
}

#[tokio::test]
async fn an_id_token_says_when_for_whom_and_with_which_access_token() {
    let site = Site::start().await;
    let tokens = site.tokens(&[]).await;
    let claims = part(&tokens.id, 1);
    for claim in ["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "sid"] {
        assert!(claims.get(claim).is_some(), "no {claim}: {claims}");
    }
    assert_eq!((&claims["nonce"], &claims["aud"]), (&"n".into(), &"shop".into()));
    assert_eq!(claims["iss"], site.provider.issuer());
    assert_ne!(tokens.access, tokens.refresh);
}

#[tokio::test]
async fn a_login_without_openid_gives_no_id_token() {
    let site = Site::start().await;
    let code = site.code(&[("scope", "profile")]).await;
    assert!(site.redeem(&code, &[]).await.json().get("id_token").is_none());
}

#[tokio::test]
async fn the_query_of_a_token_request_counts_for_nothing() {
    let site = Site::start().await;
    let code = site.code(&[]).await;
    let target = format!("/token?grant_type=authorization_code&code={code}&redirect_uri={CALLBACK}");
    site.ask(post(&target, &[]).basic("shop", SECRET)).await.refused(400, "invalid_request");
    let target = format!("/token?client_id=poster&client_secret={SECRET}");
    site.ask(post(&target, &[("grant_type", "client_credentials")])).await.refused(401, "invalid_client");
}
