//! Response modes: query, fragment and form_post (OAuth 2.0 Multiple Response Type Encoding Practices, section 2.1; OAuth
//! 2.0 Form Post Response Mode, section 2), good answers and errors alike.

use countersign::agent::{Browser, Limits, Navigation, Submission, Surroundings, WantedForm};
use countersign::model::exchange::{Cause, Party, Sequence};
use countersign::model::fault::ProviderName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::http::Answer;
use super::site::{CALLBACK, Site, client, hidden};

/// The parameters in the fragment of a redirect, and none in its query.
#[track_caller]
fn in_fragment(answer: &Answer) -> Vec<(String, String)> {
    assert_eq!(answer.status, 302, "{answer:?}");
    let location = answer.header("location").expect("a redirect");
    let (before, fragment) = location.split_once('#').expect("a fragment");
    assert_eq!(before, CALLBACK);
    url::form_urlencoded::parse(fragment.as_bytes()).into_owned().collect()
}

#[track_caller]
fn is_a_posting_page(answer: &Answer) {
    assert_eq!((answer.status, answer.header("location")), (200, None), "{answer:?}");
    assert!(answer.body.contains(&format!("method=\"post\" action=\"{CALLBACK}\"")), "{}", answer.body);
    assert_eq!(answer.header("cache-control"), Some("no-store"), "the page holds a code");
    let policy = answer.header("content-security-policy").expect("a policy");
    assert!(policy.contains("script-src 'sha256-") && !policy.contains("unsafe"), "{policy}");
}

#[tokio::test]
async fn in_mode_fragment_the_code_stands_behind_the_hash_alone() {
    let site = Site::start().await;
    let (back, _) = site.logged_in(&[("response_mode", "fragment")]).await;
    let members = in_fragment(&back);
    let names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["code", "state", "iss"]);
    assert_eq!(site.redeem(&members[0].1, &[]).await.status, 200);
}

#[tokio::test]
async fn in_mode_form_post_a_page_posts_the_code_and_no_address_holds_it() {
    let site = Site::start().await;
    let (back, _) = site.logged_in(&[("response_mode", "form_post")]).await;
    is_a_posting_page(&back);
    assert_eq!(hidden(&back.body, "state"), "s");
    assert_eq!(hidden(&back.body, "iss"), site.provider.issuer());
    assert_eq!(site.redeem(&hidden(&back.body, "code"), &[]).await.status, 200);
}

#[tokio::test]
async fn an_error_goes_back_in_the_mode_that_was_asked_for() {
    let site = Site::start().await;
    let error = in_fragment(&site.authorize(&[("response_mode", "fragment"), ("prompt", "none")]).await);
    assert_eq!(error[0], ("error".to_owned(), "login_required".to_owned()));
    let page = site.authorize(&[("response_mode", "form_post"), ("prompt", "none")]).await;
    is_a_posting_page(&page);
    assert_eq!(hidden(&page.body, "error"), "login_required");
    assert_eq!(hidden(&page.body, "state"), "s");
}

#[tokio::test]
async fn what_a_stranger_writes_into_state_stays_inside_its_field() {
    let site = Site::start().await;
    let state = "\"><script>alert(1)</script>";
    let page = site.authorize(&[("response_mode", "form_post"), ("prompt", "none"), ("state", state)]).await;
    assert_eq!(page.body.matches("<script>").count(), 1, "only the provider's own: {}", page.body);
}

/// A callback that takes one request after the other, answers each, and gives back the last one's text.
async fn callback() -> (String, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let base = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.expect("a request");
            let mut text = String::new();
            let mut chunk = [0u8; 16 << 10];
            loop {
                let got = stream.read(&mut chunk).await.expect("bytes");
                text.push_str(&String::from_utf8_lossy(&chunk[..got]));
                let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                if body.len() >= length.map_or(0, |length| length.parse::<usize>().expect("a number")) {
                    break;
                }
            }
            let cookies = "set-cookie: strict=1; SameSite=Strict\r\nset-cookie: lax=1; SameSite=Lax\r\n\
                           set-cookie: none=1; SameSite=None; Secure\r\n";
            let answer = format!("HTTP/1.1 200 OK\r\nconnection: close\r\n{cookies}content-length: 2\r\n\r\nok");
            stream.write_all(answer.as_bytes()).await.expect("an answer");
            if text.starts_with("POST /callback") {
                return text;
            }
        }
    });
    (base, serving)
}

