//! Paces: bodies over a real connection, and heads that wait. Time stands still except where a fault makes it pass.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use countersign::model::fault::Pace;
use countersign::provider::mint::pace::{Departure, PacedBody, Taken, withhold};
use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::watch;
use tokio::time::Instant;

fn counter() -> (Taken, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let own = Arc::clone(&count);
    let taken: Taken = Arc::new(move || {
        own.fetch_add(1, Ordering::SeqCst);
    });
    (taken, count)
}

/// What a client sees of a body at a pace, to the end of the connection; and how often the body said that it was taken.
async fn seen(bytes: &'static [u8], pace: Option<Pace>) -> (String, String, usize) {
    let (taken, count) = counter();
    let (mut client, server) = tokio::io::duplex(1 << 20);
    let service = hyper::service::service_fn(move |_| {
        let body = PacedBody::new(Bytes::from_static(bytes), pace.as_ref(), Some(Arc::clone(&taken)));
        async move { Ok::<_, Infallible>(hyper::Response::new(body)) }
    });
    let serving = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(server), service);
    let serving = tokio::spawn(serving);
    client.write_all(b"GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut all = Vec::new();
    client.read_to_end(&mut all).await.unwrap();
    let _ = serving.await.unwrap();
    let all = String::from_utf8(all).unwrap();
    let (head, body) = all.split_once("\r\n\r\n").unwrap_or((&all, ""));
    (head.to_owned(), body.to_owned(), count.load(Ordering::SeqCst))
}

#[tokio::test]
async fn an_ordinary_body_arrives_whole_and_says_once_that_it_was_taken() {
    let (head, body, taken) = seen(b"0123456789", None).await;
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("content-length: 10"), "{head}");
    assert_eq!((body.as_str(), taken), ("0123456789", 1));
    let (head, body, taken) = seen(b"", None).await;
    assert!(head.contains("content-length: 0"), "{head}");
    assert_eq!((body.as_str(), taken), ("", 1));
}

#[tokio::test]
async fn a_cut_body_promises_all_sends_half_and_breaks_off() {
    let (head, body, taken) = seen(b"0123456789", Some(Pace::Cut)).await;
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("content-length: 10"), "{head}");
    assert_eq!((body.as_str(), taken), ("01234", 1));
    for short in [b"".as_slice(), b"0"] {
        let (head, body, taken) = seen(short, Some(Pace::Cut)).await;
        assert!(head.contains("content-length: 1"), "even {short:?} is a cut: {head}");
        assert_eq!((body.as_str(), taken), ("", 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_body_takes_the_time_that_its_rate_says() {
    let begun = Instant::now();
    let (_, body, taken) = seen(&[b'x'; 100], Some(Pace::Slowly { bytes_per_second: 20 })).await;
    // The last of 50 drips of two bytes is followed by no pause.
    assert_eq!((body.len(), taken, begun.elapsed().as_millis() / 100), (100, 1, 49));
    let begun = Instant::now();
    let (_, body, _) = seen(b"abc", Some(Pace::Slowly { bytes_per_second: 1 })).await;
    assert_eq!((body.as_str(), begun.elapsed().as_secs()), ("abc", 2));
}

#[tokio::test(start_paused = true)]
async fn a_slow_body_is_taken_with_its_last_byte_and_not_before() {
    let (taken, count) = counter();
    let mut body = PacedBody::new(Bytes::from_static(b"ab"), Some(&Pace::Slowly { bytes_per_second: 1 }), Some(taken));
    assert_eq!(body.size_hint().exact(), Some(2));
    body.frame().await.unwrap().unwrap();
    assert_eq!((count.load(Ordering::SeqCst), body.is_end_stream()), (0, false));
    body.frame().await.unwrap().unwrap();
    assert_eq!((count.load(Ordering::SeqCst), body.is_end_stream()), (1, true));
}

#[tokio::test]
async fn a_body_that_nobody_reads_to_its_end_never_says_that_it_was_taken() {
    let (taken, count) = counter();
    drop(PacedBody::new(Bytes::from_static(b"ab"), None, Some(taken)));
    assert_eq!(count.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn mending_lets_the_rest_of_a_slow_body_out_at_once() {
    let (release, released) = watch::channel(false);
    let slow = Pace::Slowly { bytes_per_second: 1 };
    let mut body = PacedBody::new(Bytes::from_static(b"0123456789"), Some(&slow), None).until(released);
    let begun = Instant::now();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap().as_ref(), b"0");
    let rest = tokio::spawn(body.collect());
    tokio::task::yield_now().await;
    release.send_replace(true);
    assert_eq!(rest.await.unwrap().unwrap().to_bytes().as_ref(), b"123456789");
    assert!(begun.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_held_head_waits_for_mending_and_a_silent_one_closes_then() {
    for (pace, then) in [(Pace::Held, Departure::Answer), (Pace::Never, Departure::Close)] {
        let (release, released) = watch::channel(false);
        let waiting = withhold(Some(&pace), released);
        tokio::pin!(waiting);
        let early = tokio::time::timeout(Duration::from_secs(3600), &mut waiting).await;
        assert!(early.is_err(), "{pace:?} does not end by itself");
        release.send_replace(true);
        assert_eq!(waiting.await, then);
        // A fault that is gone holds nothing.
        let (release, released) = watch::channel(false);
        drop(release);
        assert_eq!(withhold(Some(&pace), released).await, then);
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_head_waits_so_long_or_until_mended() {
    let (release, released) = watch::channel(false);
    let late = Pace::After(Duration::from_secs(30));
    let begun = Instant::now();
    assert_eq!(withhold(Some(&late), released.clone()).await, Departure::Answer);
    assert_eq!(begun.elapsed().as_secs(), 30);
    release.send_replace(true);
    assert_eq!(withhold(Some(&late), released).await, Departure::Answer);
    assert_eq!(begun.elapsed().as_secs(), 30);
}

#[tokio::test]
async fn every_other_head_goes_at_once() {
    let released = || watch::channel(false).1;
    assert_eq!(withhold(None, released()).await, Departure::Answer);
    assert_eq!(withhold(Some(&Pace::Cut), released()).await, Departure::Answer);
    assert_eq!(withhold(Some(&Pace::Reset), released()).await, Departure::Reset);
}
