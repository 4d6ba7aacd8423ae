//! `signed_request`: base64url(HMAC-SHA256(app secret, second segment)) "." base64url(JSON). What is sealed is the text
//! of the second segment as it stands, so that the same payload with and without padding has two different seals.
//!
//! It goes over the wire as cookie `fbsr_<app id>`, as a form field of deauthorize and deletion callbacks, and to canvas
//! pages.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose};
use serde_json::Value as Json;

use crate::provider::mint::mac;

use super::Refused;

/// The only algorithm that is in use.
pub const ALGORITHM: &str = "HMAC-SHA256";

/// Whether base64url ends in `=`. SDKs differ, receivers must take both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Padding {
    /// Without, as the provider sends it.
    #[default]
    Stripped,
    /// With.
    Kept,
}

impl Padding {
    fn engine(self) -> &'static GeneralPurpose {
        match self {
            Padding::Stripped => &general_purpose::URL_SAFE_NO_PAD,
            Padding::Kept => &general_purpose::URL_SAFE,
        }
    }
}

/// Padded or not. Bits that no byte needs must be zero, or two texts would mean the same seal.
const EITHER: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Seals a payload: its JSON text, byte for byte. Whether the text names the algorithm is the caller's affair.
pub fn signed_request(payload: &[u8], secret: &str, padding: Padding) -> String {
    let segment = padding.engine().encode(payload);
    let seal = padding.engine().encode(mac::sha256(secret.as_bytes(), segment.as_bytes()));
    format!("{seal}.{segment}")
}

