//! Tokens: claims and a JOSE header signed into compact form (RFC 7515), in every right and wrong way of a fault's `sign`.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::{hmac, signature};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use crate::model::fault::{Encode, Patch, Sign, SignatureShape, SigningKey};
use crate::model::value::{Environment, Unresolved};
use crate::model::wire::Wire;

use super::keys::{self, Key, Kind, Parsed};
use super::patch;

/// A token before it is signed.
#[derive(Debug, Clone)]
pub struct Draft {
    /// `typ` of its header.
    pub typ: &'static str,
    /// `RS256` or `ES256`: what the client registered.
    pub alg: String,
    /// Its claims.
    pub claims: Wire,
}

/// The order of P-256.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7,
    0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// Signs a draft, changed by the patches that address the object: `claims` its members, `jose` its header. The last
/// `sign`, `encode` and `replace` win.
///
/// # Errors
/// A value that nobody knows, or an operation that cannot take effect.
pub fn mint(
    draft: Draft,
    claims: &[&Patch],
    jose: &[&Patch],
    environment: &dyn Environment,
) -> Result<Vec<u8>, Unresolved> {
    if let Some(value) = claims.iter().rev().find_map(|patch| patch.operations.replace.as_ref()) {
        let original = patch::With { members: &draft.claims, behind: environment };
        return Ok(value.resolve(&original)?.to_plain_bytes());
    }
    let mut payload = draft.claims;
    for patch in claims {
        patch::apply(&mut payload, &patch.operations, environment)?;
    }
    let sign = claims.iter().rev().find_map(|patch| patch.operations.sign.clone()).unwrap_or_default();
    let signer = Signer::choose(&sign, &draft.alg, environment)?;
    let mut header = Wire::object();
    header.push("alg", signer.alg.clone());
    header.push("kid", signer.kid.as_str());
    header.push("typ", draft.typ);
    for patch in jose {
        patch::apply(&mut header, &patch.operations, environment)?;
    }
    let compact = signer.sign(&header, &payload, &sign)?;
    match claims.iter().rev().find_map(|patch| patch.operations.encode.as_ref()) {
        None => Ok(compact.into_bytes()),
        Some(encode) => encoded(&compact, encode),
    }
}

