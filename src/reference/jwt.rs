//! The partner's own token verification (OpenID Connect Core, section 3.1.3.7; Back-Channel Logout, section 2.6), over
//! another crypto stack than the provider's, so that both sides cannot be wrong in the same way.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use rsa::signature::Verifier as _;
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

/// Seconds by which clocks may differ.
const LEEWAY: i64 = 60;

/// A compact JWS, taken apart.
pub(super) struct Token {
    pub alg: String,
    pub kid: Option<String>,
    pub claims: Json,
    signed: String,
    signature: Vec<u8>,
}

impl Token {
    /// Three parts of base64url, header and payload JSON objects.
    pub fn parse(text: &str) -> Result<Token, &'static str> {
        let parts: Vec<&str> = text.split('.').collect();
        let [header, payload, signature] = parts.as_slice() else { return Err("the token has not three parts") };
        let json = |part: &str| -> Option<Json> {
            let json: Json = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()?;
            json.is_object().then_some(json)
        };
        let header_json = json(header).ok_or("the token's header is no JSON object")?;
        let claims = json(payload).ok_or("the token's payload is no JSON object")?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| "the token's signature is no base64url")?;
        if header_json.get("crit").is_some() {
            return Err("the token has critical header members that are not understood");
        }
        let text = |name: &str| header_json.get(name).and_then(Json::as_str).map(str::to_owned);
        Ok(Token {
            alg: text("alg").ok_or("the token has no alg")?,
            kid: text("kid"),
            claims,
            signed: format!("{header}.{payload}"),
            signature,
        })
    }

    /// Whether the client's secret made the signature, by HS256 and nothing else.
    pub fn is_signed_with(&self, secret: &str) -> bool {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return false };
        mac.update(self.signed.as_bytes());
        self.alg == "HS256" && mac.verify_slice(&self.signature).is_ok()
    }

    /// Whether a key made the signature: the key decides which algorithm that is, never the token alone.
    pub fn is_signed_by(&self, jwk: &Json) -> bool {
        let text = |name: &str| jwk.get(name).and_then(Json::as_str);
        let bytes = |name: &str| text(name).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
        if text("alg").is_some_and(|alg| alg != self.alg) || text("use").is_some_and(|purpose| purpose != "sig") {
            return false;
        }
        match (self.alg.as_str(), text("kty")) {
            ("RS256", Some("RSA")) => self.check_rsa(bytes("n"), bytes("e")).unwrap_or(false),
            ("ES256", Some("EC")) if text("crv") == Some("P-256") => {
                self.check_ec(bytes("x"), bytes("y")).unwrap_or(false)
            }
            _ => false,
        }
    }

    fn check_rsa(&self, n: Option<Vec<u8>>, e: Option<Vec<u8>>) -> Option<bool> {
        use rsa::BoxedUint;
        let (n, e) = (BoxedUint::from_be_slice_vartime(&n?), BoxedUint::from_be_slice_vartime(&e?));
        let key = rsa::PublicKey::new(n, e).ok()?;
        let verifying = rsa::pkcs1v15::VerifyingKey::<rsa::sha2::Sha256>::new(key);
        let signature = rsa::pkcs1v15::Signature::try_from(self.signature.as_slice()).ok()?;
        Some(verifying.verify(self.signed.as_bytes(), &signature).is_ok())
    }

    fn check_ec(&self, x: Option<Vec<u8>>, y: Option<Vec<u8>>) -> Option<bool> {
        let point = [vec![4], x?, y?].concat();
        let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(&point).ok()?;
        let signature = p256::ecdsa::Signature::from_slice(&self.signature).ok()?;
        Some(key.verify(self.signed.as_bytes(), &signature).is_ok())
    }

    pub fn text(&self, claim: &str) -> Option<&str> {
        self.claims.get(claim).and_then(Json::as_str)
    }

    /// The audience is this client, and nobody else without an `azp` that says so.
    pub fn is_for(&self, client_id: &str) -> bool {
        match self.claims.get("aud") {
            Some(Json::String(one)) => one == client_id,
            Some(Json::Array(all)) => {
                let listed = all.iter().any(|one| one.as_str() == Some(client_id));
                listed && (all.len() == 1 || self.text("azp") == Some(client_id))
            }
            _ => false,
        }
    }

    /// Not expired yet.
    pub fn is_fresh(&self, now: i64) -> bool {
        self.claims.get("exp").and_then(Json::as_f64).is_some_and(|exp| (now - LEEWAY) as f64 <= exp)
    }

    /// Issued, and good already: neither `iat` nor `nbf` is in the future.
    pub fn is_issued(&self, now: i64) -> bool {
        let reached = |claim: &Json| claim.as_f64().is_some_and(|time| time <= (now + LEEWAY) as f64);
        self.claims.get("iat").is_some_and(reached) && self.claims.get("nbf").is_none_or(reached)
    }

    /// The person proved who she is at that time or later, and not in the future.
    pub fn is_of_a_login_since(&self, earliest: i64, now: i64) -> bool {
        let times = (earliest - LEEWAY) as f64..=(now + LEEWAY) as f64;
        self.claims.get("auth_time").and_then(Json::as_f64).is_some_and(|time| times.contains(&time))
    }

    /// Where it has a hash of the access token, it is this one's (OpenID Connect Core, section 3.1.3.8).
    pub fn goes_with(&self, access_token: &str) -> bool {
        // Both algorithms that are accepted hash by SHA-256; the left half counts.
        let half = &Sha256::digest(access_token.as_bytes())[..16];
        self.claims.get("at_hash").is_none_or(|hash| hash.as_str() == Some(&URL_SAFE_NO_PAD.encode(half)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(header: &str, payload: &str) -> String {
        format!("{}.{}.AAAA", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload))
    }

    #[test]
    fn what_is_no_token_is_refused() {
        for wrong in ["", "a.b", "a.b.c", "a.b.c.d", &with("[]", "{}"), &with("{\"alg\":\"RS256\"}", "1")] {
            assert!(Token::parse(wrong).is_err(), "{wrong}");
        }
        assert!(Token::parse(&with("{\"alg\":\"RS256\",\"crit\":[\"b64\"]}", "{}")).is_err());
    }

    #[test]
    fn a_key_of_another_type_never_verifies() {
        let token = Token::parse(&with("{\"alg\":\"HS256\"}", "{}")).unwrap();
        assert!(!token.is_signed_by(&serde_json::json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB" })));
    }

    #[test]
    fn exactly_one_of_the_providers_keys_verifies_what_it_signed_by_rs256_or_es256() {
        use crate::model::fault::ProviderName;
        use crate::model::wire::Wire;
        use crate::provider::mint::keys::published;
        use crate::provider::mint::token::{Draft, honest};
        let keys = published(ProviderName::Main).to_json();
        for (alg, known) in [("RS256", 1), ("ES256", 1), ("PS256", 0), ("EdDSA", 0)] {
            let claims = Wire::from(serde_json::json!({ "sub": "alice" }));
            let draft = Draft { typ: "JWT", alg: alg.to_owned(), key: "main", secret: None, claims };
            let text = honest(&draft).unwrap();
            let verified = |text: &str| {
                let token = Token::parse(text).unwrap();
                keys["keys"].as_array().unwrap().iter().filter(|key| token.is_signed_by(key)).count()
            };
            assert_eq!(verified(&text), known, "{alg}");
            let (signed, signature) = text.rsplit_once('.').unwrap();
            let other = format!("{signed}.{}{}", if signature.starts_with('A') { "B" } else { "A" }, &signature[1..]);
            assert_eq!(verified(&other), 0, "{alg}");
        }
    }

    #[test]
    fn a_login_is_of_the_last_hour_only_if_it_says_when_it_was() {
        let at = |claims: &str| Token::parse(&with("{\"alg\":\"RS256\"}", claims)).unwrap();
        let recent = |claims: &str| at(claims).is_of_a_login_since(6_400, 10_000);
        assert!(recent(r#"{"auth_time":10000}"#) && recent(r#"{"auth_time":6401}"#));
        for wrong in ["{}", r#"{"auth_time":null}"#, r#"{"auth_time":"10000"}"#, r#"{"auth_time":6000}"#] {
            assert!(!recent(wrong), "{wrong}");
        }
        assert!(!recent(r#"{"auth_time":20000}"#));
    }

    #[test]
    fn several_audiences_need_an_authorized_party() {
        let aud = |claims: &str| Token::parse(&with("{\"alg\":\"RS256\"}", claims)).unwrap();
        assert!(aud(r#"{"aud":"me"}"#).is_for("me"));
        assert!(!aud(r#"{"aud":["me","you"]}"#).is_for("me"));
        assert!(aud(r#"{"aud":["me","you"],"azp":"me"}"#).is_for("me"));
    }
}
