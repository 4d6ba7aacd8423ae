use countersign::agent::{AgentError, Initiator, Navigation, Submission, WantedForm};
use countersign::model::exchange::Party;

use crate::{Server, browser, cause, get, html, open, reply, to};

#[tokio::test]
async fn redirects_are_followed_with_the_method_that_each_status_asks_for() {
    let server = Server::start(|asked| match asked.path().trim_start_matches('/').parse() {
        Ok(status) => to(status, "/end"),
        Err(_) => html("end"),
    })
    .await;
    let browser = browser(&server);
    for (status, method, then, body) in [
        (301, "POST", "GET", ""),
        (302, "POST", "GET", ""),
        (303, "POST", "GET", ""),
        (303, "PUT", "GET", ""),
        (302, "PUT", "PUT", "a=1"),
        (307, "POST", "POST", "a=1"),
        (308, "POST", "POST", "a=1"),
    ] {
        let navigation = Navigation {
            url: server.at(&format!("/{status}")),
            method: method.to_owned(),
            form: Some(vec![("a".to_owned(), "1".to_owned())]),
            ..Navigation::default()
        };
        let page = browser.open("first", navigation, &cause()).await.expect("a page");
        let asked = server.last();
        assert_eq!((asked.method.as_str(), asked.body.as_str()), (then, body), "{status} {method}");
        assert_eq!(asked.header("content-type").is_some(), !body.is_empty());
        assert_eq!((page.redirects, page.seen.response.status), (1, 200));
    }
}

#[tokio::test]
async fn a_fragment_survives_a_redirect_and_is_told_to_no_server() {
    let server = Server::start(|asked| match asked.path() {
        "/a" => to(302, "b?x=1"),
        "/b" => to(302, "/c"),
        _ => html("c"),
    })
    .await;
    let browser = browser(&server);
    let page = open(&browser, &server.at("/a#part")).await.expect("a page");
    assert_eq!(page.seen.url, server.at("/c#part"));
    assert_eq!(page.redirects, 2);
    assert_eq!(page.seen.request.url, server.at("/c"));
    let targets: Vec<String> = server.asked().into_iter().map(|asked| asked.target).collect();
    assert_eq!(targets, ["/a", "/b?x=1", "/c"]);
}

#[tokio::test]
async fn a_redirect_loop_ends_at_the_limit() {
    let server = Server::start(|_| to(302, "/again")).await;
    let browser = browser(&server);
    let error = open(&browser, &server.at("/")).await.expect_err("a loop");
    assert!(matches!(error, AgentError::TooManyRedirects { limit: 20, .. }), "{error}");
    assert_eq!(server.asked().len(), 21);
    assert_eq!(browser.exchanges().len(), 21);
    assert_eq!(browser.page("first").expect("the failed page").seen.url, server.at("/again"));
    assert!(browser.pages().is_empty());
}

#[tokio::test]
async fn a_redirect_that_nobody_can_read_is_shown_as_it_is() {
    let server = Server::start(|asked| match asked.path() {
        "/none" => reply(302, &[("content-type", "text/plain")], "stuck"),
        _ => to(302, "http://127.0.0.1:99999/"),
    })
    .await;
    let browser = browser(&server);
    let page = open(&browser, &server.at("/none")).await.expect("a page");
    assert_eq!((page.seen.response.status, page.seen.text.as_str()), (302, "stuck"));
    let page = open(&browser, &server.at("/bad")).await.expect("a page");
    assert_eq!((page.seen.response.status, page.seen.site.as_str()), (302, "partner"));
}

#[tokio::test]
async fn a_meta_refresh_is_followed_as_a_step_of_the_page_that_shows_it() {
    let server = Server::start(|asked| match asked.path() {
        "/wait" => html("<meta http-equiv=refresh content='0; url=/next'>wait"),
        "/header" => reply(200, &[("refresh", "0;url=/next"), ("content-type", "text/html")], "wait"),
        _ => html("next"),
    })
    .await;
    let browser = browser(&server);
    for path in ["/wait", "/header"] {
        let page = open(&browser, &server.at(path)).await.expect("a page");
        assert_eq!((page.seen.text.as_str(), page.redirects), ("next", 1));
        assert_eq!(server.last().header("referer"), Some(server.at(path).as_str()));
    }
    let texts: Vec<String> = browser.pages().into_iter().map(|page| page.text).collect();
    assert_eq!(texts, ["wait", "next", "wait", "next"]);
}

#[tokio::test]
async fn a_loop_of_refreshes_ends_at_the_limit() {
    let server = Server::start(|asked| {
        let next = if asked.path() == "/a" { "/b" } else { "/a" };
        html(&format!("<meta http-equiv=refresh content='0; url={next}'>"))
    })
    .await;
    let error = open(&browser(&server), &server.at("/a")).await.expect_err("a loop");
    assert!(matches!(error, AgentError::TooManyRedirects { .. }), "{error}");
}

