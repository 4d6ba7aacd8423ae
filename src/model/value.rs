//! Run-time values (CASE-LANGUAGE 1.7): what a case writes where a literal would stand.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::fault::ProviderName;
use super::hex::hex;
use super::wire::Wire;

/// A literal, or something that is only known while a case runs.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A scalar as it stands in the file.
    Literal(Json),
    /// A list whose entries may be run-time values.
    List(Vec<Value>),
    /// A table whose members may be run-time values, in the order of the file.
    Table(Vec<(String, Value)>),
    /// Something to be worked out.
    Run(Box<RunValue>),
    /// Something that has been worked out.
    Bound(Wire),
}

/// A source and what is done to it afterwards, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct RunValue {
    /// Where the value comes from.
    pub source: Source,
    /// Applied one after the other.
    pub transforms: Vec<Transform>,
}

/// Where a run-time value comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// What a step saved; `variant` is the variant's value.
    Saved(String),
    /// `{ FIELD_of = "bob" }`: field without `_of`, and whose.
    Of {
        /// `sub`, `issuer`, `token_endpoint`, `scopes`, …
        field: String,
        /// A person, a provider, `"manifest"`, or `"feature"`.
        of: String,
        /// A person's account at which provider.
        at: ProviderName,
    },
    /// What this message would have said under that name.
    Original(String),
    /// Seconds relative to the provider's clock.
    Time(i64),
    /// Raw JSON text.
    Json(Value),
    /// Raw bytes.
    Base64(Vec<u8>),
    /// A text several times over.
    Repeat {
        /// What is repeated.
        text: String,
        /// How often.
        times: usize,
    },
    /// Pieces after one another.
    Join(Vec<Value>),
    /// A genuine token, made now.
    Token {
        /// `id_token`, `access_token`, `logout_token`, a dialect's cookie, …
        kind: String,
        /// For whom; the person of the present login when absent.
        of: Option<String>,
        /// Who makes it.
        at: ProviderName,
        /// `other`: issued to another client.
        client: Option<String>,
        /// Seconds by which it was issued earlier (negative) or later.
        time: Option<i64>,
        /// The key that signs it; the provider's own when absent.
        sign: Option<String>,
    },
    /// A public key.
    Key {
        /// `main`, `second`, `attacker`, …
        key: String,
        /// Its form; `jwk` when absent.
        form: KeyForm,
        /// Members that replace those of the JWK.
        members: Vec<(String, Value)>,
    },
    /// Something traceable, new each time.
    Canary(String),
}

/// How a public key is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub enum KeyForm {
    #[default]
    Jwk,
    SpkiPem,
    SpkiPemNoNewline,
    Pkcs1Pem,
    Pkcs1PemNoNewline,
    SpkiDer,
    Pkcs1Der,
    Modulus,
    Exponent,
}

/// What is done to a value after it was found.
#[derive(Debug, Clone, PartialEq)]
pub enum Transform {
    /// Put in front.
    Prefix(Value),
    /// Put behind.
    Suffix(Value),
    /// Letters change case.
    Case(LetterCase),
    /// Only the first n characters stay.
    Keep(usize),
    /// Another character at the first or last place.
    Edit(Place),
    /// Unicode form.
    Form(UnicodeForm),
    /// Hexadecimal digest.
    Hash(HashAlgorithm),
    /// `url` or `base64url`.
    Encode(TextEncoding),
    /// Opens a JWT or base64 JSON and changes it.
    Tamper(Tamper),
}

#[allow(missing_docs)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LetterCase {
    Upper,
    Lower,
    Swap,
}

#[allow(missing_docs)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    First,
    Last,
}

#[allow(missing_docs)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnicodeForm {
    Nfc,
    Nfd,
    Fullwidth,
}

#[allow(missing_docs)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashAlgorithm {
    Sha256,
    Sha512,
}

#[allow(missing_docs)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextEncoding {
    Url,
    Base64url,
}

#[allow(missing_docs)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tamper {
    Unsigned,
    Payload,
    Urls,
}

/// Who can work a source out. Each side knows its own: the driver what was saved, the provider its keys.
pub trait Environment {
    /// The value of a source, or `None` when this side does not know it. Transforms are not its business.
    fn source(&self, source: &Source) -> Option<Wire>;
}

/// A value could not be worked out.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{what} is not known here")]
pub struct Unresolved {
    /// The source in words, e.g. "`saved = \"trap\"`".
    pub what: String,
    /// It is a member of the message to be changed, and this message has none of that name: there is nothing to change.
    pub absent: bool,
}

impl Unresolved {
    /// What is not known, in words.
    pub fn text(what: impl Into<String>) -> Self {
        Unresolved { what: what.into(), absent: false }
    }
}

