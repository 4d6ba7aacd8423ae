//! Paces as a running provider serves them: who holds, who releases, and what is forgotten when nobody waits any more.

use std::time::Duration;

use countersign::model::dialect::Dialect;
use countersign::model::fault::{Endpoint, Fault, Layer, Message, Operations, Pace};
use countersign::model::value::Value;
use countersign::provider::{Attempt, AttemptSpec, Provider, ProviderConfig, TAG_HEADER};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::patch;

/// More than any of this takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

async fn provider() -> (Provider, Attempt) {
    let dialect = Dialect::from_files(
        include_str!("../../specs/dialects/oidc/dialect.toml"),
        include_str!("../../specs/dialects/oidc/personas.toml"),
    );
    let config = ProviderConfig::new(dialect.expect("the shipped dialect"));
    let provider = Provider::start(config).await.expect("a free port");
    let attempt = provider.attempt(AttemptSpec { id: "t1".into(), people: Vec::new(), sole: true, events: None });
    (provider, attempt)
}

fn fault(operations: Operations) -> Fault {
    Fault { patches: vec![patch(Message::Response(Endpoint::Jwks), Layer::Members, operations)] }
}

fn send(pace: Pace) -> Fault {
    fault(Operations { send: Some(pace), ..Operations::default() })
}

async fn asked(provider: &Provider, attempt: &Attempt) -> TcpStream {
    let mut stream = TcpStream::connect(provider.address()).await.unwrap();
    let tag = attempt.tag("first", "first");
    let path = url::Url::parse(&provider.metadata("jwks_uri").unwrap()).unwrap().path().to_owned();
    let request = format!("GET {path} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n{TAG_HEADER}: {tag}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

/// All that comes until the connection ends, or how it broke.
async fn answer(mut stream: TcpStream) -> std::io::Result<String> {
    let mut all = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut all)).await.expect("an end in time")?;
    Ok(String::from_utf8_lossy(&all).into_owned())
}

async fn until(attempt: &Attempt, mut reached: impl FnMut() -> bool) {
    let mut events = attempt.events();
    let waiting = async {
        while !reached() {
            events.changed().await.expect("the attempt lives");
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("it happens in time");
}

#[tokio::test]
async fn a_held_answer_goes_out_when_the_fault_that_holds_it_is_mended_whatever_other_fault_is_in_force() {
    let (provider, attempt) = provider().await;
    let holding = attempt.put(&send(Pace::Held));
    let other =
        attempt.put(&fault(Operations { set: vec![("more".into(), Value::text("x"))], ..Operations::default() }));
    let stream = asked(&provider, &attempt).await;
    until(&attempt, || attempt.held() == [("first".to_owned(), "first".to_owned())]).await;
    assert_eq!(attempt.delivery(holding).delivered, 1, "the request that asks for it arrived");
    attempt.mend(holding);
    let text = answer(stream).await.unwrap();
    assert!(text.contains("main-rs256") && text.contains(r#""more":"x""#), "{text}");
    until(&attempt, || attempt.held().is_empty()).await;
    assert_eq!((attempt.delivery(other).matched, attempt.delivery(other).delivered), (1, 1));
}

#[tokio::test]
async fn a_tab_whose_browser_went_away_is_not_held_any_more() {
    let (provider, attempt) = provider().await;
    attempt.put(&send(Pace::Held));
    let stream = asked(&provider, &attempt).await;
    until(&attempt, || !attempt.held().is_empty()).await;
    drop(stream);
    until(&attempt, || attempt.held().is_empty()).await;
}

#[tokio::test]
async fn a_late_or_slow_answer_hurries_when_its_fault_is_mended() {
    for pace in [Pace::After(Duration::from_secs(3600)), Pace::Slowly { bytes_per_second: 1 }] {
        let (provider, attempt) = provider().await;
        let late = attempt.put(&send(pace.clone()));
        let stream = asked(&provider, &attempt).await;
        until(&attempt, || attempt.delivery(late).matched == 1).await;
        attempt.mend(late);
        assert!(answer(stream).await.unwrap().contains("main-es256"), "{pace:?}");
        until(&attempt, || attempt.delivery(late).delivered == 1).await;
    }
}

#[tokio::test]
async fn a_reset_a_silence_and_a_cut_end_each_in_its_own_way() {
    let (provider, attempt) = provider().await;
    let reset = attempt.put(&send(Pace::Reset));
    let broken = answer(asked(&provider, &attempt).await).await.unwrap_err();
    assert_eq!(broken.kind(), std::io::ErrorKind::ConnectionReset);
    attempt.mend(reset);

    let never = attempt.put(&send(Pace::Never));
    let stream = asked(&provider, &attempt).await;
    until(&attempt, || attempt.delivery(never).delivered == 1).await;
    attempt.mend(never);
    assert_eq!(answer(stream).await.unwrap(), "");

    let cut = attempt.put(&send(Pace::Cut));
    let text = answer(asked(&provider, &attempt).await).await.unwrap();
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    let length: usize = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
    assert_eq!(body.len(), length / 2);
    assert_eq!(attempt.delivery(cut).delivered, 1);
}
