//! Client authentication (RFC 6749, section 2.3.1): by the method that was registered, and by no other.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::ClientRegistration;
use super::inbound::{Inbound, one};
use super::state::Shared;

/// The ways that there are (RFC 7591, section 2).
pub(super) const METHODS: [&str; 3] = ["client_secret_basic", "client_secret_post", "none"];

/// Who asks, or why that is not known.
pub(super) fn client(
    shared: &Shared,
    inbound: &Inbound,
    other_secret: Option<&str>,
) -> Result<ClientRegistration, &'static str> {
    let assertion = ["client_assertion", "client_assertion_type"];
    if assertion.iter().any(|name| one(&inbound.form, name).is_some()) {
        return Err("client assertions are not supported");
    }
    if inbound.count("authorization") > 1 {
        return Err("more than one Authorization header");
    }
    let in_form = (one(&inbound.form, "client_id"), one(&inbound.form, "client_secret"));
    let (id, secret, method) = match (inbound.header("authorization"), in_form) {
        (Some(_), (_, Some(_))) => return Err("two ways of authentication at once"),
        (Some(header), (in_form, None)) => {
            let (id, secret) = basic(header).ok_or("the Authorization header is no Basic authentication")?;
            if in_form.is_some_and(|other| other != id) {
                return Err("client_id differs from the authenticated client");
            }
            (id, Some(secret), "client_secret_basic")
        }
        (None, (Some(id), Some(secret))) => (id.to_owned(), Some(secret.to_owned()), "client_secret_post"),
        (None, (Some(id), None)) => (id.to_owned(), None, "none"),
        (None, (None, _)) => return Err("no client authentication"),
    };
    let mut client = shared.client(&id).ok_or("this client is not registered")?;
    let registered = if client.auth.is_empty() { "client_secret_basic" } else { client.auth.as_str() };
    if method != registered {
        return Err("another way of authentication was registered");
    }
    if let Some(other) = other_secret {
        client.secret = Some(other.to_owned());
    }
    let expected = client.secret.as_deref();
    match (method, expected, secret) {
        ("none", _, _) => Ok(client),
        (_, Some(expected), Some(secret)) if same(expected.as_bytes(), secret.as_bytes()) => Ok(client),
        _ => Err("the client secret is wrong"),
    }
}

fn basic(header: &str) -> Option<(String, String)> {
    let (scheme, rest) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    // Both are form-encoded before they are put together (RFC 6749, section 2.3.1 and appendix B).
    let decoded = |part: &str| {
        let plus = part.replace('+', " ");
        percent_encoding::percent_decode_str(&plus).decode_utf8().ok().map(std::borrow::Cow::into_owned)
    };
    Some((decoded(id)?, decoded(secret)?))
}

/// Compares without telling by the time how much was right.
pub(super) fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}
