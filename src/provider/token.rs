//! The token endpoint (RFC 6749, sections 4.1.3, 4.4 and 6; RFC 7636, section 4.6), strict.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::model::case::{PkcePolicy, RefreshPolicy};
use crate::model::dialect::{TokenEncoding, standard};
use crate::model::fault::{Endpoint, Grant, Message, Object};
use crate::model::persona::Person;
use crate::model::wire::Wire;

use super::ClientRegistration;
use super::claims::{self, IdToken};
use super::client_auth;
use super::device;
use super::dialect::{NEVER, Shape};
use super::environment::Surroundings;
use super::faults::{self, Hit, MessageFacts};
use super::inbound::{Inbound, one, repeated};
use super::ledger::{AccessToken, Origin, RefreshToken};
use super::mint::answer::Answer;
use super::mint::token;
use super::reply::{Reply, error_answer};
use super::state::{Shared, random_id};

/// Parameters of which none may stand there twice.
const KNOWN: [&str; 10] = [
    "grant_type",
    "code",
    "redirect_uri",
    "client_id",
    "client_secret",
    "code_verifier",
    "refresh_token",
    "scope",
    "client_assertion",
    "client_assertion_type",
];

/// The grants that there are.
pub(super) const GRANTS: [&str; 3] = ["authorization_code", "refresh_token", "client_credentials"];

/// Why a request is refused: kind (a code of the standard, perhaps with a finer word behind a dot) and sentence.
type Refusal = (&'static str, &'static str);

/// A request at the token endpoint.
pub(super) fn request(shared: &Shared, inbound: &Inbound) -> Reply {
    let by_code_alone = shared.dialect.token.grant_type_optional && one(&inbound.form, "code").is_some();
    let name = one(&inbound.form, "grant_type").or(by_code_alone.then_some("authorization_code"));
    let grant = name.and_then(Grant::from_name);
    let origin = origin_of(shared, inbound);
    for (name, kind) in [("code_verifier", "code_verifier"), ("client_secret", "client_secret")] {
        if let (Some(value), Some(origin)) = (one(&inbound.form, name), &origin) {
            origin.attempt.secret(kind, value);
        }
    }
    let refuse = |(code, why): Refusal| {
        Reply::of(Endpoint::Token, error_answer(&shared.dialect, Endpoint::Token, code, why))
            .from(origin.clone())
            .grant(grant)
            .because(format!("{}: {why}", standard(code)))
    };
    if inbound.form.is_empty() {
        return refuse(("invalid_request", "a token request carries a form in its body"));
    }
    if repeated(&inbound.form, &KNOWN).is_some() {
        return refuse(("invalid_request", "a parameter stands there more than once"));
    }
    let other_secret = origin.as_ref().and_then(|origin| origin.attempt.inner().options.client_secret.clone());
    let excused = shared.adapter.and_then(|adapter| adapter.client(shared, inbound, origin.as_ref()));
    let client = match excused.map_or_else(|| client_auth::client(shared, inbound, other_secret.as_deref()), Ok) {
        Ok(client) => client,
        Err(why) => return refuse(("invalid_client", why)),
    };
    if client.signing_alg().starts_with("HS") && client.secret.is_none() {
        return refuse(("invalid_client", "ID tokens by a secret were registered, and no secret"));
    }
    if let (Some(adapter), Some(name)) = (shared.adapter, name)
        && let Some(reply) = adapter.grant(shared, inbound, &client, name)
    {
        return reply;
    }
    let issued = match grant {
        Some(_) if name.is_some_and(|name| GRANTS.contains(&name) && !client.may_use(name)) => {
            Err(("unauthorized_client", "this client registered without this grant"))
        }
        Some(Grant::AuthorizationCode) => by_code(shared, inbound, &client),
        Some(Grant::RefreshToken) => by_refresh_token(shared, inbound, &client),
        Some(Grant::ClientCredentials) => by_client(shared, inbound, &client),
        Some(Grant::DeviceCode) if shared.everyday.device => by_device(shared, inbound, &client),
        Some(_) => Err(("unsupported_grant_type", "this grant is not supported")),
        None if name.is_none() => Err(("invalid_request", "grant_type is missing")),
        None => Err(("unsupported_grant_type", "this grant is unknown")),
    };
    match issued {
        Ok(issued) => answer(shared, &client, issued, origin, grant),
        Err(refusal) => refuse(refusal),
    }
}

