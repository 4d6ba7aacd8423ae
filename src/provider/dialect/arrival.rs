//! What a dialect does to a request before anybody looks at it: host names and versions in front of a path, and
//! parameters under names of its own. It answers nothing.

use crate::model::dialect::Dialect;
use crate::provider::inbound::Inbound;

use super::routes::{Role, Routes};

/// Whether requests of a dialect have to be settled at all.
pub(in crate::provider) fn needed(dialect: &Dialect, routes: &Routes) -> bool {
    let by_query = routes.methods_of(Role::Token).any(|methods| methods.contains("GET"));
    !dialect.hosts.is_empty() || dialect.version.is_some() || !dialect.parameters.is_empty() || by_query
}

/// Brings a request into the form in which the endpoints expect it.
pub(in crate::provider) fn settle(dialect: &Dialect, routes: &Routes, inbound: &mut Inbound) {
    path(dialect, inbound);
    for (standard, own) in &dialect.parameters {
        for (name, _) in inbound.query.iter_mut().chain(&mut inbound.form).filter(|(name, _)| name == own) {
            name.clone_from(standard);
        }
    }
    // Where a token may be asked for by GET, its parameters may stand in the query.
    if let Some((route, _)) = routes.find(&inbound.path)
        && route.role == Role::Token
        && route.methods.contains("GET")
    {
        let query = inbound.query.clone();
        inbound.form.extend(query);
    }
}

/// Puts the host in front of the path, and takes the version out of it.
fn path(dialect: &Dialect, inbound: &mut Inbound) {
    let host = inbound.header("host").unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(name, _)| name).to_ascii_lowercase();
    let below = |prefix: &String| inbound.path.strip_prefix(prefix.as_str()).is_some_and(|rest| rest.starts_with('/'));
    let own = dialect.hosts.values().find(|prefix| below(prefix)).cloned();
    let (prefix, rest) = match (own, dialect.hosts.get(&host)) {
        (Some(prefix), _) => {
            let rest = inbound.path[prefix.len()..].to_owned();
            (prefix, rest)
        }
        (None, Some(prefix)) => (prefix.clone(), inbound.path.clone()),
        (None, None) => (String::new(), inbound.path.clone()),
    };
    let (version, rest) = match rest[1.min(rest.len())..].split_once('/') {
        Some((first, behind)) if dialect.version.is_some() && is_version(first) => {
            (Some(first.to_owned()), format!("/{behind}"))
        }
        _ => (None, rest),
    };
    inbound.version = version;
    inbound.path = format!("{prefix}{rest}");
}

/// `v19.0`.
fn is_version(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.len() <= 3 && part.bytes().all(|byte| byte.is_ascii_digit());
    text.strip_prefix('v')
        .and_then(|text| text.split_once('.'))
        .is_some_and(|(major, minor)| digits(major) && digits(minor))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::dialect::Place;
    use crate::model::exchange::Request;

    fn settled(host: &str, target: &str) -> (String, Option<String>) {
        let place = Place::Path("/graph/{version}/oauth/access_token".into());
        let dialect = Dialect {
            version: Some("v19.0".into()),
            hosts: BTreeMap::from([("graph.x.example".to_owned(), "/graph".to_owned())]),
            endpoints: BTreeMap::from([("token".to_owned(), place)]),
            ..Dialect::default()
        };
        let headers = vec![("host".to_owned(), host.to_owned())];
        let mut inbound = Inbound {
            seq: 1,
            request: Request { headers, ..Request::default() },
            path: target.to_owned(),
            version: None,
            query: Vec::new(),
            form: Vec::new(),
            broken: None,
        };
        settle(&dialect, &Routes::new(&dialect, false), &mut inbound);
        (inbound.path, inbound.version)
    }

    #[test]
    fn a_host_by_name_and_by_path_and_with_and_without_a_version_are_the_same_address() {
        let same = "/graph/oauth/access_token".to_owned();
        for (host, target, version) in [
            ("graph.x.example", "/oauth/access_token", None),
            ("Graph.X.example:8443", "/v21.0/oauth/access_token", Some("v21.0")),
            ("graph.x.example", "/graph/v2.12/oauth/access_token", Some("v2.12")),
            ("localhost:9400", "/graph/v19.0/oauth/access_token", Some("v19.0")),
            ("localhost:9400", "/graph/oauth/access_token", None),
        ] {
            assert_eq!(settled(host, target), (same.clone(), version.map(str::to_owned)), "{host} {target}");
        }
    }

    #[test]
    fn what_only_looks_like_a_host_or_a_version_stays() {
        for target in ["/graphic/v19.0x/me", "/graph", "/v/x", "/"] {
            assert_eq!(settled("localhost", target), (target.to_owned(), None));
        }
    }
}