impl Value {
    /// A text literal.
    pub fn text(text: impl Into<String>) -> Self {
        Value::Literal(Json::String(text.into()))
    }

    /// Works out whatever `environment` knows and leaves the rest for another side.
    pub fn bind(&self, environment: &dyn Environment) -> Value {
        match self {
            Value::Literal(_) | Value::Bound(_) => self.clone(),
            Value::List(items) => Value::List(items.iter().map(|item| item.bind(environment)).collect()),
            Value::Table(members) => Value::Table(bind_members(members, environment)),
            Value::Run(run) => {
                let source = bind_source(&run.source, environment);
                let transforms: Vec<Transform> = run
                    .transforms
                    .iter()
                    .map(|transform| match transform {
                        Transform::Prefix(value) => Transform::Prefix(value.bind(environment)),
                        Transform::Suffix(value) => Transform::Suffix(value.bind(environment)),
                        other => other.clone(),
                    })
                    .collect();
                let bound = Value::Run(Box::new(RunValue { source, transforms }));
                bound.resolve(environment).map_or(bound, Value::Bound)
            }
        }
    }

    /// Works the whole value out.
    ///
    /// # Errors
    /// A source that `environment` does not know.
    pub fn resolve(&self, environment: &dyn Environment) -> Result<Wire, Unresolved> {
        match self {
            Value::Literal(json) => Ok(Wire::from(json.clone())),
            Value::Bound(wire) => Ok(wire.clone()),
            Value::List(items) => {
                Ok(Wire::List(items.iter().map(|item| item.resolve(environment)).collect::<Result<_, _>>()?))
            }
            Value::Table(members) => Ok(Wire::Object(
                members.iter().map(|(name, value)| Ok((name.clone(), value.resolve(environment)?))).collect::<Result<
                    _,
                    Unresolved,
                >>(
                )?,
            )),
            Value::Run(run) => {
                let mut wire = resolve_source(&run.source, environment)?;
                for transform in &run.transforms {
                    wire = transform.apply(wire, environment)?;
                }
                Ok(wire)
            }
        }
    }

    /// Whether what is done to a source leaves it as it was: eight characters kept of eight, digits in the other case.
    /// A deviation that changes nothing is none, and whoever takes it is not to blame.
    pub fn changes_nothing(&self, environment: &dyn Environment) -> bool {
        let Value::Run(run) = self else { return false };
        let may_be_idle =
            |transform: &Transform| matches!(transform, Transform::Keep(_) | Transform::Case(_) | Transform::Form(_));
        if run.transforms.is_empty() || !run.transforms.iter().all(may_be_idle) {
            return false;
        }
        let before = resolve_source(&run.source, environment).map(|wire| wire.to_text());
        before.is_ok() && before == self.resolve(environment).map(|wire| wire.to_text())
    }

    /// The JSON of a value without run-time parts; run-time parts become `null`.
    pub fn literal(&self) -> Option<Json> {
        struct Nothing;
        impl Environment for Nothing {
            fn source(&self, _: &Source) -> Option<Wire> {
                None
            }
        }
        self.resolve(&Nothing).ok().map(|wire| wire.to_json())
    }
}

fn bind_members(members: &[(String, Value)], environment: &dyn Environment) -> Vec<(String, Value)> {
    members.iter().map(|(name, value)| (name.clone(), value.bind(environment))).collect()
}

fn bind_source(source: &Source, environment: &dyn Environment) -> Source {
    match source {
        Source::Join(pieces) => Source::Join(pieces.iter().map(|piece| piece.bind(environment)).collect()),
        Source::Json(inner) => Source::Json(inner.bind(environment)),
        Source::Key { key, form, members } => {
            Source::Key { key: key.clone(), form: *form, members: bind_members(members, environment) }
        }
        other => other.clone(),
    }
}

fn resolve_source(source: &Source, environment: &dyn Environment) -> Result<Wire, Unresolved> {
    match source {
        Source::Json(inner) => Ok(Wire::Raw(inner.resolve(environment)?.to_text())),
        Source::Base64(bytes) => Ok(Wire::Bytes(bytes.clone())),
        Source::Repeat { text, times } => Ok(Wire::from(text.repeat(*times))),
        Source::Join(pieces) => {
            let mut bytes = Vec::new();
            for piece in pieces {
                bytes.extend_from_slice(&match piece.resolve(environment)? {
                    // Where a text is due, a list is its texts with blanks between them.
                    Wire::List(items) => items.iter().map(Wire::to_text).collect::<Vec<_>>().join(" ").into_bytes(),
                    other => other.to_plain_bytes(),
                });
            }
            Ok(match String::from_utf8(bytes) {
                Ok(text) => Wire::from(text),
                Err(error) => Wire::Bytes(error.into_bytes()),
            })
        }
        Source::Key { members, .. } => {
            let mut wire = environment.source(source).ok_or_else(|| unresolved(source))?;
            for (name, value) in members {
                wire.set(name, value.resolve(environment)?);
            }
            Ok(wire)
        }
        other => environment.source(other).ok_or_else(|| unresolved(other)),
    }
}

