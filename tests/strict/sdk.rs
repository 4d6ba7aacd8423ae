//! What the JavaScript SDK asks, as its requests meet the provider: who may ask, and what nobody is told.

use std::sync::Arc;

use countersign::model::dialect::Dialect;
use countersign::model::persona::Person;

use super::http::{Ask, encoded, get, post};
use super::site::{SECRET, Site, client, hidden};

const APP: &str = "1234567890123";
/// The origin of [`super::site::CALLBACK`].
const PAGE: &str = "http://127.0.0.1:1";
const DIALOG: &str = "/www/dialog/oauth";

/// What the script asks by itself, with the token that the page has.
fn status(token: &str) -> Ask {
    post("/www/x/oauth/status", &[("client_id", APP), ("access_token", token)])
}

async fn started(dialect: Dialect) -> (Site, Person) {
    let persona = &dialect.personas[0];
    let alice = Person::mint(persona, &persona.name, 1, "sdk", None, None);
    let people = vec![alice.clone()];
    let site = Site::start_with(|config| {
        config.dialect = Arc::new(dialect);
        config.clients = vec![client(APP, "client_secret_post")];
        config.people = people;
    })
    .await;
    (site, alice)
}

fn login() -> Dialect {
    Dialect::from_files(
        include_str!("../../specs/dialects/facebook-login/dialect.toml"),
        include_str!("../../specs/dialects/facebook-login/personas.toml"),
    )
    .expect("the shipped dialect")
}

fn connect() -> Dialect {
    Dialect::from_files(
        include_str!("../../specs/dialects/facebook-connect/dialect.toml"),
        include_str!("../../specs/dialects/facebook-connect/personas.toml"),
    )
    .expect("the shipped dialect")
}

/// The dialog as the script opens it: where it leads, and the browser's cookies.
async fn signed_in(site: &Site, alice: &Person) -> (String, Vec<String>) {
    decided(site, alice, "allow").await
}

async fn decided(site: &Site, alice: &Person, decision: &str) -> (String, Vec<String>) {
    let asked = [("client_id", APP), ("origin", PAGE), ("cb", "f1"), ("sdk", "js"), ("scope", "email")];
    let page = site.ask(get(&format!("{DIALOG}?{}", encoded(&asked)))).await;
    let mut cookies = page.cookies();
    let transaction = hidden(&page.body, "transaction");
    let form = [("transaction", transaction.as_str()), ("username", &alice.login), ("password", &alice.password)];
    let page = site.ask(post(&format!("{DIALOG}/login"), &form).header("cookie", &cookies.join("; "))).await;
    cookies.extend(page.cookies());
    let transaction = hidden(&page.body, "transaction");
    let form = [("transaction", transaction.as_str()), ("scope", "email"), ("decision", decision)];
    let answer = site.ask(post(&format!("{DIALOG}/consent"), &form).header("cookie", &cookies.join("; "))).await;
    (answer.header("location").unwrap_or_default().to_owned(), cookies)
}

#[tokio::test]
async fn the_answer_of_the_scripts_dialog_goes_to_the_providers_own_page_behind_the_hash() {
    for dialect in [login(), connect()] {
        let (site, alice) = started(dialect).await;
        let (location, _) = signed_in(&site, &alice).await;
        let (address, answer) = location.split_once('#').unwrap_or_else(|| panic!("{location}"));
        assert!(address.starts_with("/www/connect/xd?") && !address.contains("access_token"), "{location}");
        assert!(answer.contains("access_token="), "{location}");
        let page = site.ask(get(address)).await;
        assert!(page.body.contains("data-origin=\"http://127.0.0.1:1\""), "{}", page.body);
    }
}

#[tokio::test]
async fn a_page_of_another_origin_opens_no_dialog_and_is_handed_nothing() {
    let (site, _) = started(login()).await;
    for page in
        ["http://evil.example", "http://127.0.0.1:2", "https://127.0.0.1:1", "http://127.0.0.1:1@evil.example", ""]
    {
        let asked = encoded(&[("client_id", APP), ("origin", page), ("cb", "f1"), ("sdk", "js")]);
        for path in [DIALOG, "/www/connect/xd", "/www/dialog/share"] {
            let answer = site.ask(get(&format!("{path}?{asked}"))).await;
            assert_eq!(answer.status, 400, "{path} {page}");
            assert!(!answer.body.contains("data-origin"), "{path} {page}");
        }
    }
}

