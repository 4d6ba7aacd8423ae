//! What a partner's page needs that uses the JavaScript SDK: the script itself (our own, `script/`), the pop-ups that it
//! opens (the dialog for signing in, the one for sharing), and what it asks by itself (who is signed in, sign out).
//!
//! An answer of a pop-up goes through `connect/xd`, a page of the provider that hands it to the window that opened it, and
//! only if that window is of an origin that the app registered. The script asks with the page's `Origin`, and the same
//! holds. It knows no case and no fault; what differs between the years is data of a [`Style`].

mod asked;
pub(super) mod code;
mod share;

use std::sync::Arc;

use serde_json::json;

use crate::model::wire::Wire;
use crate::provider::ClientRegistration;
use crate::provider::authorize;
use crate::provider::dialect::facebook::bearer::User;
use crate::provider::dialect::is_same_origin;
use crate::provider::inbound::{Inbound, one};
use crate::provider::ledger::{AuthorizationRequest, Origin};
use crate::provider::mint::answer::{Answer, Body};
use crate::provider::pages;
use crate::provider::reply::Reply;
use crate::provider::state::Shared;

/// The script, an expression that takes its settings.
const SCRIPT: &str = concat!(
    include_str!("script/state.js"),
    include_str!("script/login.js"),
    include_str!("script/graph.js"),
    include_str!("script/markup.js"),
    include_str!("script/begin.js"),
);
/// What the page between pop-up and opener does.
const HAND_OVER: &str = include_str!("xd.js");

/// The names under which the script is loaded.
const SCRIPTS: [&str; 2] = ["all.js", "sdk.js"];
/// Where the script stands that an app's page takes from the host of its own.
const HOST: &str = "connect.facebook.net";

/// What differs between the years.
pub(super) struct Style {
    /// `connect` or `login`, as the script knows it.
    pub name: &'static str,
    /// The edge on which stories of a person stand.
    pub wall: &'static str,
    /// Whose token this is, if it still speaks for her.
    pub user: fn(&Shared, &str) -> Option<Box<User>>,
    /// What the person permits the app now.
    pub granted: fn(&Shared, &Origin, &str) -> Vec<String>,
    /// What the script is told of a person who has let the app in: `authResponse`, `session`.
    pub told: fn(&Told<'_>) -> Wire,
}

/// Of whom the script is told.
pub(super) struct Told<'a> {
    pub shared: &'a Shared,
    pub origin: &'a Origin,
    pub client: &'a ClientRegistration,
    pub granted: &'a [String],
    /// The token that the page has already.
    pub token: Option<&'a User>,
    /// The page's origin.
    pub page: &'a str,
}

/// Answers what belongs to the SDK; `None`: something else was asked for.
pub(super) fn answer(style: &Style, shared: &Arc<Shared>, inbound: &Inbound, tagged: Option<&Origin>) -> Option<Reply> {
    let method = inbound.request.method.as_str();
    let path = inbound.path.as_str();
    if matches!(method, "GET" | "HEAD") && is_script(path) {
        return Some(script(style, shared));
    }
    match (method, path.strip_prefix("/www/")?) {
        ("GET", "dialog/oauth") if one(&inbound.query, "sdk").is_some() => Some(dialog(shared, inbound, tagged)),
        ("GET", "connect/xd") => Some(hand_over(shared, inbound)),
        ("GET", "connect/xd.js") => Some(Reply::page(javascript(HAND_OVER.to_owned()))),
        ("POST", "x/oauth/status") => Some(asked::status(style, shared, inbound, tagged)),
        ("POST", "x/oauth/logout") => Some(asked::logout(style, shared, inbound, tagged)),
        ("GET", rest) if share::is_dialog(rest) => Some(share::dialog(shared, inbound, tagged)),
        ("POST", "dialog/share/answer") => Some(share::answered(style, shared, inbound, tagged)),
        _ => None,
    }
}

/// `/en_US/sdk.js`, below the host of its own or at the issuer.
fn is_script(path: &str) -> bool {
    let path = path.strip_prefix("/connect").unwrap_or(path);
    let Some((locale, name)) = path.strip_prefix('/').and_then(|rest| rest.split_once('/')) else { return false };
    let is_locale = locale.split_once('_').is_some_and(|(language, country)| {
        let letters = |text: &str, is: fn(&u8) -> bool| (2..=3).contains(&text.len()) && text.as_bytes().iter().all(is);
        letters(language, u8::is_ascii_lowercase) && letters(country, u8::is_ascii_uppercase)
    });
    is_locale && SCRIPTS.contains(&name)
}

fn script(style: &Style, shared: &Shared) -> Reply {
    let host = |below: &str| shared.dialect.hosts.iter().find(|(_, own)| *own == below).map(|(name, _)| name.as_str());
    let settings = json!({
        "style": style.name,
        // The first host of each kind that the dialect names is the one that is told; `m.` is another face of `www.`.
        "hosts": { "script": HOST, "www": "www.facebook.com", "graph": host("/graph"), "rest": "api.facebook.com" },
    });
    Reply::page(javascript(format!("{}({settings});\n", SCRIPT.trim_end())))
}