fn unresolved(source: &Source) -> Unresolved {
    let what = match source {
        Source::Saved(name) => format!("`saved = \"{name}\"`"),
        Source::Of { field, of, at: ProviderName::Main } => format!("`{field}_of = \"{of}\"`"),
        Source::Of { field, of, at } => format!("`{field}_of = \"{of}\", at = \"{}\"`", at.name()),
        Source::Original(name) => format!("`original = \"{name}\"`"),
        Source::Time(seconds) => format!("`time = {seconds}s`"),
        Source::Token { kind, .. } => format!("`token = \"{kind}\"`"),
        Source::Key { key, .. } => format!("`key = \"{key}\"`"),
        Source::Canary(kind) => format!("`canary = \"{kind}\"`"),
        other => format!("{other:?}"),
    };
    Unresolved { what, absent: matches!(source, Source::Original(_)) }
}

impl Transform {
    fn apply(&self, wire: Wire, environment: &dyn Environment) -> Result<Wire, Unresolved> {
        let text = wire.to_text();
        Ok(match self {
            Transform::Prefix(value) => Wire::from(format!("{}{text}", value.resolve(environment)?.to_text())),
            Transform::Suffix(value) => Wire::from(format!("{text}{}", value.resolve(environment)?.to_text())),
            Transform::Case(case) => Wire::from(case.apply(&text)),
            Transform::Keep(count) => Wire::from(text.chars().take(*count).collect::<String>()),
            Transform::Edit(place) => Wire::from(edit(&text, *place)),
            Transform::Form(form) => Wire::from(form.apply(&text)),
            Transform::Hash(algorithm) => Wire::from(algorithm.apply(wire.to_plain_bytes().as_slice())),
            Transform::Encode(encoding) => Wire::from(encoding.apply(&wire.to_plain_bytes())),
            Transform::Tamper(tamper) => Wire::from(tamper.apply(&text)),
        })
    }
}

impl LetterCase {
    fn apply(self, text: &str) -> String {
        match self {
            LetterCase::Upper => text.to_uppercase(),
            LetterCase::Lower => text.to_lowercase(),
            LetterCase::Swap => text
                .chars()
                .map(|c| if c.is_uppercase() { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() })
                .collect(),
        }
    }
}

/// Another character of the same kind, so that the text stays well formed (base64url stays base64url).
fn edit(text: &str, place: Place) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    let spot = match place {
        Place::First => characters.first_mut(),
        Place::Last => characters.last_mut(),
    };
    if let Some(character) = spot {
        *character = match *character {
            'A' => 'B',
            c if c.is_ascii_uppercase() => 'A',
            'a' => 'b',
            c if c.is_ascii_lowercase() => 'a',
            '0' => '1',
            c if c.is_ascii_digit() => '0',
            _ => 'x',
        };
    }
    characters.into_iter().collect()
}

impl UnicodeForm {
    fn apply(self, text: &str) -> String {
        match self {
            UnicodeForm::Nfc => icu_normalizer::ComposingNormalizerBorrowed::new_nfc().normalize(text).into_owned(),
            UnicodeForm::Nfd => icu_normalizer::DecomposingNormalizerBorrowed::new_nfd().normalize(text).into_owned(),
            UnicodeForm::Fullwidth => text
                .chars()
                .map(|c| match c {
                    '!'..='~' => char::from_u32(c as u32 + 0xFEE0).unwrap_or(c),
                    other => other,
                })
                .collect(),
        }
    }
}

impl HashAlgorithm {
    fn apply(self, bytes: &[u8]) -> String {
        use sha2::Digest;
        let digest: Vec<u8> = match self {
            HashAlgorithm::Sha256 => sha2::Sha256::digest(bytes).to_vec(),
            HashAlgorithm::Sha512 => sha2::Sha512::digest(bytes).to_vec(),
        };
        hex(&digest)
    }
}

impl TextEncoding {
    fn apply(self, bytes: &[u8]) -> String {
        use base64::Engine;
        match self {
            TextEncoding::Url => {
                percent_encoding::percent_encode(bytes, percent_encoding::NON_ALPHANUMERIC).to_string()
            }
            TextEncoding::Base64url => base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes),
        }
    }
}

