//! Exchanges as the control interface shows them: secrets hidden, unless they were asked for. A hidden token still tells
//! whether it is the same one as elsewhere.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value as Json;

use crate::model::control::{ExchangeSeen, MessageSeen};
use crate::model::exchange::{Exchange, header};
use crate::model::persona::digest;

/// Members whose value lets somebody in.
const SECRET: [&str; 15] = [
    "access_token",
    "client_assertion",
    "client_secret",
    "code",
    "code_verifier",
    "device_code",
    "fb_exchange_token",
    "id_token",
    "id_token_hint",
    "input_token",
    "logout_token",
    "password",
    "refresh_token",
    "token",
    "transaction",
];

/// Those that a person or an operator chose: not even a trace of them is shown.
const CHOSEN: [&str; 2] = ["client_secret", "password"];

/// Bytes of a body that are shown.
const SHOWN: usize = 64 << 10;

/// An exchange for people and programs.
pub(super) fn exchange(own: &Exchange, secrets: bool) -> ExchangeSeen {
    ExchangeSeen {
        seq: own.seq,
        endpoint: own.endpoint.map(|endpoint| endpoint.name().to_owned()),
        grant: own.grant.map(|grant| grant.name().to_owned()),
        persona: own.person.clone(),
        client: client(own),
        login: Some(own.cause.tab.clone()).filter(|login| !login.is_empty()),
        request: MessageSeen {
            line: format!(
                "{} {}",
                own.request.method,
                if secrets { own.request.url.clone() } else { url(&own.request.url) }
            ),
            headers: headers(&own.request.headers, secrets),
            body: body(&own.request.headers, &own.request.body, secrets),
        },
        response: own.response.as_ref().map(|response| MessageSeen {
            line: response.status.to_string(),
            headers: headers(&response.headers, secrets),
            body: body(&response.headers, &response.body, secrets),
        }),
        id_token: own.response_json().and_then(|answer| opened(answer.get("id_token")?.as_str()?)),
        note: own.note.clone(),
        faults: own.faults.iter().map(|fault| fault.0).collect(),
        duration_ms: own.duration_ms,
    }
}

/// The client that asks, by what it says of itself.
pub(super) fn client(own: &Exchange) -> Option<String> {
    let basic = || {
        let (scheme, rest) = header(&own.request.headers, "authorization")?.split_once(' ')?;
        let text = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
        let id = text.split_once(':')?.0.replace('+', " ");
        let id = percent_encoding::percent_decode_str(&id).decode_utf8_lossy().into_owned();
        scheme.eq_ignore_ascii_case("basic").then_some(id)
    };
    own.parameter("client_id").or_else(basic)
}

fn is_secret(name: &str) -> bool {
    SECRET.contains(&name)
}

/// What stands in the place of a secret.
fn hidden(name: &str, value: &str) -> String {
    if value.is_empty() {
        return String::new();
    }
    if CHOSEN.contains(&name) {
        return format!("[{name}]");
    }
    format!("[{name} {}]", &digest(&[value])[..6])
}

/// A query or a form, each secret value hidden.
fn pairs(text: &str) -> String {
    let one = |pair: &str| {
        let name = pair.split('=').next().unwrap_or_default();
        match url::form_urlencoded::parse(pair.as_bytes()).next() {
            Some((own, value)) if is_secret(&own) => format!("{name}={}", hidden(&own, &value)),
            _ => pair.to_owned(),
        }
    };
    text.split('&').map(one).collect::<Vec<_>>().join("&")
}

/// An address, each secret value of its query and fragment hidden.
fn url(text: &str) -> String {
    let (rest, fragment) = text.split_once('#').map_or((text, None), |(rest, fragment)| (rest, Some(fragment)));
    let (path, query) = rest.split_once('?').map_or((rest, None), |(path, query)| (path, Some(query)));
    let query = query.map(|query| format!("?{}", pairs(query))).unwrap_or_default();
    let fragment = fragment.map(|fragment| format!("#{}", pairs(fragment))).unwrap_or_default();
    format!("{path}{query}{fragment}")
}

