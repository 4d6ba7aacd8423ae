//! A site watches the session that a person has here (OpenID Connect Session Management 1.0), where `serve` switches it on.
//! What the frame's script does is seen in tests/chromium.

use countersign::provider::Everyday;
use sha2::{Digest as _, Sha256};

use super::http::{Answer, get, post};
use super::site::{CALLBACK, Site};

/// The origin of [`CALLBACK`].
const ORIGIN: &str = "http://127.0.0.1:1";

async fn site() -> Site {
    Site::start_everyday(|_| {}, Everyday { session_management: true, ..Everyday::default() }).await
}

/// What the answer has the browser's cookie say from now on.
fn state_of(answer: &Answer) -> Option<String> {
    answer
        .headers("set-cookie")
        .find_map(|cookie| Some(cookie.strip_prefix("cs_state=")?.split(';').next()?.to_owned()))
}

/// Whether `session_state` is that of this client, origin and cookie (section 3.2), without a look at how it is made.
#[track_caller]
fn fits(session_state: &str, client: &str, origin: &str, cookie: &str) -> bool {
    let (hash, salt) = session_state.split_once('.').expect("a hash and a salt");
    let digest = Sha256::digest(format!("{client} {origin} {cookie} {salt}").as_bytes());
    hash == digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
}

fn cookie_in(cookies: &str) -> String {
    let own = cookies.split("; ").filter_map(|pair| pair.strip_prefix("cs_state=")).last();
    own.expect("the cookie of the browser's state").to_owned()
}

#[tokio::test]
async fn an_answer_carries_the_state_of_its_client_its_origin_and_this_browser() {
    let site = site().await;
    let (back, cookies) = site.logged_in(&[]).await;
    let state = back.parameter("session_state").expect("a session_state");
    assert!(!state.contains(' '), "{state}");
    let cookie = cookie_in(&cookies);
    assert!(fits(&state, "shop", ORIGIN, &cookie), "{state} {cookie}");
    assert!(!fits(&state, "other", ORIGIN, &cookie));
    // Nobody gets at the session by it.
    let session = cookies.split("; ").find_map(|pair| pair.strip_prefix("cs_session=")).unwrap();
    assert!(!cookie.contains(session) && !session.contains(&cookie));
    // Once more, in the same browser: another value, of the same state.
    let silent = site.ask(get(&site.authorize_target(&[("prompt", "none")])).header("cookie", &cookies)).await;
    let again = silent.parameter("session_state").expect("a session_state");
    assert!(again != state && fits(&again, "shop", ORIGIN, &cookie), "{again}");
}

#[tokio::test]
async fn the_state_changes_when_somebody_signs_in_or_out_and_at_no_other_time() {
    let site = site().await;
    let (_, cookies) = site.logged_in(&[]).await;
    let alice = cookie_in(&cookies);
    let (_, others) = site.log_in(&site.bob, &[], None).await;
    assert_ne!(cookie_in(&others), alice);
    let asked = site.ask(get("/end_session").header("cookie", &cookies)).await;
    assert_eq!(state_of(&asked), None, "she is asked, and signed in still");
    let out = site.ask(post("/end_session", &[("decision", "logout")]).header("cookie", &cookies)).await;
    let nobody = state_of(&out).expect("a new state");
    assert_ne!(nobody, alice);
    // The error says so, too, and differs every time.
    let target = site.authorize_target(&[("prompt", "none")]);
    let ask = || async { site.ask(get(&target).header("cookie", &cookies)).await };
    let (first, second) = (ask().await, ask().await);
    first.sent_back("login_required");
    let (one, two) = (first.parameter("session_state").unwrap(), second.parameter("session_state").unwrap());
    assert_eq!(state_of(&first), Some(nobody.clone()));
    assert!(one != two && fits(&one, "shop", ORIGIN, &nobody) && fits(&two, "shop", ORIGIN, &nobody));
}

#[tokio::test]
async fn a_refusal_of_the_person_carries_the_state() {
    let site = site().await;
    let (back, cookies) = site.log_in(&site.alice, &[], Some(&[])).await;
    let state = back.parameter("session_state").unwrap_or_else(|| panic!("no session_state: {back:?}"));
    assert!(fits(&state, "shop", ORIGIN, &cookie_in(&cookies)));
}

