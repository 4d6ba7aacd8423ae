//! Which app a token was given to, and whose it is: the provider tells an app about its own tokens at `/debug_token`.

use serde_json::Value as Json;

use crate::reference::provider::with_query;
use crate::reference::state::App;

use super::graph;

/// The person whose token it is, by her number at this app; `None`: it was given to another app, or is no good.
///
/// # Errors
/// The provider cannot be asked.
pub(in crate::reference) async fn whose(app: &App, token: &str) -> Result<Option<String>, String> {
    let url = graph::address(app, "debug_token").await?;
    let url = with_query(&url, &format!("input_token={}", encoded(token)));
    // Identifier and secret together are a token of the app itself.
    let own = format!("{}|{}", app.config.client_id, app.config.client_secret);
    let (status, body) = app.call(url, &own).await?;
    match body {
        Some(body) if status == 200 => Ok(told(&body, &app.config.client_id)),
        // Another app's token: this one is not told anything of it.
        Some(_) if status < 500 && status != 429 => Ok(None),
        _ => Err(format!("the provider answered {status}")),
    }
}

/// The nonce of the login for which the provider asked for the password, where it did so for this token.
///
/// # Errors
/// The provider cannot be asked.
pub(in crate::reference) async fn reauthenticated(app: &App, token: &str) -> Result<Option<String>, String> {
    let url = graph::address(app, "oauth/access_token_info").await?;
    let url = with_query(&url, &format!("client_id={}", encoded(&app.config.client_id)));
    match app.call(url, token).await? {
        (200, Some(body)) => Ok(body.get("auth_nonce").and_then(Json::as_str).map(str::to_owned)),
        (status, _) => Err(format!("the provider answered {status}")),
    }
}

/// What an answer says of a person's token of this app.
fn told(body: &Json, app_id: &str) -> Option<String> {
    let data = body.get("data")?;
    let text = |name: &str| data.get(name).and_then(Json::as_str);
    let good = data.get("is_valid") == Some(&Json::Bool(true)) && text("app_id") == Some(app_id);
    text("user_id").filter(|id| good && !id.is_empty()).map(str::to_owned)
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_token_speaks_for_somebody_only_if_it_is_good_and_this_app_was_given_it() {
        let told = |data: Json| told(&json!({ "data": data }), "123");
        let good = json!({ "app_id": "123", "is_valid": true, "user_id": "7" });
        assert_eq!(told(good), Some("7".to_owned()));
        for bad in [
            json!({ "app_id": "124", "is_valid": true, "user_id": "7" }),
            json!({ "app_id": "123", "is_valid": false, "user_id": "7" }),
            json!({ "app_id": "123", "user_id": "7" }),
            json!({ "is_valid": true, "user_id": "7" }),
            json!({ "app_id": "123", "is_valid": true }),
            json!({ "app_id": "123", "is_valid": true, "user_id": "" }),
            json!(null),
        ] {
            assert_eq!(told(bad.clone()), None, "{bad}");
        }
    }
}
