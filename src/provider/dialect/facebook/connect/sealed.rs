//! What the browser of the time carries for a partner, made on demand: the cookies `fbs_<app id>` and `fbsr_<app id>`, and
//! the `signed_request` of a canvas page. Faults change their members before they are signed, and their signature.

use serde_json::json;

use crate::model::fault::{Message, Object, Sign, SignatureShape, SigningKey};
use crate::model::persona::Person;
use crate::model::value::Unresolved;
use crate::model::wire::Wire;
use crate::provider::ClientRegistration;
use crate::provider::dialect::facebook::legacy_sig::{self, Members, Values};
use crate::provider::dialect::facebook::sdk::code;
use crate::provider::dialect::facebook::seal::{self, Padding};
use crate::provider::dialect::held;
use crate::provider::environment::Surroundings;
use crate::provider::faults::{self, MessageFacts};
use crate::provider::ledger::Origin;
use crate::provider::mint::patch;
use crate::provider::state::{AttemptState, Shared};

use super::{domain_of, login, session};

/// A cookie's value or a `signed_request`; `None`: it is none of these.
pub fn made(
    shared: &Shared,
    attempt: &AttemptState,
    of: &Person,
    client: &ClientRegistration,
    kind: &str,
) -> Option<Result<String, Unresolved>> {
    let attempt = shared.attempt_of(attempt)?;
    // It is made for the tab whose turn it is: what comes of it is due to that one.
    let tab = attempt.inner().causes.values().max_by_key(|cause| cause.step).cloned();
    let (browser, tab) = tab.map(|cause| (cause.browser, cause.tab)).unwrap_or_default();
    let origin = Origin { attempt, browser, tab, person: Some(of.name.clone()) };
    let granted = origin.attempt.inner().grants.get(&held::key(&shared.dialect, &of.name, &client.id)).cloned();
    // Whose consent is not on record came by the button of the partner's page, which asks for an address as a rule.
    let granted = granted.unwrap_or_else(|| ["basic", "email"].map(str::to_owned).to_vec());
    let about = About { shared, origin: &origin, of, client, granted: &granted };
    Some(match kind {
        "fbs_cookie" => about.fbs(),
        "fbsr_cookie" => about.sealed(Object::Dialect(kind.to_owned()), about.with_code()),
        "signed_request" => about.sealed(Object::SignedRequest, about.canvas()),
        _ => return None,
    })
}

struct About<'a> {
    shared: &'a Shared,
    origin: &'a Origin,
    of: &'a Person,
    client: &'a ClientRegistration,
    granted: &'a [String],
}

impl About<'_> {
    fn session(&self) -> Members {
        let domain = self.client.redirect_uris.first().map(|uri| domain_of(uri)).unwrap_or_default();
        session::begin(self.shared, self.origin, self.client, self.granted, &domain)
    }

    fn with_code(&self) -> Wire {
        code::payload(self.shared, self.origin, &self.client.id, self.granted, &self.of.sub)
    }

    /// What a canvas page is given.
    fn canvas(&self) -> Wire {
        let session = self.session();
        let locale = self.of.text("locale").unwrap_or_else(|| "en_US".to_owned());
        let expires = session["expires"].parse::<i64>().unwrap_or_default();
        Wire::from(json!({
            "algorithm": seal::ALGORITHM,
            "expires": expires,
            "issued_at": self.origin.attempt.now(),
            "oauth_token": session["access_token"],
            "user": { "country": "us", "locale": locale, "age": { "min": 21 } },
            "user_id": self.of.sub,
        }))
    }

    /// Applies the faults in force to the members, and says how to sign.
    fn changed(&self, object: Object, wire: &mut Wire) -> Result<Signing, Unresolved> {
        let attempt = &self.origin.attempt;
        let facts = MessageFacts { person: Some(self.of.name.clone()), ..MessageFacts::default() };
        let hits = faults::take(attempt, self.shared.name, &Message::Object(object), &facts);
        let environment = Surroundings { shared: self.shared, attempt, request: &[] };
        let mut signing = Signing { secret: login::secret(self.origin, self.client), ..Signing::default() };
        for hit in &hits {
            let operations = &hit.patch.operations;
            patch::apply(wire, operations, &environment)?;
            if let Some(sign) = &operations.sign {
                signing.take(sign)?;
            }
            if matches!(operations.encode, Some(crate::model::fault::Encode::Padded)) {
                signing.padding = Padding::Kept;
            }
        }
        // It is handed to the browser as it is made.
        let given: Vec<_> = hits.iter().map(|hit| hit.fault).collect();
        faults::delivered(attempt, &given);
        Ok(signing)
    }

    fn fbs(&self) -> Result<String, Unresolved> {
        let mut wire = Wire::object();
        for (name, value) in self.session() {
            wire.push(&name, value);
        }
        let signing = self.changed(Object::Dialect("fbs_cookie".to_owned()), &mut wire)?;
        let mut members = Members::new();
        if let Wire::Object(own) = &wire {
            members.extend(own.iter().map(|(name, value)| (name.clone(), value.to_text())));
        }
        let mut signed = legacy_sig::signed_session(members, &signing.secret);
        if signing.payload_flipped {
            let uid = signed.entry("uid".to_owned()).or_default();
            *uid = other_end(uid);
        }
        match signing.signature {
            SignatureShape::Good => {}
            SignatureShape::Flipped => {
                let sig = signed.entry("sig".to_owned()).or_default();
                *sig = other_end(sig);
            }
            SignatureShape::Empty => drop(signed.insert("sig".to_owned(), String::new())),
            _ => drop(signed.remove("sig")),
        }
        let raw = self.origin.attempt.inner().options.more.get("cookie_values").is_some_and(|how| how == "raw");
        Ok(legacy_sig::fbs_cookie(&signed, if raw { Values::AsTheyAre } else { Values::Encoded }))
    }

    fn sealed(&self, object: Object, mut wire: Wire) -> Result<String, Unresolved> {
        let signing = self.changed(object, &mut wire)?;
        let text = seal::signed_request(wire.to_json().to_string().as_bytes(), &signing.secret, signing.padding);
        let (own, payload) = text.split_once('.').unwrap_or_default();
        let payload = if signing.payload_flipped { other_end(payload) } else { payload.to_owned() };
        Ok(match signing.signature {
            SignatureShape::Good => format!("{own}.{payload}"),
            SignatureShape::Flipped => {
                let first = if own.starts_with('A') { "B" } else { "A" };
                format!("{first}{}.{payload}", own.get(1..).unwrap_or_default())
            }
            SignatureShape::Empty => format!(".{payload}"),
            _ => payload,
        })
    }
}

/// How a sealed object is signed.
#[derive(Default)]
struct Signing {
    secret: String,
    padding: Padding,
    signature: SignatureShape,
    payload_flipped: bool,
}

impl Signing {
    fn take(&mut self, sign: &Sign) -> Result<(), Unresolved> {
        match &sign.key {
            None => {}
            Some(SigningKey::Named(name)) if name == "main" => {}
            // Somebody else's secret.
            Some(SigningKey::Named(name)) => self.secret = format!("the secret of {name}"),
            Some(SigningKey::Material(_)) => return Err(Unresolved::text("key material for this object".to_owned())),
        }
        self.signature = sign.signature;
        self.payload_flipped = sign.payload_flipped;
        Ok(())
    }
}

/// The same with another last character.
fn other_end(text: &str) -> String {
    let last = if text.ends_with('1') { '2' } else { '1' };
    let mut out = text.to_owned();
    out.pop();
    out.push(last);
    out
}
