//! The partner's own check of `signed_request`, and its `appsecret_proof`.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value as Json;
use sha2::Sha256;

/// Base64url with padding or without: providers and proxies differ.
const EITHER: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The payload of a `signed_request`, if the app's secret sealed it: the seal is over the text of the second segment as
/// it stands. With `trusting` nobody looks at the seal (only a flaw does that).
pub(super) fn opened(text: &str, secret: &str, trusting: bool) -> Option<Json> {
    let (seal, segment) = text.split_once('.')?;
    let payload: Json = serde_json::from_slice(&EITHER.decode(segment).ok()?).ok()?;
    if trusting {
        return Some(payload);
    }
    let mut own = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    own.update(segment.as_bytes());
    own.verify_slice(&EITHER.decode(seal).ok()?).ok()?;
    let algorithm = payload.get("algorithm").and_then(Json::as_str)?;
    algorithm.eq_ignore_ascii_case("HMAC-SHA256").then_some(payload)
}

/// What proves, beside an access token, that the call comes from whoever knows the app's secret.
pub(super) fn proof(token: &str, secret: &str) -> String {
    // A key of HMAC may have any length.
    let Ok(mut own) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    own.update(token.as_bytes());
    own.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";
    const GOOD: &str = "WTZSJYLBcQJPKK5mZ6xgCyA5plSFMkySrojGkLmq6Cw.eyJ1c2VyX2lkIjoiMTAxNTAwMDAwMDAwMDAwNDIiLCJhbGdvcml0aG0iOiJITUFDLVNIQTI1NiIsImlzc3VlZF9hdCI6MTcwMDAwMDAwMH0";
    const PADDED: &str = "RNcT5pFWoFySWxVmxwXxjWwxA6o1yZAFBF9DTkJ-FkI=.eyJ1c2VyX2lkIjoiMTAxNTAwMDAwMDAwMDAwNDIiLCJhbGdvcml0aG0iOiJITUFDLVNIQTI1NiIsImlzc3VlZF9hdCI6MTcwMDAwMDAwMH0=";
    const SHA1: &str = "NxGUkND23FP9OxVwJDuOA39QHHSmGSrVWzfeflSeeLY.eyJ1c2VyX2lkIjoiMTAxNTAwMDAwMDAwMDAwNDIiLCJhbGdvcml0aG0iOiJITUFDLVNIQTEiLCJpc3N1ZWRfYXQiOjE3MDAwMDAwMDB9";

    #[test]
    fn a_sealed_request_is_opened_with_padding_and_without() {
        for text in [GOOD, PADDED] {
            assert_eq!(opened(text, SECRET, false).unwrap()["user_id"], "10150000000000042");
        }
        // The vector of the provider's documentation.
        let documented =
            "vlXgu64BQGFSQrY0ZcJBZASMvYvTHu9GQ0YM9rjPSso.eyJhbGdvcml0aG0iOiJITUFDLVNIQTI1NiIsIjAiOiJwYXlsb2FkIn0";
        assert_eq!(opened(documented, "secret", false).unwrap()["0"], "payload");
    }

    #[test]
    fn nothing_else_is_opened() {
        let payload = GOOD.split_once('.').unwrap().1;
        let forged = GOOD.replacen('W', "A", 1);
        for text in [forged.as_str(), &format!(".{payload}"), payload, SHA1, "", ".", "a.b"] {
            assert_eq!(opened(text, SECRET, false), None, "{text}");
        }
        assert_eq!(opened(GOOD, "another secret", false), None);
    }

    #[test]
    fn the_proof_is_that_of_the_published_vectors() {
        assert_eq!(proof("EAAMOCKtoken42", SECRET), "dfb21c9e5835ad53ef67738c64bd1dbaffefa59609a892491fb05ecbd4460b31");
        assert_eq!(proof("token", "secret"), "e941110e3d2bfe82621f0e3e1434730d7305d106c5f68c87165d0b27a4611a4a");
    }
}
