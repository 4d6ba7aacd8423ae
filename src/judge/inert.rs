//! Canaries: traceable values, and whether one of them is live on a page. Pages are parsed, not searched: escaped markup
//! is only text.

use scraper::{Html, Selector};

use crate::model::observation::PageSeen;

use super::leaks::LINKS;
use super::{Mismatch, printable};

/// A canary of a kind (CASE-LANGUAGE 1.7, `markup:script`), as (hostile, harmless): the second is for control runs.
/// `nonce` makes it unique. `None`: no such kind, or one that needs a planted address.
pub fn canary(kind: &str, nonce: &str) -> Option<(String, String)> {
    let mark = mark(nonce);
    let hostile = match kind {
        "text" => format!("plain {mark}"),
        "markup:text" => format!("<i data-{mark}=\"1\">{mark}</i>"),
        "markup:attribute" => format!("x' data-{mark}='1\" data-{mark}=\"1"),
        "markup:script" => format!("</textarea><script>/*{mark}*/</script>"),
        "markup:svg" => format!("<svg data-{mark}=\"1\" onload=\"/*{mark}*/\"></svg>"),
        "markup:link" => format!("javascript:/*{mark}*/0"),
        "markup:template" => format!("{mark}{{{{7*7}}}}${{7*7}}<%=7*7%>#{{7*7}}"),
        "markup:unicode" => {
            format!("\u{ff1c}i data-{mark}\u{ff1d}1\u{ff1e}\u{202e}\u{2066}{mark}")
        }
        "inject:sql" => format!("{mark}' OR '1'='1' -- "),
        "inject:nosql" => format!("{{\"$ne\":\"{mark}\"}}"),
        "inject:ldap" => format!("{mark})(|(uid=*"),
        "inject:template" => format!("{mark}{{{{7*7}}}}"),
        "inject:formula" => format!("=1+1+\"{mark}\""),
        _ => return None,
    };
    Some((hostile, format!("plain {mark}")))
}

fn mark(nonce: &str) -> String {
    format!("cs{nonce}")
}

/// The mark inside a canary: `cs` and letters and digits.
fn mark_of(value: &str) -> Option<&str> {
    let at = value.find("cs")?;
    let rest = &value[at..];
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
    (end > 4).then(|| &rest[..end])
}

pub(super) fn judge(kind: &str, pages: &[PageSeen], canaries: &[(String, String)]) -> Vec<Mismatch> {
    let expected = format!("nothing planted ({kind}) is live on any page");
    if canaries.is_empty() {
        return vec![Mismatch::unknown(expected, "nothing was planted")];
    }
    let mut missed = Vec::new();
    for page in pages.iter().filter(|page| page.site == "partner") {
        for (own, value) in canaries {
            if let Some(how) = live(page, value) {
                let observed =
                    format!("{own} is live on {}: {how}", printable(page.url.split('?').next().unwrap_or("")));
                if !missed.iter().any(|known: &Mismatch| known.observed == observed) {
                    missed.push(Mismatch::new(expected.clone(), observed));
                }
            }
        }
    }
    missed
}

/// How a canary is live on a page, if it is.
fn live(page: &PageSeen, canary: &str) -> Option<String> {
    let mark = mark_of(canary)?;
    for (name, value) in &page.response.headers {
        if name.contains(mark) {
            return Some(format!("a header of its own, {}", printable(name)));
        }
        if name.eq_ignore_ascii_case("set-cookie") && value.split('=').next().is_some_and(|own| own.contains(mark)) {
            return Some("a cookie of its own".to_owned());
        }
    }
    let body = String::from_utf8_lossy(&page.response.body);
    if !body.contains(mark) {
        return None;
    }
    let kind = crate::model::exchange::header(&page.response.headers, "content-type").unwrap_or("");
    let evaluated = format!("{mark}49");
    if body.contains(&evaluated) {
        return Some(format!("a template was evaluated to {evaluated}"));
    }
    // What is not HTML is not parsed as HTML by a browser either, unless the partner leaves that open.
    if !kind.is_empty() && !kind.contains("html") && !kind.contains("svg") && !kind.contains("xml") {
        return None;
    }
    let document = Html::parse_document(&body);
    let attribute = format!("data-{mark}");
    let all = Selector::parse("*").ok()?;
    for element in document.select(&all) {
        let tag = element.value().name();
        if element.value().attrs().any(|(name, _)| name == attribute) {
            return Some(format!("<{tag}> has the attribute {attribute}"));
        }
        let handler = element.value().attrs().find(|(name, value)| name.starts_with("on") && value.contains(mark));
        if let Some((name, _)) = handler {
            return Some(format!("<{tag}> has the handler {name}"));
        }
        let runs = element.value().attrs().find(|(name, value)| LINKS.contains(name) && is_script(value, mark));
        if let Some((name, _)) = runs {
            return Some(format!("<{tag}> has a script in {name}"));
        }
        if tag == "script" && element.text().any(|text| text.contains(&format!("/*{mark}*/"))) {
            return Some("a script element runs it".to_owned());
        }
    }
    None
}