fn javascript(text: String) -> Answer {
    let mut answer = Answer::empty(200)
        .with("content-type", "application/javascript; charset=utf-8")
        .with("x-content-type-options", "nosniff")
        .with("access-control-allow-origin", "*");
    answer.body = Body::Bytes(text.into());
    answer
}

/// The app of a request and the origin of the page that asks, if it is one of the app's.
fn app(shared: &Shared, inbound: &Inbound) -> Result<(ClientRegistration, String), &'static str> {
    let value = |name: &str| one(&inbound.query, name).or_else(|| one(&inbound.form, name));
    let id = value("client_id").or_else(|| value("app_id")).unwrap_or_default();
    let client = shared.client(id).ok_or("No application is registered under this app id.")?;
    let origin = value("origin").unwrap_or_default();
    if !is_same_origin(origin, &client.redirect_uris) {
        return Err(
            "This address is not allowed by the settings of the application: it must be at the scheme, host and port \
                    of one that the application registered.",
        );
    }
    let origin = url::Url::parse(origin).map(|url| url.origin().ascii_serialization()).unwrap_or_default();
    Ok((client, origin))
}

fn refuse(tagged: Option<&Origin>, why: &str) -> Reply {
    Reply::page(Answer::page(400, pages::error("This request cannot go on", why))).from(tagged.cloned()).because(why)
}

/// The dialog for signing in, opened by the script: an authorization request whose answer goes to the page that opened it.
fn dialog(shared: &Shared, inbound: &Inbound, tagged: Option<&Origin>) -> Reply {
    let (client, origin) = match app(shared, inbound) {
        Ok(known) => known,
        Err(why) => return refuse(tagged, why),
    };
    let own = client.redirect_uris.iter().find(|uri| is_same_origin(&origin, std::slice::from_ref(uri)));
    let Some(redirect_uri) = own else { return refuse(tagged, "The application registered no address here.") };
    let replaced = ["redirect_uri", "response_type", "client_id", "app_id", "origin"];
    let kept = inbound.query.iter().filter(|(name, _)| !replaced.contains(&name.as_str())).cloned();
    let fixed = [
        ("client_id", client.id.as_str()),
        ("redirect_uri", redirect_uri),
        ("response_type", "token"),
        ("origin", &origin),
    ];
    let fixed = fixed.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let inner = Inbound {
        seq: inbound.seq,
        request: inbound.request.clone(),
        path: inbound.path.clone(),
        version: inbound.version.clone(),
        query: kept.chain(fixed).collect(),
        form: Vec::new(),
        broken: None,
    };
    authorize::request(shared, &inner, tagged.cloned())
}

/// Where the answer of a dialog goes that the script opened; that the person refused stands there already. Its origin is
/// checked again: the parameters of a request are whoever's who made it.
pub(super) fn redirect(shared: &Shared, request: &AuthorizationRequest, granted: Option<&[String]>) -> Option<String> {
    one(&request.parameters, "sdk")?;
    let origin = one(&request.parameters, "origin")?;
    let own = std::slice::from_ref(&request.redirect_uri);
    is_same_origin(origin, own).then(|| {
        let answer = one(&request.parameters, "cb").unwrap_or_default();
        let to = hand_over_path(shared, &request.client_id, origin, answer);
        if granted.is_some() {
            return to;
        }
        let mut members = url::form_urlencoded::Serializer::new(String::new());
        members.extend_pairs(shared.dialect.authorization.denied.iter().flatten());
        format!("{to}#{}", members.finish())
    })
}

fn hand_over_path(shared: &Shared, client_id: &str, origin: &str, call: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("client_id", client_id).append_pair("origin", origin).append_pair("cb", call);
    format!("{}?{}", shared.public_path("/www/connect/xd"), query.finish())
}

/// The page that hands the answer of a pop-up to the window that opened it. The answer is behind `#`, where no server
/// sees it.
fn hand_over(shared: &Shared, inbound: &Inbound) -> Reply {
    let origin = match app(shared, inbound) {
        Ok((_, origin)) => origin,
        Err(why) => return refuse(None, why),
    };
    let call = one(&inbound.query, "cb").unwrap_or_default();
    let script = shared.public_path("/www/connect/xd.js");
    let content = format!(
        "<p role=\"status\">You can close this window.</p>\n<script src=\"{}\" data-origin=\"{}\" data-call=\"{}\"></script>",
        pages::escaped(&script),
        pages::escaped(&origin),
        pages::escaped(call)
    );
    let mut answer = Answer::page(200, pages::frame("Done", &content));
    for (name, value) in &mut answer.headers {
        if name == "content-security-policy" {
            *value = format!("{value}; script-src 'self'");
        }
    }
    Reply::page(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_is_there_in_every_language_and_under_nothing_else() {
        for path in ["/en_US/all.js", "/de_DE/sdk.js", "/connect/en_US/sdk.js", "/connect/fil_PH/all.js"] {
            assert!(is_script(path), "{path}");
        }
        for path in
            ["/en_US/other.js", "/english/sdk.js", "/en_us/sdk.js", "/sdk.js", "/connect/sdk.js", "/en_US/", "/"]
        {
            assert!(!is_script(path), "{path}");
        }
    }

    #[test]
    fn the_script_is_an_expression_that_takes_its_settings() {
        assert!(SCRIPT.contains("(function (settings) {") && SCRIPT.trim_end().ends_with("})"));
    }
}