#[tokio::test]
async fn the_cookie_is_for_a_script_in_a_frame_of_another_site_and_the_session_is_not() {
    let site = site().await;
    let page = site.authorize(&[]).await;
    let transaction = super::site::hidden(&page.body, "transaction");
    let entries =
        [("transaction", transaction.as_str()), ("username", &site.alice.login), ("password", &site.alice.password)];
    let page = site.ask(post("/authorize/login", &entries).header("cookie", &page.cookies().join("; "))).await;
    let find = |name: &str| page.headers("set-cookie").find(|cookie| cookie.starts_with(name)).unwrap_or_default();
    let state = find("cs_state=");
    assert!(state.ends_with("; Path=/; Secure; SameSite=None"), "{state}");
    let session = find("cs_session=");
    assert!(session.contains("HttpOnly") && session.contains("SameSite=Lax"), "{session}");
}

#[tokio::test]
async fn the_advertised_frame_may_stand_in_pages_of_sites_and_runs_its_own_script_alone() {
    let site = site().await;
    let metadata = site.ask(get("/.well-known/openid-configuration")).await.json();
    let frame = metadata["check_session_iframe"].as_str().expect("an address");
    let page = site.ask(get(frame.strip_prefix(site.provider.issuer()).unwrap())).await;
    assert_eq!((page.status, page.header("x-frame-options")), (200, None));
    let policy = page.header("content-security-policy").unwrap();
    let (_, script) = page.body.split_once("<script>").unwrap();
    let (script, _) = script.split_once("</script>").unwrap();
    let digest = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, Sha256::digest(script.as_bytes()));
    assert_eq!(policy, format!("default-src 'none'; script-src 'sha256-{digest}'; connect-src 'self'"));
    let (_, about) = page.body.split_once("id=\"about\">").unwrap();
    let about: serde_json::Value = serde_json::from_str(about.split_once("</script>").unwrap().0).unwrap();
    assert_eq!(about["clients"]["shop"], serde_json::json!([ORIGIN]));
    assert_eq!(CALLBACK, format!("{ORIGIN}/callback"));
}

#[tokio::test]
async fn the_frame_of_another_site_is_known_by_a_cookie_that_serves_silent_requests_alone() {
    let site = site().await;
    let (_, cookies) = site.logged_in(&[]).await;
    let embedded = cookies.split("; ").find(|cookie| cookie.starts_with("cs_session_embedded=")).expect("a cookie");
    let silent = site.ask(get(&site.authorize_target(&[("prompt", "none")])).header("cookie", embedded)).await;
    assert!(silent.parameter("code").is_some(), "{silent:?}");
    let page = site.ask(get(&site.authorize_target(&[])).header("cookie", embedded)).await;
    assert!(page.body.contains("data-step=\"login\""), "{page:?}");
}

#[tokio::test]
async fn what_the_frame_does_not_understand_is_written_down() {
    let site = site().await;
    let told = [("said", "error"), ("message", "shop x"), ("origin", ORIGIN)];
    assert_eq!(site.ask(post("/check_session", &told)).await.status, 204);
    let seen =
        site.provider.everybody().exchanges().into_iter().find(|seen| seen.request.url.ends_with("/check_session"));
    let seen = seen.expect("an exchange");
    assert_eq!(seen.endpoint, Some(countersign::model::fault::Endpoint::CheckSession));
    assert!(seen.note.is_some_and(|note| note.contains(ORIGIN)), "{:?}", seen.request);
}

#[tokio::test]
async fn a_client_id_ends_no_script() {
    let site = site().await;
    site.provider.register(super::site::client("</script><script>alert(1)</script>", "none"));
    let page = site.ask(get("/check_session")).await;
    assert_eq!(page.body.matches("<script").count(), 2, "{}", page.body);
}

#[tokio::test]
async fn a_provider_that_does_not_manage_sessions_says_nothing_of_it() {
    let site = Site::start().await;
    let metadata = site.ask(get("/.well-known/openid-configuration")).await.json();
    assert!(metadata.get("check_session_iframe").is_none());
    let (back, cookies) = site.logged_in(&[]).await;
    assert!(back.parameter("session_state").is_none() && !cookies.contains("cs_state"), "{back:?} {cookies}");
    assert_eq!(site.ask(get("/check_session")).await.status, 404);
}
