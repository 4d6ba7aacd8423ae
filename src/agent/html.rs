//! Looking at a page: visible text, refresh, referrer policy, base. It runs no script, so what stands in `noscript` is
//! there. It sends nothing.

use std::collections::BTreeSet;

use scraper::{ElementRef, Html, Node};
use url::Url;

use super::referrer::Policy;
use crate::model::exchange::{Response, header};

/// So many tags of a page are looked at: reading deeply nested ones takes time that grows with the square.
const TAGS: usize = 30_000;
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
}

/// Looks at an answer that came from `url`.
pub(crate) fn look(response: &Response, url: &Url) -> Look {
    let told = header(&response.headers, "referrer-policy").and_then(Policy::from_header).unwrap_or_default();
    let mut look = Look { policy: told, ..Look::default() };
    let mut refresh = header(&response.headers, "refresh").map(str::to_owned);
    let mut relative_to = url.clone();
    if is_html(response) {
        let html = parse(&response.body);
        relative_to = base(&html, url);
        for element in elements(&html).iter().filter(|element| element.value().name() == "meta") {
            let content = || element.attr("content").unwrap_or_default().to_owned();
            if element.attr("http-equiv").is_some_and(|kind| kind.eq_ignore_ascii_case("refresh")) {
                refresh = refresh.or_else(|| Some(content()));
            }
            if element.attr("name").is_some_and(|name| name.eq_ignore_ascii_case("referrer")) {
                look.policy = Policy::from_header(&content()).unwrap_or(look.policy);
            }
        }
        look.text = visible(&html);
    } else if is_text(response) {
        look.text = collapsed(&String::from_utf8_lossy(&response.body));
    }
    let target = refresh.as_deref().and_then(refresh_target).and_then(|target| relative_to.join(target).ok());
    look.refresh = target.filter(|target| without_fragment(target) != without_fragment(url));
    look
}

/// The scripts that a page loads, absolute, each once and in order; what a script loads in turn is not seen.
pub(crate) fn scripts(response: &Response, url: &Url) -> Vec<Url> {
    if !is_html(response) {
        return Vec::new();
    }
    let html = parse(&response.body);
    let relative_to = base(&html, url);
    let (mut all, mut known): (Vec<Url>, BTreeSet<Url>) = Default::default();
    for element in elements(&html) {
        let rel = || element.attr("rel").unwrap_or_default().to_ascii_lowercase();
        let source = match element.value().name() {
            "script" => element.attr("src"),
            "link" if rel() == "modulepreload" => element.attr("href"),
            "link" if rel() == "preload" && element.attr("as") == Some("script") => element.attr("href"),
            _ => None,
        };
        if let Some(script) = source.and_then(|source| relative_to.join(source).ok())
            && known.insert(script.clone())
        {
            all.push(script);
        }
    }
    all
}

fn without_fragment(url: &Url) -> &str {
    url.as_str().split('#').next().unwrap_or_default()
}

/// Whether the answer is a page: by its type, or by its first sign where it has none.
pub(crate) fn is_html(response: &Response) -> bool {
    match header(&response.headers, "content-type") {
        Some(kind) => {
            let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
            kind == "text/html" || kind == "application/xhtml+xml"
        }
        None => response.body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'<'),
    }
}

fn is_text(response: &Response) -> bool {
    header(&response.headers, "content-type").is_none_or(|kind| {
        let kind = kind.to_ascii_lowercase();
        kind.starts_with("text/") || kind.contains("json") || kind.contains("xml")
    })
}

/// Parses a page, up to a bound; `noscript` counts as any other element.
pub(crate) fn parse(body: &[u8]) -> Html {
    let mut tags = 0;
    let end = body.iter().position(|byte| {
        tags += usize::from(*byte == b'<');
        tags > TAGS
    });
    let text = String::from_utf8_lossy(&body[..end.unwrap_or(body.len())]);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    Html::parse_document(&without_noscript(text))
}