#[tokio::test]
async fn who_is_signed_in_is_told_to_pages_of_the_app_alone() {
    for dialect in [login(), connect()] {
        let (site, alice) = started(dialect).await;
        let unknown = site.ask(status("").header("origin", PAGE)).await;
        assert_eq!((unknown.status, unknown.text("status").as_str()), (200, "unknown"));
        let (_, cookies) = signed_in(&site, &alice).await;
        // What a browser sends along with what pages of other sites ask.
        let embedded: Vec<String> =
            cookies.iter().filter(|cookie| cookie.starts_with("cs_session_embedded=")).cloned().collect();
        assert_eq!(embedded.len(), 1, "{cookies:?}");
        let connected = site.ask(status("").header("origin", PAGE).header("cookie", &embedded[0])).await;
        assert_eq!(connected.text("status"), "connected");
        assert_eq!(connected.header("access-control-allow-origin"), Some(PAGE));
        for page in ["http://evil.example", "null", ""] {
            let refused = site.ask(status("").header("origin", page).header("cookie", &embedded[0])).await;
            assert_eq!(refused.status, 403, "{page}");
            assert_eq!(refused.header("access-control-allow-origin"), None, "{page}");
            assert!(!refused.body.contains(&alice.sub), "{}", refused.body);
        }
    }
}

#[tokio::test]
async fn whoever_does_not_let_the_app_in_is_signed_in_and_not_authorized() {
    for dialect in [login(), connect()] {
        let (site, alice) = started(dialect).await;
        let (location, cookies) = decided(&site, &alice, "deny").await;
        assert!(location.contains("#error") && !location.contains("access_token"), "{location}");
        let answer = site.ask(status("").header("origin", PAGE).header("cookie", &cookies.join("; "))).await;
        assert_eq!(answer.text("status"), "not_authorized");
        assert!(!answer.body.contains(&alice.sub), "{}", answer.body);
    }
}

#[tokio::test]
async fn signing_out_by_the_script_ends_session_and_token() {
    for dialect in [login(), connect()] {
        let (site, alice) = started(dialect).await;
        let (location, cookies) = signed_in(&site, &alice).await;
        let answer = location.split_once('#').map(|(_, answer)| answer).unwrap_or_default();
        let token = url::form_urlencoded::parse(answer.as_bytes()).find(|(name, _)| name == "access_token");
        let token = token.map(|(_, value)| value.into_owned()).expect("a token");
        // The token of the page says who is there where no cookie comes along.
        let by_token = || status(&token).header("origin", PAGE);
        assert_eq!(site.ask(by_token()).await.text("status"), "connected");
        let form = [("client_id", APP), ("access_token", token.as_str())];
        let stranger = site.ask(post("/www/x/oauth/logout", &form).header("origin", "http://evil.example")).await;
        assert_eq!(stranger.status, 403);
        assert_eq!(site.ask(by_token()).await.text("status"), "connected");
        site.ask(post("/www/x/oauth/logout", &form).header("origin", PAGE)).await;
        assert_eq!(site.ask(by_token()).await.text("status"), "unknown");
        let with_cookies = status("").header("origin", PAGE).header("cookie", &cookies.join("; "));
        assert_eq!(site.ask(with_cookies).await.text("status"), "unknown");
        let me = site.ask(get(&format!("/graph/me?{}", encoded(&[("access_token", &token)])))).await;
        assert!(me.body.contains("error"), "{}", me.body);
    }
}

#[tokio::test]
async fn nothing_is_shared_without_the_page_that_was_made_for_the_browser() {
    let (site, alice) = started(login()).await;
    let (_, cookies) = signed_in(&site, &alice).await;
    let asked = [("client_id", APP), ("origin", PAGE), ("cb", "f1"), ("href", "https://partner.example/<1>")];
    let page =
        site.ask(get(&format!("/www/dialog/share?{}", encoded(&asked))).header("cookie", &cookies.join("; "))).await;
    assert!(page.body.contains("https://partner.example/&lt;1&gt;") && !page.body.contains(SECRET), "{}", page.body);
    let proof = hidden(&page.body, "proof");
    for (proof, status) in [("", 400), ("0123", 400), (proof.as_str(), 302)] {
        let form = [
            ("client_id", APP),
            ("origin", PAGE),
            ("cb", "f1"),
            ("proof", proof),
            ("link", "x"),
            ("decision", "share"),
        ];
        let sent = post("/www/dialog/share/answer", &form).header("cookie", &cookies.join("; "));
        assert_eq!(site.ask(sent).await.status, status, "{proof}");
    }
    let form = [("client_id", APP), ("origin", PAGE), ("cb", "f1"), ("proof", proof.as_str()), ("decision", "share")];
    assert_eq!(site.ask(post("/www/dialog/share/answer", &form)).await.status, 400, "another browser");
}
