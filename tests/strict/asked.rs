//! What docs/mock-provider.md answers to the requests of other mocks' users, where no other test here holds it: each test
//! names the numbers of its answers.

use countersign::provider::{Control, Everyday};
use serde_json::{Value as Json, json};

use super::http::{Answer, get, method, raw};
use super::site::{CALLBACK, SECRET, Site, Tokens, part, redemption};

/// The challenge of RFC 7636, appendix B.
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

async fn site() -> Site {
    let everyday = Everyday {
        login_by_hint: true,
        one_click: true,
        tenants: true,
        advice: true,
        public_needs_pkce: true,
        control: Some(Control::default()),
        ..Everyday::default()
    };
    Site::start_everyday(|_| {}, everyday).await
}

async fn told(site: &Site, how: &str, target: &str, body: Json) -> Answer {
    site.ask(method(how, &format!("/_countersign/{target}")).body("application/json", body.to_string())).await
}

/// A fault for the next login of somebody, which must be taken.
async fn fault(site: &Site, who: &str, fault: Json) {
    let put = told(site, "POST", "faults", json!({ "fault": fault, "for": { "persona": who } })).await;
    assert_eq!(put.status, 201, "{put:?}");
}

async fn code(site: &Site, who: &str) -> String {
    let answer = site.authorize(&[("login_hint", who)]).await;
    answer.parameter("code").unwrap_or_else(|| panic!("{answer:?}"))
}

async fn tokens(site: &Site, who: &str) -> Tokens {
    let code = code(site, who).await;
    Tokens::of(&site.redeem(&code, &[]).await)
}

