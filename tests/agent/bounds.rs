use std::io::Write;
use std::time::{Duration, Instant};

use countersign::agent::{AgentError, Limits};

use crate::{Reply, Server, browser, browser_with, cause, get, html, open, reply};

fn quick() -> Limits {
    Limits { answer: Duration::from_millis(300), ..Limits::default() }
}

#[tokio::test]
async fn a_server_that_never_answers_costs_one_timeout() {
    let server = Server::start(|_| Reply::Never).await;
    let browser = browser_with(&server, quick());
    let error = open(&browser, &server.at("/")).await.expect_err("a timeout");
    assert!(matches!(error, AgentError::Timeout { seconds: 1, .. }), "{error}");
    let exchange = browser.exchanges().pop().expect("an exchange");
    assert_eq!(exchange.response, None);
    assert!(exchange.duration_ms >= 300);
    assert_eq!(browser.page("first").map(|page| page.seen.response.status), Some(0));
}

#[tokio::test]
async fn a_server_that_drips_is_not_waited_for_longer() {
    for first in ["HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n", "HTTP/1.1 200 OK\r\nx-long: "] {
        let server = Server::start(move |_| Reply::Again {
            first: first.as_bytes().to_vec(),
            then: b"x".to_vec(),
            times: 1000,
            pause: Duration::from_millis(20),
        })
        .await;
        let browser = browser_with(&server, quick());
        let since = Instant::now();
        let error = open(&browser, &server.at("/")).await.expect_err("a timeout");
        assert!(matches!(error, AgentError::Timeout { .. }), "{error}");
        assert!(since.elapsed() < Duration::from_secs(10));
        let exchange = browser.exchanges().pop().expect("an exchange");
        assert_eq!(exchange.response.is_some(), first.contains("content-length"), "what came of it is kept");
    }
}

#[tokio::test]
async fn a_hundred_megabytes_are_not_read_to_their_end() {
    let flood = |first: &'static str| {
        Server::start(move |_| Reply::Again {
            first: first.as_bytes().to_vec(),
            then: format!("10000\r\n{}\r\n", "x".repeat(65536)).into_bytes(),
            times: 1600,
            pause: Duration::ZERO,
        })
    };
    for first in [
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 104857600\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\n",
    ] {
        let server = flood(first).await;
        let browser = browser(&server);
        let error = open(&browser, &server.at("/")).await.expect_err("too large");
        assert!(matches!(error, AgentError::TooLarge { limit, .. } if limit == 4 << 20), "{error}");
        let kept = browser.exchanges().pop().and_then(|exchange| exchange.response).expect("a part of it");
        assert!(kept.status == 200 && kept.body.len() <= 64 << 10);
        let error = browser.peek(&server.at("/"), &[], &cause()).await.expect_err("too large");
        assert!(matches!(error, AgentError::TooLarge { .. }), "{error}");
    }
}

#[tokio::test]
async fn endless_headers_are_not_read_to_their_end() {
    let server = Server::start(|_| Reply::Again {
        first: b"HTTP/1.1 200 OK\r\n".to_vec(),
        then: format!("x-flood: {}\r\n", "x".repeat(8000)).into_bytes(),
        times: 100_000,
        pause: Duration::ZERO,
    })
    .await;
    let error = open(&browser(&server), &server.at("/")).await.expect_err("too much");
    assert!(matches!(error, AgentError::Broken { .. }), "{error}");
}