/// Whose request it is: by its code, its refresh token, or a value that came from elsewhere.
fn origin_of(shared: &Shared, inbound: &Inbound) -> Option<Origin> {
    let ledger = shared.ledger();
    let code = one(&inbound.form, "code").and_then(|code| ledger.codes.get(code)).map(|code| code.origin.clone());
    let refresh = || {
        let token = ledger.refresh.get(one(&inbound.form, "refresh_token")?)?;
        Some(token.origin.clone())
    };
    let foreign = || {
        let mut values = ["code", "refresh_token"].iter().filter_map(|name| one(&inbound.form, name));
        values.find_map(|value| ledger.traced(&shared.circle, value))
    };
    let device = || Some(ledger.devices.get(one(&inbound.form, "device_code")?)?.origin.clone());
    code.or_else(refresh).or_else(device).or_else(foreign)
}

/// What is about to be given out.
struct Issued {
    origin: Option<Origin>,
    subject: String,
    scopes: Vec<String>,
    /// What a new refresh token is good for; `scopes` may be less.
    granted: Vec<String>,
    family: String,
    session: Option<String>,
    nonce: Option<String>,
    more: BTreeMap<String, String>,
    refresh: bool,
    id_token: bool,
}

fn by_code(shared: &Shared, inbound: &Inbound, client: &ClientRegistration) -> Result<Issued, Refusal> {
    let text = one(&inbound.form, "code").ok_or(("invalid_request", "code is missing"))?;
    let mut ledger = shared.ledger();
    let code = ledger.codes.get_mut(text).ok_or(("invalid_grant.unknown", "this code is unknown or has expired"))?;
    // First of all, whose it is: no client can revoke another's tokens by a code that it has seen.
    if code.request.client_id != client.id {
        return Err(("invalid_grant.other_client", "this code was given to another client"));
    }
    if let Some(family) = code.used.clone() {
        ledger.revoke_family(&family);
        return Err(("invalid_grant.used", "this code was used before; what it gave is revoked"));
    }
    let attempt = code.origin.attempt.clone();
    if attempt.is_finished() || attempt.now() > code.expires {
        return Err(("invalid_grant.expired", "this code has expired"));
    }
    if one(&inbound.form, "redirect_uri") != Some(code.request.redirect_uri.as_str()) {
        return Err(("invalid_grant.redirect_uri", "redirect_uri is not that of the authorization request"));
    }
    if attempt.inner().options.pkce != PkcePolicy::Ignore {
        verifier(one(&inbound.form, "code_verifier"), code.request.code_challenge.as_deref())?;
    }
    let family = random_id();
    code.used = Some(family.clone());
    let person = code.origin.person.clone().unwrap_or_default();
    let subject = attempt.person(&person).map(|person| person.sub).ok_or(("invalid_grant", "the person is gone"))?;
    let scopes = code.granted.clone();
    Ok(Issued {
        origin: Some(code.origin.clone()),
        subject,
        family,
        session: Some(code.session.clone()),
        nonce: code.request.nonce.clone(),
        more: code.request.more.clone(),
        refresh: attempt.inner().options.refresh != RefreshPolicy::None && client.may_use("refresh_token"),
        id_token: shared.dialect.openid && scopes.iter().any(|scope| scope == "openid"),
        granted: scopes.clone(),
        scopes,
    })
}

/// The verifier fits the challenge, and neither comes without the other.
fn verifier(verifier: Option<&str>, challenge: Option<&str>) -> Result<(), Refusal> {
    match (verifier, challenge) {
        (None, None) => Ok(()),
        (Some(_), None) => {
            Err(("invalid_grant", "code_verifier without a code_challenge in the authorization request"))
        }
        (None, Some(_)) => Err(("invalid_grant", "code_verifier is missing")),
        (Some(verifier), Some(challenge)) => {
            let fits = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())) == challenge;
            if fits && (43..=128).contains(&verifier.len()) {
                Ok(())
            } else {
                Err(("invalid_grant", "code_verifier does not fit"))
            }
        }
    }
}

