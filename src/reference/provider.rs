//! The partner's side of the back channel: metadata, keys, tokens, userinfo, the API.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value as Json;

use super::client::{self, Answer, Ask};
use super::facebook;
use super::jwt::Token;
use super::state::App;

/// Why a call gave nothing that can be used.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Trouble {
    /// The provider refused: its error code.
    Refused(String),
    /// The provider is broken or away.
    Away(String),
    /// The answer is no JSON (only a flaw tells this apart).
    NoJson,
}

/// How long keys are good enough, by the oddity `throttles-keys`.
const REST: Duration = Duration::from_secs(30);
/// How often the flaw `hot-retry` tries again.
const HOT: usize = 5;

impl App {
    /// An endpoint's address: from discovery where there is one, else from the configuration.
    pub async fn endpoint(&self, role: &str) -> Result<String, String> {
        let member = match role {
            "jwks" => "jwks_uri".to_owned(),
            "check_session" => "check_session_iframe".to_owned(),
            other => format!("{other}_endpoint"),
        };
        if role == "api" || !self.openid() || !self.config.endpoints.contains_key("discovery") {
            return self.config.endpoints.get(role).cloned().ok_or_else(|| format!("no endpoint for {role}"));
        }
        let known = self.inner().metadata.get(&self.config.issuer).cloned();
        let metadata = match known {
            Some(metadata) => metadata,
            None => {
                let url = format!("{}/.well-known/openid-configuration", self.config.issuer);
                let metadata = json(client::ask(self.asking(url)).await?)?;
                let issuer = metadata.get("issuer").and_then(Json::as_str);
                if issuer != Some(self.config.issuer.as_str()) && !self.flaws.has("discovery-issuer-unchecked") {
                    return Err("the discovery document is about another issuer".to_owned());
                }
                self.inner().metadata.insert(self.config.issuer.clone(), metadata.clone());
                metadata
            }
        };
        let url = metadata.get(&member).and_then(Json::as_str).map(str::to_owned);
        url.ok_or_else(|| format!("the provider has no {member}"))
    }

    /// Where the profile of whoever gave a token is, and what of it is wanted.
    pub async fn profile(&self) -> Result<String, String> {
        let url = self.endpoint("userinfo").await?;
        let wanted = self.tongue().profile;
        Ok(if wanted.is_empty() { url } else { with_query(&url, wanted) })
    }

    /// Whether the signature is that of one of the provider's keys; an unknown `kid` makes it fetch them again.
    pub async fn is_signed(&self, token: &Token) -> bool {
        if self.odd.has("never-fetches-keys") {
            return true;
        }
        let by_secret = || token.is_signed_with(&self.config.client_secret);
        if self.odd.has("symmetric-signature") {
            let by_any = token.alg == "HS256" && self.flaws.has("mac-by-any-secret");
            return by_secret() || by_any || (self.flaws.has("mac-by-empty-secret") && token.is_signed_with(""));
        }
        if self.flaws.has("hs256-with-client-secret") && by_secret() {
            return true;
        }
        let (known, since) = {
            let inner = self.inner();
            (inner.keys.get(&self.config.issuer).cloned(), inner.keys_at)
        };
        if let Some(keys) = &known {
            if let Some(good) = self.verdict(keys, token) {
                return good;
            }
            let lately = since.is_some_and(|since| since.elapsed() < REST);
            if self.flaws.has("jwks-never-refreshed") || (lately && self.odd.has("throttles-keys")) {
                return false;
            }
        }
        let Ok(url) = self.endpoint("jwks").await else { return false };
        let Ok(keys) = client::ask(self.asking(url)).await.and_then(json) else { return false };
        let good = self.verdict(&keys, token).unwrap_or(false);
        let mut inner = self.inner();
        inner.keys.insert(self.config.issuer.clone(), keys);
        inner.keys_at = Some(Instant::now());
        good
    }

    /// What the keys say of a token; `None`: the key that it asks for is not among them.
    fn verdict(&self, keys: &Json, token: &Token) -> Option<bool> {
        let keys = keys.get("keys").and_then(Json::as_array)?;
        if self.flaws.has("jwks-choke-on-unknown") && !keys.iter().all(is_usable) {
            return Some(false);
        }
        let Some(kid) = &token.kid else {
            if self.flaws.has("kid-required") {
                return Some(false);
            }
            // Any of them may be meant, and so may one that is not here yet.
            return keys.iter().any(|key| token.is_signed_by(key)).then_some(true);
        };
        let mut named = keys.iter().filter(|key| key.get("kid").and_then(Json::as_str) == Some(kid)).peekable();
        named.peek()?;
        Some(named.any(|key| token.is_signed_by(key)))
    }

