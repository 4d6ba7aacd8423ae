//! Keys of certificates: Ed25519 and P-256, read from PEM or JWK, and nothing else. The only place of certificates that
//! names the crypto library.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
    UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

/// What comes before the 32 bytes of an Ed25519 key in a SubjectPublicKeyInfo (RFC 8410, section 4).
const ED_INFO: &[u8] = &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
/// What comes before the 65 bytes of a P-256 point in a SubjectPublicKeyInfo (RFC 5480, section 2).
const EC_INFO: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

const KINDS: &str = "a key is Ed25519 or P-256, as PEM (PRIVATE KEY, EC PRIVATE KEY, PUBLIC KEY) or as a JWK";

/// A key that verifies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Public {
    /// Ed25519: 32 bytes.
    Ed(Vec<u8>),
    /// P-256: the uncompressed point, 65 bytes.
    Ec(Vec<u8>),
}

enum Pair {
    Ed(Ed25519KeyPair),
    Ec(EcdsaKeyPair),
}

/// A key that signs.
pub struct Signer(Pair);

impl Public {
    /// From the text of a file; of a private key its public half.
    ///
    /// # Errors
    /// It is no such key: a sentence.
    pub fn read(text: &str) -> Result<Public, String> {
        if let Some((label, der)) = pem(text)? {
            if label != "PUBLIC KEY" {
                return Signer::read(text).map(|signer| signer.public());
            }
            return match (der.strip_prefix(ED_INFO), der.strip_prefix(EC_INFO)) {
                (Some(key), _) if key.len() == 32 => Ok(Public::Ed(key.to_vec())),
                (_, Some(point)) if point.len() == 65 => Ok(Public::Ec(point.to_vec())),
                _ => Err(format!("this public key is of another kind: {KINDS}")),
            };
        }
        Public::from_jwk(&jwk(text)?)
    }

    /// From a JWK (RFC 7517; OKP by RFC 8037).
    ///
    /// # Errors
    /// It is no such key: a sentence.
    pub fn from_jwk(jwk: &Json) -> Result<Public, String> {
        let own = |name: &str| jwk.get(name).and_then(Json::as_str).unwrap_or_default();
        match (own("kty"), own("crv")) {
            ("OKP", "Ed25519") => Ok(Public::Ed(coordinate(jwk, "x")?)),
            ("EC", "P-256") => Ok(Public::Ec([vec![4], coordinate(jwk, "x")?, coordinate(jwk, "y")?].concat())),
            _ => Err(format!("this JWK is of another kind: {KINDS}")),
        }
    }

    /// As a JWK, its members in the order of RFC 7638.
    pub fn to_jwk(&self) -> Json {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match self {
            Public::Ed(key) => json!({ "crv": "Ed25519", "kty": "OKP", "x": text(key) }),
            Public::Ec(point) => {
                json!({ "crv": "P-256", "kty": "EC", "x": text(&point[1..33]), "y": text(&point[33..]) })
            }
        }
    }

    /// The name of the key: its JWK thumbprint (RFC 7638).
    pub fn thumbprint(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.to_jwk().to_string().as_bytes()))
    }

    /// The one algorithm that this key is used with.
    pub fn alg(&self) -> &'static str {
        match self {
            Public::Ed(_) => "EdDSA",
            Public::Ec(_) => "ES256",
        }
    }

    /// Whether a signature over these bytes is this key's.
    pub fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Public::Ed(key) => UnparsedPublicKey::new(&ED25519, key).verify(message, signature).is_ok(),
            Public::Ec(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature).is_ok()
            }
        }
    }
}