fn by_refresh_token(shared: &Shared, inbound: &Inbound, client: &ClientRegistration) -> Result<Issued, Refusal> {
    let text = one(&inbound.form, "refresh_token").ok_or(("invalid_request", "refresh_token is missing"))?;
    let mut ledger = shared.ledger();
    let token = ledger.refresh.get_mut(text).ok_or(("invalid_grant", "this refresh token is unknown"))?;
    if token.client_id != client.id {
        return Err(("invalid_grant", "this refresh token was given to another client"));
    }
    let attempt = token.origin.attempt.clone();
    let policy = attempt.inner().options.refresh;
    if token.revoked || attempt.is_finished() {
        return Err(("invalid_grant", "this refresh token was revoked or has expired"));
    }
    if token.used {
        if policy == RefreshPolicy::Strict {
            let family = token.family.clone();
            ledger.revoke_family(&family);
            return Err(("invalid_grant", "this refresh token was used before; its family is revoked"));
        }
        return Err(("invalid_grant", "this refresh token was used before"));
    }
    let granted = token.scopes.clone();
    let mut scopes = granted.clone();
    if let Some(fewer) = one(&inbound.form, "scope") {
        let fewer = shared.dialect.split_scopes(fewer);
        if !fewer.iter().all(|scope| scopes.contains(scope)) {
            return Err(("invalid_scope", "more than was granted"));
        }
        scopes = fewer;
    }
    let rotate = matches!(policy, RefreshPolicy::Rotate | RefreshPolicy::Strict);
    token.used = rotate;
    let person = token.origin.person.clone().unwrap_or_default();
    let subject = attempt.person(&person).map(|person| person.sub).ok_or(("invalid_grant", "the person is gone"))?;
    Ok(Issued {
        origin: Some(token.origin.clone()),
        subject,
        family: token.family.clone(),
        session: Some(token.session.clone()),
        nonce: token.nonce.clone(),
        more: BTreeMap::new(),
        refresh: rotate,
        id_token: false,
        granted,
        scopes,
    })
}

fn by_device(shared: &Shared, inbound: &Inbound, client: &ClientRegistration) -> Result<Issued, Refusal> {
    let granted = device::poll(shared, inbound, client)?;
    let person = granted.origin.attempt.person(&granted.person).ok_or(("invalid_grant", "the person is gone"))?;
    Ok(by_page(shared, client, granted.origin, &person, granted.scopes, granted.session))
}

/// What a login gives that needed no code.
fn by_page(
    shared: &Shared,
    client: &ClientRegistration,
    origin: Origin,
    person: &Person,
    scopes: Vec<String>,
    session: String,
) -> Issued {
    Issued {
        subject: person.sub.clone(),
        family: random_id(),
        session: Some(session),
        nonce: None,
        refresh: client.may_use("refresh_token"),
        id_token: shared.dialect.openid && scopes.iter().any(|scope| scope == "openid"),
        granted: scopes.clone(),
        scopes,
        origin: Some(origin),
        more: BTreeMap::new(),
    }
}

fn by_client(shared: &Shared, inbound: &Inbound, client: &ClientRegistration) -> Result<Issued, Refusal> {
    if client.auth == "none" {
        return Err(("unauthorized_client", "a client without a secret has no credentials of its own"));
    }
    let scopes = shared.dialect.split_scopes(one(&inbound.form, "scope").unwrap_or_default());
    if scopes.iter().any(|scope| scope == "openid" || !shared.dialect.scopes.contains_key(scope)) {
        return Err(("invalid_scope", "a client of its own cannot have this scope"));
    }
    Ok(Issued {
        origin: None,
        subject: client.id.clone(),
        granted: Vec::new(),
        scopes,
        family: random_id(),
        session: None,
        nonce: None,
        more: BTreeMap::new(),
        refresh: false,
        id_token: false,
    })
}

/// Tokens of a login that needed no page, as they would have come by a code.
pub(super) fn direct(
    shared: &Shared,
    client: &ClientRegistration,
    origin: Origin,
    person: &Person,
    scopes: Vec<String>,
    session: String,
    nonce: Option<String>,
) -> Reply {
    let issued = Issued { nonce, ..by_page(shared, client, origin.clone(), person, scopes, session) };
    answer(shared, client, issued, Some(origin), None)
}

