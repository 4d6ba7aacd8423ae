//! The provider's own pages: login, consent, sign-out, errors. Plain HTML that a person can use and the agent fills in:
//! no scripts, labelled fields, readable on a phone.

/// The name of the site as people read it, and how pages look.
const STYLE: &str = "
:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}
body{margin:0;display:grid;place-items:center;min-height:100vh;background:Canvas;color:CanvasText}
main{width:min(24rem,calc(100vw - 2rem));padding:1.5rem;border:1px solid GrayText;border-radius:.75rem}
h1{font-size:1.25rem;margin:0 0 1rem}
label{display:block;margin:.75rem 0 .25rem}
input[type=text],input[type=password]{box-sizing:border-box;width:100%;padding:.5rem;font:inherit}
label.scope{display:flex;gap:.5rem;align-items:baseline;margin:.5rem 0}
.actions{display:flex;gap:.75rem;margin-top:1.25rem}
button{flex:1;padding:.6rem;font:inherit;cursor:pointer}
.error{border-left:4px solid #c00;padding-left:.75rem}
small{color:GrayText}
";

/// Text as it may stand anywhere in a page.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
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

fn page(title: &str, content: &str) -> String {
    let title = escaped(title);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n{content}\n</main>\n</body>\n</html>\n"
    )
}

/// The login page.
pub(super) fn login(site: &str, action: &str, transaction: &str, hint: &str, error: Option<&str>) -> String {
    let error =
        error.map(|text| format!("<p class=\"error\" role=\"alert\">{}</p>\n", escaped(text))).unwrap_or_default();
    page(
        &format!("Sign in to {site}"),
        &format!(
            "{error}<form data-step=\"login\" method=\"post\" action=\"{}\">\n\
             <input type=\"hidden\" name=\"transaction\" value=\"{}\">\n\
             <label for=\"username\">User name</label>\n\
             <input type=\"text\" id=\"username\" name=\"username\" value=\"{}\" autocomplete=\"username\" required autofocus>\n\
             <label for=\"password\">Password</label>\n\
             <input type=\"password\" id=\"password\" name=\"password\" autocomplete=\"current-password\" required>\n\
             <div class=\"actions\"><button type=\"submit\">Sign in</button></div>\n</form>",
            escaped(action),
            escaped(transaction),
            escaped(hint)
        ),
    )
}

/// The consent page: `scopes` with what they allow; those marked fixed cannot be unticked.
pub(super) fn consent(
    site: &str,
    action: &str,
    transaction: &str,
    client: &str,
    person: &str,
    scopes: &[(String, String, bool)],
) -> String {
    let rows: String = scopes
        .iter()
        .map(|(scope, says, fixed)| {
            let (scope, says) = (escaped(scope), escaped(says));
            if *fixed {
                format!("<input type=\"hidden\" name=\"scope\" value=\"{scope}\">\n<p>✓ {says}</p>\n")
            } else {
                format!(
                    "<label class=\"scope\"><input type=\"checkbox\" name=\"scope\" value=\"{scope}\" checked> <span>{says} <small>({scope})</small></span></label>\n"
                )
            }
        })
        .collect();
    page(
        &format!("{client} asks {site}"),
        &format!(
            "<p>Signed in as {}. {} would like to:</p>\n<form data-step=\"consent\" method=\"post\" action=\"{}\">\n\
             <input type=\"hidden\" name=\"transaction\" value=\"{}\">\n{rows}\
             <div class=\"actions\"><button type=\"submit\" name=\"decision\" value=\"allow\">Allow</button>\
             <button type=\"submit\" name=\"decision\" value=\"deny\">Refuse</button></div>\n</form>",
            escaped(person),
            escaped(client),
            escaped(action),
            escaped(transaction)
        ),
    )
}

/// An error that must not go back to anybody: told to the person.
pub(super) fn error(title: &str, text: &str) -> String {
    page(title, &format!("<p class=\"error\" role=\"alert\">{}</p>", escaped(text)))
}

/// Asks whether to sign out.
pub(super) fn sign_out(site: &str, action: &str, hidden: &[(String, String)]) -> String {
    let hidden: String = hidden
        .iter()
        .map(|(name, value)| {
            format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">\n", escaped(name), escaped(value))
        })
        .collect();
    page(
        &format!("Sign out of {site}?"),
        &format!(
            "<form data-step=\"logout\" method=\"post\" action=\"{}\">\n{hidden}\
             <div class=\"actions\"><button type=\"submit\" name=\"decision\" value=\"logout\">Sign out</button></div>\n</form>",
            escaped(action)
        ),
    )
}

/// It is done.
pub(super) fn done(title: &str, text: &str) -> String {
    page(title, &format!("<p>{}</p>", escaped(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_outside_is_only_text() {
        let html = consent("<b>", "/x\"", "t'", "<script>", "&", &[("<s>".into(), "<i>".into(), false)]);
        for raw in ["<b>", "<script>", "<i>", "<s>", "t'"] {
            assert!(!html.contains(raw), "{raw}");
        }
    }
}
