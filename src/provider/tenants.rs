//! Several issuers behind one address: `<issuer>/<name>` is an issuer of its own as soon as somebody asks for it, with its
//! own keys, ledger and exchanges, and with the people and clients of the first one. So tests that run beside each other
//! need not share anything.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crate::model::dialect::Place;
use crate::model::persona::Person;

use super::ClientRegistration;
use super::mint::ring::Ring;
use super::state::{Setup, Shared};

/// Issuers behind one address, at most.
const MOST: usize = 200;
/// Bytes of a name.
const LENGTH: usize = 64;

/// Those that were asked for, by name.
pub(super) type Tenants = Mutex<BTreeMap<String, Arc<Shared>>>;

/// Who is registered with each new issuer, and who can sign in there.
#[derive(Default)]
pub(super) struct Everybody {
    pub clients: Vec<ClientRegistration>,
    pub people: Vec<Person>,
}

/// What a request means: the issuer, and the path below it; `None`: the path as it is.
pub(super) fn of(root: &Arc<Shared>, path: &str) -> (Arc<Shared>, Option<String>) {
    let below = match path.strip_prefix(root.prefix.as_str()) {
        Some(rest) if !root.prefix.is_empty() && rest.starts_with('/') => Some(rest),
        _ => None,
    };
    let here = below.unwrap_or(path);
    if root.everyday.tenants
        && let Some((name, rest)) = split(root, here)
        && let Some(tenant) = tenant(root, name)
    {
        return (tenant, Some(rest));
    }
    (Arc::clone(root), below.map(str::to_owned))
}

/// The name of another issuer and the path below it, where a path has both.
fn split<'p>(root: &Shared, path: &'p str) -> Option<(&'p str, String)> {
    if path.starts_with("/.well-known/") {
        // The name stands behind (RFC 8414, section 3.1).
        let known = ["discovery", "oauth_discovery"].into_iter().filter_map(|role| root.path(role));
        let (known, name) = known.filter_map(|own| Some((own, path.strip_prefix(own)?.strip_prefix('/')?))).next()?;
        return is_name(name).then(|| (name, known.to_owned()));
    }
    let (name, rest) = path.strip_prefix('/')?.split_once('/')?;
    let taken = || {
        let mut own = root.dialect.endpoints.values().flat_map(Place::paths).filter_map(|own| own.strip_prefix('/'));
        own.any(|own| own.split('/').next() == Some(name))
    };
    let rest = format!("/{rest}");
    (is_name(name) && !taken() && super::server::is_known(root, &rest)).then_some((name, rest))
}

fn is_name(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let first = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    first && name.len() <= LENGTH && name.bytes().all(letter)
}

/// The issuer of that name; `None`: there are so many that it is not begun.
fn tenant(root: &Arc<Shared>, name: &str) -> Option<Arc<Shared>> {
    let mut tenants = root.tenants.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(own) = tenants.get(name) {
        return Some(Arc::clone(own));
    }
    if tenants.len() >= MOST {
        return None;
    }
    let everybody = root.everybody.read().unwrap_or_else(PoisonError::into_inner);
    let mut everyday = (*root.everyday).clone();
    for base in [&mut everyday.front_url, &mut everyday.back_url].into_iter().flatten() {
        *base = format!("{base}/{name}");
    }
    let shared = Shared::new(Setup {
        name: root.name,
        dialect: Arc::clone(&root.dialect),
        issuer: format!("{}/{name}", root.issuer),
        prefix: format!("{}/{name}", root.prefix),
        address: root.address,
        sequence: root.sequence.clone(),
        clients: everybody.clients.clone(),
        people: everybody.people.clone(),
        circle: None,
        registration: root.registration,
        capacity: None,
        tls: None,
        client: root.client.clone(),
        ring: Ring::fresh(),
        everyday,
    });
    tenants.insert(name.to_owned(), Arc::clone(&shared));
    Some(shared)
}

/// People and clients as they are written down, from now on and at every issuer. Those that were added otherwise stay.
pub(super) fn replace(root: &Shared, clients: &[ClientRegistration], people: &[Person]) {
    let before = {
        let mut everybody = root.everybody.write().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *everybody, Everybody { clients: clients.to_vec(), people: people.to_vec() })
    };
    let tenants: Vec<Arc<Shared>> =
        root.tenants.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
    for shared in [root].into_iter().chain(tenants.iter().map(AsRef::as_ref)) {
        let mut registered = shared.clients.write().unwrap_or_else(PoisonError::into_inner);
        before.clients.iter().for_each(|client| drop(registered.remove(&client.id)));
        registered.extend(clients.iter().map(|client| (client.id.clone(), client.clone())));
        drop(registered);
        let mut inner = shared.ambient.inner();
        before.people.iter().for_each(|person| drop(inner.people.remove(&person.name)));
        inner.people.extend(people.iter().map(|person| (person.name.clone(), person.clone())));
    }
}

/// For [`Shared`].
pub(super) fn everybody(clients: &[ClientRegistration], people: &[Person]) -> RwLock<Everybody> {
    RwLock::new(Everybody { clients: clients.to_vec(), people: people.to_vec() })
}