fn headers(own: &[(String, String)], secrets: bool) -> Vec<(String, String)> {
    let one = |(name, value): &(String, String)| {
        let shown = match name.as_str() {
            _ if secrets => value.clone(),
            "authorization" => match value.split_once(' ') {
                Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
                    format!("{scheme} {}", hidden("access_token", token.trim()))
                }
                Some((scheme, _)) => format!("{scheme} [client_secret]"),
                None => "[authorization]".to_owned(),
            },
            "cookie" => {
                let names = value.split(';').filter_map(|pair| pair.trim().split('=').next());
                names.map(|name| format!("{name}=[cookie]")).collect::<Vec<_>>().join("; ")
            }
            "set-cookie" => {
                let (name, rest) = value.split_once('=').unwrap_or((value, ""));
                let rest = rest.split_once(';').map(|(_, rest)| format!(";{rest}")).unwrap_or_default();
                format!("{name}=[cookie]{rest}")
            }
            "location" | "referer" => url(value),
            _ => value.clone(),
        };
        (name.clone(), shown)
    };
    own.iter().map(one).collect()
}

fn body(headers: &[(String, String)], bytes: &[u8], secrets: bool) -> String {
    if bytes.is_empty() {
        return String::new();
    }
    let kind = header(headers, "content-type").unwrap_or_default();
    let text = || String::from_utf8_lossy(&bytes[..bytes.len().min(SHOWN)]).into_owned();
    if secrets {
        return text();
    }
    let json = || serde_json::from_slice::<Json>(bytes).ok();
    match kind.split(';').next().unwrap_or_default().trim() {
        "application/x-www-form-urlencoded" => pairs(&text()),
        "application/json" => json().map_or_else(|| size(bytes), |json| members(json).to_string()),
        _ => size(bytes),
    }
}

fn size(bytes: &[u8]) -> String {
    format!("[{} bytes]", bytes.len())
}

fn members(json: Json) -> Json {
    match json {
        Json::Object(all) => {
            let one = |(name, value): (String, Json)| {
                let value = match value {
                    Json::String(text) if is_secret(&name) => Json::from(hidden(&name, &text)),
                    other => members(other),
                };
                (name, value)
            };
            Json::Object(all.into_iter().map(one).collect())
        }
        Json::Array(all) => Json::Array(all.into_iter().map(members).collect()),
        other => other,
    }
}

/// Header and claims of a JWT.
fn opened(token: &str) -> Option<Json> {
    let mut parts = token.split('.');
    let mut part = || serde_json::from_slice::<Json>(&URL_SAFE_NO_PAD.decode(parts.next()?).ok()?).ok();
    Some(serde_json::json!({ "header": part()?, "claims": part()? }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::exchange::{Cause, Party, Request, Response};
    use crate::model::fault::ProviderName;

    fn sample() -> Exchange {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Exchange {
            seq: 1,
            from: Party::Partner,
            to: Party::Provider(ProviderName::Main),
            cause: Cause::default(),
            endpoint: None,
            grant: None,
            person: None,
            request: Request {
                method: "POST".into(),
                url: "http://x/token?code=s-1&id%5Ftoken_hint=s-2#access_token=s-3".into(),
                headers: vec![
                    pair("authorization", "Basic c2hvcDpzLTQ="),
                    pair("cookie", "a=s-5; b=s-6"),
                    pair("content-type", "application/x-www-form-urlencoded"),
                    pair("referer", "http://y/?code=s-7"),
                ],
                body: "code=s-8&client%5Fsecret=s-9&x=y".into(),
            }
            .into(),
            response: Some(
                Response {
                    status: 200,
                    headers: vec![pair("set-cookie", "a=s-10; Path=/"), pair("content-type", "application/json")],
                    body: r#"{"access_token":"s-11","deep":[{"refresh_token":"s-12"}],"scope":"openid"}"#.into(),
                }
                .into(),
            ),
            note: None,
            faults: Vec::new(),
            duration_ms: 0,
        }
    }

    #[test]
    fn no_secret_is_shown_unless_it_is_asked_for() {
        let shown = serde_json::to_string(&exchange(&sample(), false)).unwrap();
        assert!(!shown.contains("s-") && !shown.contains("c2hv"), "{shown}");
        assert!(shown.contains("x=y") && shown.contains("openid") && shown.contains("Path=/"), "{shown}");
        let all = serde_json::to_string(&exchange(&sample(), true)).unwrap();
        assert!((1..=12).filter(|n| ![4].contains(n)).all(|n| all.contains(&format!("s-{n}"))), "{all}");
    }

    #[test]
    fn the_same_token_is_hidden_in_the_same_way() {
        assert_eq!(hidden("code", "a"), hidden("code", "a"));
        assert_ne!(hidden("code", "a"), hidden("code", "b"));
        assert_eq!(hidden("password", "a"), hidden("password", "b"));
    }
}
