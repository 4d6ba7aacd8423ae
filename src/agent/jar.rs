//! The cookie jar of one browser: what is kept and what goes along with a request (RFC 6265bis, as browsers apply it).
//!
//! Ports do not count; this machine is trustworthy over plain http; a cookie without `SameSite` is `Lax`, and the two
//! minutes' grace that one browser gives to young ones is not given. Redirects do not taint a request: what matters is
//! who began it and where it goes now, as in the browsers that most people use.

use url::{Host, Url};

use super::set_cookie::{SameSite, SetCookie};
use super::site::{is_bare_origin, is_trustworthy};
use crate::model::observation::CookieSeen;

/// How many a jar keeps per host before the oldest goes.
const PER_HOST: usize = 180;
/// The longest life that browsers give a cookie, in seconds.
const LONGEST: i64 = 400 * 86_400;

/// Which cookies may go along, by who causes the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Same site, or typed by the person: all.
    SameSite,
    /// A link from another site: all but `Strict`.
    ForeignLink,
    /// Anything else from another site: `None` alone.
    ForeignOther,
}

#[derive(Debug, Clone)]
struct Kept {
    name: String,
    value: String,
    domain: String,
    host_only: bool,
    path: String,
    secure: bool,
    http_only: bool,
    same_site: Option<SameSite>,
    /// As it was given, seconds.
    max_age: Option<i64>,
    /// Seconds since 1970.
    expires: Option<i64>,
    /// Order of creation.
    made: u64,
}

/// All cookies of one browser.
#[derive(Debug, Clone, Default)]
pub(crate) struct Jar {
    kept: Vec<Kept>,
    made: u64,
}

impl Jar {
    /// Takes in a `Set-Cookie` header that came from `url` at `now` (seconds since 1970).
    pub(crate) fn take(&mut self, url: &Url, header: &str, reach: Reach, now: i64) {
        let Some(cookie) = SetCookie::parse(header) else { return };
        if let Some(kept) = admit(cookie, url, reach, now) {
            self.put(kept, now);
        }
    }

    fn put(&mut self, mut kept: Kept, now: i64) {
        self.made += 1;
        kept.made = self.made;
        let twin = |own: &Kept| {
            own.name == kept.name
                && own.domain == kept.domain
                && own.host_only == kept.host_only
                && own.path == kept.path
        };
        if let Some(at) = self.kept.iter().position(twin) {
            // The younger one takes the older one's place in the order of sending.
            kept.made = self.kept[at].made;
            self.kept.remove(at);
        }
        self.expire(now);
        if kept.expires.is_none_or(|at| at > now) {
            let domain = kept.domain.clone();
            self.kept.push(kept);
            self.bound(&domain);
        }
    }

    fn bound(&mut self, domain: &str) {
        let of_host = self.kept.iter().filter(|own| own.domain == domain);
        if of_host.clone().count() > PER_HOST
            && let Some(oldest) = of_host.map(|own| own.made).min()
        {
            self.kept.retain(|own| own.made != oldest);
        }
    }

    fn expire(&mut self, now: i64) {
        self.kept.retain(|own| own.expires.is_none_or(|at| at > now));
    }