/// The payload of a `signed_request` that this secret sealed.
///
/// # Errors
/// It is malformed, unsigned, of another algorithm, or sealed by another secret or over other text.
pub fn open(text: &str, secret: &str) -> Result<Json, Refused> {
    let (seal, segment) = text.split_once('.').ok_or(Refused::Malformed)?;
    if seal.is_empty() {
        return Err(Refused::Unsigned);
    }
    let seal = EITHER.decode(seal).map_err(|_| Refused::Malformed)?;
    if !mac::is_sha256(secret.as_bytes(), segment.as_bytes(), &seal) {
        return Err(Refused::Signature);
    }
    let payload = EITHER.decode(segment).map_err(|_| Refused::Malformed)?;
    let payload: Json = serde_json::from_slice(&payload).map_err(|_| Refused::Malformed)?;
    if !payload.is_object() {
        return Err(Refused::Malformed);
    }
    // SDKs of 2010 compare without regard to case.
    match payload.get("algorithm").and_then(Json::as_str) {
        Some(algorithm) if algorithm.eq_ignore_ascii_case(ALGORITHM) => Ok(payload),
        _ => Err(Refused::Algorithm),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    const CANVAS: &str = r#"{"algorithm":"HMAC-SHA256","expires":1290128400,"issued_at":1290124800,"oauth_token":"1234567890123|2.AbCdEfGhIjKlMnOpQrStUg__.3600.1290128400-100000000000042|Zm9vYmFyYmF6cXV4LXNpZw","user":{"country":"us","locale":"en_US","age":{"min":21}},"user_id":"100000000000042"}"#;
    const CANVAS_SEALED: &str = "RL92mAbROGS3IfADavS2xtEA0tR6-rmTyrF6dp1lKOU.eyJhbGdvcml0aG0iOiJITUFDLVNIQTI1NiIsImV4cGlyZXMiOjEyOTAxMjg0MDAsImlzc3VlZF9hdCI6MTI5MDEyNDgwMCwib2F1dGhfdG9rZW4iOiIxMjM0NTY3ODkwMTIzfDIuQWJDZEVmR2hJaktsTW5PcFFyU3RVZ19fLjM2MDAuMTI5MDEyODQwMC0xMDAwMDAwMDAwMDAwNDJ8Wm05dlltRnlZbUY2Y1hWNExYTnBadyIsInVzZXIiOnsiY291bnRyeSI6InVzIiwibG9jYWxlIjoiZW5fVVMiLCJhZ2UiOnsibWluIjoyMX19LCJ1c2VyX2lkIjoiMTAwMDAwMDAwMDAwMDQyIn0";
    const COOKIE: &str = r#"{"algorithm":"HMAC-SHA256","code":"2.AQCode42.3600.1321747205.1-100000000000042|nonce","issued_at":1321743605,"user_id":"100000000000042"}"#;
    const COOKIE_SEALED: &str = "ZJL-MKCqEziipMYRfFh3iJRWXu84CHFpjN5RZ2s41Zw.eyJhbGdvcml0aG0iOiJITUFDLVNIQTI1NiIsImNvZGUiOiIyLkFRQ29kZTQyLjM2MDAuMTMyMTc0NzIwNS4xLTEwMDAwMDAwMDAwMDA0Mnxub25jZSIsImlzc3VlZF9hdCI6MTMyMTc0MzYwNSwidXNlcl9pZCI6IjEwMDAwMDAwMDAwMDA0MiJ9";
    const GONE: &str = r#"{"user_id":"10150000000000042","algorithm":"HMAC-SHA256","issued_at":1700000000}"#;
    const GONE_SEALED: &str = "WTZSJYLBcQJPKK5mZ6xgCyA5plSFMkySrojGkLmq6Cw.eyJ1c2VyX2lkIjoiMTAxNTAwMDAwMDAwMDAwNDIiLCJhbGdvcml0aG0iOiJITUFDLVNIQTI1NiIsImlzc3VlZF9hdCI6MTcwMDAwMDAwMH0";
    const GONE_PADDED: &str = "RNcT5pFWoFySWxVmxwXxjWwxA6o1yZAFBF9DTkJ-FkI=.eyJ1c2VyX2lkIjoiMTAxNTAwMDAwMDAwMDAwNDIiLCJhbGdvcml0aG0iOiJITUFDLVNIQTI1NiIsImlzc3VlZF9hdCI6MTcwMDAwMDAwMH0=";
    const DELETION: &str =
        r#"{"user_id":"10150000000000042","algorithm":"HMAC-SHA256","issued_at":1700000000,"expires":1700003600}"#;
    const DELETION_SEALED: &str = "XGYegAdndON3YBHNEvJYhwEP0KcpgDGder8tuvJu2PU.eyJ1c2VyX2lkIjoiMTAxNTAwMDAwMDAwMDAwNDIiLCJhbGdvcml0aG0iOiJITUFDLVNIQTI1NiIsImlzc3VlZF9hdCI6MTcwMDAwMDAwMCwiZXhwaXJlcyI6MTcwMDAwMzYwMH0";
    /// The right seal of a payload that says `HMAC-SHA1`.
    const OTHER_ALGORITHM: &str = "NxGUkND23FP9OxVwJDuOA39QHHSmGSrVWzfeflSeeLY.eyJ1c2VyX2lkIjoiMTAxNTAwMDAwMDAwMDAwNDIiLCJhbGdvcml0aG0iOiJITUFDLVNIQTEiLCJpc3N1ZWRfYXQiOjE3MDAwMDAwMDB9";

    #[test]
    fn the_worked_examples_are_sealed_to_the_letter() {
        for (payload, padding, sealed) in [
            (CANVAS, Padding::Stripped, CANVAS_SEALED),
            (COOKIE, Padding::Stripped, COOKIE_SEALED),
            (GONE, Padding::Stripped, GONE_SEALED),
            (GONE, Padding::Kept, GONE_PADDED),
            (DELETION, Padding::Stripped, DELETION_SEALED),
        ] {
            assert_eq!(signed_request(payload.as_bytes(), SECRET, padding), sealed);
            assert_eq!(open(sealed, SECRET).unwrap(), serde_json::from_str::<Json>(payload).unwrap());
        }
    }

    /// From the tests of the PHP SDK of 2010 and from the provider's documentation.
    #[test]
    fn published_requests_are_taken() {
        let php = "943716006e74d9b9283d4d5d8ab93204";
        let user = open("1sxR88U4SW9m6QnSxwCEw_CObqsllXhnpP5j2pxD97c.eyJhbGdvcml0aG0iOiJITUFDLVNIQTI1NiIsImV4cGlyZXMiOjEyODEwNTI4MDAsIm9hdXRoX3Rva2VuIjoiMTE3NzQzOTcxNjA4MTIwfDIuVlNUUWpub3hYVVNYd1RzcDB1U2g5d19fLjg2NDAwLjEyODEwNTI4MDAtMTY3Nzg0NjM4NXx4NURORHBtcy1nMUM0dUJHQVYzSVdRX2pYV0kuIiwidXNlcl9pZCI6IjE2Nzc4NDYzODUifQ", php).unwrap();
        assert_eq!(user["user_id"], "1677846385");
        let nobody =
            open("c0Ih6vYvauDwncv0n0pndr0hP0mvZaJPQDPt6Z43O0k.eyJhbGdvcml0aG0iOiJITUFDLVNIQTI1NiJ9", php).unwrap();
        assert!(nobody.get("user_id").is_none());
        let documented = open(
            "vlXgu64BQGFSQrY0ZcJBZASMvYvTHu9GQ0YM9rjPSso.eyJhbGdvcml0aG0iOiJITUFDLVNIQTI1NiIsIjAiOiJwYXlsb2FkIn0",
            "secret",
        )
        .unwrap();
        assert_eq!(documented["0"], "payload");
    }

    #[test]
    fn nothing_forged_is_taken() {
        let segment = GONE_SEALED.split_once('.').unwrap().1;
        let changed = format!("{}A", &GONE_SEALED[..GONE_SEALED.len() - 1]);
        let other = signed_request(GONE.as_bytes(), "another secret", Padding::Stripped);
        let padded_afterwards = format!("{GONE_SEALED}=");
        for (text, why) in [
            (GONE_SEALED.replacen('W', "A", 1), Refused::Signature),
            (changed, Refused::Signature),
            (other, Refused::Signature),
            (padded_afterwards, Refused::Signature),
            (format!(".{segment}"), Refused::Unsigned),
            (segment.to_owned(), Refused::Malformed),
            (format!("*.{segment}"), Refused::Malformed),
            (String::new(), Refused::Malformed),
            (OTHER_ALGORITHM.to_owned(), Refused::Algorithm),
            (signed_request(b"{}", SECRET, Padding::Stripped), Refused::Algorithm),
            (signed_request(b"[\"HMAC-SHA256\"]", SECRET, Padding::Stripped), Refused::Malformed),
            (signed_request(b"no JSON", SECRET, Padding::Stripped), Refused::Malformed),
        ] {
            assert_eq!(open(&text, SECRET), Err(why), "{text}");
        }
    }

    #[test]
    fn the_seal_of_the_unpadded_text_does_not_fit_the_padded_one() {
        let (seal, _) = GONE_SEALED.split_once('.').unwrap();
        let (_, padded) = GONE_PADDED.split_once('.').unwrap();
        assert_eq!(open(&format!("{seal}.{padded}"), SECRET), Err(Refused::Signature));
    }

    #[test]
    fn the_name_of_the_algorithm_is_compared_without_regard_to_case() {
        let text = signed_request(br#"{"algorithm":"hmac-sha256"}"#, SECRET, Padding::Kept);
        assert!(open(&text, SECRET).is_ok());
    }
}
