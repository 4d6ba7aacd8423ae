//! Origins and sites: what counts as the same place for cookies and `Referer`, and which places may be contacted.
//!
//! It knows nothing of cookies themselves, and no public suffix list: a site is the last two labels of a host name, or
//! the whole of an address or a name of one label. `localhost` and `127.0.0.1` are therefore two sites.

use url::{Host, Url};

use crate::model::exchange::Party;
use crate::model::fault::ProviderName;

/// `http://localhost:9400`: scheme, host and port, without what is the scheme's own port.
pub(crate) fn origin_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{}://{host}:{port}", url.scheme()),
        None => format!("{}://{host}", url.scheme()),
    }
}

/// Whether both have the same scheme, host and port.
pub(crate) fn same_origin(one: &Url, other: &Url) -> bool {
    one.scheme() == other.scheme() && one.host_str() == other.host_str() && one.port() == other.port()
}

/// Whether both are of one site: same scheme, same registrable domain. Ports do not count.
pub(crate) fn same_site(one: &Url, other: &Url) -> bool {
    one.scheme() == other.scheme() && site_of(one) == site_of(other)
}

fn site_of(url: &Url) -> String {
    match url.host() {
        Some(Host::Domain(name)) => {
            let labels: Vec<&str> = name.trim_end_matches('.').split('.').collect();
            labels[labels.len().saturating_sub(2)..].join(".")
        }
        Some(address) => address.to_string(),
        None => String::new(),
    }
}

/// Whether the host is this machine by its name or address.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost")
        }
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Whether browsers treat the place as if it were reached over TLS: `Secure` cookies, `Sec-Fetch-*`.
pub(crate) fn is_trustworthy(url: &Url) -> bool {
    url.scheme() == "https" || is_loopback(url)
}

/// Whose origins are whose.
pub(crate) struct Places {
    /// Origin in normal form, and whose it is.
    known: Vec<(Url, Party)>,
}

impl Places {
    /// Entries that are no URL are left out.
    pub(crate) fn new(origins: &[(String, Party)]) -> Self {
        let known = origins.iter().filter_map(|(origin, party)| Some((Url::parse(origin).ok()?, *party))).collect();
        Places { known }
    }

    /// Whose the URL is.
    pub(crate) fn party(&self, url: &Url) -> Party {
        self.known.iter().find(|(own, _)| same_origin(own, url)).map_or(Party::Elsewhere, |(_, party)| *party)
    }

    /// Whether a request may leave toward it: this machine, or an origin that the run names as somebody's.
    pub(crate) fn may_contact(&self, url: &Url) -> bool {
        let listed = self.known.iter().find(|(own, _)| same_origin(own, url));
        match listed {
            Some((_, party)) => *party != Party::Elsewhere,
            None => is_loopback(url) && !self.is_planted(url),
        }
    }

    /// The word of [`crate::model::observation::PageSeen::site`].
    pub(crate) fn word(&self, url: &Url) -> &'static str {
        match self.party(url) {
            Party::Partner => "partner",
            Party::Provider(ProviderName::Main | ProviderName::Other | ProviderName::Attacker) => "provider",
            _ if self.is_planted(url) => "attacker",
            _ if url.host_str().is_some_and(|host| host == "canary" || host.starts_with("canary.")) => "canary",
            _ => "elsewhere",
        }
    }

    /// An address that a case planted is the attacker's by its host, whatever scheme and port a partner makes of it.
    fn is_planted(&self, url: &Url) -> bool {
        let Some(host) = url.host_str() else { return false };
        self.known
            .iter()
            .filter(|(_, party)| *party == Party::Elsewhere)
            .filter_map(|(own, _)| own.host_str())
            .any(|planted| host == planted || host.strip_suffix(planted).is_some_and(|before| before.ends_with('.')))
    }
}

/// The URL without query and fragment, for comparing; and whether it names an origin alone.
pub(crate) struct Stop {
    address: Url,
    whole_origin: bool,
}

impl Stop {
    /// A bare origin (`http://localhost:9400`, no path at all) stands for everything there.
    pub(crate) fn list(urls: &[String]) -> Vec<Stop> {
        urls.iter()
            .filter_map(|raw| {
                let address = Url::parse(raw).ok()?;
                Some(Stop { address, whole_origin: is_bare_origin(raw) })
            })
            .collect()
    }

    /// Whether the URL is one of those.
    pub(crate) fn matches(&self, url: &Url) -> bool {
        same_origin(&self.address, url) && (self.whole_origin || self.address.path() == url.path())
    }
}

/// Whether a URL as it stands has no path, query or fragment.
pub(crate) fn is_bare_origin(raw: &str) -> bool {
    raw.split_once("://").is_some_and(|(_, rest)| !rest.contains(['/', '?', '#', '\\']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect(text)
    }

    #[test]
    fn localhost_and_its_address_are_two_sites_and_ports_do_not_count() {
        assert!(!same_site(&url("http://localhost:1/"), &url("http://127.0.0.1:1/")));
        assert!(same_site(&url("http://127.0.0.1:1/"), &url("http://127.0.0.1:2/")));
        assert!(!same_site(&url("http://127.0.0.1/"), &url("http://127.0.0.2/")));
        assert!(same_site(&url("http://a.example.com/"), &url("http://b.example.com/")));
        assert!(!same_site(&url("http://a.example.com/"), &url("https://a.example.com/")));
    }

    #[test]
    fn only_this_machine_and_named_places_are_contacted() {
        let places = Places::new(&[
            ("http://login.acme.test".to_owned(), Party::Partner),
            ("http://attacker.example".to_owned(), Party::Elsewhere),
        ]);
        assert!(places.may_contact(&url("http://login.acme.test/x")));
        assert!(places.may_contact(&url("http://127.0.0.1:8080/x")));
        assert!(places.may_contact(&url("http://[::1]:8080/x")));
        assert!(!places.may_contact(&url("http://attacker.example/x")));
        assert!(!places.may_contact(&url("http://acme.test/x")));
        assert_eq!(places.word(&url("https://attacker.example:8443/x")), "attacker");
        assert_eq!(places.word(&url("http://a.attacker.example/")), "attacker");
        assert_eq!(places.word(&url("http://notattacker.example/")), "elsewhere");
    }

    #[test]
    fn a_bare_origin_stops_before_all_of_it_and_a_url_before_itself() {
        let stops = Stop::list(&["http://localhost:9400".to_owned(), "http://127.0.0.1:5/callback".to_owned()]);
        let stopped = |text: &str| stops.iter().any(|stop| stop.matches(&url(text)));
        assert!(stopped("http://localhost:9400/authorize?x=1"));
        assert!(stopped("http://127.0.0.1:5/callback?code=1#f"));
        assert!(!stopped("http://127.0.0.1:5/callback/other"));
        assert!(!stopped("http://127.0.0.1:6/callback"));
    }
}
