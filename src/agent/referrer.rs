//! `Referer` and `Origin`: what a browser says of the page that a request comes from. It knows policies, no cookies.

use url::Url;

use super::site::{is_trustworthy, origin_of, same_origin};

/// How much of the referring page is told (W3C Referrer Policy).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Policy {
    NoReferrer,
    NoReferrerWhenDowngrade,
    Origin,
    OriginWhenCrossOrigin,
    SameOrigin,
    StrictOrigin,
    #[default]
    StrictOriginWhenCrossOrigin,
    UnsafeUrl,
}

impl Policy {
    /// The last word of the list that a browser knows, as `Referrer-Policy` is read.
    pub(crate) fn from_header(value: &str) -> Option<Policy> {
        value.split(',').filter_map(|word| Policy::from_word(word.trim())).next_back()
    }

    fn from_word(word: &str) -> Option<Policy> {
        Some(match word.to_ascii_lowercase().as_str() {
            "no-referrer" | "never" => Policy::NoReferrer,
            "no-referrer-when-downgrade" => Policy::NoReferrerWhenDowngrade,
            "origin" => Policy::Origin,
            "origin-when-cross-origin" => Policy::OriginWhenCrossOrigin,
            "same-origin" => Policy::SameOrigin,
            "strict-origin" => Policy::StrictOrigin,
            "strict-origin-when-cross-origin" | "default" => Policy::StrictOriginWhenCrossOrigin,
            "unsafe-url" | "always" => Policy::UnsafeUrl,
            _ => return None,
        })
    }

    /// The value of `Referer` for a request from `page` to `target`.
    pub(crate) fn referer(self, page: &Url, target: &Url) -> Option<String> {
        let downgrade = is_trustworthy(page) && !is_trustworthy(target);
        let same = same_origin(page, target);
        let (full, origin) = (|| Some(whole(page)), || Some(format!("{}/", origin_of(page))));
        match self {
            Policy::NoReferrer => None,
            Policy::NoReferrerWhenDowngrade if downgrade => None,
            Policy::NoReferrerWhenDowngrade | Policy::UnsafeUrl => full(),
            Policy::Origin => origin(),
            Policy::OriginWhenCrossOrigin if same => full(),
            Policy::OriginWhenCrossOrigin => origin(),
            Policy::SameOrigin if same => full(),
            Policy::SameOrigin => None,
            Policy::StrictOrigin if downgrade => None,
            Policy::StrictOrigin => origin(),
            Policy::StrictOriginWhenCrossOrigin if same => full(),
            Policy::StrictOriginWhenCrossOrigin if downgrade => None,
            Policy::StrictOriginWhenCrossOrigin => origin(),
        }
    }

    /// The value of `Origin` for a request other than GET and HEAD (Fetch, "append a request `Origin` header").
    /// `tainted`: a redirect led from one foreign origin to another.
    pub(crate) fn origin(self, page: &Url, target: &Url, tainted: bool) -> String {
        let downgrade = is_trustworthy(page) && !is_trustworthy(target);
        let hidden = tainted
            || match self {
                Policy::NoReferrer => true,
                Policy::NoReferrerWhenDowngrade | Policy::StrictOrigin | Policy::StrictOriginWhenCrossOrigin => {
                    downgrade
                }
                Policy::SameOrigin => !same_origin(page, target),
                Policy::Origin | Policy::OriginWhenCrossOrigin | Policy::UnsafeUrl => false,
            };
        if hidden { "null".to_owned() } else { origin_of(page) }
    }
}

/// A URL as it may be told: without user, password and fragment.
fn whole(page: &Url) -> String {
    let mut page = page.clone();
    page.set_fragment(None);
    // Both fail only for URLs that cannot have a user at all.
    let _ = page.set_username("");
    let _ = page.set_password(None);
    page.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_default_a_foreign_origin_learns_only_the_origin() {
        let page = Url::parse("http://u:p@127.0.0.1:5/a?secret=1#f").expect("url");
        let own = Url::parse("http://127.0.0.1:5/b").expect("url");
        let foreign = Url::parse("http://localhost:6/b").expect("url");
        let unsafe_place = Url::parse("http://attacker.example/b").expect("url");
        let policy = Policy::default();
        assert_eq!(policy.referer(&page, &own).as_deref(), Some("http://127.0.0.1:5/a?secret=1"));
        assert_eq!(policy.referer(&page, &foreign).as_deref(), Some("http://127.0.0.1:5/"));
        assert_eq!(policy.referer(&page, &unsafe_place), None);
        assert_eq!(Policy::UnsafeUrl.referer(&page, &foreign).as_deref(), Some("http://127.0.0.1:5/a?secret=1"));
        assert_eq!(Policy::NoReferrer.referer(&page, &own), None);
        assert_eq!(Policy::NoReferrer.origin(&page, &own, false), "null");
        assert_eq!(policy.origin(&page, &foreign, false), "http://127.0.0.1:5");
    }

    #[test]
    fn the_last_known_word_of_the_header_counts() {
        assert_eq!(Policy::from_header("no-referrer, unsafe-url, brand-new"), Some(Policy::UnsafeUrl));
        assert_eq!(Policy::from_header("brand-new"), None);
    }
}
