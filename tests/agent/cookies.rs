use countersign::agent::{Browser, Initiator, Navigation};
use countersign::model::observation::CookieSeen;

use crate::{Server, browser, cause, get, html, open, reply, to};

const ALL: [(&str, &str); 4] = [
    ("set-cookie", "plain=1"),
    ("set-cookie", "lax=2; SameSite=Lax"),
    ("set-cookie", "strict=3; SameSite=Strict"),
    ("set-cookie", "none=4; SameSite=None; Secure"),
];

async fn setting() -> (Server, Browser) {
    let server = Server::start(|asked| {
        let port = asked.header("host").unwrap().split(':').nth(1).unwrap().to_owned();
        match asked.path() {
            "/set" => reply(200, &ALL, ""),
            "/set-and-go" => reply(302, &[ALL[0], ("location", "/after")], ""),
            "/hop" => to(302, &format!("http://127.0.0.1:{port}/after")),
            "/form" => html(&format!("<form method=post action='http://127.0.0.1:{port}/after'></form>")),
            "/form-then-redirect" => html("<form method=post action='/hop'></form>"),
            _ => html("page"),
        }
    })
    .await;
    let browser = browser(&server);
    (server, browser)
}

fn sent(server: &Server) -> String {
    server.last().header("cookie").unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_cookie_that_a_redirect_sets_goes_along_with_the_next_request() {
    let (server, browser) = setting().await;
    open(&browser, &server.at("/set-and-go")).await.expect("a page");
    assert_eq!(sent(&server), "plain=1");
}

#[tokio::test]
async fn provider_and_partner_share_no_cookies_although_they_share_an_address() {
    let (server, browser) = setting().await;
    open(&browser, &server.at("/set")).await.expect("a page");
    open(&browser, &server.named("/x")).await.expect("a page");
    assert_eq!(sent(&server), "");
}

#[tokio::test]
async fn what_is_typed_brings_every_cookie_even_through_another_site() {
    let (server, browser) = setting().await;
    open(&browser, &server.at("/set")).await.expect("a page");
    open(&browser, &server.at("/x")).await.expect("a page");
    assert_eq!(sent(&server), "plain=1; lax=2; strict=3; none=4");
    open(&browser, &server.named("/hop")).await.expect("a page");
    assert_eq!(sent(&server), "plain=1; lax=2; strict=3; none=4");
}

#[tokio::test]
async fn a_form_at_the_provider_that_redirects_to_the_partner_brings_no_strict_cookie() {
    let (server, browser) = setting().await;
    open(&browser, &server.at("/set")).await.expect("a page");
    open(&browser, &server.named("/form-then-redirect")).await.expect("a page");
    let first = countersign::agent::WantedForm::First;
    browser.submit("first", &first, &Default::default(), Vec::new(), &cause()).await.expect("a page");
    assert_eq!(server.last().path(), "/after");
    assert_eq!(sent(&server), "plain=1; lax=2; none=4");
    assert_eq!(server.last().header("sec-fetch-site"), Some("cross-site"));
}

#[tokio::test]
async fn a_form_from_another_site_brings_only_cookies_without_a_site() {
    let (server, browser) = setting().await;
    open(&browser, &server.at("/set")).await.expect("a page");
    open(&browser, &server.named("/form")).await.expect("a page");
    let first = countersign::agent::WantedForm::First;
    browser.submit("first", &first, &Default::default(), Vec::new(), &cause()).await.expect("a page");
    assert_eq!(sent(&server), "none=4");
    assert_eq!(server.last().header("origin"), Some(server.named("").as_str()));
}

#[tokio::test]
async fn the_attackers_link_form_and_frame_bring_what_a_browser_would_let_them() {
    let (server, browser) = setting().await;
    open(&browser, &server.at("/set")).await.expect("a page");
    let from = |method: &str, embedded: bool| Navigation {
        method: method.to_owned(),
        embedded,
        initiator: Initiator::Site("http://attacker.example".to_owned()),
        ..get(&server.at("/x"))
    };
    browser.open("first", from("", false), &cause()).await.expect("a page");
    assert_eq!(sent(&server), "plain=1; lax=2; none=4");
    browser.open("first", from("POST", false), &cause()).await.expect("a page");
    assert_eq!(sent(&server), "none=4");
    assert_eq!(server.last().header("origin"), Some("http://attacker.example"));
    let shown = browser.page("first").expect("a page").seen.seq;
    browser.open("first", from("", true), &cause()).await.expect("a page");
    assert_eq!(sent(&server), "none=4");
    assert_eq!(server.last().header("sec-fetch-mode"), Some("no-cors"));
    assert_eq!(browser.page("first").expect("a page").seen.seq, shown, "what is embedded leaves the page where it is");
    browser.open("first", Navigation { url: server.at("/set"), ..from("", true) }, &cause()).await.expect("a page");
    assert_eq!(server.last().header("sec-fetch-site"), Some("cross-site"));
}

#[tokio::test]
async fn another_sites_frame_cannot_plant_a_session() {
    let (server, browser) = setting().await;
    let frame = Navigation {
        embedded: true,
        initiator: Initiator::Site("http://attacker.example".to_owned()),
        ..get(&server.at("/set"))
    };
    browser.open("first", frame, &cause()).await.expect("a page");
    let names: Vec<String> = browser.cookies(None).into_iter().map(|cookie| cookie.name).collect();
    assert_eq!(names, ["none"]);
}

#[tokio::test]
async fn a_peek_sends_the_cookies_but_those_left_behind_and_keeps_none() {
    let (server, browser) = setting().await;
    open(&browser, &server.at("/set")).await.expect("a page");
    let before = browser.cookies(None);
    browser.peek(&server.at("/x"), &["plain".to_owned(), "none".to_owned()], &cause()).await.expect("a page");
    assert_eq!(sent(&server), "lax=2; strict=3");
    browser.drop_cookies(Some("plain"), None);
    browser.peek(&server.at("/set-and-go"), &[], &cause()).await.expect("a page");
    assert_eq!(sent(&server), "lax=2; strict=3; none=4; plain=1", "within the peek it goes along");
    assert_eq!(browser.cookies(None), before[1..], "and then it is forgotten");
}

#[tokio::test]
async fn tabs_share_the_jar_and_browsers_do_not() {
    let (server, browser) = setting().await;
    let other = crate::browser(&server);
    open(&browser, &server.at("/set")).await.expect("a page");
    browser.open("second", get(&server.at("/x")), &cause()).await.expect("a page");
    assert_eq!(sent(&server), "plain=1; lax=2; strict=3; none=4");
    assert_eq!(browser.page("first").expect("a page").seen.url, server.at("/set"));
    open(&other, &server.at("/x")).await.expect("a page");
    assert_eq!(sent(&server), "");
}

#[tokio::test]
async fn cookies_move_between_jars_are_set_by_hand_and_are_dropped() {
    let (server, browser) = setting().await;
    let other = crate::browser(&server);
    open(&browser, &server.at("/set")).await.expect("a page");
    for cookie in browser.cookies(Some(&server.at(""))) {
        other.plant(&cookie);
    }
    other.set_cookie(&server.at(""), "plain", "forged");
    open(&other, &server.at("/x")).await.expect("a page");
    assert_eq!(sent(&server), "plain=forged; lax=2; strict=3; none=4");
    other.drop_cookies(Some("lax"), Some(&server.at("")));
    other.drop_cookies(None, Some(&server.named("")));
    open(&other, &server.at("/x")).await.expect("a page");
    assert_eq!(sent(&server), "plain=forged; strict=3; none=4");
    let wide = CookieSeen { name: "w".to_owned(), domain: ".example.com".to_owned(), ..CookieSeen::default() };
    other.plant(&wide);
    assert_eq!(other.cookies(Some("http://a.example.com/")).len(), 1);
    assert_eq!(other.cookies(Some("http://a.example.com/"))[0].domain, ".example.com");
    other.drop_cookies(None, None);
    assert!(other.cookies(None).is_empty());
}