impl Signer {
    /// A new Ed25519 key, with the PEM text that keeps it.
    ///
    /// # Errors
    /// The crypto library refuses.
    pub fn made() -> Result<(Signer, String), String> {
        let refused = |_| "no key could be made".to_owned();
        let pair = Ed25519KeyPair::generate().map_err(refused)?;
        let der = pair.to_pkcs8v1().map_err(refused)?;
        let text = STANDARD.encode(der.as_ref());
        Ok((Signer(Pair::Ed(pair)), format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")))
    }

    /// From the text of a file.
    ///
    /// # Errors
    /// It is no such key: a sentence, without anything of the key in it.
    pub fn read(text: &str) -> Result<Signer, String> {
        let other = || format!("this private key is of another kind, or damaged: {KINDS}");
        if let Some((label, der)) = pem(text)? {
            let ed = || Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).map(Pair::Ed).ok();
            let ec = || EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der).map(Pair::Ec).ok();
            let sec1 = || EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, &der).map(Pair::Ec).ok();
            return match label.as_str() {
                "PRIVATE KEY" => ed().or_else(ec).map(Signer).ok_or_else(other),
                "EC PRIVATE KEY" => sec1().map(Signer).ok_or_else(other),
                "PUBLIC KEY" => Err("this is a public key, and signing takes the private one".to_owned()),
                _ => Err(other()),
            };
        }
        let jwk = jwk(text)?;
        if jwk.get("d").is_none() {
            return Err("this JWK has no `d`: it is a public key, and signing takes the private one".to_owned());
        }
        let own = coordinate(&jwk, "d")?;
        let pair = match Public::from_jwk(&jwk)? {
            Public::Ed(key) => Ed25519KeyPair::from_seed_and_public_key(&own, &key).map(Pair::Ed).ok(),
            Public::Ec(point) => {
                let alg = &ECDSA_P256_SHA256_FIXED_SIGNING;
                EcdsaKeyPair::from_private_key_and_public_key(alg, &own, &point).map(Pair::Ec).ok()
            }
        };
        pair.map(Signer).ok_or_else(other)
    }

    /// Its public half.
    pub fn public(&self) -> Public {
        match &self.0 {
            Pair::Ed(pair) => Public::Ed(pair.public_key().as_ref().to_vec()),
            Pair::Ec(pair) => Public::Ec(pair.public_key().as_ref().to_vec()),
        }
    }

    /// Signs bytes.
    ///
    /// # Errors
    /// The crypto library refuses.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, String> {
        match &self.0 {
            Pair::Ed(pair) => Ok(pair.sign(message).as_ref().to_vec()),
            Pair::Ec(pair) => {
                let signed = pair.sign(&SystemRandom::new(), message);
                signed.map(|signature| signature.as_ref().to_vec()).map_err(|_| "the key does not sign".to_owned())
            }
        }
    }
}

fn coordinate(jwk: &Json, name: &str) -> Result<Vec<u8>, String> {
    let text = jwk.get(name).and_then(Json::as_str).unwrap_or_default();
    match URL_SAFE_NO_PAD.decode(text) {
        Ok(bytes) if bytes.len() == 32 => Ok(bytes),
        _ => Err(format!("`{name}` of this JWK is not 32 bytes in base64url")),
    }
}

fn jwk(text: &str) -> Result<Json, String> {
    serde_json::from_str(text).map_err(|_| format!("this is no key: {KINDS}"))
}

/// Label and content of the first PEM block; `None` where the text has none.
fn pem(text: &str) -> Result<Option<(String, Vec<u8>)>, String> {
    // OpenSSL writes the name of the curve before a SEC 1 key.
    let blocks = text.split("-----BEGIN ").skip(1).filter(|block| !block.starts_with("EC PARAMETERS-----"));
    let Some((label, rest)) = blocks.filter_map(|block| block.split_once("-----")).next() else { return Ok(None) };
    let damaged = || format!("the PEM block `{}` is damaged", crate::judge::printable(label));
    let body = rest.split_once(&format!("-----END {label}-----")).ok_or_else(damaged)?.0;
    let body: String = body.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    STANDARD.decode(body).map(|der| Some((label.to_owned(), der))).map_err(|_| damaged())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8410, section 10.3.
    const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
    /// RFC 8410, section 10.1.
    const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";
    /// RFC 7517, appendix A.2.
    const P256: &str = r#"{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"}"#;

    #[test]
    fn the_published_keys_are_read_and_belong_together() {
        assert_eq!(Signer::read(PRIVATE).unwrap().public(), Public::read(PUBLIC).unwrap());
        assert_eq!(Public::read(PRIVATE).unwrap(), Public::read(PUBLIC).unwrap());
        let signer = Signer::read(P256).unwrap();
        assert_eq!(signer.public(), Public::read(P256).unwrap());
        assert_eq!(signer.public().alg(), "ES256");
    }

    #[test]
    fn the_thumbprint_is_that_of_rfc_8037() {
        let jwk = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        assert_eq!(Public::read(jwk).unwrap().thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn what_was_signed_is_verified_and_nothing_else() {
        for signer in [Signer::read(P256).unwrap(), Signer::made().unwrap().0] {
            let signature = signer.sign(b"this").unwrap();
            assert!(signer.public().has_signed(b"this", &signature));
            assert!(!signer.public().has_signed(b"that", &signature));
            assert!(!Public::read(PUBLIC).unwrap().has_signed(b"this", &signature));
        }
    }

    #[test]
    fn a_made_key_is_kept_by_its_text() {
        let (signer, text) = Signer::made().unwrap();
        assert_eq!(Signer::read(&text).unwrap().public(), signer.public());
    }

    #[test]
    fn what_is_no_such_key_is_refused_without_telling_what_it_is() {
        let rsa = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0LXJzYQ==\n-----END PRIVATE KEY-----\n";
        let open = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0LXJzYQ==\n";
        let secret = r#"{"kty":"oct","k":"c2VjcmV0LXJzYQ"}"#;
        for text in [rsa, open, secret, "c2VjcmV0LXJzYQ", "", PUBLIC, "{}"] {
            let said = Signer::read(text).map(|_| ()).unwrap_err();
            assert!(!said.contains("c2Vj") && !said.is_empty(), "{said}");
        }
        assert!(Signer::read(PUBLIC).map(|_| ()).unwrap_err().contains("signing takes the private one"));
    }
}
