//! Signing out (OpenID Connect RP-Initiated Logout 1.0): nobody is sent to a foreign place, and nobody is signed out by
//! a link that some site made.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::http::{Answer, Pairs, encoded, get, post};
use super::site::{AFTERWARDS, CALLBACK, SECRET, Site, Tokens, client, part, redemption, with};

/// Alice is signed in: her tokens and her browser's cookies.
async fn signed_in(site: &Site) -> (Tokens, String) {
    let (back, cookies) = site.logged_in(&[]).await;
    let tokens = Tokens::of(&site.redeem(&back.parameter("code").unwrap(), &[]).await);
    (tokens, cookies)
}

async fn is_signed_in(site: &Site, cookies: &str) -> bool {
    let silent = get(&site.authorize_target(&[("prompt", "none")])).header("cookie", cookies);
    site.ask(silent).await.parameter("code").is_some()
}

async fn end(site: &Site, cookies: &str, parameters: Pairs<'_>) -> Answer {
    site.ask(get(&format!("/end_session?{}", encoded(&with(parameters, &[])))).header("cookie", cookies)).await
}

#[tokio::test]
async fn a_hint_that_fits_the_session_ends_it_and_leads_back_with_the_state() {
    let site = Site::start().await;
    let (tokens, cookies) = signed_in(&site).await;
    let asked = [("id_token_hint", tokens.id.as_str()), ("post_logout_redirect_uri", AFTERWARDS), ("state", "z 1")];
    let answer = end(&site, &cookies, &asked).await;
    assert_eq!(answer.header("location"), Some("http://127.0.0.1:1/bye?state=z+1"));
    assert!(!is_signed_in(&site, &cookies).await);
}

#[tokio::test]
async fn nobody_is_sent_to_a_place_that_the_client_did_not_register() {
    let site = Site::start().await;
    let (tokens, cookies) = signed_in(&site).await;
    for place in [
        "http://127.0.0.1:1/bye/",
        "http://127.0.0.1:1/bye?x=y",
        "http://127.0.0.1:1/BYE",
        "http://127.0.0.1:1/by",
        "https://evil.example/",
        "javascript:alert(1)",
        CALLBACK,
    ] {
        let asked = [("id_token_hint", tokens.id.as_str()), ("post_logout_redirect_uri", place)];
        end(&site, &cookies, &asked).await.told_to_the_person();
        end(&site, "", &[("client_id", "shop"), ("post_logout_redirect_uri", place)]).await.told_to_the_person();
    }
    assert!(is_signed_in(&site, &cookies).await);
}

#[tokio::test]
async fn a_place_without_a_client_leads_nowhere() {
    let site = Site::start().await;
    end(&site, "", &[("post_logout_redirect_uri", AFTERWARDS)]).await.told_to_the_person();
    let unknown = [("post_logout_redirect_uri", AFTERWARDS), ("client_id", "nobody")];
    end(&site, "", &unknown).await.told_to_the_person();
}

#[tokio::test]
async fn a_forged_hint_counts_for_nothing() {
    let site = Site::start().await;
    let (tokens, cookies) = signed_in(&site).await;
    let parts: Vec<&str> = tokens.id.split('.').collect();
    let unsigned = format!("{}.{}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#), parts[1]);
    let mut claims = part(&tokens.id, 1);
    claims["more"] = true.into();
    let altered = format!("{}.{}.{}", parts[0], URL_SAFE_NO_PAD.encode(claims.to_string()), parts[2]);
    for hint in [unsigned.as_str(), &altered, &format!("{}.{}.", parts[0], parts[1]), &tokens.access, "x", "a.b.c"] {
        let asked = [("id_token_hint", hint), ("post_logout_redirect_uri", AFTERWARDS)];
        end(&site, &cookies, &asked).await.told_to_the_person();
        end(&site, &cookies, &[("id_token_hint", hint)]).await.told_to_the_person();
    }
    assert!(is_signed_in(&site, &cookies).await);
}

#[tokio::test]
async fn a_hint_of_one_client_does_not_speak_for_another() {
    let site = Site::start().await;
    let elsewhere = "http://127.0.0.1:1/elsewhere";
    site.provider.register(countersign::provider::ClientRegistration {
        post_logout_redirect_uris: vec![elsewhere.to_owned()],
        ..client("other", "client_secret_basic")
    });
    let (tokens, cookies) = signed_in(&site).await;
    let mixed =
        [("id_token_hint", tokens.id.as_str()), ("client_id", "other"), ("post_logout_redirect_uri", elsewhere)];
    end(&site, &cookies, &mixed).await.told_to_the_person();
    assert!(is_signed_in(&site, &cookies).await);
}

#[tokio::test]
async fn a_link_that_some_site_made_only_asks_whether_to_sign_out() {
    let site = Site::start().await;
    let (tokens, cookies) = signed_in(&site).await;
    let (others, _) = site.log_in(&site.bob, &[("client_id", "other")], None).await;
    let code = others.parameter("code").unwrap();
    let others = Tokens::of(&site.ask(redemption(&code, &[]).basic("other", SECRET)).await);
    for asked in [
        &[][..],
        &[("client_id", "shop"), ("post_logout_redirect_uri", AFTERWARDS)][..],
        // An honest hint, but of another session than this browser's.
        &[("id_token_hint", others.id.as_str())][..],
        &[("decision", "logout")][..],
    ] {
        let page = end(&site, &cookies, asked).await;
        assert_eq!(page.status, 200);
        assert!(page.body.contains("data-step=\"logout\""), "{}", page.body);
        assert!(is_signed_in(&site, &cookies).await, "{asked:?}");
    }
    let confirmed = post("/end_session", &[("decision", "logout")]).header("cookie", &cookies);
    assert_eq!(site.ask(confirmed).await.status, 200);
    assert!(!is_signed_in(&site, &cookies).await);
    assert_eq!(site.userinfo(&tokens.access).await.status, 200, "signing out here takes no consent back");
}

#[tokio::test]
async fn a_parameter_that_stands_there_twice_ends_nothing() {
    let site = Site::start().await;
    let (tokens, cookies) = signed_in(&site).await;
    let hint = ("id_token_hint", tokens.id.as_str());
    for asked in [
        &[hint, ("post_logout_redirect_uri", AFTERWARDS), ("post_logout_redirect_uri", "https://evil.example/")][..],
        &[hint, hint][..],
        &[hint, ("client_id", "shop"), ("client_id", "other")][..],
    ] {
        let target = format!("/end_session?{}", encoded(asked));
        site.ask(get(&target).header("cookie", &cookies)).await.told_to_the_person();
    }
    assert!(is_signed_in(&site, &cookies).await);
}
