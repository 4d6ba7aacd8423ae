//! The provider's collection of keys: labelled test keys that are shipped, each parsed once, when first used.

use std::sync::{LazyLock, OnceLock, PoisonError, RwLock};

use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::json;

use crate::model::fault::ProviderName;
use crate::model::hex::hex;
use crate::model::manifest::ID_TOKEN_ALGS;
use crate::model::value::KeyForm;
use crate::model::wire::Wire;

/// Test keys, and public ones: they protect nothing.
const SHIPPED: &str = include_str!("keys.json");

/// The name of the secret that everybody knows, for HMAC.
pub const OCT: &str = "oct";

/// That secret; long enough for HS512 (RFC 7518, section 3.2).
pub const OCT_SECRET: &[u8] = b"this secret is known to everybody, and 64 bytes are enough of it";

/// Key type, as `kty` spells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[allow(missing_docs)]
pub enum Kind {
    #[serde(rename = "RSA")]
    Rsa,
    #[serde(rename = "EC")]
    Ec,
    #[serde(rename = "OKP")]
    Okp,
}

#[derive(Deserialize)]
struct Shipped {
    keys: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    kid: String,
    kind: Kind,
    /// The only algorithm that it is for; by its type where it says nothing.
    alg: Option<String>,
    pkcs8: String,
    spki: String,
    #[serde(default)]
    pkcs1: String,
    #[serde(default)]
    n: String,
    #[serde(default)]
    e: String,
    #[serde(default)]
    x: String,
    #[serde(default)]
    y: String,
    #[serde(skip)]
    parsed: OnceLock<Option<Parsed>>,
}

/// A private key, ready to sign.
pub enum Parsed {
    /// RSA of an ordinary size.
    Rsa(RsaKeyPair),
    /// P-256.
    Ec(EcdsaKeyPair),
    /// Ed25519.
    Ed(Ed25519KeyPair),
    /// RSA that is too short for anybody: another library signs with it, since the first one rightly refuses.
    ShortRsa(Box<rsa::PrivateKey>),
}

/// A key of the collection.
#[derive(Clone, Copy)]
pub struct Key(&'static Entry);

static KEYS: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    serde_json::from_str::<Shipped>(SHIPPED).map(|shipped| shipped.keys).expect("the shipped keys are read by a test")
});

/// Keys that were made while the process runs.
static MADE: RwLock<Vec<&'static Entry>> = RwLock::new(Vec::new());

/// The first key, shipped or made, of which something is true.
fn find(wanted: impl Fn(&Entry) -> bool) -> Option<Key> {
    let shipped = KEYS.iter().find(|entry| wanted(entry));
    let made = || MADE.read().unwrap_or_else(PoisonError::into_inner).iter().copied().find(|entry| wanted(entry));
    shipped.or_else(made).map(Key)
}

/// Makes one key per algorithm, under a name that they share and nobody else has; `None`: `most` names are taken, or there
/// is no randomness. They live as long as the process.
pub(super) fn make(most: usize) -> Option<&'static str> {
    let mut made = MADE.write().unwrap_or_else(PoisonError::into_inner);
    let public: Vec<&str> = ID_TOKEN_ALGS.into_iter().filter(|alg| !alg.starts_with("HS")).collect();
    if made.len() / public.len() >= most {
        return None;
    }
    let mut random = [0u8; 6];
    getrandom::fill(&mut random).ok()?;
    let name = hex(&random);
    let entries = public.iter().map(|alg| entry(&name, alg)).collect::<Option<Vec<Entry>>>()?;
    made.extend(entries.into_iter().map(|entry| &*Box::leak(Box::new(entry))));
    Some(Box::leak(name.into_boxed_str()))
}

fn entry(name: &str, alg: &str) -> Option<Entry> {
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let mut entry = Entry {
        name: name.to_owned(),
        kid: format!("{}-{name}", alg.to_lowercase()),
        kind: Kind::Rsa,
        alg: (alg == "PS256").then(|| alg.to_owned()),
        pkcs8: String::new(),
        spki: String::new(),
        pkcs1: String::new(),
        n: String::new(),
        e: String::new(),
        x: String::new(),
        y: String::new(),
        parsed: OnceLock::new(),
    };
    let parsed = match alg {
        "ES256" => {
            let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).ok()?;
            // An uncompressed point: 4, x, y.
            let point = pair.public_key().as_ref();
            (entry.x, entry.y) = (text(point.get(1..33)?), text(point.get(33..)?));
            entry.kind = Kind::Ec;
            Parsed::Ec(pair)
        }
        "EdDSA" => {
            let pair = Ed25519KeyPair::generate().ok()?;
            entry.x = text(pair.public_key().as_ref());
            entry.kind = Kind::Okp;
            Parsed::Ed(pair)
        }
        _ => {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048).ok()?;
            // PKCS #1 of 2048 bits: the modulus stands behind nine bytes, and the exponent is 65537.
            let der = pair.public_key().as_ref();
            (entry.n, entry.e) = (text(der.get(9..265)?), "AQAB".to_owned());
            entry.pkcs1 = STANDARD.encode(der);
            Parsed::Rsa(pair)
        }
    };
    let _ = entry.parsed.set(Some(parsed));
    Some(entry)
}

