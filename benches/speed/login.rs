//! Whole logins by hand: authorize, log in, consent, redeem. One after the other over one connection.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use countersign::model::persona::Person;

use crate::load::{Answer, Connection, request};

pub const CALLBACK: &str = "http://127.0.0.1:1/callback";

/// Logins per second.
pub fn per_second(address: SocketAddr, person: &Person, time: Duration) -> f64 {
    let mut connection = Connection::open(address).expect("the provider listens");
    let begin = Instant::now();
    let mut count = 0u32;
    while begin.elapsed() < time {
        login(&mut connection, person);
        count += 1;
    }
    f64::from(count) / begin.elapsed().as_secs_f64()
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn login(connection: &mut Connection, person: &Person) {
    let target = format!(
        "/authorize?response_type=code&client_id=bench&redirect_uri={}&scope=openid+profile&state=s&nonce=n",
        encoded(CALLBACK)
    );
    let page = connection.ask(&request("GET", &target, &[], "")).expect("the login page");
    let browser = cookie(&page);
    let transaction = transaction(&page);
    let body = format!("transaction={transaction}&username={}&password={}", person.login, person.password);
    let page =
        connection.ask(&request("POST", "/authorize/login", &[("cookie", &browser)], &body)).expect("the consent page");
    assert_eq!(page.status, 200, "{}", String::from_utf8_lossy(&page.body));
    let both = format!("{browser}; {}", cookie(&page));
    let body = format!("transaction={transaction}&scope=openid&scope=profile&decision=allow");
    let back = connection.ask(&request("POST", "/authorize/consent", &[("cookie", &both)], &body)).expect("the answer");
    let location = back.header("location").expect("a redirect back").to_owned();
    let code = location.split("code=").nth(1).and_then(|rest| rest.split('&').next()).expect("a code");
    let body = format!(
        "grant_type=authorization_code&code={code}&redirect_uri={}&client_id=bench&client_secret=secret",
        encoded(CALLBACK)
    );
    let tokens = connection.ask(&request("POST", "/token", &[], &body)).expect("tokens");
    assert_eq!(tokens.status, 200, "{}", String::from_utf8_lossy(&tokens.body));
}

fn cookie(page: &Answer) -> String {
    page.header("set-cookie").and_then(|value| value.split(';').next()).expect("a cookie").to_owned()
}

fn transaction(page: &Answer) -> String {
    let html = String::from_utf8_lossy(&page.body);
    let (_, rest) = html.split_once("name=\"transaction\" value=\"").expect("a form");
    rest.split('"').next().expect("a value").to_owned()
}
