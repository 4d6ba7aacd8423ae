//! Who may use the control interface: programs of this machine, or whoever has the token; and no page of another site in
//! this machine's browser. It decides by the head of a request alone.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Refusal;
use crate::provider::client_auth::same;
use crate::provider::inbound::Inbound;

/// Headers by which a proxy says that somebody else asks.
const FORWARDED: [&str; 3] = ["forwarded", "x-forwarded-for", "x-real-ip"];

/// Why a request is not let in.
pub(super) fn refused(token: Option<&str>, inbound: &Inbound, peer: Option<IpAddr>) -> Option<Refusal> {
    let by_whom = match token {
        Some(token) => wrong_token(token, inbound),
        None => from_elsewhere(inbound, peer),
    };
    by_whom.or_else(|| of_another_site(inbound)).or_else(|| wrong_kind(inbound))
}

fn wrong_token(token: &str, inbound: &Inbound) -> Option<Refusal> {
    let shown = inbound.header("authorization").and_then(|value| {
        let (scheme, rest) = value.split_once(' ')?;
        if scheme.eq_ignore_ascii_case("bearer") {
            return Some(rest.trim().to_owned());
        }
        // A browser asks for a name and a password: the token is the password.
        let text = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
        scheme.eq_ignore_ascii_case("basic").then(|| Some(text.split_once(':')?.1.to_owned()))?
    });
    let right = shown.is_some_and(|shown| same(shown.as_bytes(), token.as_bytes()));
    (!right).then(|| {
        Refusal::new(
            401,
            "the control interface needs its token",
            "authorization: Bearer TOKEN, or the token as password",
        )
    })
}

fn from_elsewhere(inbound: &Inbound, peer: Option<IpAddr>) -> Option<Refusal> {
    let here = peer.is_some_and(|peer| peer.to_canonical().is_loopback());
    let passed_on = FORWARDED.iter().any(|name| inbound.header(name).is_some());
    // A name that leads here is not enough: another site's may do so, too (DNS rebinding).
    let host = inbound.header("host").and_then(|host| url::Url::parse(&format!("http://{host}/")).ok());
    let by_name = host.is_some_and(|host| match host.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    });
    (!here || passed_on || !by_name).then(|| {
        Refusal::new(
            403,
            "without a token the control interface is for this machine alone, under the name localhost",
            "start with --control-token VARIABLE, an environment variable that holds a token",
        )
    })
}

/// A browser says whose page asks (Fetch Metadata; RFC 6454, section 7).
fn of_another_site(inbound: &Inbound) -> Option<Refusal> {
    let site = inbound.header("sec-fetch-site").is_none_or(|site| matches!(site, "same-origin" | "none"));
    let host = inbound.header("host").unwrap_or_default();
    let origin = inbound.header("origin").is_none_or(|origin| {
        origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://")).is_some_and(|own| own == host)
    });
    (!site || !origin).then(|| {
        Refusal::new(
            403,
            "a page of another site asks",
            "use the control interface from a program, or from its own page",
        )
    })
}

/// A form of another site cannot be JSON.
fn wrong_kind(inbound: &Inbound) -> Option<Refusal> {
    let carries = matches!(inbound.request.method.as_str(), "POST" | "PUT" | "PATCH");
    let kind = inbound.header("content-type").and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
    (carries && !kind.eq_ignore_ascii_case("application/json")).then(|| {
        Refusal::new(
            415,
            "a control request carries application/json",
            "content-type: application/json; {} where there is nothing to say",
        )
    })
}