    /// A request at the token endpoint.
    pub async fn token(&self, mut form: Vec<(&str, String)>) -> Result<Json, Trouble> {
        let mut url = self.endpoint("token").await.map_err(Trouble::Away)?;
        let query = self.misplaced(&form);
        if !query.is_empty() {
            url = format!("{url}?{query}");
        }
        let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let credentials = format!("{}:{}", encoded(&self.config.client_id), encoded(&self.config.client_secret));
        // Of what may be left out, only redirect_uri means something when it is empty.
        form.retain(|(name, value)| !value.is_empty() || *name == "redirect_uri");
        if self.flaws.has("grant-type-twice") {
            form.extend(form.iter().find(|(name, _)| *name == "grant_type").cloned());
        }
        if self.flaws.has("secret-twice") {
            form.push(("client_secret", self.config.client_secret.clone()));
        }
        let in_form = self.odd.has("secret-in-form") || self.tongue().graph;
        if in_form {
            form.push(("client_id", self.config.client_id.clone()));
            form.push(("client_secret", self.config.client_secret.clone()));
        }
        let ask = Ask {
            authorization: (!in_form).then(|| format!("Basic {}", STANDARD.encode(credentials))),
            form: Some(form),
            endless: self.flaws.has("no-http-timeout"),
            ..self.asking(url)
        };
        let mut answer = client::ask(ask.clone()).await;
        if self.flaws.has("hot-retry") {
            for _ in 0..HOT {
                if !matches!(&answer, Ok(answer) if answer.status >= 500 || answer.status == 429) {
                    break;
                }
                answer = client::ask(ask.clone()).await;
            }
        }
        let answer = answer.map_err(Trouble::Away)?;
        let status = answer.status;
        let form = || self.tongue().form_token;
        let body = match serde_json::from_slice::<Json>(&answer.body) {
            Ok(body) => body,
            Err(_) if status == 200 && form() => pairs(&answer.body),
            Err(_) => return Err(Trouble::NoJson),
        };
        if status == 200 && body.get("access_token").is_some_and(Json::is_string) {
            return Ok(body);
        }
        match body.get(self.tongue().error) {
            Some(code) if status < 500 => Err(Trouble::Refused(code.to_string())),
            _ => Err(Trouble::Away(format!("the token endpoint answered {status}"))),
        }
    }

    /// What flaws put into the address of a token request.
    fn misplaced(&self, form: &[(&str, String)]) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        if self.flaws.has("secret-in-query") {
            query.append_pair("client_secret", &self.config.client_secret);
        }
        if self.flaws.has("token-params-in-query") {
            query.extend_pairs(form);
        }
        query.finish()
    }

    /// A call with an access token: status and JSON.
    pub async fn call(&self, url: String, token: &str) -> Result<(u16, Option<Json>), String> {
        let in_query = self.flaws.has("bearer-in-query");
        let url = if in_query || self.flaws.has("bearer-twice") {
            with_query(&url, &format!("access_token={token}"))
        } else {
            url
        };
        let url = if self.tongue().graph { facebook::proven(self, &url, token) } else { url };
        self.call_unproven(url, token, in_query).await
    }

    /// A call without a proof that it comes from here; the token may stand in the address already.
    pub async fn call_unproven(&self, url: String, token: &str, in_query: bool) -> Result<(u16, Option<Json>), String> {
        let authorization = (!in_query).then(|| format!("{} {token}", self.tongue().scheme));
        let answer = client::ask(Ask { authorization, ..self.asking(url) }).await?;
        let body = serde_json::from_slice(&answer.body).ok();
        if self.tongue().graph {
            return Ok(facebook::meaning(answer.status, body, self.flaws.has("one-error-style")));
        }
        if body.is_none() && self.odd.has("exits-on-odd-userinfo") {
            self.exited.send_replace(Some("it exited with status 1".to_owned()));
        }
        Ok((answer.status, body))
    }
}

/// The members of a token answer that is written like a form.
fn pairs(body: &[u8]) -> Json {
    let pairs = url::form_urlencoded::parse(body);
    Json::Object(pairs.map(|(name, value)| (name.into_owned(), Json::from(value.into_owned()))).collect())
}

/// An endpoint's address with parameters; those that it has already are kept (RFC 6749, section 3.1).
pub(super) fn with_query(endpoint: &str, query: &str) -> String {
    let mark = if endpoint.contains('?') { '&' } else { '?' };
    format!("{endpoint}{mark}{query}")
}

fn json(answer: Answer) -> Result<Json, String> {
    if answer.status != 200 {
        return Err(format!("the provider answered {}", answer.status));
    }
    serde_json::from_slice(&answer.body).map_err(|_| "the provider's answer is no JSON".to_owned())
}

/// Whether a key is of a kind that is known and has what that kind needs (only a flaw asks this of every key).
fn is_usable(key: &Json) -> bool {
    let has = |members: &[&str]| {
        members
            .iter()
            .all(|name| key.get(name).and_then(Json::as_str).is_some_and(|part| URL_SAFE_NO_PAD.decode(part).is_ok()))
    };
    match key.get("kty").and_then(Json::as_str) {
        Some("RSA") => has(&["n", "e"]),
        Some("EC") => has(&["x", "y"]),
        Some("OKP") => has(&["x"]),
        _ => false,
    }
}