/// Whether an address runs what was planted when it is followed. Browsers skip blanks and control characters in front
/// of a scheme, and tabs and line ends inside it.
fn is_script(address: &str, mark: &str) -> bool {
    let plain: String = address.chars().filter(|c| !c.is_control() && *c != ' ').collect();
    let scheme = plain.split(':').next().unwrap_or_default().to_ascii_lowercase();
    plain.contains(mark) && plain.contains(':') && matches!(scheme.as_str(), "javascript" | "vbscript" | "data")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::exchange::Response;
    use crate::model::markup::escaped;

    fn page(body: &str) -> PageSeen {
        PageSeen {
            site: "partner".to_owned(),
            response: Response {
                status: 200,
                headers: vec![("content-type".to_owned(), "text/html; charset=utf-8".to_owned())],
                body: body.to_owned().into(),
            }
            .into(),
            ..PageSeen::default()
        }
    }

    const MARKUP: [&str; 3] = ["markup:text", "markup:script", "markup:svg"];

    #[test]
    fn raw_markup_is_live() {
        for kind in MARKUP {
            let (hostile, _) = canary(kind, "0123456789").unwrap();
            assert!(live(&page(&format!("<p>Hello {hostile}</p>")), &hostile).is_some(), "{kind}");
        }
        let (hostile, _) = canary("markup:attribute", "0123456789").unwrap();
        assert!(live(&page(&format!("<input value=\"{hostile}\">")), &hostile).is_some());
        let (hostile, _) = canary("markup:template", "0123456789").unwrap();
        assert!(live(&page(&hostile.replace("{{7*7}}", "49")), &hostile).is_some());
        let (hostile, _) = canary("markup:link", "0123456789").unwrap();
        for address in [hostile.clone(), format!(" {}", hostile.replace("script", "Scr\tipt"))] {
            assert!(live(&page(&format!("<a href=\"{address}\">more</a>")), &hostile).is_some(), "{address}");
        }
        assert_eq!(live(&page(&format!("<a href=\"/?back={hostile}\">{hostile}</a>")), &hostile), None);
    }

    #[test]
    fn escaped_markup_is_only_text() {
        for kind in
            MARKUP.into_iter().chain(["markup:attribute", "markup:link", "markup:template", "markup:unicode", "text"])
        {
            let (hostile, harmless) = canary(kind, "0123456789").unwrap();
            let body = format!("<p title=\"{0}\">Hello {0}</p><script>var n = 1;</script>", escaped(&hostile));
            assert_eq!(live(&page(&body), &hostile), None, "{kind}");
            assert_eq!(live(&page(&format!("<p>{harmless}</p>")), &harmless), None, "{kind}");
        }
    }

    #[test]
    fn json_is_no_page() {
        let (hostile, _) = canary("markup:script", "0123456789").unwrap();
        let mut json = page(&serde_json::json!({ "name": hostile }).to_string());
        Arc::make_mut(&mut json.response).headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        assert_eq!(live(&json, &hostile), None);
    }

    #[test]
    fn nothing_planted_proves_nothing() {
        assert!(judge("all", &[page("<p>")], &[]).iter().all(|missed| missed.inconclusive));
    }
}