    /// The value of `Cookie` for a request to `url`, without the cookies of these names.
    pub(crate) fn header(&mut self, url: &Url, reach: Reach, without: &[String], now: i64) -> Option<String> {
        self.expire(now);
        let mut going: Vec<&Kept> = self
            .kept
            .iter()
            .filter(|own| own.goes_to(url) && own.may_reach(reach) && !without.contains(&own.name))
            .collect();
        going.sort_by_key(|own| (std::cmp::Reverse(own.path.len()), own.made));
        let pair = |own: &&Kept| match own.name.as_str() {
            "" => own.value.clone(),
            name => format!("{name}={}", own.value),
        };
        let pairs: Vec<String> = going.iter().map(pair).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// What is in it; with a URL only what would go there (a bare origin: of every path).
    pub(crate) fn seen(&mut self, url: Option<&str>, now: i64) -> Vec<CookieSeen> {
        self.expire(now);
        let place = url.map(Place::of);
        let mut all: Vec<&Kept> =
            self.kept.iter().filter(|own| place.as_ref().is_none_or(|place| place.gets(own))).collect();
        all.sort_by_key(|own| own.made);
        all.into_iter().map(Kept::as_seen).collect()
    }

    /// Gives every cookie of that name that would go to `url` this value; where there is none, makes one for that host.
    pub(crate) fn set(&mut self, url: &str, name: &str, value: &str, now: i64) {
        self.expire(now);
        let place = Place::of(url);
        let mut found = false;
        for own in self.kept.iter_mut().filter(|own| own.name == name) {
            if place.gets(own) {
                value.clone_into(&mut own.value);
                found = true;
            }
        }
        let Some(url) = place.url.filter(|_| !found) else { return };
        let Some(host) = host_of(&url) else { return };
        let prefixed = has_prefix(name, "__host-");
        self.put(
            Kept {
                name: name.to_owned(),
                value: value.to_owned(),
                domain: host,
                host_only: true,
                path: if prefixed { "/".to_owned() } else { default_path(&url) },
                secure: prefixed || has_prefix(name, "__secure-"),
                http_only: false,
                same_site: None,
                max_age: None,
                expires: None,
                made: 0,
            },
            now,
        );
    }

    /// Puts a cookie in without asking whether a server might have set it.
    pub(crate) fn plant(&mut self, seen: &CookieSeen, now: i64) {
        let domain = seen.domain.strip_prefix('.');
        self.put(
            Kept {
                name: seen.name.clone(),
                value: seen.value.clone(),
                domain: domain.unwrap_or(&seen.domain).to_ascii_lowercase(),
                host_only: domain.is_none(),
                path: if seen.path.starts_with('/') { seen.path.clone() } else { "/".to_owned() },
                secure: seen.secure,
                http_only: seen.http_only,
                same_site: seen.same_site.as_deref().and_then(SameSite::from_word),
                max_age: seen.max_age,
                expires: seen.max_age.map(|age| now.saturating_add(age)),
                made: 0,
            },
            now,
        );
    }

    /// Forgets: by name, by place (an origin's cookies of every path), by both, or all.
    pub(crate) fn forget(&mut self, name: Option<&str>, origin: Option<&str>) {
        let place = origin.map(|origin| Place { any_path: true, ..Place::of(origin) });
        self.kept.retain(|own| {
            let named = name.is_none_or(|name| own.name == name);
            let there = place.as_ref().is_none_or(|place| place.gets(own));
            !(named && there)
        });
    }
}

/// Where cookies would go.
struct Place {
    url: Option<Url>,
    any_path: bool,
}

impl Place {
    fn of(url: &str) -> Place {
        Place { url: Url::parse(url).ok(), any_path: is_bare_origin(url) }
    }

    fn gets(&self, own: &Kept) -> bool {
        self.url.as_ref().is_some_and(|url| {
            own.is_for_host(url) && (self.any_path || path_matches(&own.path, url.path())) && own.is_secure_for(url)
        })
    }
}

impl Kept {
    fn is_for_host(&self, url: &Url) -> bool {
        host_of(url).is_some_and(
            |host| {
                if self.host_only { host == self.domain } else { domain_matches(&host, &self.domain) }
            },
        )
    }

    fn is_secure_for(&self, url: &Url) -> bool {
        !self.secure || is_trustworthy(url)
    }

    fn goes_to(&self, url: &Url) -> bool {
        self.is_for_host(url) && path_matches(&self.path, url.path()) && self.is_secure_for(url)
    }

