use countersign::agent::Navigation;
use countersign::model::exchange::{Party, header};
use countersign::model::fault::ProviderName;

use crate::{Server, browser, cause, get, html, open, to};

#[tokio::test]
async fn every_exchange_is_written_down_in_order_with_its_parties_and_cause() {
    let server = Server::start(|asked| match asked.path() {
        "/login" => to(
            302,
            &format!("http://localhost:{}/authorize?a=1", asked.header("host").unwrap().split(':').nth(1).unwrap()),
        ),
        _ => html("page"),
    })
    .await;
    let browser = browser(&server);
    let page = open(&browser, &server.at("/login")).await.expect("a page");
    let all = browser.exchanges();
    let parties: Vec<(u64, Party, Party)> = all.iter().map(|one| (one.seq, one.from, one.to)).collect();
    let provider = Party::Provider(ProviderName::Main);
    assert_eq!(parties, [(1, Party::Agent, Party::Partner), (2, Party::Agent, provider)]);
    assert!(all.iter().all(|one| one.cause == cause()));
    assert_eq!(all[0].location(), Some(server.named("/authorize?a=1").as_str()));
    assert_eq!(all[1].parameter("a").as_deref(), Some("1"));
    assert_eq!((page.seen.seq, page.seen.site.as_str()), (2, "provider"));
    assert_eq!(page.seen.request, all[1].request);
}

#[tokio::test]
async fn the_tag_goes_to_the_provider_and_never_to_the_partner() {
    let server = Server::start(|asked| {
        let port = asked.header("host").unwrap().split(':').nth(1).unwrap().to_owned();
        match asked.path() {
            "/authorize" => to(302, &format!("http://127.0.0.1:{port}/callback")),
            "/login" => to(302, &format!("http://localhost:{port}/authorize")),
            _ => html("page"),
        }
    })
    .await;
    let browser = browser(&server);
    open(&browser, &server.at("/login")).await.expect("a page");
    let by_hand = Navigation { headers: vec![("X-Countersign".to_owned(), "1".to_owned())], ..get(&server.at("/x")) };
    browser.open("first", by_hand, &cause()).await.expect("a page");
    browser.peek(&server.at("/me"), &[], &cause()).await.expect("a page");
    let tagged: Vec<(String, Option<String>)> = server
        .asked()
        .into_iter()
        .map(|asked| (asked.path().to_owned(), asked.header("x-countersign").map(str::to_owned)))
        .collect();
    let expected =
        [("/login", None), ("/authorize", Some("one/first")), ("/callback", None), ("/x", None), ("/me", None)];
    assert_eq!(tagged, expected.map(|(path, tag)| (path.to_owned(), tag.map(str::to_owned))));
}

#[tokio::test]
async fn the_partner_gets_a_fresh_connection_each_time_and_the_provider_may_keep_one() {
    let server = Server::start(|_| html("page")).await;
    let browser = browser(&server);
    let connections = |server: &Server| server.asked().iter().map(|asked| asked.connection).collect::<Vec<_>>();
    for _ in 0..3 {
        open(&browser, &server.at("/callback?code=1")).await.expect("a page");
    }
    assert_eq!(connections(&server), [1, 2, 3]);
    for _ in 0..3 {
        open(&browser, &server.named("/authorize")).await.expect("a page");
    }
    assert_eq!(connections(&server), [1, 2, 3, 4, 4, 4]);
}

#[tokio::test]
async fn a_kept_connection_that_was_closed_is_replaced() {
    // Closes after each answer without saying so.
    let server =
        Server::start(|_| crate::Reply::Last(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".to_vec())).await;
    let browser = browser(&server);
    for _ in 0..5 {
        let page = open(&browser, &server.named("/authorize")).await.expect("a page");
        assert_eq!(page.seen.response.status, 200);
        // The end of the connection is an event of its own: give it the turn that it needs.
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(server.asked().len(), 5);
}

#[tokio::test]
async fn a_navigation_looks_like_a_browsers() {
    let server = Server::start(|_| html("page")).await;
    let browser = browser(&server);
    let by_hand = Navigation {
        headers: vec![
            ("X-Forwarded-Host".to_owned(), "attacker.example".to_owned()),
            ("accept".to_owned(), "*/*".to_owned()),
        ],
        ..get(&server.at("/x?a=%20b|c"))
    };
    browser.open("first", by_hand, &cause()).await.expect("a page");
    let asked = server.last();
    assert_eq!(asked.target, "/x?a=%20b|c");
    assert_eq!(asked.header("host"), Some(format!("127.0.0.1:{}", server.port).as_str()));
    assert!(asked.header("user-agent").is_some_and(|agent| agent.starts_with("Mozilla/5.0")));
    assert_eq!(asked.header("accept"), Some("*/*"));
    assert_eq!(asked.header("x-forwarded-host"), Some("attacker.example"));
    assert_eq!(asked.header("sec-fetch-site"), Some("none"));
    assert_eq!(asked.header("origin"), None);
    assert_eq!(asked.header("content-length"), None);
    let sent = browser.exchanges().pop().expect("an exchange").request.headers.clone();
    assert_eq!(sent, asked.headers, "what is written down is what was sent");
    assert_eq!(header(&sent, "accept-encoding"), Some("gzip, deflate"));
}

#[tokio::test]
async fn a_form_that_nobody_showed_comes_from_the_place_itself() {
    let server = Server::start(|_| html("page")).await;
    let logout = Navigation { method: "POST".to_owned(), ..get(&server.at("/logout")) };
    browser(&server).open("first", logout, &cause()).await.expect("a page");
    let asked = server.last();
    assert_eq!(asked.header("origin"), Some(server.at("").as_str()));
    assert_eq!(asked.header("sec-fetch-site"), Some("same-origin"));
    assert_eq!((asked.header("content-length"), asked.header("referer")), (Some("0"), None));
}
