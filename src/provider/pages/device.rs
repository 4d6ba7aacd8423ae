//! The pages for a device that has no browser of its own: which code it shows, and what it may do.

use super::consent::{Asked, row};
use super::login::Account;
use super::{alert, buttons, escaped, form, frame};

/// Asks for the code that the device shows.
pub(in crate::provider) fn code(site: &str, action: &str, code: &str, error: Option<&str>) -> String {
    let wrong = if error.is_some() { " aria-invalid=\"true\"" } else { "" };
    let field = format!(
        "<label for=\"user_code\">Code on your device</label>\n\
         <input type=\"text\" id=\"user_code\" name=\"user_code\" value=\"{}\" autocomplete=\"off\" \
         autocapitalize=\"characters\" spellcheck=\"false\" required autofocus{wrong}>\n",
        escaped(code)
    );
    let content = field + &buttons(&[("", "", "Continue")]);
    let form = form("device_code", action, &[], &content);
    frame(&format!("Connect a device to {site}"), &(error.map(alert).unwrap_or_default() + &form))
}

/// What the page asks that decides.
pub(in crate::provider) struct Decide<'a> {
    /// The provider, as people read it.
    pub site: &'a str,
    /// Where the form goes.
    pub action: &'a str,
    /// The code that the device shows.
    pub code: &'a str,
    /// The application on the device.
    pub client: &'a str,
    /// Who can answer.
    pub accounts: &'a [Account],
    /// What it asks for.
    pub scopes: &'a [Asked],
}

impl Decide<'_> {
    /// The page.
    pub fn page(&self) -> String {
        let client = escaped(self.client);
        let one = |account: &Account| {
            format!("<option value=\"{}\">{}</option>\n", escaped(&account.name), escaped(&account.shown))
        };
        let people: String = self.accounts.iter().map(one).collect();
        let rows: String = self.scopes.iter().map(row).collect();
        let content = format!(
            "<label for=\"persona\">Sign in as</label>\n<select id=\"persona\" name=\"persona\">\n{people}</select>\n\
             <fieldset>\n<legend>{client} would like to:</legend>\n{rows}</fieldset>\n{}",
            buttons(&[("decision", "allow", "Allow"), ("decision", "deny", "Refuse")])
        );
        let form = form("device", self.action, &[("user_code", self.code)], &content);
        let words = format!("<p>Go on only if your device shows {}.</p>\n", super::code(self.code));
        frame(&format!("Connect a device to {}", self.site), &(words + &form))
    }
}
