//! `facebook-connect`: Facebook Connect of 2010 to 2012. The OAuth 2.0 of the time is data (`dialect.toml`); here are the
//! sessions of `login.php`, the Graph, the tokens of apps, the sealed cookies, and the shapes of tokens.
//!
//! Below the issuer, `/graph` is `graph.facebook.com`, `/www` is `www.facebook.com`, and `/rest` is `api.facebook.com`; by
//! their own host names they are reached as well.

mod answer;
mod bearer;
mod graph;
mod login;
mod permissions;
mod rest;
mod sdk;
mod sealed;
mod session;
mod tokens;
mod wall;

use std::sync::Arc;

use bytes::Bytes;

use crate::model::dialect::Filling;
use crate::model::persona::Person;
use crate::model::value::Unresolved;
use crate::model::wire::Wire;
use crate::provider::dialect::facebook::{self, apps, notice};
use crate::provider::dialect::{Adapter, Granted, Notice, Shape, Shaped};
use crate::provider::inbound::{Inbound, one};
use crate::provider::ledger::{AuthorizationRequest, Origin};
use crate::provider::mint::answer::Answer;
use crate::provider::reply::Reply;
use crate::provider::state::{AttemptState, Shared};
use crate::provider::{ClientRegistration, dialect};

/// A picture of one dot, for everybody's portrait.
const DOT: &[u8] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;";

/// What tells an app that somebody removed it: the callback and the message that it is sent.
const CALLBACKS: [(&str, &str); 2] = [("deauthorize", "signed_request"), ("post_remove", "fb_sig")];

/// What `dialect.toml` cannot say.
pub struct Connect;

impl Adapter for Connect {
    fn route(&self, shared: &Arc<Shared>, inbound: &Inbound, tagged: Option<&Origin>) -> Option<Reply> {
        if let Some(reply) = facebook::sdk::answer(&sdk::STYLE, shared, inbound, tagged) {
            return Some(reply);
        }
        if let Some(page) = inbound.path.strip_prefix("/www/") {
            return match page {
                "login.php" => Some(login::php(shared, inbound, tagged)),
                "extern/login_status.php" => Some(login::status(shared, inbound, tagged)),
                "logout.php" => Some(login::out(shared, inbound, tagged)),
                "connect/login_success.html" | "connect/login_failure.html" => Some(login::done(page)),
                other => apps::answer(shared, inbound, other, tagged, &CALLBACKS),
            };
        }
        if inbound.path == rest::PATH {
            return Some(rest::call(shared, inbound, tagged));
        }
        if inbound.path.starts_with("/pictures/") && inbound.path.ends_with(".gif") {
            let mut answer = Answer::page(200, String::new());
            answer.headers = vec![("content-type".to_owned(), "image/gif".to_owned())];
            answer.body = crate::provider::mint::answer::Body::Bytes(Bytes::from_static(DOT));
            return Some(Reply::page(answer));
        }
        let path = inbound.path.strip_prefix("/graph/").or_else(|| (inbound.path == "/graph").then_some(""))?;
        match path {
            "oauth/access_token" if is_for_app(inbound) => Some(tokens::app(shared, inbound)),
            "oauth/exchange_sessions" => Some(tokens::exchange(shared, inbound)),
            own if own == "oauth/access_token" || own.starts_with("oauth/authorize") => None,
            own => Some(graph::call(shared, inbound, tagged, own)),
        }
    }

    fn error(&self, inbound: &Inbound, filling: &Filling) -> Option<Answer> {
        (inbound.path == rest::PATH).then(|| rest::error(inbound, filling))
    }

    fn asks(
        &self,
        _attempt: &AttemptState,
        request: &mut AuthorizationRequest,
    ) -> Result<(), (&'static str, &'static str)> {
        // As draft 00 said it: `type` in place of `response_type`.
        let said = |name: &str| one(&request.parameters, name);
        if said("response_type").is_none() && said("type") == Some("user_agent") {
            request.response_type = "token".to_owned();
        }
        Ok(())
    }

    fn authorized(&self, shared: &Shared, granted: &Granted<'_>, members: &mut Wire) {
        login::authorized(shared, granted, members);
    }

    fn grant(&self, shared: &Shared, inbound: &Inbound, client: &ClientRegistration, name: &str) -> Option<Reply> {
        (name == "fb_exchange_token").then(|| tokens::exchanged(shared, inbound, client))
    }

    fn is_embedded(&self) -> bool {
        true
    }

    fn redirect(&self, shared: &Shared, request: &AuthorizationRequest, granted: Option<&[String]>) -> Option<String> {
        facebook::sdk::redirect(shared, request, granted).or_else(|| login::redirect(shared, request, granted))
    }

    fn shape(&self, of: &Shape<'_>) -> Option<Shaped> {
        let person = of.person?;
        let expires = session::expiry(of.scopes, of.now, of.lifetime);
        Some(Shaped { token: session::access_token(of.client_id, &person.sub, expires, of.lifetime), expires })
    }

    fn notice(&self, about: &Notice<'_>) -> Option<Result<Wire, Unresolved>> {
        // One number for a person, wherever she goes.
        let user_id = about.person.sub.as_str();
        match about.send {
            "fb_sig" => Some(notice::ping(about, user_id)),
            _ => notice::form(about, || user_id.to_owned()),
        }
    }

    fn sealed(
        &self,
        shared: &Shared,
        attempt: &AttemptState,
        of: &Person,
        client: &ClientRegistration,
        kind: &str,
    ) -> Option<Result<String, Unresolved>> {
        sealed::made(shared, attempt, of, client, kind)
    }
}

/// A request for the token of the app alone: `type=client_cred` (2010), `grant_type=client_credentials` (2012).
fn is_for_app(inbound: &Inbound) -> bool {
    let says = |name: &str, value: &str| one(&inbound.form, name) == Some(value);
    says("type", "client_cred") || says("grant_type", "client_credentials")
}

/// The host of an address, for cookies: without the port.
fn domain_of(address: &str) -> String {
    url::Url::parse(address).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
}

/// Whether an address is at the same place (scheme, host, port) as one that the app registered.
fn is_at_home(client: &ClientRegistration, address: &str) -> bool {
    dialect::is_same_origin(address, &client.redirect_uris)
}