impl Tamper {
    fn apply(self, text: &str) -> String {
        use base64::Engine;
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let mut parts: Vec<String> = text.split('.').map(str::to_owned).collect();
        let payload_at = usize::from(parts.len() > 1);
        match self {
            Tamper::Unsigned => {
                if parts.len() == 3 {
                    parts[0] = URL_SAFE_NO_PAD.encode(br#"{"alg":"none"}"#);
                    parts[2].clear();
                }
            }
            Tamper::Payload | Tamper::Urls => {
                let opened = URL_SAFE_NO_PAD
                    .decode(parts[payload_at].trim_end_matches('='))
                    .ok()
                    .and_then(|bytes| serde_json::from_slice::<Json>(&bytes).ok());
                if let Some(mut json) = opened {
                    tamper_json(&mut json, self);
                    parts[payload_at] = URL_SAFE_NO_PAD.encode(json.to_string());
                } else {
                    parts[payload_at] = edit(&parts[payload_at], Place::Last);
                }
            }
        }
        parts.join(".")
    }
}

fn tamper_json(json: &mut Json, how: Tamper) {
    match json {
        Json::String(text) => {
            let is_url = text.contains("://") || text.starts_with('/');
            match how {
                Tamper::Urls if is_url => *text = "https://attacker.example/".to_owned(),
                Tamper::Payload => *text = edit(text, Place::Last),
                _ => {}
            }
        }
        Json::Array(items) => items.iter_mut().for_each(|item| tamper_json(item, how)),
        Json::Object(members) => members.values_mut().for_each(|value| tamper_json(value, how)),
        _ => {}
    }
}

/// Names bound to values, the simplest environment: what a test or a driver has saved.
#[derive(Debug, Clone, Default)]
pub struct Saved(pub BTreeMap<String, Wire>);

impl Environment for Saved {
    fn source(&self, source: &Source) -> Option<Wire> {
        match source {
            Source::Saved(name) => self.0.get(name).cloned(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unicode_forms_cover_every_letter() {
        let of = |form: UnicodeForm, text: &str| Transform::Form(form).apply(Wire::from(text), &Saved::default());
        let decomposed = of(UnicodeForm::Nfd, "Ångström ñ Việt").unwrap().to_text();
        assert!(decomposed.contains("A\u{30a}") && decomposed.contains("n\u{303}"));
        assert_eq!(of(UnicodeForm::Nfc, &decomposed).unwrap().to_text(), "Ångström ñ Việt");
        assert_eq!(of(UnicodeForm::Fullwidth, "a@b").unwrap().to_text(), "ａ＠ｂ");
    }

    #[test]
    fn a_list_among_joined_pieces_is_its_texts_with_blanks_between_them() {
        let list = Wire::List(vec![Wire::from("openid"), Wire::from("email")]);
        let saved = Saved(BTreeMap::from([("scopes".to_owned(), list)]));
        let scopes = RunValue { source: Source::Saved("scopes".into()), transforms: Vec::new() };
        let pieces = vec![Value::text("contacts  "), Value::Run(Box::new(scopes))];
        let joined = RunValue { source: Source::Join(pieces), transforms: Vec::new() };
        let joined = Value::Run(Box::new(joined)).resolve(&saved).unwrap();
        assert_eq!(joined.to_text(), "contacts  openid email");
    }

    #[test]
    fn a_transform_that_changes_nothing_is_seen() {
        let saved = Saved(BTreeMap::from([("own".to_owned(), Wire::from("12345678"))]));
        let of = |transform: Transform| {
            let run = RunValue { source: Source::Saved("own".into()), transforms: vec![transform] };
            Value::Run(Box::new(run)).changes_nothing(&saved)
        };
        assert!(of(Transform::Keep(8)) && of(Transform::Case(LetterCase::Swap)));
        assert!(!of(Transform::Keep(7)) && !of(Transform::Edit(Place::Last)));
        assert!(!Value::text("12345678").changes_nothing(&saved));
    }

    #[test]
    fn what_one_side_does_not_know_is_left_for_the_other() {
        let value = Value::Run(Box::new(RunValue {
            source: Source::Join(vec![
                Value::Run(Box::new(RunValue { source: Source::Saved("a".into()), transforms: vec![] })),
                Value::Run(Box::new(RunValue { source: Source::Original("sub".into()), transforms: vec![] })),
            ]),
            transforms: vec![Transform::Suffix(Value::text("!"))],
        }));
        let saved = Saved(BTreeMap::from([("a".to_owned(), Wire::from("A-"))]));
        let half = value.bind(&saved);
        assert!(half.resolve(&saved).is_err());
        struct Provider;
        impl Environment for Provider {
            fn source(&self, source: &Source) -> Option<Wire> {
                matches!(source, Source::Original(_)).then(|| Wire::from("sub-1"))
            }
        }
        assert_eq!(half.resolve(&Provider).unwrap().to_text(), "A-sub-1!");
    }
}
