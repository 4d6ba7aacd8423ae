//! Callbacks in the mode in which the partner asks for its answers: a partner that asks for `form_post` is posted to,
//! whoever sends the browser there. A callback is kept as one address, its parameters in the query, whatever the mode.

use std::sync::atomic::Ordering;

use crate::agent::{Browser, Navigation, Page};
use crate::model::exchange::{Exchange, Party, Request, header, query_of};

use super::login::path_of;
use super::play::Play;

/// The members of a posted form; `None`: the request carries none.
fn form_of(request: &Request) -> Option<Vec<(String, String)>> {
    let kind = header(&request.headers, "content-type")?;
    let is_form = request.method == "POST" && kind.starts_with("application/x-www-form-urlencoded");
    is_form.then(|| url::form_urlencoded::parse(&request.body).into_owned().collect())
}

/// Where a request went, with the members of a form that it posted in the query.
pub(super) fn address(exchange: &Exchange) -> String {
    let request = &exchange.request;
    match (form_of(request), url::Url::parse(&request.url)) {
        (Some(form), Ok(mut url)) if !form.is_empty() => {
            url.query_pairs_mut().extend_pairs(form);
            url.into()
        }
        _ => request.url.clone(),
    }
}

impl Play {
    /// Notes whether this partner asks for its answers by `form_post`, as a login of this browser shows.
    pub(super) fn note_mode(&self, browser: &Browser) {
        let asks = |exchange: &Exchange| {
            let mode = || {
                query_of(&exchange.request.url)
                    .into_iter()
                    .any(|(name, value)| name == "response_mode" && value == "form_post")
            };
            matches!(exchange.to, Party::Provider(_)) && mode()
        };
        if !self.world.posts_callbacks.load(Ordering::Relaxed) && browser.exchanges().iter().any(asks) {
            self.world.posts_callbacks.store(true, Ordering::Relaxed);
        }
    }

    /// A visit of a callback becomes a post where the partner asks for that; every other visit stays as it is.
    pub(super) fn in_mode(&self, mut navigation: Navigation) -> Navigation {
        let plain = navigation.form.is_none() && navigation.method.is_empty() && !navigation.embedded;
        if !plain || !self.world.posts_callbacks.load(Ordering::Relaxed) {
            return navigation;
        }
        let uris = self.redirect_uris();
        if let Some(uri) = uris.into_iter().find(|uri| path_of(uri) == path_of(&navigation.url)) {
            let own = query_of(&uri);
            let form = query_of(&navigation.url).into_iter().filter(|member| !own.contains(member)).collect();
            navigation = Navigation { url: uri, method: "POST".to_owned(), form: Some(form), ..navigation };
        }
        navigation
    }

    /// What opens a page again: the form that brought it goes along, if it was a callback that was posted.
    pub(super) fn again_as_it_came(&self, page: Page) -> Navigation {
        let url = page.seen.url;
        let is_callback = self.redirect_uris().iter().any(|uri| path_of(uri) == path_of(&url));
        match form_of(&page.seen.request).filter(|_| is_callback) {
            Some(form) => Navigation { url, method: "POST".to_owned(), form: Some(form), ..Navigation::default() },
            None => Navigation { url, ..Navigation::default() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::exchange::Cause;

    fn exchange(method: &str, url: &str, kind: &str, body: &'static str) -> Exchange {
        Exchange {
            seq: 1,
            from: Party::Agent,
            to: Party::Partner,
            cause: Cause::default(),
            endpoint: None,
            grant: None,
            person: None,
            request: Request {
                method: method.to_owned(),
                url: url.to_owned(),
                headers: vec![("content-type".to_owned(), kind.to_owned())],
                body: body.into(),
            }
            .into(),
            response: None,
            note: None,
            faults: Vec::new(),
            duration_ms: 0,
        }
    }

    #[test]
    fn a_posted_callback_is_kept_as_one_address_and_any_other_as_it_was() {
        let form = "application/x-www-form-urlencoded";
        let posted = exchange("POST", "http://p/cb?from=here", form, "code=c+1&state=s%261");
        assert_eq!(address(&posted), "http://p/cb?from=here&code=c+1&state=s%261");
        assert_eq!(address(&exchange("GET", "http://p/cb?code=c", "", "")), "http://p/cb?code=c");
        assert_eq!(address(&exchange("POST", "http://p/cb", "application/json", "{}")), "http://p/cb");
        assert_eq!(address(&exchange("POST", "http://p/cb", form, "")), "http://p/cb");
    }
}