/// The parser takes the content of `noscript` for text, as a browser with scripts does; this browser has none.
fn without_noscript(text: &str) -> String {
    const NAME: &[u8] = b"noscript";
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for (at, _) in text.match_indices('<') {
        let name_at = if bytes.get(at + 1) == Some(&b'/') { at + 2 } else { at + 1 };
        let is_noscript = bytes.get(name_at..name_at + NAME.len()).is_some_and(|name| name.eq_ignore_ascii_case(NAME));
        if is_noscript && at >= done {
            out.push_str(&text[done..name_at]);
            out.push_str("x-noscript");
            done = name_at + NAME.len();
        }
    }
    out.push_str(&text[done..]);
    out
}

/// Goes through the whole tree in order: each node when it opens, and again when it closes.
fn walk<'p>(html: &'p Html, mut visit: impl FnMut(&'p Node, Option<ElementRef<'p>>, bool)) {
    let mut next = Some((html.tree.root(), true));
    while let Some((node, opens)) = next {
        visit(node.value(), ElementRef::wrap(node), opens);
        next = if opens {
            node.first_child().map(|child| (child, true)).or(Some((node, false)))
        } else {
            let sibling = node.next_sibling().map(|sibling| (sibling, true));
            sibling.or_else(|| node.parent().map(|parent| (parent, false)))
        };
    }
}

/// All elements in order, without what is inside of `template`.
pub(crate) fn elements(html: &Html) -> Vec<ElementRef<'_>> {
    let mut all = Vec::new();
    let mut inert = 0_usize;
    walk(html, |_, element, opens| {
        let Some(element) = element else { return };
        if opens && inert == 0 {
            all.push(element);
        }
        if element.value().name() == "template" {
            inert = if opens { inert + 1 } else { inert - 1 };
        }
    });
    all
}

/// What relative references of the page refer to.
pub(crate) fn base(html: &Html, url: &Url) -> Url {
    let own = elements(html)
        .into_iter()
        .find(|element| element.value().name() == "base" && element.attr("href").is_some())
        .and_then(|element| url.join(element.attr("href")?).ok());
    own.unwrap_or_else(|| url.clone())
}

fn is_invisible(element: &scraper::node::Element) -> bool {
    matches!(element.name(), "head" | "script" | "style" | "template" | "iframe" | "object" | "svg" | "datalist")
        || element.attr("hidden").is_some()
}

fn is_inline(name: &str) -> bool {
    const INLINE: [&str; 22] = [
        "a", "abbr", "b", "bdi", "bdo", "cite", "code", "em", "font", "i", "kbd", "mark", "q", "s", "samp", "small",
        "span", "strong", "sub", "sup", "u", "wbr",
    ];
    INLINE.contains(&name)
}

fn visible(html: &Html) -> String {
    let mut text = String::new();
    let mut hidden = 0_usize;
    walk(html, |node, _, opens| match node {
        Node::Text(own) if opens && hidden == 0 => text.push_str(own),
        Node::Element(element) => {
            if is_invisible(element) {
                hidden = if opens { hidden + 1 } else { hidden - 1 };
            }
            if !is_inline(element.name()) {
                text.push(' ');
            }
        }
        _ => {}
    });
    collapsed(&text)
}

pub(crate) fn collapsed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
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
    fn the_scripts_of_a_page_are_those_that_a_browser_would_load() {
        let body = "<base href='/deep/'><script src='app.js'></script><script>inline</script><link rel=modulepreload \
                    href=/chunk.js><link rel=preload as=script href=late.js><link rel=preload as=style href=a.css>\
                    <script src='app.js'></script><template><script src='never.js'></script></template>";
        let response = Response { status: 200, headers: Vec::new(), body: body.into() };
        let here = Url::parse("http://127.0.0.1:5/here").expect("url");
        let found: Vec<String> = scripts(&response, &here).into_iter().map(String::from).collect();
        let wanted = ["deep/app.js", "chunk.js", "deep/late.js"];
        assert_eq!(found, wanted.map(|path| format!("http://127.0.0.1:5/{path}")));
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
