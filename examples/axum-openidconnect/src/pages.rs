//! The pages; whatever came from outside is escaped.

use axum::response::Html;

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

fn page(title: &str, content: &str) -> Html<String> {
    Html(format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title><h1>{title}</h1>{content}</html>"
    ))
}

/// For somebody who is not signed in.
pub fn welcome() -> Html<String> {
    page("Welcome", "<p><a href=\"/login\">Log in</a></p>")
}

/// For somebody who is signed in, with what the provider told.
pub fn account(fields: &[(&str, Option<String>)]) -> Html<String> {
    let rows: String = fields
        .iter()
        .filter_map(|(name, value)| Some(format!("<dt>{name}</dt><dd>{}</dd>", escaped(value.as_deref()?))))
        .collect();
    let logout = "<form method=\"post\" action=\"/logout\"><button>Log out</button></form>";
    page("Your account", &format!("<dl>{rows}</dl>{logout}"))
}

/// For what did not work.
pub fn trouble(text: &str) -> Html<String> {
    page("That did not work", &format!("<p>{} <a href=\"/login\">Log in</a></p>", escaped(text)))
}