#[tokio::test]
async fn the_harness_own_browser_posts_the_page_as_one_with_scripts_would_and_keeps_the_rules_of_cookies() {
    let site = Site::start().await;
    let (base, serving) = callback().await;
    let mut registration = client("shop", "client_secret_basic");
    registration.redirect_uris = vec![format!("{base}/callback")];
    site.provider.register(registration);
    let issuer = site.provider.issuer().to_owned();
    let browser = Browser::new(
        "first",
        Surroundings {
            sequence: Sequence::default(),
            origins: vec![(issuer.clone(), Party::Provider(ProviderName::Main)), (base.clone(), Party::Partner)],
            tag: None,
            limits: Limits::default(),
            tls: None,
            chromium: None,
        },
    );
    let cause = Cause { browser: "first".into(), tab: "first".into(), ..Cause::default() };
    let open = |url: String| Navigation { url, ..Navigation::default() };
    browser.open("first", open(format!("{base}/")), &cause).await.expect("the partner's page");
    let target = site.authorize_target(&[
        ("response_mode", "form_post"),
        ("redirect_uri", &format!("{base}/callback")),
        ("state", "s \"1\""),
    ]);
    browser.open("first", open(format!("{issuer}{target}")), &cause).await.expect("the login page");
    let login = Submission {
        values: vec![
            ("username".to_owned(), site.alice.login.clone()),
            ("password".to_owned(), site.alice.password.clone()),
        ],
        without: Vec::new(),
    };
    let step = |name: &str| WantedForm::Step(name.to_owned());
    browser.submit("first", &step("login"), &login, Vec::new(), &cause).await.expect("the consent page");
    let allow = Submission { values: vec![("decision".to_owned(), "allow".to_owned())], without: Vec::new() };
    let page = browser.submit("first", &step("consent"), &allow, Vec::new(), &cause).await.expect("the callback");
    assert_eq!(page.seen.url, format!("{base}/callback"));
    let posted = serving.await.expect("the callback was asked");
    let (head, body) = posted.split_once("\r\n\r\n").unwrap();
    let members: Vec<(String, String)> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["code", "state", "iss"], "nothing of the consent page goes along");
    assert_eq!(members[1].1, "s \"1\"");
    let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
    assert_eq!(header("cookie"), Some("none=1"), "a post from another site carries SameSite=None alone");
    assert_eq!(header("origin"), Some("null"), "the page lets no referrer out");
    let shown: Vec<String> = browser.pages().iter().map(|page| page.site.clone()).collect();
    assert_eq!(shown, ["partner", "provider", "provider", "provider", "partner"], "the page was the provider's own");
}

#[tokio::test]
async fn a_browser_that_stops_before_the_callback_knows_what_would_have_been_posted() {
    let site = Site::start().await;
    let issuer = site.provider.issuer().to_owned();
    let surroundings = Surroundings {
        sequence: Sequence::default(),
        origins: vec![(issuer.clone(), Party::Provider(ProviderName::Main))],
        tag: None,
        limits: Limits::default(),
        tls: None,
        chromium: None,
    };
    let browser = Browser::new("first", surroundings);
    let cause = Cause { browser: "first".into(), tab: "first".into(), ..Cause::default() };
    let target = site.authorize_target(&[("response_mode", "form_post"), ("prompt", "none")]);
    let navigation = Navigation {
        url: format!("{issuer}{target}"),
        stop_before: vec![CALLBACK.to_owned()],
        ..Navigation::default()
    };
    let page = browser.open("first", navigation, &cause).await.expect("the page that posts itself");
    let stopped = page.stopped_at.expect("it stopped");
    assert!(stopped.starts_with(&format!("{CALLBACK}?error=login_required&")), "{stopped}");
    assert!(stopped.contains("&state=s&"), "{stopped}");
}

#[tokio::test]
async fn a_page_of_anybody_else_that_looks_like_it_is_not_posted() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let base = format!("http://{}", listener.local_addr().unwrap());
    let html =
        "<form data-step=\"form_post\" method=\"post\" action=\"/posted\"><input name=\"code\" value=\"c\"></form>";
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{html}",
        html.len()
    );
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.expect("a request");
            let mut chunk = [0u8; 4096];
            let _ = stream.read(&mut chunk).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    let browser = Browser::new(
        "first",
        Surroundings {
            sequence: Sequence::default(),
            origins: vec![(base.clone(), Party::Partner)],
            tag: None,
            limits: Limits::default(),
            tls: None,
            chromium: None,
        },
    );
    let cause = Cause { browser: "first".into(), tab: "first".into(), ..Cause::default() };
    let page = browser.open("first", Navigation { url: format!("{base}/"), ..Navigation::default() }, &cause).await;
    assert_eq!(page.expect("a page").seen.url, format!("{base}/"));
}
