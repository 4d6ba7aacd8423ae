//! Why a plain login did not work, in plain words, and how to mend it. It only reads what was exchanged; it decides
//! nothing: whether the login worked is decided before.

use serde_json::Value as Json;
use url::Url;

use crate::model::exchange::{Exchange, Party, Purpose, header};
use crate::model::fault::{Endpoint, ProviderName};
use crate::model::manifest::Manifest;
use crate::model::observation::PageSeen;
use crate::model::persona::Person;

use super::drive::{Played, SignedIn, path_of};

/// How much of what a partner says is repeated.
const SAID: usize = 300;
/// How many lines of its output.
const LINES: usize = 5;

/// What is wrong, and what to do.
pub(super) type Diagnosis = (String, String);

/// What is looked at.
pub(super) struct Scene<'a> {
    pub manifest: &'a Manifest,
    pub played: &'a Played,
    /// What reached the provider outside of any login: discovery, keys.
    pub ambient: &'a [Exchange],
    /// What the partner printed.
    pub output: &'a str,
    /// The run is over TLS.
    pub tls: bool,
}

impl Scene<'_> {
    /// The login never came to its end.
    pub fn never_ended(&self) -> Diagnosis {
        let page = self.pages().next_back();
        let rested = page.map(|page| path_of(&page.url)).unwrap_or_default();
        let what = format!("the login never came to its end; the browser rested on {rested}");
        if let Some((why, help)) = self.refused() {
            return (format!("{what}\n{why}"), help);
        }
        let Some(page) = page else { return (what, "[at] login must be a path of the site".to_owned()) };
        let status = page.response.status;
        let with = |why: &str| format!("{what}: {why}{}", self.said(page));
        if page.site == "elsewhere" {
            let help = format!(
                "the login must use this run's provider, {}: hand it over by {{issuer}} in [start] env, or in [provider] issuer name the one that the site is set up with",
                self.played.issuer
            );
            return (with("that is not the provider of this run, and was not contacted"), help);
        }
        if page.site == "provider" {
            return (with("a page of the provider that leads no further"), self.look_at_login());
        }
        if let Some(told) = self.wants_https() {
            let help = "run with --tls: the provider then speaks https, and a started partner is given whom to trust; or allow http in tests, as the library's documentation says (openid-client: allowInsecureRequests)";
            return (with(&format!("the partner refuses an issuer that is not https ({told})")), help.to_owned());
        }
        match status {
            0 => (format!("{what}: {}", page.text), self.look_at_login()),
            404 => (with("404, there is no such place"), "[at] login must be the path by which a login begins".to_owned()),
            405 => (
                with("405, it takes another method"),
                "[at] login = { path = \"…\", method = \"POST\", page = \"/the/page/with/the/button\" }".to_owned(),
            ),
            _ if self.is_silent() && status >= 400 => (
                with(&format!("{status}, and the partner asked the provider for nothing")),
                self.silent_help(),
            ),
            400.. => (with(&format!("it answered {status}")), "look at the partner's log".to_owned()),
            _ => (
                with("a page that does not lead to the provider"),
                "[at] login must send the browser to the provider; where a button does it, write { path = \"…\", method = \"POST\", page = \"/the/page/with/the/button\" }; where a script does it, --browser chromium runs scripts".to_owned(),
            ),
        }
    }

    /// The login came to its end, and the probe does not name the person.
    pub fn nobody(&self, sign_in: &SignedIn, seen: &str) -> Diagnosis {
        if !self.reaches_the_provider() {
            return self.never_ended();
        }
        let what = format!("the probe says {seen} after a login that rested on {}", sign_in.rested);
        if let Some((why, help)) = self.refused() {
            return (format!("{what}\n{why}"), help);
        }
        if let Some(pages) = self.hosts() {
            return (format!("{what}\n{}", pages.0), pages.1);
        }
        let probe = self.probe_answer();
        let rested = self.pages().next_back();
        let failed = self.pages().rfind(|page| page.site == "partner" && page.response.status >= 400);
        if let Some(page) = failed {
            let text = format!("{what}\n{} answered {}{}", path_of(&page.url), page.response.status, self.said(page));
            return (text, self.unless_https("look at the partner's log for why it refused the login"));
        }
        if !self.partner_sets_cookies() {
            return (
                format!("{what}\nthe partner set no cookie in the whole login, so no later request can belong to it"),
                "a session cookie that is set over https only (express-session: cookie.secure; Django: SESSION_COOKIE_SECURE) is not sent over http: switch it off in tests, or run with --tls".to_owned(),
            );
        }
        if let Some((status, body)) = probe {
            let url = &self.manifest.session.url;
            let person = self.person(&sign_in.person);
            let document = serde_json::from_slice::<Json>(&body).ok();
            let found = person.and_then(|person| document.as_ref().and_then(|document| pointers(document, person)));
            return match (status, found) {
                (404, _) => (
                    format!("{what}\n{url} answered 404: there is no such place"),
                    "[session] url must be an address that says who is signed in".to_owned(),
                ),
                (200..=299, Some(line)) => (
                    format!("{what}\nbut the person is on {url}: `who` points elsewhere"),
                    format!("in [session], who = {{ {line} }}"),
                ),
                (200..=299, None) => (
                    format!("{what}\n{url} answered {status}, and nothing on it is the person's subject, e-mail address or user name{}", shown(&body)),
                    "[session] url must show who is signed in: subject, e-mail address or user name as the provider gave it".to_owned(),
                ),
                (300..=399, _) => (
                    format!("{what}\n{url} sends the browser elsewhere ({status})"),
                    self.session_help(rested),
                ),
                _ => (format!("{what}\n{url} answered {status}"), self.session_help(rested)),
            };
        }
        (what, self.session_help(rested))
    }

    /// The probe names somebody whom the provider does not know.
    pub fn stranger(&self, sign_in: &SignedIn, text: &str) -> Diagnosis {
        let what = format!("after the login the probe names `{text}`, who is nobody that the provider knows");
        let document = self.probe_answer().and_then(|(_, body)| serde_json::from_slice::<Json>(&body).ok());
        let line = self.person(&sign_in.person).and_then(|person| pointers(document.as_ref()?, person));
        let help = match line {
            Some(line) => format!("in [session], who = {{ {line} }}"),
            None => {
                "[session.who] must point at the subject, the e-mail address or the user name as the provider gave it"
                    .to_owned()
            }
        };
        (what, help)
    }

    /// Signing out left the person signed in.
    pub fn still_in(&self, seen: &str) -> Diagnosis {
        let what = format!("after signing out: {seen}");
        let as_form = "{ path = \"…\", method = \"POST\", page = \"/the/page/with/the/button\" }";
        let last = self.played.facts.pages.iter().rev().find(|page| page.site == "partner");
        let refused = last.filter(|page| page.response.status >= 400);
        match refused.map(|page| (page.response.status, path_of(&page.url))) {
            Some((404, at)) => (
                format!("{what}\n{at} answered 404: there is no such place for a GET"),
                format!(
                    "[at] logout must be the path by which a person signs out; where that is a form, write {as_form}"
                ),
            ),
            Some((405, at)) => {
                (format!("{what}\n{at} answered 405: it takes another method"), format!("[at] logout = {as_form}"))
            }
            Some((status, at)) => (
                format!("{what}\n{at} answered {status}{}", refused.map(|page| self.said(page)).unwrap_or_default()),
                format!("[at] logout must end the session; where it is a form with a token, write {as_form}"),
            ),
            None => (what, format!("[at] logout must end the session; where it is a form, write {as_form}")),
        }
    }

    fn session_help(&self, rested: Option<&PageSeen>) -> String {
        let at = rested.map(|page| path_of(&page.url)).unwrap_or_default();
        format!(
            "look at the partner's log, and at {at} with a browser: if the person is signed in there, [session] url or `who` is wrong; if not, its cookie is lost between the callback and the next page (its Path, its Domain, SameSite)"
        )
    }

    fn unless_https(&self, help: &str) -> String {
        match self.wants_https() {
            Some(_) => "run with --tls, or allow http in tests, as the library's documentation says".to_owned(),
            None => help.to_owned(),
        }
    }

    fn look_at_login(&self) -> String {
        "[at] login must be the path by which a person begins to log in".to_owned()
    }

    /// What the provider refused, and why.
    fn refused(&self) -> Option<Diagnosis> {
        let everything = || self.played.transcript.exchanges.iter().chain(self.ambient).rev();
        let is_bad = |exchange: &&Exchange| exchange.response.as_ref().is_some_and(|response| response.status >= 400);
        let authorization = everything().filter(is_bad).find(|one| one.endpoint == Some(Endpoint::Authorization));
        if let Some(asked) = authorization {
            return Some(self.refused_request(asked));
        }
        let token = everything().filter(is_bad).find(|one| one.endpoint == Some(Endpoint::Token))?;
        Some(self.refused_code(token))
    }

    fn refused_request(&self, asked: &Exchange) -> Diagnosis {
        let own = &self.manifest.client.id;
        match asked.parameter("client_id") {
            Some(id) if id != *own => {
                return (
                    format!("the partner calls itself `{id}` at the provider, and the manifest `{own}`"),
                    "hand it {client.id} in [start] env, or write the id that it has into [client] id".to_owned(),
                );
            }
            _ => {}
        }
        let registered = &self.played.facts.redirect_uris;
        if let Some(sent) = asked.parameter("redirect_uri")
            && !registered.contains(&sent)
        {
            let nearest = registered.iter().max_by_key(|own| same_until(own, &sent));
            let (mark, what) = nearest.map(|own| difference(own, &sent)).unwrap_or_default();
            let why = format!(
                "the redirect_uri differs from what is registered{what}\n  sent        {sent}\n  registered  {}\n              {mark}",
                nearest.map(String::as_str).unwrap_or_default()
            );
            let help = match sent.strip_prefix(&self.played.base) {
                Some(rest) => format!(
                    "both must be the same, character by character: in [client], redirect_uris = [\"{{base}}{rest}\"], or mend the partner"
                ),
                None => format!(
                    "the partner must build it from its own address, {}: hand it {{base}} in [start] env; under another name or scheme its session cookie would be lost on the way back, too",
                    self.played.base
                ),
            };
            return (why, help);
        }
        let note = asked.note.clone().unwrap_or_else(|| "it said no more".to_owned());
        (
            format!("the provider refused the request: {note}"),
            "look at what the partner sends to the provider".to_owned(),
        )
    }

    fn refused_code(&self, asked: &Exchange) -> Diagnosis {
        let note = asked.note.clone().unwrap_or_else(|| "it said no more".to_owned());
        let what = format!("the provider refused the partner's request for tokens: {note}");
        let registered = &self.manifest.client.auth;
        let basic = header(&asked.request.headers, "authorization").is_some();
        let used = match (basic, asked.parameter("client_secret").is_some()) {
            (true, _) => "client_secret_basic",
            (false, true) => "client_secret_post",
            (false, false) => "none",
        };
        if note.contains("invalid_client") && used != registered {
            return (
                format!("{what}\nit authenticates by {used}, and the manifest says {registered}"),
                format!("in [client], auth = \"{used}\""),
            );
        }
        if note.contains("secret is wrong") {
            let help = match &self.manifest.client.secret_env {
                Some(variable) => format!("{variable} must hold the secret that the partner is set up with"),
                None => "hand the partner {client.secret} in [start] env; look whether something else sets it, such as a file of its own".to_owned(),
            };
            return (what, help);
        }
        (what, "look at what the partner sends to the token endpoint".to_owned())
    }

    /// A login that began under one name of this machine and came back under another.
    fn hosts(&self) -> Option<Diagnosis> {
        let base = Url::parse(&self.played.base).ok()?;
        let back = self.played.transcript.exchanges.iter().rev().find(|exchange| {
            let has = |name: &str| exchange.request.url.contains(&format!("{name}="));
            exchange.from == Party::Agent && !matches!(exchange.to, Party::Provider(_)) && has("code")
        })?;
        let there = Url::parse(&back.request.url).ok()?;
        if there.host_str() == base.host_str() {
            return None;
        }
        let (one, other) = (base.host_str().unwrap_or_default(), there.host_str().unwrap_or_default());
        Some((
            format!(
                "the login began at {one} and came back to {other}: a cookie belongs to one name, so the session was lost"
            ),
            format!(
                "use one name in both: [at] base and [client] redirect_uris with {other}, or the partner's callback with {one}"
            ),
        ))
    }

    /// The pages of the login, without those of what came after it.
    fn pages(&self) -> impl DoubleEndedIterator<Item = &PageSeen> {
        let after = |one: &&Exchange| one.cause.step > 0 || one.cause.purpose == Purpose::Probe;
        let until = self.played.transcript.exchanges.iter().find(after).map_or(u64::MAX, |one| one.seq);
        self.played.facts.pages.iter().filter(move |page| page.seq < until)
    }

    fn reaches_the_provider(&self) -> bool {
        self.played.transcript.exchanges.iter().any(|one| one.endpoint == Some(Endpoint::Authorization))
    }

    fn partner_sets_cookies(&self) -> bool {
        let to_partner = self
            .played
            .transcript
            .exchanges
            .iter()
            .filter(|one| one.from == Party::Agent && !matches!(one.to, Party::Provider(_)));
        to_partner
            .filter_map(|exchange| exchange.response.as_ref())
            .any(|response| header(&response.headers, "set-cookie").is_some())
    }

    /// What the probe answered right after the login.
    fn probe_answer(&self) -> Option<(u16, bytes::Bytes)> {
        let is_probe = |one: &&Exchange| one.cause.purpose == Purpose::Probe && one.cause.step == 0;
        let probes = self.played.transcript.exchanges.iter().filter(is_probe).filter(|one| one.from == Party::Agent);
        let answer = probes.filter_map(|one| one.response.as_ref()).next_back()?;
        Some((answer.status, answer.body.clone()))
    }

    fn person(&self, name: &str) -> Option<&Person> {
        self.played.people.iter().find(|person| person.name == name)
    }

    /// The partner never asked the provider for anything.
    fn is_silent(&self) -> bool {
        let asks = |one: &Exchange| one.from == Party::Partner && matches!(one.to, Party::Provider(ProviderName::Main));
        !self.played.transcript.exchanges.iter().chain(self.ambient).any(asks)
    }

    fn silent_help(&self) -> String {
        if self.tls {
            return "the provider speaks https in this run, and the partner never got through to it: hand it {tls.ca} to trust in [start] env, by whatever its runtime reads for that".to_owned();
        }
        "look whether it knows the issuer ({issuer} in [start] env); many libraries refuse an issuer that is plain http: run with --tls, or allow http in tests".to_owned()
    }

    /// Over TLS: the partner never got through to the provider, most likely because it does not trust it.
    pub fn untrusted(&self) -> Option<String> {
        (self.tls && self.is_silent()).then(|| self.silent_help())
    }

    /// A line of what the partner printed or showed that complains of plain http.
    fn wants_https(&self) -> Option<String> {
        if self.tls {
            return None;
        }
        let pages =
            self.played.facts.pages.iter().rev().filter(|page| page.site == "partner" && page.response.status >= 400);
        let shown = pages.flat_map(|page| page.text.lines());
        let complains = |line: &&str| {
            let small = line.to_lowercase();
            let speaks = ["https", "insecure", "secure url", "ssl", "tls", "http_request"]
                .iter()
                .any(|word| small.contains(word));
            let refuses = ["only", "must", "require", "not allowed", "forbidden", "insecure", "not a secure"];
            speaks && refuses.iter().any(|word| small.contains(word))
        };
        self.output.lines().rev().chain(shown).find(complains).map(|line| cut(line.trim()))
    }

    /// What page and process said, for whoever has to mend it.
    fn said(&self, page: &PageSeen) -> String {
        let mut text = String::new();
        let words = page.text.split_whitespace().collect::<Vec<_>>().join(" ");
        if !words.is_empty() && page.response.status >= 400 {
            text.push_str(&format!("\nit shows: {}", cut(&words)));
        }
        let lines: Vec<String> = self.output.lines().rev().take(LINES).map(cut).collect();
        if !lines.is_empty() {
            let lines: Vec<String> = lines.into_iter().rev().map(|line| format!("  {line}")).collect();
            text.push_str(&format!("\nits last output:\n{}", lines.join("\n")));
        }
        text
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(SAID) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

fn shown(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body).split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() { String::new() } else { format!("\nit says: {}", cut(&text)) }
}

