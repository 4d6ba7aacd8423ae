//! Cookies between Chromium and the jar that the harness looks into: the jar follows after each navigation, and what the
//! harness changes in it goes to Chromium before the next one.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::connection::{CommandError, text};
use super::context::Context;
use crate::agent::Core;
use crate::agent::journey::now;
use crate::model::observation::CookieSeen;

impl Context {
    /// The jar becomes what Chromium has.
    pub(super) async fn take_cookies(&self, core: &Arc<Core>) -> Result<(), CommandError> {
        let all = self.connection.call(None, "Storage.getCookies", json!({ "browserContextId": self.id })).await?;
        let mut jar = core.jar();
        let before = jar.seen(None, now());
        jar.forget(None, None);
        for cookie in all["cookies"].as_array().into_iter().flatten().map(seen) {
            // The life that a server gave is known from its answer; Chromium knows only when it ends.
            let known = before.iter().find(|own| {
                (&own.name, &own.domain, &own.path, &own.value)
                    == (&cookie.name, &cookie.domain, &cookie.path, &cookie.value)
            });
            let max_age = known.map_or(cookie.max_age, |known| known.max_age);
            jar.plant(&CookieSeen { max_age, ..cookie }, now());
        }
        Ok(())
    }

    /// Chromium gets what is in the jar, and nothing else.
    pub(super) async fn put_cookies(&self, core: &Arc<Core>) -> Result<(), CommandError> {
        let all = core.jar().seen(None, now());
        let context = json!({ "browserContextId": self.id });
        let mut waiting = vec![self.connection.send(None, "Storage.clearCookies", context)];
        for cookie in &all {
            // One by one: a value that no browser keeps must not cost the others.
            let one = json!({ "browserContextId": self.id, "cookies": [parameter(cookie)] });
            waiting.push(self.connection.send(None, "Storage.setCookies", one));
        }
        for answer in waiting {
            if let Err(CommandError::Ended) = answer.await.unwrap_or(Err(CommandError::Ended)) {
                return Err(CommandError::Ended);
            }
        }
        Ok(())
    }
}

fn seen(cookie: &Json) -> CookieSeen {
    let expires = cookie["expires"].as_f64().filter(|_| cookie["session"] == false);
    #[allow(clippy::cast_possible_truncation)]
    let max_age = expires.map(|at| at as i64 - now());
    CookieSeen {
        name: text(&cookie["name"]),
        value: text(&cookie["value"]),
        domain: text(&cookie["domain"]),
        path: text(&cookie["path"]),
        secure: cookie["secure"] == true,
        http_only: cookie["httpOnly"] == true,
        same_site: cookie["sameSite"].as_str().map(str::to_owned),
        max_age,
    }
}

fn parameter(cookie: &CookieSeen) -> Json {
    let scheme = if cookie.secure { "https" } else { "http" };
    let host = cookie.domain.trim_start_matches('.');
    let mut one = json!({
        "name": cookie.name,
        "value": cookie.value,
        "url": format!("{scheme}://{host}{}", cookie.path),
        "path": cookie.path,
        "secure": cookie.secure,
        "httpOnly": cookie.http_only,
    });
    if cookie.domain.starts_with('.') {
        one["domain"] = cookie.domain.as_str().into();
    }
    if let Some(same_site) = &cookie.same_site {
        one["sameSite"] = same_site.as_str().into();
    }
    if let Some(age) = cookie.max_age {
        one["expires"] = now().saturating_add(age).into();
    }
    one
}
