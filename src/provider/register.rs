//! Dynamic client registration (RFC 7591; OpenID Connect Dynamic Client Registration 1.0). A client gets what this
//! provider does; what it does not do is refused by name, so that nobody relies on it. Nothing here reads or changes a
//! registration afterwards (RFC 7592 is not supported).

use serde_json::{Map, Value as Json, json};
use url::{Host, Url};

use crate::model::manifest::ID_TOKEN_ALGS;
use crate::model::wire::Wire;

use super::ClientRegistration;
use super::client_auth;
use super::inbound::Inbound;
use super::mint::answer::Answer;
use super::reply::{Reply, error_body};
use super::state::{Shared, random_id};
use super::token::GRANTS;

/// Clients that registered themselves; the oldest goes when there are more.
const KEPT: usize = 1_000;
/// Addresses in one list.
const ADDRESSES: usize = 20;
/// Bytes of one address or name.
const LENGTH: usize = 2_000;

/// Members that would promise what this provider does not do, whatever they say.
const NOT_DONE: [&str; 13] = [
    "authorization_signed_response_alg",
    "default_acr_values",
    "default_max_age",
    "id_token_encrypted_response_alg",
    "id_token_encrypted_response_enc",
    "introspection_signed_response_alg",
    "request_object_signing_alg",
    "request_uris",
    "sector_identifier_uri",
    "token_endpoint_auth_signing_alg",
    "userinfo_encrypted_response_alg",
    "userinfo_encrypted_response_enc",
    "userinfo_signed_response_alg",
];

/// Members that promise something only when they are true.
const NOT_REQUIRED: [&str; 4] = [
    "dpop_bound_access_tokens",
    "require_pushed_authorization_requests",
    "require_signed_request_object",
    "tls_client_certificate_bound_access_tokens",
];

/// Schemes that a browser executes or reads from a disk.
const NO_ADDRESS: [&str; 6] = ["javascript", "data", "vbscript", "file", "blob", "about"];

/// Why a registration is refused: code (RFC 7591, section 3.2.2) and sentence.
type Refusal = (&'static str, String);

/// A request at the registration endpoint.
pub(super) fn request(shared: &Shared, inbound: &Inbound) -> Reply {
    match registered(inbound) {
        Ok(client) => {
            let now = shared.default_attempt().now();
            let answer = Answer::json(201, told(&client, now));
            admit(shared, client);
            Reply::page(answer)
        }
        Err((code, why)) => {
            let answer = Answer::json(400, error_body(&shared.dialect, code, &why));
            Reply::page(answer).because(format!("{code}: {why}"))
        }
    }
}

/// A newcomer; the oldest one leaves when there are too many. Whoever was registered otherwise stays.
fn admit(shared: &Shared, client: ClientRegistration) {
    let mut clients = shared.clients.write().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut newcomers = shared.newcomers.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    newcomers.push_back(client.id.clone());
    while newcomers.len() > KEPT {
        if let Some(oldest) = newcomers.pop_front() {
            clients.remove(&oldest);
        }
    }
    clients.insert(client.id.clone(), client);
}

fn metadata(why: impl Into<String>) -> Refusal {
    ("invalid_client_metadata", why.into())
}

/// The client that a request asks for, with an id and a secret of its own.
fn registered(inbound: &Inbound) -> Result<ClientRegistration, Refusal> {
    let kind = inbound.header("content-type").and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        return Err(metadata("a registration is sent as application/json"));
    }
    let Ok(Json::Object(asked)) = serde_json::from_slice::<Json>(&inbound.request.body) else {
        return Err(metadata("a registration is one JSON object"));
    };
    if asked.contains_key("software_statement") {
        return Err(("unapproved_software_statement", "software statements are not supported".to_owned()));
    }
    let asked = Asked(&asked);
    asked.promises_nothing()?;
    let auth = asked.choice("token_endpoint_auth_method", &client_auth::METHODS)?.unwrap_or("client_secret_basic");
    let grant_types = asked.choices("grant_types", &GRANTS)?.unwrap_or_else(|| vec!["authorization_code".to_owned()]);
    asked.choices("response_types", &["code"])?;
    asked.choice("subject_type", &["public"])?;
    let alg = asked.choice("id_token_signed_response_alg", &ID_TOKEN_ALGS)?.unwrap_or("RS256");
    let public = auth == "none";
    if public && alg.starts_with("HS") {
        return Err(metadata(format!("id_token_signed_response_alg {alg} needs a client with a secret")));
    }
    if public && grant_types.iter().any(|grant| grant == "client_credentials") {
        return Err(metadata("client_credentials needs a client with a secret"));
    }
    let redirect_uris = asked.addresses("redirect_uris", "invalid_redirect_uri")?;
    if redirect_uris.is_empty() && grant_types.iter().any(|grant| grant == "authorization_code") {
        return Err(("invalid_redirect_uri", "redirect_uris is missing or empty".to_owned()));
    }
    let backchannel_logout_uri = asked.text("backchannel_logout_uri")?.map(str::to_owned);
    if backchannel_logout_uri.as_deref().is_some_and(|uri| !is_loopback(uri)) {
        return Err(metadata(
            "backchannel_logout_uri must be an http address of this machine: nothing else is contacted",
        ));
    }
    let frontchannel_logout_uri = asked.text("frontchannel_logout_uri")?.map(str::to_owned);
    if frontchannel_logout_uri.as_deref().is_some_and(|uri| !redirect_uris.iter().any(|own| same_origin(own, uri))) {
        return Err(metadata(
            "frontchannel_logout_uri must have scheme, host and port of a redirect URI, and no fragment",
        ));
    }
    Ok(ClientRegistration {
        id: random_id(),
        secret: (!public).then(|| format!("{}{}", random_id(), random_id())),
        auth: auth.to_owned(),
        redirect_uris,
        post_logout_redirect_uris: asked.addresses("post_logout_redirect_uris", "invalid_client_metadata")?,
        backchannel_logout_uri,
        frontchannel_logout_uri,
        callbacks: Default::default(),
        id_token_alg: Some(alg.to_owned()),
        grant_types,
    })
}