/// The key of that name and type: `main`, `second`, `fresh`, `withdrawn`, `attacker`, `rsa-1024`, `rsa-512`,
/// `other` and `dishonest` (see [`own`]).
pub fn key(name: &str, kind: Kind) -> Option<Key> {
    find(|entry| entry.name == name && entry.kind == kind && entry.alg.is_none())
}

/// The key of that name that fits an algorithm; one of another type where there is only that.
pub fn for_alg(name: &str, alg: &str) -> Option<Key> {
    let own = find(|entry| entry.name == name && entry.alg.as_deref() == Some(alg));
    let first = match alg.get(..2) {
        Some("ES") => Kind::Ec,
        Some("Ed") => Kind::Okp,
        _ => Kind::Rsa,
    };
    own.or_else(|| [first, Kind::Rsa, Kind::Ec, Kind::Okp].into_iter().find_map(|kind| key(name, kind)))
}

/// A public key by name, for the algorithm that a client registered (`RS256`, `ES256`, …), in some form. `oct` has only
/// a JWK, which is the secret itself.
///
/// `None`: there is no such key, or it does not have that form.
pub fn public_for(name: &str, alg: &str, form: KeyForm) -> Option<Wire> {
    if name == OCT {
        let jwk = json!({ "kty": "oct", "alg": "HS256", "kid": OCT, "k": URL_SAFE_NO_PAD.encode(OCT_SECRET) });
        return (form == KeyForm::Jwk).then(|| Wire::from(jwk));
    }
    // A modulus is wanted of the RSA key, whatever the client registered.
    let rsa = !matches!(form, KeyForm::Jwk | KeyForm::SpkiPem | KeyForm::SpkiPemNoNewline | KeyForm::SpkiDer);
    match form {
        _ if rsa => key(name, Kind::Rsa)?.public(form),
        KeyForm::Jwk => for_alg(name, alg).map(|key| key.jwk_for(alg)),
        _ => for_alg(name, alg)?.public(form),
    }
}

impl Key {
    /// Its type.
    pub fn kind(self) -> Kind {
        self.0.kind
    }

    /// Whether an algorithm of JWS can use it.
    pub fn fits(self, alg: &str) -> bool {
        match self.0.kind {
            Kind::Ec => alg == "ES256",
            Kind::Okp => alg == "EdDSA",
            Kind::Rsa => alg.starts_with("RS") || alg.starts_with("PS"),
        }
    }