#[tokio::test]
async fn garbage_is_no_answer() {
    for bytes in [
        &b"\x16\x03\x01\x00\x00garbage\r\n\r\n"[..],
        b"HTTP/1.1 two hundred\r\n\r\n",
        b"<html>no status line</html>",
        b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n",
        b"",
    ] {
        let server = Server::start(move |_| Reply::Last(bytes.to_vec())).await;
        let browser = browser(&server);
        let error = open(&browser, &server.at("/")).await.expect_err("garbage");
        assert!(matches!(error, AgentError::Broken { .. }), "{error}");
        assert_eq!(browser.exchanges().pop().expect("an exchange").response, None);
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_kept_as_far_as_it_came() {
    let server = Server::start(|_| Reply::Last(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf".to_vec())).await;
    let browser = browser(&server);
    let error = open(&browser, &server.at("/")).await.expect_err("broken");
    assert!(matches!(error, AgentError::Broken { .. }), "{error}");
    let exchange = browser.exchanges().pop().expect("an exchange");
    assert_eq!(exchange.response.map(|response| response.body.to_vec()), Some(b"half".to_vec()));
    assert_eq!(exchange.note, Some(error.to_string()));
}

#[tokio::test]
async fn nobody_listening_is_said_so() {
    let server = Server::start(|_| html("")).await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = free.local_addr().expect("an address").port();
    drop(free);
    for host in ["127.0.0.1", "localhost"] {
        let error = open(&browser(&server), &format!("http://{host}:{port}/")).await.expect_err("nobody");
        assert!(matches!(error, AgentError::Connect { .. }), "{error}");
    }
}

fn compressed(body: &[u8], kind: &str) -> Reply {
    let bytes = match kind {
        "gzip" => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
            encoder.write_all(body).and_then(|()| encoder.finish()).expect("gzip")
        }
        _ => {
            let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
            encoder.write_all(body).and_then(|()| encoder.finish()).expect("deflate")
        }
    };
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-encoding: {kind}\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\r\n",
        bytes.len()
    );
    Reply::Bytes([head.into_bytes(), bytes].concat())
}

#[tokio::test]
async fn compressed_answers_are_read_and_bombs_are_not() {
    let server = Server::start(|asked| match asked.path() {
        "/gzip" => compressed(b"hello", "gzip"),
        "/deflate" => compressed(b"hello", "deflate"),
        "/bomb" => compressed(&vec![b'x'; 100 << 20], "gzip"),
        _ => Reply::Bytes(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 5\r\n\r\nplain".to_vec()),
    })
    .await;
    let browser = browser(&server);
    for path in ["/gzip", "/deflate"] {
        let page = open(&browser, &server.at(path)).await.expect("a page");
        assert_eq!((page.seen.text.as_str(), &page.seen.response.body[..]), ("hello", &b"hello"[..]));
    }
    let error = open(&browser, &server.at("/bomb")).await.expect_err("a bomb");
    assert!(matches!(error, AgentError::TooLarge { .. }), "{error}");
    let error = open(&browser, &server.at("/lie")).await.expect_err("no gzip");
    assert!(error.to_string().contains("not the gzip"), "{error}");
}

#[tokio::test]
async fn leaving_a_page_that_does_not_come_closes_its_connection() {
    let (seen, mut closed) = tokio::sync::mpsc::unbounded_channel();
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        use tokio::io::AsyncReadExt;
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut bytes = Vec::new();
        let _ = seen.send("open");
        let _ = stream.read_to_end(&mut bytes).await;
        let _ = seen.send("closed");
    });
    let server = Server::start(|_| html("")).await;
    let browser = browser(&server);
    let going = browser.clone();
    let task = tokio::spawn(async move {
        going.open("first", get(&format!("http://127.0.0.1:{port}/")), &cause()).await.map(|_| ())
    });
    assert_eq!(closed.recv().await, Some("open"));
    let begun = browser.exchanges();
    assert_eq!((begun.len(), begun[0].response.is_none()), (1, true), "it is listed while it is under way");
    task.abort();
    let end = tokio::time::timeout(Duration::from_secs(20), closed.recv()).await.expect("closed in time");
    assert_eq!(end, Some("closed"));
}

#[tokio::test]
async fn the_scripts_of_pages_are_fetched_from_their_own_origin_once_each_and_so_many_at_most() {
    let server = Server::start(|asked| match asked.path() {
        "/" => html("<script src=/a.js></script><script src=http://127.0.0.1:1/foreign.js></script><script src=b.js>"),
        "/many" => html(&(0..100).map(|n| format!("<script src=/{n}.js></script>")).collect::<String>()),
        _ => reply(200, &[("content-type", "text/javascript"), ("set-cookie", "kept=no")], "var a;"),
    })
    .await;
    let browser = browser(&server);
    for _ in 0..2 {
        open(&browser, &server.at("/")).await.expect("a page");
    }
    let scripts = browser.scripts(50, &cause()).await;
    let paths: Vec<&str> = scripts.iter().map(|script| script.url.rsplit('/').next().expect("a path")).collect();
    assert_eq!(paths, ["a.js", "b.js"]);
    assert_eq!(&scripts[0].response.body[..], b"var a;");
    assert!(browser.cookies(None).is_empty(), "a look from outside keeps no cookie");
    open(&browser, &server.at("/many")).await.expect("a page");
    assert_eq!(browser.scripts(50, &cause()).await.len(), 50);
}

#[tokio::test]
async fn scripts_that_never_come_cost_one_timeout() {
    let server = Server::start(|asked| match asked.path() {
        "/" => html("<script src=/a.js></script><script src=/b.js></script><script src=/c.js></script>"),
        _ => Reply::Never,
    })
    .await;
    let browser = browser_with(&server, quick());
    open(&browser, &server.at("/")).await.expect("a page");
    assert!(browser.scripts(50, &cause()).await.is_empty());
    assert_eq!(server.paths(), ["/", "/a.js"]);
}
