//! HMAC-SHA256 (RFC 2104) of bytes, for what is sealed without being a token.

use aws_lc_rs::hmac;

/// The 32 bytes that vouch for a message.
pub fn sha256(key: &[u8], message: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message).as_ref().to_vec()
}

/// Whether a seal is that of the message; takes the same time whichever byte is wrong.
pub fn is_sha256(key: &[u8], message: &[u8], seal: &[u8]) -> bool {
    hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, key), message, seal).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::hex::hex;

    /// RFC 4231, section 4.3.
    #[test]
    fn the_published_test_case_holds() {
        let seal = sha256(b"Jefe", b"what do ya want for nothing?");
        assert_eq!(hex(&seal), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        assert!(is_sha256(b"Jefe", b"what do ya want for nothing?", &seal));
        assert!(!is_sha256(b"Jefe", b"what do you want for nothing?", &seal));
        assert!(!is_sha256(b"Jefe", b"what do ya want for nothing?", &seal[..31]));
    }
}
