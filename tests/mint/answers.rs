//! Answers: every operation on an HTTP answer, their order, and what cannot take effect.

use std::io::Read as _;

use countersign::model::fault::{Encode, ErrorAnswer, Layer, Operations, Pace, Redirect, Sign};
use countersign::model::value::{Environment, RunValue, Source, Transform, Unresolved, Value};
use countersign::model::wire::Wire;
use countersign::provider::mint::answer::{Answer, Body};
use serde_json::json;

use super::{Known, of_answer, run};

fn tokens() -> Answer {
    Answer::json(200, Wire::from(json!({ "access_token": "a", "token_type": "Bearer", "scope": "openid" })))
}

fn callback() -> Answer {
    Answer::redirect("http://p/cb?from=here", Wire::from(json!({ "code": "c 1", "state": "s&1" })))
}

fn error(error: &ErrorAnswer, _: &dyn Environment) -> Result<Answer, Unresolved> {
    Ok(Answer::json(400, Wire::from(json!({ "error": error.code }))).with("x-dialect", "own"))
}

fn changed(mut answer: Answer, all: Vec<(Layer, Operations)>) -> Result<Answer, Unresolved> {
    let patches: Vec<_> = all.into_iter().map(|(layer, operations)| of_answer(layer, operations)).collect();
    answer.apply_all(&patches.iter().collect::<Vec<_>>(), &error, &Known)?;
    Ok(answer)
}

fn members(answer: Answer, operations: Operations) -> Answer {
    changed(answer, vec![(Layer::Members, operations)]).expect("it can take effect")
}

fn body(answer: &Answer) -> String {
    String::from_utf8(answer.render().body.to_vec()).expect("text")
}

fn head(answer: &Answer, name: &str) -> Vec<String> {
    answer.render().headers.into_iter().filter(|(own, _)| own == name).map(|(_, value)| value).collect()
}

fn set(name: &str, value: impl Into<String>) -> Operations {
    Operations { set: vec![(name.into(), Value::text(value))], ..Operations::default() }
}

fn fault_error() -> Operations {
    Operations {
        error: Some(ErrorAnswer { code: "invalid_grant".into(), ..ErrorAnswer::default() }),
        ..Operations::default()
    }
}