/// OpenID Connect Front-Channel Logout 1.0, section 2.
fn same_origin(registered: &str, uri: &str) -> bool {
    match (url::Url::parse(registered), url::Url::parse(uri)) {
        (Ok(own), Ok(uri)) => own.origin() == uri.origin() && uri.origin().is_tuple() && uri.fragment().is_none(),
        _ => false,
    }
}

/// What was registered, and nothing that was only asked for (RFC 7591, section 3.2.1).
fn told(client: &ClientRegistration, now: i64) -> Wire {
    let mut all = json!({
        "client_id": client.id,
        "client_id_issued_at": now,
        "redirect_uris": client.redirect_uris,
        "post_logout_redirect_uris": client.post_logout_redirect_uris,
        "token_endpoint_auth_method": client.auth,
        "grant_types": client.grant_types,
        "response_types": ["code"],
        "subject_type": "public",
        "id_token_signed_response_alg": client.signing_alg(),
    });
    if let Some(secret) = &client.secret {
        all["client_secret"] = Json::from(secret.as_str());
        // Never (RFC 7591, section 3.2.1).
        all["client_secret_expires_at"] = Json::from(0);
    }
    if let Some(uri) = &client.backchannel_logout_uri {
        all["backchannel_logout_uri"] = Json::from(uri.as_str());
    }
    if let Some(uri) = &client.frontchannel_logout_uri {
        all["frontchannel_logout_uri"] = Json::from(uri.as_str());
        all["frontchannel_logout_session_required"] = Json::from(true);
    }
    Wire::from(all)
}

/// The members of a request. One that is `null` is not there (RFC 7591, section 2).
struct Asked<'a>(&'a Map<String, Json>);

impl<'a> Asked<'a> {
    fn get(&self, name: &str) -> Option<&'a Json> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// Nothing is asked for that this provider would not do.
    fn promises_nothing(&self) -> Result<(), Refusal> {
        let named = NOT_DONE.iter().find(|name| self.get(name).is_some());
        let true_one = || NOT_REQUIRED.iter().find(|name| self.get(name).is_some_and(|value| *value != json!(false)));
        match named.or_else(true_one) {
            Some(name) => Err(metadata(format!("{name} is not supported"))),
            None => Ok(()),
        }
    }

    fn text(&self, name: &str) -> Result<Option<&'a str>, Refusal> {
        match self.get(name) {
            None => Ok(None),
            Some(Json::String(text)) if text.len() <= LENGTH => Ok(Some(text)),
            Some(_) => Err(metadata(format!("{name} must be a text of at most {LENGTH} bytes"))),
        }
    }

    fn choice(&self, name: &str, known: &[&str]) -> Result<Option<&'a str>, Refusal> {
        match self.text(name)? {
            Some(text) if !known.contains(&text) => {
                Err(metadata(format!("{name} must be one of: {}", known.join(" "))))
            }
            other => Ok(other),
        }
    }

    fn texts(&self, name: &str) -> Result<Option<Vec<String>>, Refusal> {
        let wrong = || metadata(format!("{name} must be a list of at most {ADDRESSES} texts"));
        match self.get(name) {
            None => Ok(None),
            Some(Json::Array(all)) if all.len() <= ADDRESSES => {
                let texts = all.iter().map(|one| one.as_str().map(str::to_owned));
                texts.collect::<Option<Vec<_>>>().map(Some).ok_or_else(wrong)
            }
            Some(_) => Err(wrong()),
        }
    }

    fn choices(&self, name: &str, known: &[&str]) -> Result<Option<Vec<String>>, Refusal> {
        match self.texts(name)? {
            Some(all) if all.is_empty() || all.iter().any(|one| !known.contains(&one.as_str())) => {
                Err(metadata(format!("{name} must be some of: {}", known.join(" "))))
            }
            other => Ok(other),
        }
    }

    fn addresses(&self, name: &str, code: &'static str) -> Result<Vec<String>, Refusal> {
        let all = self.texts(name).map_err(|(_, why)| (code, why))?.unwrap_or_default();
        match all.iter().find(|uri| !is_address(uri)) {
            Some(_) => Err((code, format!("{name} must be absolute addresses without a fragment"))),
            None => Ok(all),
        }
    }
}

/// Whether a browser may be sent there: absolute, without fragment, nothing that it would execute.
fn is_address(uri: &str) -> bool {
    let plain = uri.len() <= LENGTH && !uri.contains('#') && uri.chars().all(|c| c.is_ascii_graphic());
    let Some(url) = Url::parse(uri).ok().filter(|_| plain) else { return false };
    match url.scheme() {
        "http" | "https" => url.has_host(),
        scheme => !NO_ADDRESS.contains(&scheme),
    }
}

fn is_loopback(uri: &str) -> bool {
    let Some(url) = Url::parse(uri).ok().filter(|url| url.scheme() == "http" && is_address(uri)) else { return false };
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
