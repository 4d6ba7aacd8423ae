//! What the provider says of whoever gave a token.

use serde_json::{Map, Value as Json};

use crate::reference::state::App;
use crate::reference::web::Page;

use super::Fresh;

/// How often the flaw `userinfo-retry-storm` asks.
const STORM: usize = 8;

fn unsaid() -> Box<Page> {
    Box::new(Page::sorry(502, "The provider does not say who you are."))
}

pub(super) async fn ask_userinfo(app: &App, access_token: &str) -> Result<Map<String, Json>, Box<Page>> {
    let away = |_| unsaid();
    let url = app.profile().await.map_err(away)?;
    let mut answer = app.call(url.clone(), access_token).await.map_err(away)?;
    if app.flaws.has("userinfo-retry-storm") {
        for _ in 1..STORM {
            if answer.0 != 401 {
                break;
            }
            answer = app.call(url.clone(), access_token).await.map_err(away)?;
        }
    }
    match answer {
        (401 | 403, _) => Err(Box::new(Page::sorry(400, "The provider refused to say who you are."))),
        (200, Some(Json::Object(members))) => Ok(members),
        (200 | 404, _) if app.flaws.has("crashes-on-empty-profile") => {
            Err(Box::new(Page::html(500, "Internal error", "<p>cannot read a property</p>")))
        }
        _ => Err(unsaid()),
    }
}

pub(super) fn take_userinfo(app: &App, fresh: &mut Fresh, mut members: Map<String, Json>) -> Result<(), Box<Page>> {
    // Plain OAuth 2 has names of its own for the same things.
    for (theirs, ours) in app.tongue().names.iter().chain(&[(app.tongue().subject, "sub")]) {
        if let (Some(value), false) = (members.get(*theirs).cloned(), app.openid()) {
            members.insert((*ours).to_owned(), value);
        }
    }
    let sub = members.get("sub").and_then(Json::as_str).unwrap_or_default().to_owned();
    if !app.openid() || app.odd.has("never-reads-id-token") {
        if sub.is_empty() && app.flaws.has("crashes-on-empty-profile") {
            return Err(Box::new(Page::html(500, "Internal error", "<p>cannot read a property</p>")));
        }
        if sub.is_empty() && !app.flaws.has("null-sub-account") {
            return Err(unsaid());
        }
        fresh.sub = sub;
    } else if app.flaws.has("userinfo-sub-unchecked")
        || (fresh.sub.is_empty() && app.flaws.has("logs-in-without-id-token"))
    {
        fresh.sub = sub;
    } else if sub != fresh.sub {
        return Err(Box::new(Page::sorry(400, "The provider speaks of somebody else.")));
    }
    fresh.claims.extend(members);
    Ok(())
}
