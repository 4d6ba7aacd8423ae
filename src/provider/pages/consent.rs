//! The consent page: each scope a box that can be unticked, but for those that are fixed.

use super::{Step, buttons, escaped, form, frame, hidden};

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
    /// The login that it is part of.
    pub step: Step<'a>,
    /// Who is signed in, as people read it.
    pub person: &'a str,
    /// What it asks for.
    pub scopes: &'a [Asked],
}

impl Consent<'_> {
    /// The page.
    pub fn page(&self) -> String {
        let (site, client, person) = (escaped(self.step.site), escaped(self.step.client), escaped(self.person));
        let rows: String = self.scopes.iter().map(row).collect();
        let boxes = format!("<fieldset>\n<legend>{client} would like to:</legend>\n{rows}</fieldset>\n");
        let content = boxes + &buttons(&[("decision", "allow", "Allow"), ("decision", "deny", "Refuse")]);
        let form = form("consent", self.step.action, &[("transaction", self.step.transaction)], &content);
        let who = format!("<p class=\"faint\">You are signed in to {site} as <strong>{person}</strong>.</p>\n");
        frame(&format!("Share with {}?", self.step.client), &(who + &form))
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
        let step = Step { site: "<b>", client: "<script>", action: "/x\"", transaction: "t'" };
        let html = Consent { step, person: "&<u>", scopes: &scopes }.page();
        for raw in ["<b>", "<script>", "<i>", "<s>", "<u>", "t'"] {
            assert!(!html.contains(raw), "{raw}");
        }
    }
}
