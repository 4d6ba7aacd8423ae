//! A page as a tree: elements, visible text, base, scripts. It runs no script, so what stands in `noscript` is there. It
//! sends nothing.

use std::collections::BTreeSet;

use scraper::{ElementRef, Html, Node};
use url::Url;

use crate::model::exchange::{Response, header};

/// So many tags of a page are looked at: reading deeply nested ones takes time that grows with the square.
const TAGS: usize = 30_000;
/// The scripts that a page loads, absolute, each once and in order; what a script loads in turn is not seen.
pub(crate) fn scripts(response: &Response, url: &Url) -> Vec<Url> {
    if !is_html(response) {
        return Vec::new();
    }
    let html = parse(&response.body);
    let elements = elements(&html);
    let relative_to = base(&elements, url);
    let (mut all, mut known): (Vec<Url>, BTreeSet<Url>) = Default::default();
    for element in elements {
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

pub(crate) fn is_text(response: &Response) -> bool {
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
pub(crate) fn base(elements: &[ElementRef], url: &Url) -> Url {
    let own = elements
        .iter()
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

/// Text as a person sees it, blanks collapsed.
pub(crate) fn visible(html: &Html) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
