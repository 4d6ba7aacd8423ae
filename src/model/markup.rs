//! Text of others in our own output: what HTML and XML would obey, and what a terminal or a reader would.

/// Text as it may stand anywhere in HTML or XML, attribute values in quotes of either kind included.
pub fn escaped(text: &str) -> String {
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

/// Whether a character is more than a sign to read: it controls a terminal, is invisible, or turns the direction of what
/// stands around it (Unicode Standard Annex 9), so that a person would read another text than the one that is there.
pub fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_quote_and_no_tag_is_left() {
        assert_eq!(escaped("<a b=\"c\" d='e'>&amp;"), "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;amp;");
    }

    #[test]
    fn what_is_only_read_does_not_act() {
        assert!("a ß 漢 \u{300} €".chars().all(|c| !acts(c)));
        assert!("\u{1b}\n\u{7f}\u{85}\u{200e}\u{202e}\u{2066}\u{feff}".chars().all(acts));
    }
}
