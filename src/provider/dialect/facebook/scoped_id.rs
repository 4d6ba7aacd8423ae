//! App-scoped ids: the same person has another number in each app (or in each business that owns several), always the
//! same one there, also after she removed the app and came back.

use crate::provider::mint::mac;

/// Bits that are taken of the seal: they fit into thirteen decimal digits.
const BITS: u32 = 43;

/// The number of a person in one app or business. `key` is the provider's own.
///
/// Seventeen digits, as real ones have: beyond what a floating-point number holds exactly, within 64 bits with a sign.
pub fn scoped_id(key: &[u8], uid: &str, group: &str) -> String {
    let seal = mac::sha256(key, format!("{uid}:{group}").as_bytes());
    let first = seal.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    format!("1015{:013}", first >> (64 - BITS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_has_one_number_per_app_and_always_the_same() {
        assert_eq!(scoped_id(b"key", "100000000000042", "1234567890123"), "10153629605109171");
        assert_eq!(scoped_id(b"key", "100000000000042", "42"), "10154814421138396");
        assert_ne!(scoped_id(b"key", "100000000000043", "42"), scoped_id(b"key", "100000000000042", "42"));
        assert_ne!(scoped_id(b"other", "100000000000042", "42"), scoped_id(b"key", "100000000000042", "42"));
    }

    #[test]
    fn every_number_fits_into_64_bits_but_not_into_a_float() {
        for uid in 0..200 {
            let id = scoped_id(b"key", &uid.to_string(), "app");
            assert_eq!(id.len(), 17);
            assert!(id.parse::<i64>().unwrap() > 1 << 53);
        }
    }
}
