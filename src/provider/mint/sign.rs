//! Signatures (RFC 7515, RFC 7518), good ones and every wrong one of a fault's `sign`. Knows keys and bytes, and nothing
//! of what the payload means.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::{hmac, signature};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::model::fault::{Sign, SignatureShape, SigningKey};
use crate::model::value::{Environment, Unresolved};
use crate::model::wire::Wire;

use super::keys::{self, Key, Kind, Parsed};

/// The order of P-256.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7,
    0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// With what is signed.
enum With {
    Key(Key),
    Mac(Vec<u8>),
    Nothing,
}

/// Algorithm, key and `kid`, chosen for one token.
pub(super) struct Signer {
    /// `alg` of the header, whatever it is.
    pub alg: Wire,
    /// `kid` of the header; none where the client's secret signs.
    pub kid: Option<String>,
    /// `alg` as text: what decides the signature.
    name: String,
    with: With,
}

impl Signer {
    /// Chooses for `sign`; `registered` is the algorithm of the client, `main` the provider's own key, `secret` what the
    /// client shares with the provider.
    ///
    /// A stranger's key (`attacker`), a secret and no key at all go under the `kid` of `main`, so that a verifier that
    /// believes the rest of the header reaches the key that it knows.
    ///
    /// # Errors
    /// A value that nobody knows, a key that does not exist, or a key with which that algorithm cannot sign.
    pub fn choose(
        sign: &Sign,
        registered: &str,
        main: &str,
        secret: Option<&str>,
        environment: &dyn Environment,
    ) -> Result<Signer, Unresolved> {
        let asked = sign.alg.as_ref().map(|value| value.resolve(environment)).transpose()?;
        let named = match &sign.key {
            Some(SigningKey::Named(name)) if name == "main" => Some(main),
            Some(SigningKey::Named(name)) => Some(name.as_str()),
            _ => None,
        };
        let alg = asked.unwrap_or_else(|| match (named, &sign.key) {
            (Some(keys::OCT), _) | (None, Some(_)) => Wire::from("HS256"),
            // There is only one kind of these.
            (Some(name), _) if keys::for_alg(name, registered).is_none_or(|key| !key.fits(registered)) => {
                Wire::from("RS256")
            }
            _ => Wire::from(registered),
        });
        let name = alg.to_text();
        // What `alg` says decides the key while it says something; else the client's registration does.
        let family = if is_asymmetric(&name) { name.as_str() } else { registered };
        let main = keys::for_alg(main, family).ok_or_else(|| Unresolved::text("the key `main`"))?;
        let unsigned = is_none(&name);
        let (kid, with) = match &sign.key {
            Some(SigningKey::Material(value)) => (main.kid(), With::Mac(value.resolve(environment)?.to_plain_bytes())),
            Some(SigningKey::Named(own)) if own == keys::OCT => (main.kid(), With::Mac(keys::OCT_SECRET.to_vec())),
            Some(SigningKey::Named(_)) if name.starts_with("HS") => {
                return Err(Unresolved::text(format!(
                    "a secret for {name} (help: `key = {{ key = \"main\", as = \"spki-pem\" }}` takes a public key as one)"
                )));
            }
            Some(SigningKey::Named(_)) => {
                let own = named.unwrap_or_default();
                let key = keys::for_alg(own, family).ok_or_else(|| Unresolved::text(format!("the key `{own}`")))?;
                (if own == "attacker" { main.kid() } else { key.kid() }, With::Key(key))
            }
            // `none` with a signature: that of the provider, somehow spoilt.
            None if unsigned && takes_no_key(sign.signature) => (main.kid(), With::Nothing),
            None if name.starts_with("HS") => match secret {
                // RFC 7518, section 3.2; OpenID Connect Core, section 10.1: no key of a set, so no `kid`.
                Some(secret) if name == registered => {
                    return Ok(Signer { alg, kid: None, name, with: With::Mac(secret.as_bytes().to_vec()) });
                }
                _ => return Err(Unresolved::text(format!("a secret for {name}"))),
            },
            None => (main.kid(), With::Key(main)),
        };
        Ok(Signer { alg, kid: Some(kid.to_owned()), name, with })
    }

    /// The compact serialisation of header and payload (RFC 7515, section 7.1).
    ///
    /// # Errors
    /// The key refuses, or the signature cannot take the shape that is asked for.
    pub fn compact(&self, header: &Wire, payload: &Wire, sign: &Sign) -> Result<String, Unresolved> {
        let header = URL_SAFE_NO_PAD.encode(header.to_json_bytes());
        let with = |payload: &Wire| format!("{header}.{}", URL_SAFE_NO_PAD.encode(payload.to_json_bytes()));
        let input = with(payload);
        let mac = self.shaped(sign.signature, &input, &header)?;
        let input = if sign.payload_flipped { with(&altered(payload)?) } else { input };
        Ok(match sign.signature {
            SignatureShape::Missing => input,
            _ => format!("{input}.{}", URL_SAFE_NO_PAD.encode(mac)),
        })
    }

