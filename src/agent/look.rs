//! What a browser makes of an answer: what a person reads, where the page sends the browser by itself, which policy its
//! requests follow, which forms it has. A page is read once, whoever asks for its forms later.

use std::sync::Arc;

use url::Url;

use super::form::Forms;
use super::html::{base, collapsed, elements, is_html, is_text, parse, visible};
use super::referrer::Policy;
use crate::model::exchange::{Response, header};

/// A refresh that comes later than this many seconds is none that a person waits for.
const PATIENCE: f64 = 30.0;

/// What a browser makes of an answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Look {
    /// Text as a person sees it, blanks collapsed.
    pub text: String,
    /// Where the page sends the browser by itself.
    pub refresh: Option<Url>,
    /// For requests that the page causes.
    pub policy: Policy,
    /// The forms, where the answer is a page.
    pub forms: Option<Arc<Forms>>,
}

/// Looks at an answer that came from `url`.
pub(crate) fn look(response: &Response, url: &Url) -> Look {
    let told = header(&response.headers, "referrer-policy").and_then(Policy::from_header).unwrap_or_default();
    let mut look = Look { policy: told, ..Look::default() };
    let mut refresh = header(&response.headers, "refresh").map(str::to_owned);
    let mut relative_to = url.clone();
    if is_html(response) {
        let html = parse(&response.body);
        let elements = elements(&html);
        relative_to = base(&elements, url);
        for element in elements.iter().filter(|element| element.value().name() == "meta") {
            let content = || element.attr("content").unwrap_or_default().to_owned();
            if element.attr("http-equiv").is_some_and(|kind| kind.eq_ignore_ascii_case("refresh")) {
                refresh = refresh.or_else(|| Some(content()));
            }
            if element.attr("name").is_some_and(|name| name.eq_ignore_ascii_case("referrer")) {
                look.policy = Policy::from_header(&content()).unwrap_or(look.policy);
            }
        }
        look.text = visible(&html);
        look.forms = Some(Arc::new(Forms::of(&elements, url, &relative_to)));
    } else if is_text(response) {
        look.text = collapsed(&String::from_utf8_lossy(&response.body));
    }
    let target = refresh.as_deref().and_then(refresh_target).and_then(|target| relative_to.join(target).ok());
    look.refresh = target.filter(|target| without_fragment(target) != without_fragment(url));
    look
}

fn without_fragment(url: &Url) -> &str {
    url.as_str().split('#').next().unwrap_or_default()
}

/// `0; url='/next'` as HTML reads it; a page that only loads itself anew has no target.
fn refresh_target(content: &str) -> Option<&str> {
    let content = content.trim_start();
    let number = content.len() - content.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').len();
    let (delay, rest) = content.split_at(number);
    if delay.is_empty() || delay.parse::<f64>().unwrap_or_default() > PATIENCE {
        return None;
    }
    let rest = rest.trim_start().trim_start_matches([';', ',']).trim_start();
    let named = rest.get(..3).filter(|start| start.eq_ignore_ascii_case("url"));
    let rest = match named.and_then(|_| rest[3..].trim_start().strip_prefix('=')) {
        Some(after) => after.trim_start(),
        None => rest,
    };
    let target = match rest.chars().next() {
        Some(quote @ ('"' | '\'')) => rest[1..].split(quote).next().unwrap_or_default(),
        _ => rest,
    };
    Some(target.trim()).filter(|target| !target.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(body: &str) -> Look {
        let response = Response {
            status: 200,
            headers: vec![("content-type".to_owned(), "text/html; charset=utf-8".to_owned())],
            body: body.to_owned().into(),
        };
        look(&response, &Url::parse("http://127.0.0.1:5/here?x=1").expect("url"))
    }

    #[test]
    fn visible_text_leaves_out_what_nobody_sees() {
        let look = page(
            "<head><title>no</title><style>no</style></head><body>Hel<b>lo</b><p hidden>no</p><p>there</p>\
             <script>no</script><template>no</template><noscript>friend</noscript>&lt;b&gt;",
        );
        assert_eq!(look.text, "Hello there friend <b>");
    }

    #[test]
    fn a_refresh_is_read_in_every_spelling() {
        for content in ["0;url=/next", "0; URL = '/next'", "1.5,/next", "0;\"/next\" x", " 3 ; url=/next "] {
            let content = content.replace('"', "&quot;");
            let look = page(&format!("<meta http-equiv=Refresh content=\"{content}\">"));
            assert_eq!(look.refresh.map(String::from).as_deref(), Some("http://127.0.0.1:5/next"), "{content}");
        }
        let inside = page("<noscript><meta http-equiv=refresh content='0;url=next'></noscript>");
        assert_eq!(inside.refresh.map(String::from).as_deref(), Some("http://127.0.0.1:5/next"));
    }

    #[test]
    fn a_page_that_loads_itself_anew_or_much_later_rests() {
        for content in ["5", "0;url=", "0;url=/here?x=1#top", "600;url=/next", "soon;url=/next"] {
            assert_eq!(page(&format!("<meta http-equiv=refresh content=\"{content}\">")).refresh, None, "{content}");
        }
    }

    #[test]
    fn a_page_of_nothing_but_nested_tags_is_read_in_bounded_time() {
        let look = page(&format!("first{}", "<div><p>".repeat(500_000)));
        assert_eq!(look.text, "first");
    }
}