#[test]
fn members_are_set_dropped_and_written_twice_in_their_place() {
    let answer = members(
        tokens(),
        Operations {
            set: vec![
                ("token_type".into(), Value::text("mac")),
                ("new".into(), Value::Literal(json!({ "deep": [1] }))),
            ],
            drop: vec!["scope".into()],
            duplicate: vec![("access_token".into(), vec![Value::text("a"), Value::text("b")])],
            ..Operations::default()
        },
    );
    assert_eq!(body(&answer), r#"{"access_token":"a","access_token":"b","token_type":"mac","new":{"deep":[1]}}"#);
}

#[test]
fn what_a_message_would_have_said_is_that_of_the_same_message() {
    let value = Value::Run(Box::new(RunValue {
        source: Source::Original("scope".into()),
        transforms: vec![Transform::Suffix(Value::text(" admin"))],
    }));
    let operations = Operations { set: vec![("scope".into(), value)], ..Operations::default() };
    assert!(body(&members(tokens(), operations)).contains(r#""scope":"openid admin""#));
}

#[test]
fn a_status_and_a_text_replace_what_was_there() {
    let operations = Operations { status: Some(500), replace: Some(Value::text("oops")), ..Operations::default() };
    let answer = members(tokens(), operations);
    assert_eq!((answer.status, body(&answer).as_str()), (500, "oops"));
    let nothing = members(tokens(), Operations { replace: Some(Value::text("")), ..Operations::default() });
    assert_eq!(body(&nothing), "");
    // A redirect whose text is replaced leads nowhere any more.
    let page = members(callback(), Operations { replace: Some(Value::text("<p>")), ..Operations::default() });
    assert!(head(&page, "location").is_empty());
}

#[test]
fn the_error_answer_comes_first_and_headers_last_whatever_the_order_of_the_patches() {
    let http = || (Layer::Http, set("X-Dialect", "spoilt"));
    let code = || (Layer::Members, fault_error());
    let more = || (Layer::Members, set("hint", "h"));
    for patches in [vec![http(), more(), code()], vec![code(), more(), http()]] {
        let answer = changed(tokens(), patches).unwrap();
        assert_eq!((answer.status, body(&answer).as_str()), (400, r#"{"error":"invalid_grant","hint":"h"}"#));
        assert_eq!(head(&answer, "x-dialect"), ["spoilt"]);
    }
}

#[test]
fn headers_are_found_in_any_case_and_can_be_repeated_or_left_out() {
    let operations = Operations {
        set: vec![("Retry-After".into(), Value::text("120"))],
        drop: vec!["Cache-Control".into()],
        duplicate: vec![("content-TYPE".into(), vec![Value::text("text/html"), Value::text("application/json")])],
        ..Operations::default()
    };
    let answer = changed(tokens(), vec![(Layer::Http, operations)]).unwrap();
    assert_eq!(head(&answer, "content-type"), ["text/html", "application/json"]);
    assert_eq!(head(&answer, "retry-after"), ["120"]);
    assert!(head(&answer, "cache-control").is_empty());
}

#[test]
fn the_parameters_of_a_redirect_are_members_too() {
    let answer = members(
        callback(),
        Operations {
            set: vec![("iss".into(), Value::text("http://i"))],
            drop: vec!["state".into()],
            duplicate: vec![("code".into(), vec![Value::text("c1"), Value::text("c2")])],
            ..Operations::default()
        },
    );
    assert_eq!(head(&answer, "location"), ["http://p/cb?from=here&code=c1&code=c2&iss=http%3A%2F%2Fi"]);
    let bytes = run(Source::Base64(vec![0xff, b'/']));
    let operations = Operations { set: vec![("state".into(), bytes)], ..Operations::default() };
    assert_eq!(head(&members(callback(), operations), "location"), ["http://p/cb?from=here&code=c+1&state=%FF%2F"]);
}

#[test]
fn the_header_location_can_be_changed_like_any_other() {
    let answer = changed(callback(), vec![(Layer::Http, set("Location", "http://elsewhere/"))]).unwrap();
    assert_eq!(head(&answer, "location"), ["http://elsewhere/"]);
}

#[test]
fn the_response_mode_decides_where_the_parameters_stand() {
    let mode = |encode: Encode| members(callback(), Operations { encode: Some(encode), ..Operations::default() });
    assert_eq!(head(&mode(Encode::Query), "location"), ["http://p/cb?from=here&code=c+1&state=s%261"]);
    assert_eq!(head(&mode(Encode::Fragment), "location"), ["http://p/cb?from=here#code=c+1&state=s%261"]);
    let fragment = Answer::redirect("http://p/cb#top", Wire::from(json!({ "code": "c" })));
    assert_eq!(head(&fragment, "location"), ["http://p/cb?code=c#top"]);

    let posted = mode(Encode::FormPost);
    assert_eq!((posted.status, head(&posted, "location").len()), (200, 0));
    let html = scraper::Html::parse_document(&body(&posted));
    let find = |selector: &str| {
        html.select(&scraper::Selector::parse(selector).unwrap()).map(|found| found.value().clone()).collect::<Vec<_>>()
    };
    let form = &find("form")[0];
    assert_eq!((form.attr("method"), form.attr("action")), (Some("post"), Some("http://p/cb?from=here")));
    let inputs: Vec<_> = find("input")
        .iter()
        .map(|input| (input.attr("name").unwrap().to_owned(), input.attr("value").unwrap().to_owned()))
        .collect();
    assert_eq!(inputs, [("code".to_owned(), "c 1".to_owned()), ("state".to_owned(), "s&1".to_owned())]);
}

#[test]
fn a_posting_form_lets_nothing_out_of_its_attributes() {
    let hostile = Answer::redirect("http://p/\"><b>", Wire::from(json!({ "state": "\"><script>alert(1)</script>" })));
    let answer = members(hostile, Operations { encode: Some(Encode::FormPost), ..Operations::default() });
    let html = scraper::Html::parse_document(&body(&answer));
    let count = |selector: &str| html.select(&scraper::Selector::parse(selector).unwrap()).count();
    assert_eq!((count("b"), count("script"), count("input")), (0, 1, 1));
}

#[test]
fn a_request_can_be_sent_on_with_what_it_carried() {
    let redirect = |carry: bool, replace: Option<Value>| Operations {
        redirect: Some(Redirect {
            to: Value::text("http://attacker/x"),
            status: 307,
            carry,
            set: vec![("state".into(), Value::text("mine"))],
        }),
        replace,
        ..Operations::default()
    };
    let carried = members(tokens(), redirect(true, None));
    assert_eq!(
        (carried.status, head(&carried, "location")),
        (307, vec!["http://attacker/x?scope=openid&state=mine".into()])
    );
    let bare = members(tokens(), redirect(false, Some(Value::text("moved"))));
    assert_eq!((body(&bare).as_str(), head(&bare, "location")), ("moved", vec!["http://attacker/x?state=mine".into()]));
}

#[test]
fn bodies_can_be_compressed_marked_or_in_another_alphabet() {
    let plain = || Answer::json(200, Wire::from(json!({ "name": "Zoë" })));
    let of = |encode: Encode| members(plain(), Operations { encode: Some(encode), ..Operations::default() });
    let gzip = of(Encode::Gzip);
    let mut text = String::new();
    flate2::read::GzDecoder::new(gzip.render().body.as_ref()).read_to_string(&mut text).unwrap();
    assert_eq!((text, head(&gzip, "content-encoding")), (body(&plain()), vec!["gzip".to_owned()]));
    assert_eq!(of(Encode::Bom).render().body[..3], [0xef, 0xbb, 0xbf]);
    assert_eq!(of(Encode::Latin1).render().body.as_ref(), b"{\"name\":\"Zo\xeb\"}");
}

#[test]
fn a_form_answer_is_patched_like_json() {
    let answer = Answer::form(200, Wire::from(json!({ "access_token": "a b", "expires": "60" })));
    let answer = members(answer, Operations { drop: vec!["expires".into()], ..set("more", "ü") });
    assert_eq!(body(&answer), "access_token=a+b&more=%C3%BC");
}

#[test]
fn the_pace_is_noted_and_the_last_one_wins() {
    let pace = |send: Pace| (Layer::Members, Operations { send: Some(send), ..Operations::default() });
    let answer = changed(tokens(), vec![pace(Pace::Held), pace(Pace::Cut)]).unwrap();
    assert_eq!(answer.pace, Some(Pace::Cut));
}

#[test]
fn what_cannot_take_effect_on_an_answer_is_an_error_and_names_the_place() {
    let page = || Answer::page(200, "<p>".into());
    let encode = |encode: Encode| Operations { encode: Some(encode), ..Operations::default() };
    let send = |send: Pace| Operations { send: Some(send), ..Operations::default() };
    let carry = Redirect { to: Value::text("http://x"), status: 302, carry: true, set: Vec::new() };
    for (what, answer, layer, operations) in [
        ("a member of a page", page(), Layer::Members, set("a", "b")),
        ("a place that is not there", tokens(), Layer::Members, set("/a/b", "c")),
        ("a signature", tokens(), Layer::Members, Operations { sign: Some(Sign::default()), ..Operations::default() }),
        ("a JOSE header", tokens(), Layer::Jose, set("kid", "x")),
        ("an error in the headers", tokens(), Layer::Http, fault_error()),
        ("a fragment of JSON", tokens(), Layer::Members, encode(Encode::Fragment)),
        ("a query of JSON", tokens(), Layer::Members, encode(Encode::Query)),
        ("gzip of a redirect", callback(), Layer::Members, encode(Encode::Gzip)),
        ("a signed response", callback(), Layer::Members, encode(Encode::Jwt)),
        ("Latin-1 of ASCII", tokens(), Layer::Members, encode(Encode::Latin1)),
        ("a certificate", tokens(), Layer::Members, send(Pace::Certificate("expired".into()))),
    ] {
        let refusal = changed(answer, vec![(layer, operations)]).expect_err(what);
        assert!(!refusal.what.is_empty());
    }
    struct Nothing;
    impl Environment for Nothing {
        fn source(&self, _: &Source) -> Option<Wire> {
            None
        }
    }
    let lost = of_answer(Layer::Members, Operations { redirect: Some(carry), ..Operations::default() });
    assert!(tokens().apply(&lost, &error, &Nothing).is_err(), "there is nothing to carry along");
    assert_eq!(Answer::empty(204).body, Body::Empty);
}