    fn shaped(&self, shape: SignatureShape, input: &str, header: &str) -> Result<Vec<u8>, Unresolved> {
        let good = || self.signature(input.as_bytes());
        let ecdsa = || match &self.with {
            With::Key(key) if key.kind() == Kind::Ec => Ok(()),
            _ => Err(Unresolved::text(format!(
                "a signature of shape {shape:?} with alg {}, which is not ECDSA,",
                self.name
            ))),
        };
        Ok(match shape {
            SignatureShape::Good => good()?,
            SignatureShape::Empty | SignatureShape::Missing => Vec::new(),
            SignatureShape::Flipped => {
                let mut mac = good()?;
                let middle = mac.len() / 2;
                let byte = mac.get_mut(middle).ok_or_else(|| Unresolved::text("a bit to flip in no signature"))?;
                *byte ^= 1;
                mac
            }
            SignatureShape::Stale => {
                self.signature(format!("{header}.{}", URL_SAFE_NO_PAD.encode(br#"{"sub":"earlier"}"#)).as_bytes())?
            }
            SignatureShape::Extra => [good()?, b"extra".to_vec()].concat(),
            SignatureShape::Zero => ecdsa().map(|()| vec![0; 64])?,
            SignatureShape::Order => ecdsa().map(|()| [ORDER, ORDER].concat())?,
            SignatureShape::Der => ecdsa().and_then(|()| Ok(der(&good()?)))?,
        })
    }

    fn signature(&self, input: &[u8]) -> Result<Vec<u8>, Unresolved> {
        let refused = || Unresolved::text(format!("a signature with alg {} by this key", self.name));
        match &self.with {
            With::Nothing => Ok(Vec::new()),
            With::Mac(secret) => {
                // Any other text in `alg` is the fault; the signature under it is still a good one.
                let algorithm = match self.name.as_str() {
                    "HS384" => hmac::HMAC_SHA384,
                    "HS512" => hmac::HMAC_SHA512,
                    _ => hmac::HMAC_SHA256,
                };
                Ok(hmac::sign(&hmac::Key::new(algorithm, secret), input).as_ref().to_vec())
            }
            With::Key(key) => match key.private().ok_or_else(refused)? {
                Parsed::Ec(pair) => {
                    pair.sign(&SystemRandom::new(), input).map(|mac| mac.as_ref().to_vec()).map_err(|_| refused())
                }
                Parsed::Ed(pair) => Ok(pair.sign(input).as_ref().to_vec()),
                Parsed::Rsa(pair) => {
                    let padding: &dyn signature::RsaEncoding = match self.name.as_str() {
                        "RS384" => &signature::RSA_PKCS1_SHA384,
                        "RS512" => &signature::RSA_PKCS1_SHA512,
                        "PS256" => &signature::RSA_PSS_SHA256,
                        "PS384" => &signature::RSA_PSS_SHA384,
                        "PS512" => &signature::RSA_PSS_SHA512,
                        _ => &signature::RSA_PKCS1_SHA256,
                    };
                    let mut mac = vec![0; pair.public_modulus_len()];
                    pair.sign(padding, &SystemRandom::new(), input, &mut mac).map_err(|_| refused())?;
                    Ok(mac)
                }
                Parsed::ShortRsa(key) => short(key, &self.name, input).ok_or_else(refused),
            },
        }
    }
}

/// PKCS#1 v1.5 by a key so short that only the second library signs with it; `None` where the digest does not fit.
fn short(key: &rsa::PrivateKey, alg: &str, input: &[u8]) -> Option<Vec<u8>> {
    use rsa::pkcs1v15::SigningKey;
    use rsa::signature::{SignatureEncoding as _, Signer as _};
    let key = key.clone();
    match alg {
        "RS384" => SigningKey::<rsa::sha2::Sha384>::new(key).try_sign(input),
        "RS512" => SigningKey::<rsa::sha2::Sha512>::new(key).try_sign(input),
        pss if pss.starts_with("PS") => return None,
        _ => SigningKey::<rsa::sha2::Sha256>::new(key).try_sign(input),
    }
    .map(|mac| mac.to_vec())
    .ok()
}

fn is_none(alg: &str) -> bool {
    alg.trim().eq_ignore_ascii_case("none")
}

fn is_asymmetric(alg: &str) -> bool {
    ["RS", "PS", "ES", "Ed"].iter().any(|family| alg.starts_with(family))
}

fn takes_no_key(shape: SignatureShape) -> bool {
    matches!(shape, SignatureShape::Good | SignatureShape::Empty | SignatureShape::Missing)
}

/// Another payload that a verifier would like just as well: only `exp` is a second later.
fn altered(payload: &Wire) -> Result<Wire, Unresolved> {
    let mut other = payload.clone();
    match (&payload, payload.get("exp").map(Wire::to_json).and_then(|exp| exp.as_i64())) {
        (_, Some(exp)) => other.set("exp", exp + 1),
        (Wire::Object(_), None) => other.push("altered", true),
        _ => return Err(Unresolved::text("a member to alter in a payload that is no object")),
    }
    Ok(other)
}

/// A raw ECDSA signature as an ASN.1 sequence.
fn der(raw: &[u8]) -> Vec<u8> {
    let integer = |part: &[u8]| {
        let part: Vec<u8> = part.iter().copied().skip_while(|byte| *byte == 0).collect();
        let pad = part.first().is_none_or(|byte| byte & 0x80 != 0);
        let mut out = vec![2, part.len() as u8 + u8::from(pad)];
        out.extend(pad.then_some(0));
        out.extend(part);
        out
    };
    let (r, s) = raw.split_at(raw.len() / 2);
    let body = [integer(r), integer(s)].concat();
    [vec![0x30, body.len() as u8], body].concat()
}