#[tokio::test]
async fn the_referer_follows_who_causes_the_request_and_the_policy() {
    let server = Server::start(|asked| match asked.path() {
        "/off" => {
            to(302, &format!("http://localhost:{}/far", asked.header("host").unwrap().split(':').nth(1).unwrap()))
        }
        "/silent" => reply(200, &[("referrer-policy", "no-referrer"), ("content-type", "text/html")], "s"),
        "/meta" => html("<meta name=referrer content=unsafe-url>"),
        _ => html("page"),
    })
    .await;
    let browser = browser(&server);
    let referer = |server: &Server| server.last().header("referer").map(str::to_owned);
    let page = |path: &str| Navigation { url: path.to_owned(), initiator: Initiator::Page, ..Navigation::default() };

    open(&browser, &server.at("/start?secret=1")).await.expect("a page");
    assert_eq!(referer(&server), None, "typed");
    browser.open("first", page(&server.at("/next")), &cause()).await.expect("a page");
    assert_eq!(referer(&server), Some(server.at("/start?secret=1")), "same origin");
    browser.open("first", page(&server.at("/off")), &cause()).await.expect("a page");
    assert_eq!(server.last().path(), "/far");
    assert_eq!(referer(&server), Some(server.at("/")), "another origin learns the origin alone");

    open(&browser, &server.at("/silent")).await.expect("a page");
    browser.open("first", page(&server.at("/next")), &cause()).await.expect("a page");
    assert_eq!(referer(&server), None, "no-referrer");
    open(&browser, &server.at("/meta?x=1")).await.expect("a page");
    browser.open("first", page(&server.named("/next")), &cause()).await.expect("a page");
    assert_eq!(referer(&server), Some(server.at("/meta?x=1")), "unsafe-url");

    let site = Initiator::Site("http://attacker.example".to_owned());
    browser.open("first", Navigation { initiator: site, ..get(&server.at("/x")) }, &cause()).await.expect("a page");
    assert_eq!(referer(&server).as_deref(), Some("http://attacker.example/"));
}

#[tokio::test]
async fn stop_before_ends_the_navigation_and_the_tab_keeps_its_page() {
    let server = Server::start(|asked| match asked.path() {
        "/login" => html("<form method=post action=/go><input name=user></form>"),
        "/go" => to(302, "/callback?code=1&state=2#f"),
        _ => html("callback"),
    })
    .await;
    let browser = browser(&server);
    open(&browser, &server.at("/login")).await.expect("a page");
    let submission = Submission::default();
    let stops = vec![server.at("/callback")];
    let stopped =
        browser.submit("first", &WantedForm::First, &submission, stops, &cause()).await.expect("a stopped page");
    let callback = server.at("/callback?code=1&state=2#f");
    assert_eq!(stopped.stopped_at.as_deref(), Some(callback.as_str()));
    assert_eq!(stopped.seen.response.status, 302);
    assert_eq!(server.paths(), ["/login", "/go"]);
    let shown = browser.page("first").expect("a page");
    assert_eq!((shown.seen.url, shown.stopped_at), (server.at("/login"), Some(callback.clone())));
    assert_eq!(browser.pages().len(), 1);

    // Opened by itself it is not stopped; nor is a redirect to another path or port.
    let page = open(&browser, &callback).await.expect("a page");
    assert_eq!((page.seen.text.as_str(), page.stopped_at), ("callback", None));
    assert_eq!(browser.page("first").expect("a page").stopped_at, None);
    let stop = vec![server.at("/callback/other"), "http://127.0.0.1:1/callback".to_owned()];
    let page = browser
        .open("first", Navigation { stop_before: stop, ..get(&server.at("/go")) }, &cause())
        .await
        .expect("a page");
    assert_eq!(page.seen.text, "callback");
}

#[tokio::test]
async fn a_bare_origin_in_stop_before_stands_for_all_of_it() {
    let server = Server::start(|asked| {
        let port = asked.header("host").unwrap().split(':').nth(1).unwrap().to_owned();
        to(302, &format!("http://localhost:{port}/authorize?x=1"))
    })
    .await;
    let browser = browser(&server);
    let navigation = Navigation { stop_before: vec![server.named("")], ..get(&server.at("/login")) };
    let page = browser.open("first", navigation, &cause()).await.expect("a page");
    assert_eq!(page.stopped_at, Some(server.named("/authorize?x=1")));
    assert_eq!(server.paths(), ["/login"]);
}

#[tokio::test]
async fn another_site_is_not_contacted_but_the_browser_rests_there() {
    let server = Server::start(|asked| {
        let target = asked.target.split_once("?to=").map(|(_, to)| to.to_owned()).unwrap_or_default();
        to(302, &percent_decoded(&target))
    })
    .await;
    let browser = browser(&server);
    for (location, url, site) in [
        ("//attacker.example/x", "http://attacker.example/x", "attacker"),
        ("https://attacker.example", "https://attacker.example/", "attacker"),
        ("/\\attacker.example", "http://attacker.example/", "attacker"),
        ("https:attacker.example", "https://attacker.example/", "attacker"),
        ("http://127.0.0.1@attacker.example/", "http://127.0.0.1@attacker.example/", "attacker"),
        ("http://elsewhere.example/", "http://elsewhere.example/", "elsewhere"),
        ("data:text/html,x", "data:text/html,x", "elsewhere"),
        ("javascript:alert(1)", "javascript:alert(1)", "elsewhere"),
    ] {
        let encoded: String = location.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let page = open(&browser, &server.at(&format!("/go?to={encoded}"))).await.expect("a page");
        assert_eq!((page.seen.url.as_str(), page.seen.site.as_str()), (url, site), "{location}");
        assert_eq!(page.seen.response.status, 0);
        let last = browser.exchanges().pop().expect("an exchange");
        assert_eq!((last.to, last.response.is_none()), (Party::Elsewhere, true));
        assert!(last.note.is_some_and(|note| note.starts_with("not sent")));
    }
}

