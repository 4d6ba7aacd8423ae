//! The login page: accounts to choose with one click, where the provider offers them, and a form for any other.

use super::{Step, alert, buttons, escaped, form, frame, hidden};

/// An account that can be chosen without a password.
pub(in crate::provider) struct Account {
    /// What the button sends as `persona`.
    pub name: String,
    /// As people read it.
    pub shown: String,
    /// What tells accounts of the same name apart, such as an e-mail address.
    pub detail: String,
}

/// What the login page says.
pub(in crate::provider) struct Login<'a> {
    /// The login that it is part of.
    pub step: Step<'a>,
    /// The user name that is already filled in.
    pub hint: &'a str,
    /// What was wrong with the last answer.
    pub error: Option<&'a str>,
    /// Accounts to choose; none where only the form is offered.
    pub accounts: &'a [Account],
}

impl Login<'_> {
    /// The page.
    pub fn page(&self) -> String {
        let error = self.error.map(alert).unwrap_or_default();
        let client = format!("<p class=\"faint\">to continue to {}</p>\n", escaped(self.step.client));
        let content = format!("{client}{error}{}{}", self.choice(), self.form());
        frame(&format!("Sign in to {}", self.step.site), &content)
    }

    /// One button for each account, in a form of its own: Enter in a field of the other one must not press any of them.
    fn choice(&self) -> String {
        if self.accounts.is_empty() {
            return String::new();
        }
        let one = |account: &Account| {
            let (name, shown) = (escaped(&account.name), escaped(&account.shown));
            let detail = match account.detail.as_str() {
                "" => String::new(),
                detail => format!("<small>{}</small>", escaped(detail)),
            };
            format!("<li><button type=\"submit\" name=\"persona\" value=\"{name}\">{shown}{detail}</button></li>\n")
        };
        let all: String = self.accounts.iter().map(one).collect();
        format!(
            "<form data-accounts method=\"post\" action=\"{}\" aria-labelledby=\"accounts\">\n{}\
             <h2 id=\"accounts\">Choose an account</h2>\n<ul class=\"people\">\n{all}</ul>\n</form>\n\
             <h2>Or use another one</h2>\n",
            escaped(self.step.action),
            hidden("transaction", self.step.transaction)
        )
    }

    fn form(&self) -> String {
        // Whoever can choose an account begins there.
        let focus = if self.accounts.is_empty() { " autofocus" } else { "" };
        let wrong = if self.error.is_some() { " aria-invalid=\"true\"" } else { "" };
        let fields = format!(
            "<label for=\"username\">User name</label>\n\
             <input type=\"text\" id=\"username\" name=\"username\" value=\"{}\" autocomplete=\"username\" \
             autocapitalize=\"none\" spellcheck=\"false\" required{focus}{wrong}>\n\
             <label for=\"password\">Password</label>\n\
             <input type=\"password\" id=\"password\" name=\"password\" autocomplete=\"current-password\" required{wrong}>\n",
            escaped(self.hint)
        );
        let content = fields + &buttons(&[("", "", "Sign in")]);
        form("login", self.step.action, &[("transaction", self.step.transaction)], &content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(accounts: &[Account], error: Option<&str>) -> String {
        let step = Step { site: "<b>", client: "<i>", action: "/x\"", transaction: "t'" };
        Login { step, hint: "<u>", error, accounts }.page()
    }

    #[test]
    fn what_comes_from_outside_is_only_text() {
        let account = Account { name: "\"><s>".into(), shown: "<em>".into(), detail: "<q>".into() };
        let html = page(&[account], Some("<wbr>"));
        for raw in ["<b>", "<i>", "<u>", "<s>", "<em>", "<q>", "<wbr>", "t'", "/x\"\""] {
            assert!(!html.contains(raw), "{raw}");
        }
    }

    #[test]
    fn the_first_form_that_the_agent_knows_is_the_one_with_a_password() {
        let account = Account { name: "alice".into(), shown: "Alice".into(), detail: String::new() };
        let html = page(&[account], None);
        let (_, step) = html.split_once("data-step=\"").unwrap();
        assert!(step.starts_with("login\""));
    }
}