/// Where in a document a person's subject, e-mail address or user name stands, as a line for `who`.
fn pointers(document: &Json, person: &Person) -> Option<String> {
    let wanted = [("subject", "sub"), ("email", "email"), ("username", "username")];
    wanted.into_iter().find_map(|(key, field)| {
        let pointer = find(document, &person.text(field)?, "")?;
        Some(format!("{key} = \"{pointer}\""))
    })
}

fn find(document: &Json, text: &str, way: &str) -> Option<String> {
    let step = |way: &str, name: &str| format!("{way}/{}", name.replace('~', "~0").replace('/', "~1"));
    match document {
        Json::String(own) => (own == text).then(|| way.to_owned()),
        Json::Object(members) => members.iter().find_map(|(name, value)| find(value, text, &step(way, name))),
        Json::Array(items) => {
            items.iter().enumerate().find_map(|(at, value)| find(value, text, &step(way, &at.to_string())))
        }
        _ => None,
    }
}

/// How many characters two texts have in common at their beginning.
fn same_until(one: &str, other: &str) -> usize {
    one.chars().zip(other.chars()).take_while(|(a, b)| a == b).count()
}

/// A line with a mark under the first character that differs, and what kind of difference it is.
fn difference(registered: &str, sent: &str) -> (String, String) {
    let at = same_until(registered, sent);
    let kind = match (Url::parse(registered), Url::parse(sent)) {
        (Ok(own), Ok(other)) if own.scheme() != other.scheme() => " by its scheme",
        (Ok(own), Ok(other)) if own.host_str() != other.host_str() => " by its host",
        (Ok(own), Ok(other)) if own.port_or_known_default() != other.port_or_known_default() => " by its port",
        (Ok(own), Ok(other)) if own.path().trim_end_matches('/') != other.path().trim_end_matches('/') => {
            " by its path"
        }
        (Ok(own), Ok(other)) if own.path() != other.path() => " by a slash at its end",
        (Ok(_), Ok(_)) => " by its query",
        _ => "",
    };
    (format!("{}^ from here on", " ".repeat(at)), kind.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_difference_of_two_addresses_is_marked_and_named() {
        let own = "http://127.0.0.1:3000/callback";
        for (sent, kind, at) in [
            ("http://127.0.0.1:3000/callback/", " by a slash at its end", 30),
            ("http://localhost:3000/callback", " by its host", 7),
            ("http://127.0.0.1:3001/callback", " by its port", 20),
            ("https://127.0.0.1:3000/callback", " by its scheme", 4),
            ("http://127.0.0.1:3000/cb", " by its path", 23),
            ("http://127.0.0.1:3000/callback?x=1", " by its query", 30),
        ] {
            assert_eq!(difference(own, sent), (format!("{}^ from here on", " ".repeat(at)), kind.to_owned()), "{sent}");
        }
    }

    #[test]
    fn the_person_is_found_wherever_she_stands() {
        let document = serde_json::json!({ "user": { "profile": [{ "a/b": "sub-1" }] }, "n": 1 });
        assert_eq!(find(&document, "sub-1", "").as_deref(), Some("/user/profile/0/a~1b"));
        assert_eq!(find(&document, "sub-2", ""), None);
    }
}
