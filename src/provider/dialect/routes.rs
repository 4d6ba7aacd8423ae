//! Which address is which endpoint: made once from a dialect's data, asked for every request.

use std::collections::HashMap;

use crate::model::dialect::Dialect;
use crate::model::fault::Endpoint;

/// What answers at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::provider) enum Role {
    Discovery,
    OauthDiscovery,
    Jwks,
    Authorization,
    /// The page below the authorization endpoint.
    Login,
    /// The page below the authorization endpoint.
    Consent,
    Token,
    Userinfo,
    Api,
    Revocation,
    Introspection,
    Registration,
    EndSession,
    /// Where a device asks for its codes.
    Device,
    /// The page on which a person enters one.
    Verification,
    /// The page for a frame of a site that watches a session.
    CheckSession,
}

impl Role {
    const ALL: [(&'static str, Role, &'static str); 11] = [
        ("discovery", Role::Discovery, "GET"),
        ("oauth_discovery", Role::OauthDiscovery, "GET"),
        ("jwks", Role::Jwks, "GET"),
        ("authorization", Role::Authorization, "GET, POST"),
        ("token", Role::Token, "POST"),
        ("userinfo", Role::Userinfo, "GET, POST"),
        ("api", Role::Api, "GET"),
        ("revocation", Role::Revocation, "POST"),
        ("introspection", Role::Introspection, "POST"),
        ("registration", Role::Registration, "POST"),
        ("end_session", Role::EndSession, "GET, POST"),
    ];

    /// As which endpoint a request here is written down.
    pub fn endpoint(self) -> Option<Endpoint> {
        Some(match self {
            Role::Discovery | Role::OauthDiscovery => Endpoint::Discovery,
            Role::Jwks => Endpoint::Jwks,
            Role::Authorization | Role::Login | Role::Consent => Endpoint::Authorization,
            Role::Token => Endpoint::Token,
            Role::Userinfo => Endpoint::Userinfo,
            Role::Api => Endpoint::Api,
            Role::Revocation => Endpoint::Revocation,
            Role::Introspection => Endpoint::Introspection,
            Role::EndSession => Endpoint::EndSession,
            Role::Device => Endpoint::Device,
            Role::CheckSession => Endpoint::CheckSession,
            Role::Registration | Role::Verification => return None,
        })
    }
}

/// An address.
#[derive(Debug, Clone)]
pub(in crate::provider) struct Route {
    pub role: Role,
    /// `GET, POST`.
    pub methods: String,
}

/// Every address of a dialect.
#[derive(Debug, Default)]
pub(in crate::provider) struct Routes {
    exact: HashMap<String, Route>,
    /// What lies below these is the API.
    api: Vec<(String, Route)>,
}

impl Routes {
    /// Those of a dialect; without registration there is no endpoint for it.
    pub fn new(dialect: &Dialect, registration: bool) -> Routes {
        let mut routes = Routes::default();
        for (name, role, methods) in Role::ALL {
            let Some(place) = dialect.endpoints.get(name).filter(|_| role != Role::Registration || registration) else {
                continue;
            };
            let methods = if place.methods().is_empty() { methods.to_owned() } else { place.methods().join(", ") };
            for path in place.paths() {
                let path = path.replace("/{version}", "");
                let route = Route { role, methods: methods.clone() };
                match role {
                    Role::Api => routes.api.push((format!("{path}/"), route)),
                    Role::Authorization => {
                        for (page, role) in [("login", Role::Login), ("consent", Role::Consent)] {
                            let route = Route { role, methods: "POST".to_owned() };
                            routes.exact.insert(format!("{path}/{page}"), route);
                        }
                        routes.exact.insert(path, route);
                    }
                    _ => drop(routes.exact.insert(path, route)),
                }
            }
        }
        routes
    }

    /// An address that the dialect does not name.
    pub fn add(&mut self, path: &str, role: Role, methods: &str) {
        self.exact.insert(path.to_owned(), Route { role, methods: methods.to_owned() });
    }

    /// What is at a path, and what stands behind it (of the API).
    pub fn find<'r, 'p>(&'r self, path: &'p str) -> Option<(&'r Route, &'p str)> {
        if let Some(route) = self.exact.get(path) {
            return Some((route, ""));
        }
        self.api.iter().find_map(|(own, route)| Some((route, path.strip_prefix(own.as_str())?)))
    }

    /// The methods at every address of a role.
    pub fn methods_of(&self, role: Role) -> impl Iterator<Item = &str> {
        self.exact.values().filter(move |route| route.role == role).map(|route| route.methods.as_str())
    }
}