fn percent_decoded(text: &str) -> String {
    countersign::model::exchange::query_of(&format!("http://x/?to={text}")).remove(0).1
}

#[tokio::test]
async fn https_on_this_machine_is_refused_in_a_sentence() {
    let server = Server::start(|asked| to(302, &format!("https://{}/", asked.header("host").unwrap()))).await;
    let browser = browser(&server);
    for url in [server.at("/"), server.at("/").replace("http:", "https:")] {
        let error = open(&browser, &url).await.expect_err("no https").to_string();
        assert!(error.contains("plain http only") && error.contains("help:"), "{error}");
    }
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn what_is_no_url_is_said_to_be_none() {
    let server = Server::start(|_| html("")).await;
    let browser = browser(&server);
    for url in ["", "/login", "http://", "ftp://127.0.0.1/", "javascript:1"] {
        let error = open(&browser, url).await.expect_err("no URL");
        assert!(matches!(error, AgentError::BadUrl { .. }), "{url}: {error}");
    }
    let bad = Navigation { headers: vec![("a b".to_owned(), "1".to_owned())], ..get(&server.at("/")) };
    assert!(matches!(browser.open("first", bad, &cause()).await, Err(AgentError::BadUrl { .. })));
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn a_peek_stays_on_the_origin_and_follows_redirects_there() {
    let server = Server::start(|asked| match asked.path() {
        "/me" => to(302, "/me/"),
        "/me/" => reply(200, &[("content-type", "application/json")], "{\"sub\":\"1\"}"),
        "/loop" => to(302, "/loop"),
        _ => {
            to(302, &format!("http://localhost:{}/authorize", asked.header("host").unwrap().split(':').nth(1).unwrap()))
        }
    })
    .await;
    let browser = browser(&server);
    let page = browser.peek(&server.at("/me"), &[], &cause()).await.expect("a page");
    assert_eq!((page.seen.text.as_str(), page.redirects), ("{\"sub\":\"1\"}", 1));
    let page = browser.peek(&server.at("/private"), &[], &cause()).await.expect("a page");
    assert_eq!((page.stopped_at, page.seen.response.status), (Some(server.named("/authorize")), 302));
    assert_eq!(server.last().path(), "/private");
    let error = browser.peek(&server.at("/loop"), &[], &cause()).await.expect_err("a loop");
    assert!(matches!(error, AgentError::TooManyRedirects { .. }), "{error}");
    assert!(browser.page("first").is_none() && browser.pages().is_empty());
    let connections: Vec<usize> = server.asked().iter().map(|asked| asked.connection).collect();
    assert!(connections.windows(2).all(|two| two[0] != two[1]), "{connections:?}");
}

#[tokio::test]
async fn what_was_put_on_a_request_by_hand_follows_redirects_on_its_origin_alone() {
    let server = Server::start(|asked| {
        let port = asked.header("host").unwrap().split(':').nth(1).unwrap().to_owned();
        match asked.path() {
            "/a" => to(302, "/b"),
            "/b" => to(302, &format!("http://localhost:{port}/c")),
            _ => html("c"),
        }
    })
    .await;
    let by_hand = Navigation { headers: vec![("authorization".to_owned(), "x".to_owned())], ..get(&server.at("/a")) };
    browser(&server).open("first", by_hand, &cause()).await.expect("a page");
    let carried: Vec<bool> = server.asked().iter().map(|asked| asked.header("authorization").is_some()).collect();
    assert_eq!(carried, [true, true, false]);
}

#[tokio::test]
async fn a_form_that_is_sent_on_from_one_foreign_origin_to_another_says_no_origin() {
    let other = Server::start(|_| html("end")).await;
    let end = other.at("/end");
    let server = Server::start(move |_| to(307, &end)).await;
    let form = |from: String| Navigation {
        method: "POST".to_owned(),
        form: Some(vec![("a".to_owned(), "1".to_owned())]),
        initiator: Initiator::Site(from),
        ..get(&server.at("/go"))
    };
    let browser = browser(&server);
    browser.open("first", form("http://attacker.example".to_owned()), &cause()).await.expect("a page");
    assert_eq!((other.last().header("origin"), other.last().body.as_str()), (Some("null"), "a=1"));
    browser.open("first", form(server.at("")), &cause()).await.expect("a page");
    assert_eq!(other.last().header("origin"), Some(server.at("").as_str()));
    assert_eq!(other.last().header("sec-fetch-site"), Some("same-site"), "ports are of one site");
}
