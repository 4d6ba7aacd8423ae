//! Reads back a token that the issuer signed with a published key or a client's secret (RFC 7515, section 5.2). The key
//! decides which algorithm that was, never the token alone. It knows keys and bytes; whether the claims still hold is its
//! caller's affair.

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{self, KeyPair as _, UnparsedPublicKey, VerificationAlgorithm};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value as Json;

use super::keys::{self, Parsed};

/// The claims of a token of this `typ` that one of these keys of the provider signed; `None`: it is none.
pub fn claims(token: &str, typ: &str, names: &[&'static str]) -> Option<Json> {
    let parts = Parts::of(token)?;
    let (alg, key) =
        names.iter().flat_map(|name| keys::signing_as(name)).find(|(_, key)| Some(key.kid()) == parts.text("kid"))?;
    if !parts.is(alg, typ) {
        return None;
    }
    let how: &dyn VerificationAlgorithm = match alg {
        "ES256" => &signature::ECDSA_P256_SHA256_FIXED,
        "PS256" => &signature::RSA_PSS_2048_8192_SHA256,
        "EdDSA" => &signature::ED25519,
        _ => &signature::RSA_PKCS1_2048_8192_SHA256,
    };
    let public = match key.private()? {
        Parsed::Rsa(pair) => pair.public_key().as_ref().to_vec(),
        Parsed::Ec(pair) => pair.public_key().as_ref().to_vec(),
        Parsed::Ed(pair) => pair.public_key().as_ref().to_vec(),
        Parsed::ShortRsa(_) => return None,
    };
    UnparsedPublicKey::new(how, public).verify(parts.signed.as_bytes(), &parts.signature).ok()?;
    Some(parts.payload)
}

/// The claims of a token of this `typ` that a client's secret signed; `None`: it is none.
pub fn claims_by_secret(token: &str, typ: &str, secret: &str) -> Option<Json> {
    let parts = Parts::of(token)?;
    if !parts.is("HS256", typ) {
        return None;
    }
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    hmac::verify(&key, parts.signed.as_bytes(), &parts.signature).ok()?;
    Some(parts.payload)
}

/// For whom a token says that it is, before anybody has checked that.
pub fn audience(token: &str) -> Option<String> {
    Some(Parts::of(token)?.payload.get("aud")?.as_str()?.to_owned())
}

/// A compact token, taken apart.
struct Parts<'a> {
    header: Json,
    payload: Json,
    signed: &'a str,
    signature: Vec<u8>,
}

impl<'a> Parts<'a> {
    fn of(token: &'a str) -> Option<Parts<'a>> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
        let json = |part: &str| serde_json::from_slice::<Json>(&decoded(part)?).ok();
        Some(Parts { header: json(header)?, payload: json(payload)?, signed, signature: decoded(signature)? })
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.header.get(name).and_then(Json::as_str)
    }

    /// Algorithm and type are these, and nothing critical is left to be understood.
    fn is(&self, alg: &str, typ: &str) -> bool {
        self.text("alg") == Some(alg) && self.text("typ") == Some(typ) && self.header.get("crit").is_none()
    }
}
