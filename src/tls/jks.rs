//! A trust store as Java reads it: the KeyStore format `JKS`, version 2, with one trusted certificate. Its numbers are big
//! endian, its texts have their length before them, and it ends with a SHA-1 over the password and everything before: the
//! format's own guard against accidents, no protection.

use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};

/// The password that Java's own trust store has, too; there is nothing secret in one.
pub const PASSWORD: &str = "changeit";

const MAGIC: u32 = 0xfeed_feed;
const VERSION: u32 = 2;
/// An entry that is a certificate, not a key.
const TRUSTED: u32 = 2;
/// What the format mixes into its digest.
const SALT: &[u8] = b"Mighty Aphrodite";

/// A trust store that holds this certificate. `milliseconds`: when it was made, since 1970.
pub(super) fn trust_store(certificate: &[u8], milliseconds: u64) -> Vec<u8> {
    let mut store = Vec::new();
    let mut number = |number: u32| store.extend(number.to_be_bytes());
    number(MAGIC);
    number(VERSION);
    number(1);
    number(TRUSTED);
    text(&mut store, "countersign");
    store.extend(milliseconds.to_be_bytes());
    text(&mut store, "X.509");
    store.extend(u32::try_from(certificate.len()).unwrap_or(u32::MAX).to_be_bytes());
    store.extend(certificate);
    let mut context = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    for unit in PASSWORD.encode_utf16() {
        context.update(&unit.to_be_bytes());
    }
    context.update(SALT);
    context.update(&store);
    store.extend(context.finish().as_ref());
    store
}

fn text(store: &mut Vec<u8>, text: &str) {
    store.extend(u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes());
    store.extend(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_store_says_what_it_holds() {
        let store = trust_store(b"certificate", 1);
        assert_eq!(&store[..16], [0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2]);
        assert!(store.windows(11).any(|part| part == b"certificate"));
        // Head, alias, date, kind, length, certificate, SHA-1.
        assert_eq!(store.len(), 16 + 2 + 11 + 8 + 2 + 5 + 4 + 11 + 20);
    }
}