fn answer(
    shared: &Shared,
    client: &ClientRegistration,
    issued: Issued,
    origin: Option<Origin>,
    grant: Option<Grant>,
) -> Reply {
    let attempt = issued.origin.as_ref().map_or_else(|| shared.default_attempt(), |origin| origin.attempt.clone());
    let (now, lifetime) = (attempt.now(), attempt.inner().options.access_lifetime.as_secs() as i64);
    let scope = shared.dialect.join_scopes(&issued.scopes);
    let facts = MessageFacts {
        person: issued.origin.as_ref().and_then(|origin| origin.person.clone()),
        grant,
        path: String::new(),
        login: issued.origin.as_ref().map(|origin| origin.tab.clone()).unwrap_or_default(),
    };
    let speaks_for = facts.person.as_ref().and_then(|name| attempt.person(name));
    let (client_id, scopes) = (client.id.as_str(), issued.scopes.as_slice());
    let shape = Shape { client_id, person: speaks_for.as_ref(), scopes, now, lifetime };
    let shaped = shared.adapter.and_then(|adapter| adapter.shape(&shape));
    let expires = shaped.as_ref().map_or(now + lifetime, |shaped| shaped.expires);
    let surroundings = Surroundings { shared, attempt: &attempt, request: &[] };
    let mut hits: Vec<Hit> = Vec::new();
    let mut failed: Option<String> = None;
    let mut make = |object: Object, draft: token::Draft| {
        let opaque = shared.dialect.token.opaque.as_deref().filter(|_| object == Object::AccessToken);
        let opaque = opaque
            .map(|prefix| shaped.as_ref().map_or_else(|| format!("{prefix}{}", letters()), |own| own.token.clone()));
        let own = faults::take(&attempt, shared.name, &Message::Object(object), &facts);
        let (members, jose) = faults::by_layer(&own);
        let minted = match &opaque {
            Some(text) => token::opaque(text, &members, &jose, &surroundings),
            None => token::mint(&draft, &members, &jose, &surroundings),
        };
        match minted {
            Ok(bytes) => {
                hits.extend(own);
                bytes
            }
            Err(unresolved) => {
                own.iter().for_each(|hit| faults::failed(&attempt, hit.fault, &unresolved));
                failed = Some(format!("the fault could not take effect: {unresolved}"));
                match opaque {
                    Some(text) => text.into_bytes(),
                    None => token::honest(&draft).unwrap_or_default().into_bytes(),
                }
            }
        }
    };
    let draft = claims::access_token(shared, now, lifetime, &issued.subject, client, &scope);
    let access = make(Object::AccessToken, draft);
    let access_text = String::from_utf8_lossy(&access).into_owned();
    let mut body = Wire::object();
    body.push("access_token", token::member(access));
    body.push("token_type", shared.dialect.token.token_type.as_str());
    if expires < NEVER {
        body.push("expires_in", expires - now);
    }
    attempt.secret("access_token", &access_text);
    let owner = issued.origin.clone().unwrap_or_else(|| Origin {
        attempt: attempt.clone(),
        browser: String::new(),
        tab: String::new(),
        person: None,
    });
    if issued.refresh {
        let refresh = random_id();
        body.push("refresh_token", refresh.as_str());
        attempt.secret("refresh_token", &refresh);
        shared.gives_out(&refresh, &owner);
        let entry = RefreshToken {
            origin: owner.clone(),
            client_id: client.id.clone(),
            // Never less than before (RFC 6749, section 6).
            scopes: issued.granted.clone(),
            session: issued.session.clone().unwrap_or_default(),
            nonce: issued.nonce.clone(),
            family: issued.family.clone(),
            used: false,
            revoked: false,
        };
        shared.ledger().refresh.insert(refresh, entry);
    }
    body.push("scope", scope);
    let person = owner.person.as_ref().and_then(|name| attempt.person(name));
    if let (true, Some(person), Some(session)) = (issued.id_token, person, &issued.session) {
        let session = shared.ledger().sessions.get(session).cloned();
        let draft = claims::id_token(
            shared,
            &attempt,
            &IdToken {
                person: &person,
                client,
                scopes: &issued.scopes,
                nonce: issued.nonce.as_deref(),
                sid: session.as_ref().map_or("", |session| session.sid.as_str()),
                auth_time: session.as_ref().map_or(now, |session| session.auth_time),
                access_token: Some(&access_text),
                shift: 0,
            },
        );
        let token = make(Object::IdToken, draft);
        attempt.secret("id_token", &String::from_utf8_lossy(&token));
        body.push("id_token", token::member(token));
    }
    let entry = AccessToken {
        origin: owner.clone(),
        client_id: client.id.clone(),
        scopes: issued.scopes,
        family: issued.family,
        issued: now,
        expires,
        revoked: false,
        more: issued.more,
    };
    shared.gives_out(&access_text, &owner);
    shared.ledger().access.insert(access_text, entry);
    let reply = Reply::of(Endpoint::Token, successful(shared, body).with("pragma", "no-cache"));
    let reply = reply.from(origin.or_else(|| issued.origin.clone())).grant(grant);
    Reply { hits, note: failed, ..reply }
}

/// The answer that carries tokens, as the dialect writes it.
pub(super) fn successful(shared: &Shared, mut body: Wire) -> Answer {
    let rules = &shared.dialect.token;
    if let Wire::Object(members) = &mut body {
        members.retain(|(name, _)| !rules.omit.contains(name));
        for (name, _) in members {
            if let Some(own) = rules.rename.get(name) {
                name.clone_from(own);
            }
        }
    }
    let mut answer = match rules.encoding {
        TokenEncoding::Json => Answer::json(200, body),
        TokenEncoding::Form => Answer::form(200, body),
    };
    if let Some(media_type) = &rules.media_type {
        let kind = answer.headers.iter_mut().find(|(name, _)| name == "content-type");
        kind.into_iter().for_each(|(_, value)| value.clone_from(media_type));
    }
    answer
}

/// Random letters and digits of a token that says nothing.
pub(super) fn letters() -> String {
    format!("{}{}", random_id(), random_id())
}