/// An honest token, for those who need one outside a message.
///
/// # Errors
/// As [`mint`].
pub fn honest(draft: Draft) -> Result<String, Unresolved> {
    let bytes = mint(draft, &[], &[], &crate::model::value::Saved::default())?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

enum With {
    Key(Key),
    Mac(Vec<u8>),
    Nothing,
}

struct Signer {
    alg: Wire,
    name: String,
    kid: String,
    with: With,
}

impl Signer {
    fn choose(sign: &Sign, registered: &str, environment: &dyn Environment) -> Result<Signer, Unresolved> {
        let asked = sign.alg.as_ref().map(|value| value.resolve(environment)).transpose()?;
        let alg = asked.unwrap_or_else(|| Wire::from(registered));
        let name = alg.to_text();
        let kind = if name.starts_with("ES") { Kind::Ec } else { Kind::Rsa };
        let named = |name: &str| keys::key(name, kind).or_else(|| keys::key(name, Kind::Rsa));
        // A verifier that believes the header must reach the key that it knows: a stranger's key has main's kid.
        let main = keys::key("main", kind).map_or("", Key::kid).to_owned();
        let mac = name.starts_with("HS");
        let (kid, with) = match &sign.key {
            _ if name.eq_ignore_ascii_case("none") => (main, With::Nothing),
            Some(SigningKey::Material(value)) => (main, With::Mac(value.resolve(environment)?.to_plain_bytes())),
            Some(SigningKey::Named(own)) if own == "oct" => {
                (main, With::Mac(b"a secret that everybody knows".to_vec()))
            }
            Some(SigningKey::Named(own)) => {
                let key = named(own).ok_or_else(|| Unresolved::text(format!("the key `{own}`")))?;
                (if own == "attacker" { main } else { key.kid().to_owned() }, With::Key(key))
            }
            None if mac => return Err(Unresolved::text(format!("a key for {name}"))),
            None => {
                let key = named("main").ok_or_else(|| Unresolved::text("the key `main`"))?;
                (main, With::Key(key))
            }
        };
        Ok(Signer { alg, name, kid, with })
    }

    fn sign(&self, header: &Wire, payload: &Wire, sign: &Sign) -> Result<String, Unresolved> {
        let header = URL_SAFE_NO_PAD.encode(header.to_json_bytes());
        let input = format!("{header}.{}", URL_SAFE_NO_PAD.encode(payload.to_json_bytes()));
        let good = |input: &str| self.signature(input.as_bytes());
        let mac = match sign.signature {
            SignatureShape::Good => good(&input)?,
            SignatureShape::Flipped => {
                let mut mac = good(&input)?;
                let middle = mac.len() / 2;
                if let Some(byte) = mac.get_mut(middle) {
                    *byte ^= 1;
                }
                mac
            }
            SignatureShape::Empty | SignatureShape::Missing => Vec::new(),
            SignatureShape::Stale => good(&format!("{header}.{}", URL_SAFE_NO_PAD.encode(br#"{"sub":"earlier"}"#)))?,
            SignatureShape::Zero => vec![0; 64],
            SignatureShape::Order => [ORDER, ORDER].concat(),
            SignatureShape::Der => der(&good(&input)?),
            SignatureShape::Extra => [good(&input)?, b"extra".to_vec()].concat(),
        };
        let input = if sign.payload_flipped {
            format!("{header}.{}", URL_SAFE_NO_PAD.encode(altered(payload).to_json_bytes()))
        } else {
            input
        };
        Ok(match sign.signature {
            SignatureShape::Missing => input,
            _ => format!("{input}.{}", URL_SAFE_NO_PAD.encode(mac)),
        })
    }

    fn signature(&self, input: &[u8]) -> Result<Vec<u8>, Unresolved> {
        let failed = || Unresolved::text(format!("a signature with alg {}", self.name));
        match &self.with {
            With::Nothing => Ok(Vec::new()),
            With::Mac(secret) => {
                let algorithm = match self.name.as_str() {
                    "HS384" => hmac::HMAC_SHA384,
                    "HS512" => hmac::HMAC_SHA512,
                    _ => hmac::HMAC_SHA256,
                };
                Ok(hmac::sign(&hmac::Key::new(algorithm, secret), input).as_ref().to_vec())
            }
            With::Key(key) => match key.private().ok_or_else(failed)? {
                Parsed::Ec(pair) => {
                    pair.sign(&SystemRandom::new(), input).map(|mac| mac.as_ref().to_vec()).map_err(|_| failed())
                }
                Parsed::Rsa(pair) => {
                    let padding: &dyn signature::RsaEncoding = match self.name.as_str() {
                        "RS384" => &signature::RSA_PKCS1_SHA384,
                        "RS512" => &signature::RSA_PKCS1_SHA512,
                        "PS256" => &signature::RSA_PSS_SHA256,
                        "PS384" => &signature::RSA_PSS_SHA384,
                        "PS512" => &signature::RSA_PSS_SHA512,
                        // Any other text in `alg` is the fault; the signature under it is still a good one.
                        _ => &signature::RSA_PKCS1_SHA256,
                    };
                    let mut mac = vec![0; pair.public_modulus_len()];
                    pair.sign(padding, &SystemRandom::new(), input, &mut mac).map_err(|_| failed())?;
                    Ok(mac)
                }
                Parsed::ShortRsa(key) => {
                    use rsa::signature::{SignatureEncoding as _, Signer as _};
                    let signer = rsa::pkcs1v15::SigningKey::<rsa::sha2::Sha256>::new((**key).clone());
                    signer.try_sign(input).map(|mac| mac.to_vec()).map_err(|_| failed())
                }
            },
        }
    }
}

/// Another payload that a verifier would like just as well: only `exp` is a second later.
fn altered(payload: &Wire) -> Wire {
    let mut other = payload.clone();
    match payload.get("exp").map(Wire::to_json).and_then(|exp| exp.as_i64()) {
        Some(exp) => other.set("exp", exp + 1),
        None => other.push("altered", true),
    }
    other
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

fn encoded(compact: &str, encode: &Encode) -> Result<Vec<u8>, Unresolved> {
    let parts: Vec<&str> = compact.split('.').collect();
    let part = |at: usize| parts.get(at).copied().unwrap_or_default();
    let decode = |at: usize| URL_SAFE_NO_PAD.decode(part(at)).unwrap_or_default();
    Ok(match encode {
        Encode::Padded => {
            let padded: Vec<String> =
                parts.iter().map(|part| format!("{part}{}", "=".repeat((4 - part.len() % 4) % 4))).collect();
            padded.join(".").into_bytes()
        }
        Encode::StandardAlphabet => {
            let other: Vec<String> = (0..parts.len()).map(|at| STANDARD.encode(decode(at))).collect();
            other.join(".").into_bytes()
        }
        Encode::LineBreaks => {
            let lines: Vec<&str> =
                compact.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
            lines.join("\n").into_bytes()
        }
        Encode::Trailing => format!("{compact}.trailing").into_bytes(),
        Encode::NotUtf8 => [compact.as_bytes(), &[0xff, 0xfe]].concat(),
        Encode::Unencoded => format!("{}.{}.{}", part(0), String::from_utf8_lossy(&decode(1)), part(2)).into_bytes(),
        Encode::Json => serde_json::json!({
            "payload": part(1), "signatures": [{ "protected": part(0), "signature": part(2) }],
        })
        .to_string()
        .into_bytes(),
        Encode::Flattened => serde_json::json!({
            "payload": part(1), "protected": part(0), "signature": part(2),
        })
        .to_string()
        .into_bytes(),
        other => return Err(Unresolved::text(format!("the encoding {other:?} of a token"))),
    })
}
