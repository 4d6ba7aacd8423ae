//! A signed token in other bytes than the compact ones: padded, broken into lines, as JSON. Knows texts only.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;

use crate::model::fault::Encode;
use crate::model::value::Unresolved;

/// Characters on a line, as PEM has them.
const LINE: usize = 64;

/// A compact token (RFC 7515, section 7.1) as a fault's `encode` wants it.
///
/// # Errors
/// An encoding of answers, or one that would leave this token as it is.
pub fn token(compact: &str, encode: &Encode) -> Result<Vec<u8>, Unresolved> {
    let parts: Vec<&str> = compact.split('.').collect();
    let part = |at: usize| parts.get(at).copied().unwrap_or_default();
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap_or_default();
    let each = |how: &dyn Fn(&str) -> String| parts.iter().map(|part| how(part)).collect::<Vec<_>>().join(".");
    let encoded = match encode {
        Encode::Padded => each(&|part| format!("{part}{}", "=".repeat((4 - part.len() % 4) % 4))).into_bytes(),
        Encode::StandardAlphabet => each(&|part| STANDARD.encode(decode(part))).into_bytes(),
        Encode::LineBreaks => {
            let lines: Vec<&[u8]> = compact.as_bytes().chunks(LINE).collect();
            lines.join(b"\n".as_slice())
        }
        Encode::Trailing => format!("{compact}.trailing").into_bytes(),
        Encode::NotUtf8 => [compact.as_bytes(), &[0xff, 0xfe]].concat(),
        Encode::Unencoded => [part(0).as_bytes(), b".", &decode(part(1)), b".", part(2).as_bytes()].concat(),
        // RFC 7515, sections 7.2.1 and 7.2.2.
        Encode::Json => json!({
            "payload": part(1), "signatures": [{ "protected": part(0), "signature": part(2) }],
        })
        .to_string()
        .into_bytes(),
        Encode::Flattened => {
            json!({ "payload": part(1), "protected": part(0), "signature": part(2) }).to_string().into_bytes()
        }
        Encode::Jwe { .. } => return Err(Unresolved::text("an encrypted token, which is not built yet,")),
        other => return Err(Unresolved::text(format!("the encoding {other:?} of a token"))),
    };
    if encoded == compact.as_bytes() {
        return Err(Unresolved::text(format!("a difference that {encode:?} would make to this token")));
    }
    Ok(encoded)
}
