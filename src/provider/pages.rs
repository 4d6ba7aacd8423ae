//! The provider's own pages. Plain HTML that a person can use, with a keyboard, a screen reader or a phone, and that the
//! agent fills in: no scripts, nothing from elsewhere, each field labelled, whatever comes from outside only as text.
//!
//! Here are the frame and the parts; the pages themselves are below, one file for each that has a form of its own. They
//! know no endpoint and no ledger: they get words and give HTML.

mod consent;
pub(super) mod device;
mod login;

pub(super) use crate::model::markup::escaped;
pub(super) use consent::{Asked, Consent};
pub(super) use login::{Account, Login};

/// What a page is part of that a login goes through.
#[derive(Clone, Copy)]
pub(super) struct Step<'a> {
    /// The provider, as people read it.
    pub site: &'a str,
    /// The application that asks.
    pub client: &'a str,
    /// Where the form goes.
    pub action: &'a str,
    /// Binds the answer to the request.
    pub transaction: &'a str,
}

/// How pages look, in both colour schemes.
pub(super) const STYLE: &str = include_str!("pages/style.css");

/// A whole page: `title` is its name and first heading, `content` is HTML.
pub(super) fn frame(title: &str, content: &str) -> String {
    let title = escaped(title);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n{content}\n</main>\n</body>\n</html>\n"
    )
}

/// A form that is sent by POST. `step` is the mark by which the harness's agent knows it; `content` is HTML.
pub(super) fn form(step: &str, action: &str, hidden: &[(&str, &str)], content: &str) -> String {
    let hidden: String = hidden.iter().map(|(name, value)| self::hidden(name, value)).collect();
    let (step, action) = (escaped(step), escaped(action));
    format!("<form data-step=\"{step}\" method=\"post\" action=\"{action}\">\n{hidden}{content}</form>")
}

/// A member of a form that nobody sees.
pub(super) fn hidden(name: &str, value: &str) -> String {
    format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">\n", escaped(name), escaped(value))
}

/// The buttons of a form: name, value and words of each. The first is the one that most people want.
pub(super) fn buttons(buttons: &[(&str, &str, &str)]) -> String {
    let one = |(at, (name, value, words)): (usize, &(&str, &str, &str))| {
        let class = if at == 0 { " class=\"main\"" } else { "" };
        let own = if name.is_empty() {
            String::new()
        } else {
            format!(" name=\"{}\" value=\"{}\"", escaped(name), escaped(value))
        };
        format!("<button type=\"submit\"{class}{own}>{}</button>", escaped(words))
    };
    let all: Vec<String> = buttons.iter().enumerate().map(one).collect();
    format!("<div class=\"actions\">{}</div>\n", all.join("\n"))
}

/// What went wrong, so that it is read out at once.
pub(super) fn alert(text: &str) -> String {
    format!("<p class=\"error\" role=\"alert\">{}</p>\n", escaped(text))
}

/// An error that must not go back to anybody: told to the person.
pub(super) fn error(title: &str, text: &str) -> String {
    frame(title, &alert(text))
}

/// What whoever builds the application can do about an error.
pub(super) struct Advice {
    /// Before the list; HTML.
    pub before: String,
    /// Addresses, as text.
    pub list: Vec<String>,
    /// Behind it; HTML.
    pub after: String,
}

/// The same with what whoever builds the application can do about it.
pub(super) fn error_with_advice(title: &str, text: &str, advice: &Advice) -> String {
    let item = |own: &String| format!("<li><code>{}</code></li>\n", escaped(own));
    let list: String = advice.list.iter().map(item).collect();
    let (before, after) = (&advice.before, &advice.after);
    let advice = format!(
        "<h2>If you build this application</h2>\n<p>{before}</p>\n<ul class=\"plain\">\n{list}</ul>\n<p>{after}</p>"
    );
    frame(title, &(alert(text) + &advice))
}

/// A word of a machine that is not broken over two lines.
pub(super) fn code(text: &str) -> String {
    format!("<code class=\"whole\">{}</code>", escaped(text))
}

/// Asks whether to sign out.
pub(super) fn sign_out(site: &str, action: &str, hidden: &[(String, String)]) -> String {
    let hidden: Vec<(&str, &str)> = hidden.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let words = format!("<p>Whoever uses this browser next has to sign in to {} again.</p>\n", escaped(site));
    let form = form("logout", action, &hidden, &buttons(&[("decision", "logout", "Sign out")]));
    frame(&format!("Sign out of {site}?"), &(words + &form))
}

/// Signed out here, and now at every site that the session was used at: each is told by a frame that nobody sees.
/// `onward`: where the person was going, and after how many seconds the page leads there.
pub(super) fn signed_out(frames: &[String], onward: Option<(&str, u32)>) -> String {
    let one = |to: &String| format!("<iframe hidden title=\"Signing out\" src=\"{}\"></iframe>\n", escaped(to));
    let frames: String = frames.iter().map(one).collect();
    let onward = onward.map(|(to, seconds)| {
        let to = escaped(to);
        format!("<p><a href=\"{to}\">Go on</a></p>\n<meta http-equiv=\"refresh\" content=\"{seconds};url={to}\">\n")
    });
    let words = "<p role=\"status\">You are signed out, here and at the sites that you signed in to.</p>\n";
    frame("Signed out", &(words.to_owned() + &onward.unwrap_or_default() + &frames))
}

/// It is done.
pub(super) fn done(title: &str, text: &str) -> String {
    frame(title, &format!("<p role=\"status\">{}</p>", escaped(text)))
}