#[tokio::test]
async fn a_dead_or_slow_server_is_a_fault_of_one_login_and_its_calls_can_be_counted() {
    // 1, 31
    let site = site().await;
    fault(&site, "alice", json!({ "in": "token_response", "error": "temporarily_unavailable", "status": 503 })).await;
    let down = site.redeem(&code(&site, "alice").await, &[]).await;
    assert_eq!((down.status, down.text("error")), (503, "temporarily_unavailable".to_owned()));
    assert!(!down.body.contains("access_token"), "{down:?}");
    fault(&site, "alice", json!({ "in": "token_response", "send": "reset" })).await;
    let ask = redemption(&code(&site, "alice").await, &[]).basic("shop", SECRET);
    let address = site.provider.address();
    let cut = tokio::spawn(async move { ask.send(address).await }).await;
    assert!(cut.is_err() || cut.is_ok_and(|answer| answer.status == 0), "nothing comes back");
    fault(&site, "alice", json!({ "in": "token_response", "send": { "after": "60ms" } })).await;
    let code = code(&site, "alice").await;
    let begun = std::time::Instant::now();
    assert_eq!(site.redeem(&code, &[]).await.status, 200);
    assert!(begun.elapsed().as_millis() >= 60);
    let seen = site.ask(get("/_countersign/exchanges?endpoint=token&persona=alice")).await.json();
    assert_eq!(seen["exchanges"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn answers_can_be_redirected_malformed_duplicated_and_too_narrow() {
    // 31
    let site = site().await;
    fault(&site, "alice", json!({ "in": "userinfo_response", "redirect": { "to": "http://127.0.0.1:1/" } })).await;
    let moved = site.userinfo(&tokens(&site, "alice").await.access).await;
    assert_eq!((moved.status / 100, moved.header("location")), (3, Some("http://127.0.0.1:1/")), "{moved:?}");
    fault(&site, "alice", json!({ "in": "userinfo_response", "replace": "{{" })).await;
    assert_eq!(site.userinfo(&tokens(&site, "alice").await.access).await.body, "{{");
    fault(&site, "alice", json!({ "in": "userinfo_response", "error": "insufficient_scope" })).await;
    let narrow = site.userinfo(&tokens(&site, "alice").await.access).await;
    assert_eq!(narrow.status, 403, "{narrow:?}");
    assert!(narrow.header("www-authenticate").is_some_and(|own| own.contains("insufficient_scope")), "{narrow:?}");
    fault(&site, "alice", json!({ "in": "authorization_response", "duplicate": { "state": ["one", "two"] } })).await;
    let back = site.authorize(&[("login_hint", "alice")]).await;
    let query = back.header("location").unwrap();
    assert!(query.contains("state=one") && query.contains("state=two"), "{query}");
}

#[tokio::test]
async fn a_subject_is_what_she_was_given_and_nobody_elses() {
    // 5, 22
    let site = site().await;
    assert_eq!(told(&site, "PATCH", "personas/alice", json!({ "set": { "sub": "chosen" } })).await.status, 200);
    assert_eq!(part(&tokens(&site, "alice").await.id, 1)["sub"], "chosen");
    for (how, who, body) in [
        ("PUT", "twin", json!({ "fields": { "sub": "chosen" } })),
        ("PUT", "twin", json!({ "fields": { "login": site.bob.login } })),
        ("PATCH", "bob", json!({ "set": { "sub": "chosen" } })),
    ] {
        let refused = told(&site, how, &format!("personas/{who}"), body).await;
        assert_eq!(refused.status, 409, "{refused:?}");
        assert!(refused.text("error").contains("already"), "{refused:?}");
    }
    assert_eq!(part(&tokens(&site, "bob").await.id, 1)["sub"], site.bob.sub.as_str());
}

#[tokio::test]
async fn a_person_who_is_signed_out_at_the_provider_sees_the_page_again() {
    // 30
    let site = site().await;
    let first = site.authorize(&[("login_hint", "alice")]).await;
    let cookies = first.cookies().join("; ");
    let again = || get(&site.authorize_target(&[("prompt", "none")])).header("cookie", &cookies);
    assert!(site.ask(again()).await.parameter("code").is_some(), "her session is there");
    told(&site, "PATCH", "personas/alice", json!({ "account": "signed_out" })).await;
    site.ask(again()).await.sent_back("login_required");
}

#[tokio::test]
async fn each_issuer_by_path_has_people_of_its_own_where_they_are_put_there() {
    // 33, 39
    let site = site().await;
    let put = method("PUT", "/one/_countersign/personas/dora").body("application/json", "{}");
    assert_eq!(site.ask(put).await.status, 200);
    let comes_in = async |prefix: &str| {
        let target = format!("{prefix}{}", site.authorize_target(&[("login_hint", "dora")]));
        site.ask(get(&target)).await.parameter("code").is_some()
    };
    assert!(comes_in("/one").await);
    assert!(!comes_in("/two").await && !comes_in("").await);
}

#[tokio::test]
async fn whoever_asks_does_not_choose_whom_tokens_name() {
    // 20, 21
    let site = site().await;
    let honest = site.ask(get("/.well-known/openid-configuration")).await.json();
    let at = "/.well-known/openid-configuration";
    for ask in [
        get(at).host("evil.test"),
        get(at).header("x-forwarded-host", "evil.test").header("x-forwarded-proto", "https"),
        get(at).header("forwarded", "host=evil.test;proto=https"),
    ] {
        assert_eq!(site.ask(ask).await.json(), honest);
    }
}

#[tokio::test]
async fn behind_https_the_cookies_of_browsers_go_over_https_alone() {
    // 21
    let own = |issuer: &str, front: Option<&str>| {
        let (issuer, front_url) = (issuer.to_owned(), front.map(str::to_owned));
        let everyday = Everyday { front_url, ..Everyday::default() };
        Site::start_everyday(move |config| config.issuer = Some(issuer), everyday)
    };
    for (issuer, front, secure) in [
        ("https://login.acme.test", None, true),
        ("https://login.acme.test", Some("http://localhost:9400"), false),
        ("http://idp:9400", Some("https://login.acme.test"), true),
        ("http://idp:9400", None, false),
    ] {
        let site = own(issuer, front).await;
        let page = site.authorize(&[]).await;
        let cookie = page.header("set-cookie").unwrap();
        assert_eq!(cookie.contains("; Secure"), secure, "{issuer} {front:?}: {cookie}");
    }
}

#[tokio::test]
async fn a_client_without_a_secret_cannot_leave_pkce_out_and_one_with_a_secret_can() {
    // 12
    let site = site().await;
    let public = [("client_id", "public"), ("login_hint", "alice")];
    let without = site.authorize(&public).await;
    without.sent_back("invalid_request");
    assert!(without.parameter("error_description").unwrap().contains("code_challenge is required"), "{without:?}");
    assert!(site.authorize(&public[1..]).await.parameter("code").is_some());
    let challenge = [("code_challenge", CHALLENGE), ("code_challenge_method", "S256")];
    let with = site.authorize(&[&public[..], &challenge[..]].concat()).await;
    assert!(with.parameter("code").is_some(), "{with:?}");
}

#[tokio::test]
async fn pages_of_errors_say_what_is_there_and_what_is_registered() {
    // 17, 23
    let site = site().await;
    let nowhere = site.ask(get("/.well-known/jwks.json")).await;
    assert_eq!(nowhere.status, 404);
    for part in ["/.well-known/openid-configuration</code>", "one name in front"] {
        assert!(nowhere.body.contains(part), "{part}: {nowhere:?}");
    }
    let unknown = site.authorize(&[("client_id", "shpo")]).await;
    unknown.told_to_the_person();
    assert!(unknown.body.contains("shop"), "{unknown:?}");
    let slash = site.authorize(&[("redirect_uri", &format!("{CALLBACK}/"))]).await;
    slash.told_to_the_person();
    assert!(slash.body.contains(&format!("<code>{CALLBACK}</code>")), "{slash:?}");
    // Whoever is not asked for everyday development tells a stranger nothing.
    let strict = Site::start().await;
    assert!(!strict.ask(get("/nothing")).await.body.contains("openid-configuration"));
}

#[tokio::test]
async fn two_logins_at_the_same_time_each_have_their_own_nonce() {
    // 24
    let site = site().await;
    let first = site.authorize(&[("login_hint", "alice"), ("nonce", "n-1")]).await.parameter("code").unwrap();
    let second = site.authorize(&[("login_hint", "bob"), ("nonce", "n-2")]).await.parameter("code").unwrap();
    for (code, nonce) in [(second, "n-2"), (first, "n-1")] {
        assert_eq!(part(&Tokens::of(&site.redeem(&code, &[]).await).id, 1)["nonce"], nonce);
    }
}

#[tokio::test]
async fn a_refresh_brings_no_id_token_and_the_reason_of_a_refusal_is_kept() {
    // 23, 26
    let site = site().await;
    let refreshed = site.refreshed(&tokens(&site, "alice").await.refresh, &[]).await;
    assert!(refreshed.status == 200 && refreshed.json().get("id_token").is_none(), "{refreshed:?}");
    let refused = site.redeem("forged", &[]).await;
    let kept = site.ask(get("/_countersign/exchanges?endpoint=token&status=400")).await.json();
    let note = kept["exchanges"][0]["note"].as_str().unwrap().to_owned();
    assert!(note.contains(&refused.text("error_description")), "{note}");
}

#[tokio::test]
async fn what_is_no_http_at_all_is_met_with_an_error_and_the_next_one_with_an_answer() {
    // 23
    let site = site().await;
    assert_eq!(raw(site.provider.address(), b"\x16\x03\x01 hello\r\n\r\n").await.status, 400);
    assert_eq!(site.ask(get("/jwks")).await.status, 200);
}
