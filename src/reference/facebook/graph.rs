//! The Graph API: where a person's data is, what proves a call, what an answer means, and which permissions there are.

use serde_json::Value as Json;

use crate::reference::provider::with_query;
use crate::reference::state::App;

use super::seal;

/// What the token endpoint stands behind; what is left is where the Graph begins.
const TOKEN: &str = "/oauth/access_token";

/// The address of something of the person whose token it is: `permissions`, `friends`.
pub(in crate::reference) async fn edge(app: &App, name: &str) -> Result<String, String> {
    address(app, &format!("me/{name}")).await
}

/// An address of the Graph.
pub(super) async fn address(app: &App, path: &str) -> Result<String, String> {
    let token = app.endpoint("token").await?;
    let graph = token.strip_suffix(TOKEN).ok_or("the token endpoint is not where the Graph is")?;
    Ok(format!("{graph}/{path}"))
}

/// The address of a call, with what proves that it comes from the app's own server.
pub(in crate::reference) fn proven(app: &App, url: &str, token: &str) -> String {
    if app.flaws.has("no-appsecret-proof") {
        return url.to_owned();
    }
    with_query(url, &format!("appsecret_proof={}", seal::proof(token, &app.config.client_secret)))
}

/// What an answer means in terms of HTTP: the Graph says with its codes what others say with the status, and now and
/// then under 200. `None`: there is nothing that could be read.
/// Only a flaw knows `one_style` alone.
pub(in crate::reference) fn meaning(status: u16, body: Option<Json>, one_style: bool) -> (u16, Option<Json>) {
    let Some(body) = body else { return (status, None) };
    let refused = if status >= 400 { status } else { 400 };
    let said = match body.get("error") {
        Some(error @ Json::Object(_)) => Some(match (error.get("code"), by_message(error)) {
            (None, Some(code)) => by_code(Some(&Json::from(code)), refused),
            (None, None) if error.get("type").is_some_and(|kind| kind != "OAuthException") => refused,
            (code, _) => by_code(code, refused),
        }),
        Some(Json::String(_)) if one_style => Some(refused),
        // The style of draft 10.
        Some(Json::String(error)) => Some(if error == "invalid_token" { 401 } else { refused }),
        _ => body.get("error_code").map(|code| by_code(Some(code), refused)),
    };
    match said {
        Some(status) => (status, Some(body)),
        // `false`: this token may not see it.
        None if !body.is_object() && status == 200 => (404, None),
        None => (status, Some(body)),
    }
}

/// The code at the beginning of a message, `(#200)`, which is where it stood until 2012.
fn by_message(error: &Json) -> Option<i64> {
    let message = error.get("message")?.as_str()?;
    message.strip_prefix("(#")?.split_once(')')?.0.parse().ok()
}

/// The HTTP status that stands for a code; without one the token is no good, as in the first years.
pub(super) fn by_code(code: Option<&Json>, otherwise: u16) -> u16 {
    match code.and_then(Json::as_i64) {
        None if code.is_none() => 401,
        Some(102 | 190) => 401,
        Some(10 | 200..=299) => 403,
        Some(4 | 17 | 32 | 341 | 613 | 80000..=80014) => 429,
        Some(1 | 2) => 503,
        _ => otherwise,
    }
}

/// The permissions that were granted, of an answer at `/me/permissions` in either style.
fn listed(body: &Json) -> Option<Vec<String>> {
    let entries = body.get("data")?.as_array()?;
    let mut granted = Vec::new();
    for entry in entries.iter().filter_map(Json::as_object) {
        match (entry.get("permission"), entry.get("status")) {
            (Some(Json::String(name)), status) => {
                if status.and_then(Json::as_str) == Some("granted") {
                    granted.push(name.clone());
                }
            }
            // One object with 1 for each, as until 2014.
            _ => granted.extend(entry.iter().filter(|(_, value)| **value == 1).map(|(name, _)| name.clone())),
        }
    }
    Some(granted)
}

/// What was granted: nobody knows it but the provider, for people decline one by one and take back later.
pub(in crate::reference) async fn granted(app: &App, token: &str, asked: &[String]) -> Result<Vec<String>, String> {
    if app.flaws.has("assumes-all-scopes-granted") {
        return Ok(asked.to_vec());
    }
    let url = edge(app, "permissions").await?;
    match app.call(url, token).await? {
        (200, Some(body)) => listed(&body).ok_or_else(|| "the provider lists no permissions".to_owned()),
        (status, _) => Err(format!("the provider answered {status}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn codes_say_more_than_the_status() {
        for (status, body, meant) in [
            (400, json!({ "error": { "code": 190, "error_subcode": 463 } }), 401),
            (200, json!({ "error": { "code": 190 } }), 401),
            (400, json!({ "error": { "type": "OAuthException", "message": "…" } }), 401),
            (500, json!({ "error": { "type": "Exception", "message": "…" } }), 500),
            (403, json!({ "error": { "type": "OAuthException", "message": "(#200) not authorized" } }), 403),
            (400, json!({ "error": { "code": 10 } }), 403),
            (403, json!({ "error": { "code": 299 } }), 403),
            (400, json!({ "error": { "code": 4 } }), 429),
            (500, json!({ "error": { "code": 2 } }), 503),
            (400, json!({ "error": { "code": 100, "error_subcode": 33 } }), 400),
            (400, json!({ "error": "invalid_token", "error_description": "…" }), 401),
            (200, json!({ "error_code": 190, "error_msg": "…" }), 401),
            (200, json!({ "id": "1" }), 200),
        ] {
            assert_eq!(meaning(status, Some(body.clone()), false).0, meant, "{body}");
        }
        assert_eq!(meaning(200, Some(Json::Bool(false)), false), (404, None));
        assert_eq!(meaning(200, Some(Json::Null), false), (404, None));
    }

    #[test]
    fn permissions_are_read_in_both_styles() {
        let new = json!({ "data": [
            { "permission": "public_profile", "status": "granted" },
            { "permission": "email", "status": "declined" },
        ] });
        assert_eq!(listed(&new).unwrap(), ["public_profile"]);
        let old = json!({ "data": [{ "email": 1, "publish_stream": 1, "read_stream": 0 }] });
        assert_eq!(listed(&old).unwrap(), ["email", "publish_stream"]);
        assert_eq!(listed(&json!({ "error": {} })), None);
    }
}
