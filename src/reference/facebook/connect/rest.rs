//! How many friends somebody has, asked at `restserver.php` as the SDKs did it before the Graph. It answers under 200
//! whatever happens: an answer with `error_code` is an error.

use std::sync::Arc;

use serde_json::Value as Json;

use crate::reference::client::{self, Ask};
use crate::reference::facebook::graph;
use crate::reference::features;
use crate::reference::state::App;
use crate::reference::web::{Page, Visit, session_of};

/// What the token endpoint stands behind, and what the interface does.
const TOKEN: &str = "/graph/oauth/access_token";
const REST: &str = "/rest/restserver.php";

/// The page with the number of somebody's friends.
pub(in crate::reference) async fn friends(app: &Arc<App>, visit: &Visit) -> Page {
    let Some((id, session)) = session_of(app, visit).filter(|(_, session)| session.user.is_some()) else {
        return Page::sorry(401, "Please log in first.");
    };
    let app = app.of_issuer(&session.issuer);
    let Some(token) = session.access_token else { return Page::sorry(403, "The connection to the provider is gone.") };
    match called(app, "friends.get", &token).await {
        Ok((200, Some(friends))) => {
            let count = friends.as_array().map(Vec::len).or_else(|| friends.as_object().map(serde_json::Map::len));
            Page::html(200, "Friends", &format!("<p>You have {} friends.</p>", count.unwrap_or(0)))
        }
        Ok((401, _)) => features::ended(app, &id),
        Ok((403, _)) => Page::sorry(403, "You did not allow this."),
        _ => Page::sorry(502, "The provider cannot be reached."),
    }
}

/// A call of a method for whoever gave a token.
async fn called(app: &App, method: &str, token: &str) -> Result<(u16, Option<Json>), String> {
    let endpoint = app.endpoint("token").await?;
    let provider = endpoint.strip_suffix(TOKEN).ok_or("the token endpoint is not where the Graph is")?;
    let form = vec![
        ("method", method.to_owned()),
        ("format", "json-strings".to_owned()),
        ("api_key", app.config.client_id.clone()),
        ("access_token", token.to_owned()),
    ];
    let answer = client::ask(Ask { form: Some(form), ..app.asking(format!("{provider}{REST}")) }).await?;
    let body = serde_json::from_slice(&answer.body).ok();
    Ok(meaning(answer.status, body, app.flaws.has("rest-errors-as-data")))
}

/// What an answer means in terms of HTTP.
fn meaning(status: u16, body: Option<Json>, careless: bool) -> (u16, Option<Json>) {
    let code = body.as_ref().and_then(|body| body.get("error_code")).filter(|_| !careless);
    (code.map_or(status, |code| graph::by_code(Some(code), 400)), body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_error_is_one_whatever_its_status() {
        for (code, meant) in [(102, 401), (190, 401), (200, 403), (4, 429), (1, 503), (2, 503), (3, 400), (104, 400)] {
            let body = json!({ "error_code": code, "error_msg": "…", "request_args": [] });
            assert_eq!(meaning(200, Some(body.clone()), false).0, meant, "{body}");
            assert_eq!(meaning(200, Some(body), true).0, 200);
        }
        assert_eq!(meaning(200, Some(json!(["1", "2"])), false).0, 200);
        assert_eq!(meaning(502, None, false), (502, None));
    }
}
