//! The consent page: each scope a box that can be unticked, but for those that are fixed.

use super::{buttons, escaped, form, frame, hidden};

/// A scope as the page asks for it.
pub(in crate::provider) struct Asked {
    /// Its name, as the application asked for it.
    pub scope: String,
    /// What it allows, in words that follow "would like to".
    pub says: String,
    /// It goes with signing in and cannot be unticked.
    pub fixed: bool,
}

/// What the consent page says.
pub(in crate::provider) struct Consent<'a> {
    /// The provider, as people read it.
    pub site: &'a str,
    /// Where the form goes.
    pub action: &'a str,
    /// Binds the answer to the request.
    pub transaction: &'a str,
    /// The application that asks.
    pub client: &'a str,
    /// Who is signed in, as people read it.
    pub person: &'a str,
    /// What it asks for.
    pub scopes: &'a [Asked],
}

impl Consent<'_> {
    /// The page.
    pub fn page(&self) -> String {
        let (site, client, person) = (escaped(self.site), escaped(self.client), escaped(self.person));
        let rows: String = self.scopes.iter().map(row).collect();
        let boxes = format!("<fieldset>\n<legend>{client} would like to:</legend>\n{rows}</fieldset>\n");
        let content = boxes + &buttons(&[("decision", "allow", "Allow"), ("decision", "deny", "Refuse")]);
        let form = form("consent", self.action, &[("transaction", self.transaction)], &content);
        let who = format!("<p class=\"faint\">You are signed in to {site} as <strong>{person}</strong>.</p>\n");
        frame(&format!("Share with {}?", self.client), &(who + &form))
    }
}

pub(super) fn row(asked: &Asked) -> String {
    let (scope, says) = (escaped(&asked.scope), escaped(&asked.says));
    if asked.fixed {
        let hidden = hidden("scope", &asked.scope);
        let words = format!("{says}<small>{scope}, always part of signing in</small>");
        return format!("{hidden}<p class=\"scope\"><span aria-hidden=\"true\">✓</span><span>{words}</span></p>\n");
    }
    let words = if asked.says == asked.scope { says } else { format!("{says}<small>{scope}</small>") };
    format!(
        "<label class=\"scope\"><input type=\"checkbox\" name=\"scope\" value=\"{scope}\" checked><span>{words}</span></label>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_outside_is_only_text() {
        let asked = |fixed| Asked { scope: "<s>".into(), says: "<i>".into(), fixed };
        let scopes = [asked(false), asked(true)];
        let (site, action, transaction, client, person) = ("<b>", "/x\"", "t'", "<script>", "&<u>");
        let html = Consent { site, action, transaction, client, person, scopes: &scopes }.page();
        for raw in ["<b>", "<script>", "<i>", "<s>", "<u>", "t'"] {
            assert!(!html.contains(raw), "{raw}");
        }
    }
}
