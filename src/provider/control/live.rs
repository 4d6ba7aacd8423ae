//! The page that shows exchanges as they happen. Without scripts it is a list that can be loaded again; with them, new ones
//! come in at its top. Everything is escaped here, and the page may load nothing but its own style and script.

use super::super::pages::{self, escaped};
use super::super::state::Shared;
use super::{as_is, look, seen};
use crate::model::control::{ExchangeSeen, MessageSeen};
use crate::model::exchange::{Exchange, Response};

/// Exchanges on the page.
const SHOWN: usize = 200;

const STYLE: &str = include_str!("live.css");
const SCRIPT: &str = include_str!("live.js");

/// The script of the page.
pub(super) fn script() -> Response {
    as_is("text/javascript; charset=utf-8", SCRIPT)
}

/// The page as it is now.
pub(super) fn page(shared: &Shared) -> Response {
    let (exchanges, people) = {
        let inner = shared.ambient.inner();
        let newest = inner.exchanges.iter().rev().take(SHOWN).cloned().collect::<Vec<_>>();
        (newest, inner.people.len())
    };
    let rows: String = exchanges.iter().map(row).collect();
    let clock = shared.ambient.inner().options.clock;
    let clock = if clock == 0 { String::new() } else { format!(" · clock {clock:+} s") };
    let issuer = escaped(&shared.issuer);
    let title = escaped(&format!("{}: what happens", shared.dialect.title));
    let faults = match look::count(shared) {
        0 => "no fault waits".to_owned(),
        1 => "1 fault waits".to_owned(),
        many => format!("{many} faults wait"),
    };
    let html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <style>{}{STYLE}</style>\n<script src=\"live.js\" defer></script>\n</head>\n<body class=\"live\">\n<main>\n\
         <h1>{title}</h1>\n<p class=\"faint\"><code>{issuer}</code> · {people} people · {faults}{clock}</p>\n\
         <p><a href=\"./\">Load again</a> <span id=\"state\" role=\"status\"></span></p>\n\
         <ol id=\"exchanges\" data-most=\"{SHOWN}\" aria-label=\"Exchanges, the newest first\">\n{rows}</ol>\n\
         <p id=\"none\" class=\"faint\"{}>Nothing has happened yet.</p>\n</main>\n</body>\n</html>\n",
        pages::STYLE,
        if rows.is_empty() { "" } else { " hidden" }
    );
    let policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    let headers = [
        ("content-type", "text/html; charset=utf-8"),
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", policy),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    Response { status: 200, headers, body: html.into() }
}

/// An exchange as a server-sent event for the page.
pub(super) fn event(own: &Exchange) -> String {
    row(own)
}

fn row(own: &Exchange) -> String {
    let own = seen::exchange(own, false);
    let status = own.response.as_ref().map_or("no answer yet", |response| response.line.as_str());
    let bad = own.note.is_some() || own.response.as_ref().is_some_and(|response| response.line.as_str() >= "400");
    let kind = if !own.faults.is_empty() {
        "fault"
    } else if bad {
        "bad"
    } else {
        "good"
    };
    let (method, address) = own.request.line.split_once(' ').unwrap_or_default();
    // A page has no name but its path.
    let path = || url::Url::parse(address).map_or_else(|_| "page".to_owned(), |url| url.path().to_owned());
    let what = own.endpoint.clone().unwrap_or_else(path);
    let mut about: Vec<String> = [&own.grant, &own.client, &own.persona].into_iter().flatten().cloned().collect();
    if !own.faults.is_empty() {
        let ids: Vec<String> = own.faults.iter().map(|id| format!("#{id}")).collect();
        about.push(format!("fault {}", ids.join(" ")));
    }
    about.extend(own.note.clone());
    format!(
        "<li class=\"{kind}\" data-seq=\"{}\"><details><summary><span class=\"what\">{} {}</span> \
         <span class=\"status\">{}</span> <span class=\"about\">{}</span></summary>{}</details></li>\n",
        own.seq,
        escaped(method),
        escaped(&what),
        escaped(status),
        escaped(&about.join(" · ")),
        details(&own)
    )
}

fn details(own: &ExchangeSeen) -> String {
    let mut all = part("Request", &own.request);
    if let Some(response) = &own.response {
        all += &part("Answer", response);
    }
    if let Some(token) = &own.id_token {
        let text = serde_json::to_string_pretty(token).unwrap_or_default();
        all += &format!("<h2>ID token</h2><pre tabindex=\"0\">{}</pre>", pre(&text));
    }
    let login = own.login.as_ref().map(|login| format!(" · login {login}")).unwrap_or_default();
    all += &format!("<p class=\"faint\">{} ms{}</p>", own.duration_ms, escaped(&login));
    all
}

fn part(title: &str, message: &MessageSeen) -> String {
    let mut text = message.line.clone();
    for (name, value) in &message.headers {
        text += &format!("\n{name}: {value}");
    }
    if !message.body.is_empty() {
        text += &format!("\n\n{}", message.body);
    }
    // A box that scrolls can be reached by keyboard.
    format!("<h2>{title}</h2><pre tabindex=\"0\">{}</pre>", pre(&text))
}

/// Text for a `pre`. A line feed is written so that it survives an event, whose lines end there.
fn pre(text: &str) -> String {
    escaped(text).replace('\r', "").replace('\n', "&#10;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::exchange::{Cause, Party, Request};
    use crate::model::fault::ProviderName;

    #[test]
    fn whatever_somebody_sends_is_only_text_and_one_event() {
        let own = Exchange {
            seq: 7,
            from: Party::Partner,
            to: Party::Provider(ProviderName::Main),
            cause: Cause { tab: "<t>".into(), ..Cause::default() },
            endpoint: None,
            grant: None,
            person: Some("<p>".into()),
            request: Request {
                method: "<m>".into(),
                url: "http://x/?client_id=<script>alert(1)</script>&a=\"><img>".into(),
                headers: vec![("x".into(), "</pre><script>\n\ndata: x".into())],
                body: "<b>".into(),
            }
            .into(),
            response: None,
            note: Some("<i>\n\nevent: other".into()),
            faults: Vec::new(),
            duration_ms: 0,
        };
        let html = row(&own);
        for raw in ["<script", "<img", "<b>", "<i>", "<p>", "<m>", "<t>", "</pre><"] {
            let times = html.matches(raw).count();
            assert_eq!(times, usize::from(raw == "</pre><"), "{raw}: {html}");
        }
    }
}