    /// Its `kid`.
    pub fn kid(self) -> &'static str {
        &self.0.kid
    }

    /// The private key; `None` when the shipped text cannot be read (kept impossible by a test).
    pub fn private(self) -> Option<&'static Parsed> {
        let parse = || {
            let der = STANDARD.decode(&self.0.pkcs8).ok()?;
            match self.0.kind {
                Kind::Ec => EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der).ok().map(Parsed::Ec),
                Kind::Okp => Ed25519KeyPair::from_pkcs8(&der).ok().map(Parsed::Ed),
                Kind::Rsa => match RsaKeyPair::from_pkcs8(&der) {
                    Ok(pair) => Some(Parsed::Rsa(pair)),
                    Err(_) => {
                        use rsa::pkcs8::DecodePrivateKey as _;
                        rsa::PrivateKey::from_pkcs8_der(&der).ok().map(|key| Parsed::ShortRsa(Box::new(key)))
                    }
                },
            }
        };
        self.0.parsed.get_or_init(parse).as_ref()
    }

    /// The public JWK (RFC 7517), with `alg` and `use`.
    pub fn jwk(self) -> Wire {
        self.jwk_for(self.0.alg.as_deref().unwrap_or(match self.0.kind {
            Kind::Rsa => "RS256",
            Kind::Ec => "ES256",
            Kind::Okp => "EdDSA",
        }))
    }

    /// The public JWK with that algorithm, where the key can be used with it; else with its usual one.
    pub fn jwk_for(self, alg: &str) -> Wire {
        let entry = self.0;
        if !self.fits(alg) {
            return self.jwk();
        }
        Wire::from(match entry.kind {
            Kind::Rsa => json!({
                "kty": "RSA", "use": "sig", "alg": alg, "kid": entry.kid, "n": entry.n, "e": entry.e,
            }),
            Kind::Ec => json!({
                "kty": "EC", "use": "sig", "alg": alg, "kid": entry.kid, "crv": "P-256", "x": entry.x, "y": entry.y,
            }),
            Kind::Okp => json!({
                "kty": "OKP", "use": "sig", "alg": alg, "kid": entry.kid, "crv": "Ed25519", "x": entry.x,
            }),
        })
    }

    /// The public key in some form.
    pub fn public(self, form: KeyForm) -> Option<Wire> {
        let der = |text: &str| STANDARD.decode(text).ok();
        let part = |text: &str| URL_SAFE_NO_PAD.decode(text).ok().map(Wire::Bytes);
        let pem = |label: &str, text: &str, newline: bool| {
            if text.is_empty() {
                return None;
            }
            let lines: Vec<String> =
                text.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
            let end = if newline { "\n" } else { "" };
            Some(Wire::from(format!("-----BEGIN {label}-----\n{}\n-----END {label}-----{end}", lines.join("\n"))))
        };
        let entry = self.0;
        match form {
            KeyForm::Jwk => Some(self.jwk()),
            KeyForm::SpkiPem => pem("PUBLIC KEY", &entry.spki, true),
            KeyForm::SpkiPemNoNewline => pem("PUBLIC KEY", &entry.spki, false),
            KeyForm::Pkcs1Pem => pem("RSA PUBLIC KEY", &entry.pkcs1, true),
            KeyForm::Pkcs1PemNoNewline => pem("RSA PUBLIC KEY", &entry.pkcs1, false),
            KeyForm::SpkiDer => der(&entry.spki).map(Wire::Bytes),
            KeyForm::Pkcs1Der if entry.kind == Kind::Rsa => der(&entry.pkcs1).map(Wire::Bytes),
            KeyForm::Modulus if entry.kind == Kind::Rsa => part(&entry.n),
            KeyForm::Exponent if entry.kind == Kind::Rsa => part(&entry.e),
            KeyForm::Pkcs1Der | KeyForm::Modulus | KeyForm::Exponent => None,
        }
    }
}

/// The key that a provider publishes and signs with: what case files call `main` there.
pub fn own(provider: ProviderName) -> &'static str {
    match provider {
        ProviderName::Main => "main",
        ProviderName::Other => "other",
        ProviderName::Attacker => "dishonest",
    }
}

/// The algorithms in which a provider signs with a key of its own, each with that key.
pub fn signing(provider: ProviderName) -> impl Iterator<Item = (&'static str, Key)> {
    signing_as(own(provider))
}

/// The algorithms in which keys of that name sign, each with its key.
pub fn signing_as(own: &'static str) -> impl Iterator<Item = (&'static str, Key)> {
    let public = ID_TOKEN_ALGS.into_iter().filter(|alg| !alg.starts_with("HS"));
    public.filter_map(move |alg| Some((alg, for_alg(own, alg)?)))
}

/// What a provider publishes, and never anything else: one key per advertised algorithm, the RS256 key first.
pub fn published(provider: ProviderName) -> Wire {
    let keys = signing(provider).map(|(_, key)| key.jwk()).collect();
    let mut set = Wire::object();
    set.push("keys", Wire::List(keys));
    set
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_key_can_be_used_and_has_a_kid_of_its_own() {
        let mut kids: Vec<&str> = KEYS.iter().map(|entry| entry.kid.as_str()).collect();
        for entry in KEYS.iter() {
            assert!(Key(entry).private().is_some(), "{}", entry.kid);
        }
        kids.sort_unstable();
        let before = kids.len();
        kids.dedup();
        assert_eq!(kids.len(), before);
    }

    #[test]
    fn only_main_keys_are_published_and_rs256_first() {
        let kids = |provider| -> Vec<String> {
            let json = published(provider).to_json();
            json["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(kids(ProviderName::Main), ["main-rs256", "main-es256", "main-ps256", "main-eddsa"]);
        assert_eq!(kids(ProviderName::Other), ["other-rs256", "other-es256", "other-ps256", "other-eddsa"]);
        assert_eq!(
            kids(ProviderName::Attacker),
            ["dishonest-rs256", "dishonest-es256", "dishonest-ps256", "dishonest-eddsa"]
        );
    }
}
