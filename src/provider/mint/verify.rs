//! Reads back a token that the issuer signed with a published key (RFC 7515, section 5.2). The key decides which algorithm
//! that was, never the token alone. It knows keys and bytes; whether the claims still hold is its caller's affair.

use aws_lc_rs::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value as Json;

use crate::model::fault::ProviderName;

use super::keys::{self, Parsed};

/// The claims of a token of this `typ` that one of the keys signed that a provider publishes; `None`: it is none.
pub fn claims(token: &str, typ: &str, provider: ProviderName) -> Option<Json> {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, payload, mac] = parts.as_slice() else { return None };
    let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
    let json = |part: &str| serde_json::from_slice::<Json>(&decoded(part)?).ok();
    let own = json(header)?;
    let text = |name: &str| own.get(name).and_then(Json::as_str);
    let (alg, key) = keys::signing(provider).find(|(_, key)| Some(key.kid()) == text("kid"))?;
    if text("alg") != Some(alg) || text("typ") != Some(typ) || own.get("crit").is_some() {
        return None;
    }
    let how: &dyn VerificationAlgorithm = match alg {
        "ES256" => &signature::ECDSA_P256_SHA256_FIXED,
        _ => &signature::RSA_PKCS1_2048_8192_SHA256,
    };
    use aws_lc_rs::signature::KeyPair as _;
    let public = match key.private()? {
        Parsed::Rsa(pair) => pair.public_key().as_ref().to_vec(),
        Parsed::Ec(pair) => pair.public_key().as_ref().to_vec(),
        Parsed::ShortRsa(_) => return None,
    };
    let input = format!("{header}.{payload}");
    UnparsedPublicKey::new(how, public).verify(input.as_bytes(), &decoded(mac)?).ok()?;
    json(payload)
}