    fn may_reach(&self, reach: Reach) -> bool {
        match (reach, self.same_site.unwrap_or(SameSite::Lax)) {
            (Reach::SameSite, _) | (_, SameSite::None) => true,
            (Reach::ForeignLink, own) => own == SameSite::Lax,
            (Reach::ForeignOther, _) => false,
        }
    }

    fn as_seen(&self) -> CookieSeen {
        CookieSeen {
            name: self.name.clone(),
            value: self.value.clone(),
            domain: if self.host_only { self.domain.clone() } else { format!(".{}", self.domain) },
            path: self.path.clone(),
            secure: self.secure,
            http_only: self.http_only,
            same_site: self.same_site.map(|own| own.word().to_owned()),
            max_age: self.max_age,
        }
    }
}

/// The cookie as it will be kept, or `None` where a browser refuses it.
fn admit(cookie: SetCookie, url: &Url, reach: Reach, now: i64) -> Option<Kept> {
    let host = host_of(url)?;
    let (domain, host_only) = match &cookie.domain {
        None => (host, true),
        // An address, or a name of one label, has nothing below it: the cookie is for that host alone.
        Some(domain) if *domain == host && has_nothing_below(url) => (host, true),
        Some(domain) if !domain.contains('.') || !domain_matches(&host, domain) => return None,
        Some(domain) => (domain.clone(), false),
    };
    if cookie.secure && !is_trustworthy(url) {
        return None;
    }
    // Another site's subresource cannot set a cookie that it would not get.
    if reach == Reach::ForeignOther && cookie.same_site != Some(SameSite::None) {
        return None;
    }
    if cookie.same_site == Some(SameSite::None) && !cookie.secure {
        return None;
    }
    let path = cookie.path.clone().unwrap_or_else(|| default_path(url));
    // A nameless cookie is sent as its value alone, which must not pass for a prefixed name.
    let known_as = if cookie.name.is_empty() { &cookie.value } else { &cookie.name };
    let host_prefix = has_prefix(known_as, "__host-");
    if (host_prefix || has_prefix(known_as, "__secure-")) && (cookie.name.is_empty() || !cookie.secure) {
        return None;
    }
    if host_prefix && (cookie.domain.is_some() || cookie.path.as_deref() != Some("/")) {
        return None;
    }
    let given = cookie.max_age.or_else(|| cookie.expires.map(|at| at.saturating_sub(now)));
    let expires = given.map(|age| if age <= 0 { i64::MIN } else { now.saturating_add(age.min(LONGEST)) });
    Some(Kept {
        name: cookie.name,
        value: cookie.value,
        domain,
        host_only,
        path,
        secure: cookie.secure,
        http_only: cookie.http_only,
        same_site: cookie.same_site,
        max_age: given,
        expires,
        made: 0,
    })
}

fn has_prefix(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

fn host_of(url: &Url) -> Option<String> {
    url.host_str().map(|host| host.trim_end_matches('.').to_ascii_lowercase())
}

fn has_nothing_below(url: &Url) -> bool {
    !matches!(url.host(), Some(Host::Domain(name)) if name.trim_end_matches('.').contains('.'))
}

/// RFC 6265bis, 5.1.3.
fn domain_matches(host: &str, domain: &str) -> bool {
    let is_address = host.parse::<std::net::Ipv4Addr>().is_ok() || host.starts_with('[');
    host == domain || (!is_address && host.strip_suffix(domain).is_some_and(|before| before.ends_with('.')))
}

/// RFC 6265bis, 5.1.4.
fn path_matches(own: &str, path: &str) -> bool {
    path.strip_prefix(own).is_some_and(|rest| rest.is_empty() || own.ends_with('/') || rest.starts_with('/'))
}

/// RFC 6265bis, 5.1.4.
fn default_path(url: &Url) -> String {
    match url.path().rsplit_once('/') {
        None | Some(("", _)) => "/".to_owned(),
        Some((before, _)) => before.to_owned(),
    }
}

#[cfg(test)]
#[path = "jar_tests.rs"]
mod tests;
