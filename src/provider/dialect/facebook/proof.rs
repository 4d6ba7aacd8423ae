//! `appsecret_proof`: lowercase hexadecimal HMAC-SHA256 of the access token by the app secret. Who sends it knows the
//! secret, so that a stolen token alone opens nothing.
//!
//! With `appsecret_time` the proof is bound to a time (Unix seconds): what is sealed is then `token|time`. That form is
//! unverified in public sources.

use crate::model::hex::hex;
use crate::provider::mint::mac;

/// The proof for a token; `time` is `appsecret_time`.
pub fn appsecret_proof(token: &str, secret: &str, time: Option<i64>) -> String {
    hex(&mac::sha256(secret.as_bytes(), message(token, time).as_bytes()))
}

/// Whether a proof is that of the token; takes the same time whichever digit is wrong.
pub fn holds(proof: &str, token: &str, secret: &str, time: Option<i64>) -> bool {
    unhex(proof).is_some_and(|seal| mac::is_sha256(secret.as_bytes(), message(token, time).as_bytes(), &seal))
}

fn message(token: &str, time: Option<i64>) -> String {
    time.map_or_else(|| token.to_owned(), |time| format!("{token}|{time}"))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";
    const PROOF: &str = "dfb21c9e5835ad53ef67738c64bd1dbaffefa59609a892491fb05ecbd4460b31";

    #[test]
    fn the_worked_and_the_published_proof_hold() {
        assert_eq!(appsecret_proof("EAAMOCKtoken42", SECRET, None), PROOF);
        assert!(holds(PROOF, "EAAMOCKtoken42", SECRET, None));
        let published = "e941110e3d2bfe82621f0e3e1434730d7305d106c5f68c87165d0b27a4611a4a";
        assert_eq!(appsecret_proof("token", "secret", None), published);
        assert!(holds(published, "token", "secret", None));
    }

    #[test]
    fn a_proof_with_a_time_holds_for_that_time_alone() {
        let timed = "8a9d74f98e46e4afa81eec78a4fe67842adbcdc2d9dd79de3baf3e1f7e68a5ef";
        assert_eq!(appsecret_proof("EAAMOCKtoken42", SECRET, Some(1_700_000_000)), timed);
        assert!(holds(timed, "EAAMOCKtoken42", SECRET, Some(1_700_000_000)));
        assert!(!holds(timed, "EAAMOCKtoken42", SECRET, Some(1_700_000_001)));
        assert!(!holds(timed, "EAAMOCKtoken42", SECRET, None));
    }

    #[test]
    fn no_other_proof_holds() {
        let short = &PROOF[..62];
        for wrong in ["", "dfb2", short, &PROOF.to_uppercase(), &PROOF.replace('d', "e"), "zz", "d"] {
            assert!(!holds(wrong, "EAAMOCKtoken42", SECRET, None), "{wrong}");
        }
        assert!(!holds(PROOF, "EAAMOCKtoken43", SECRET, None));
        assert!(!holds(PROOF, "EAAMOCKtoken42", "another secret", None));
    }
}
