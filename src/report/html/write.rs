//! Writing HTML so that nothing which is text can become anything else: every text and every value goes through one
//! place that escapes it, and names of elements and attributes are words of this program.

use crate::judge::printable_up_to;
use crate::model::markup;

/// Characters of one line that are shown: more than any line has that is not meant to be a burden.
const MOST: usize = 4000;

/// A document, or a part of one.
#[derive(Debug, Default)]
pub(super) struct Html(String);

impl Html {
    /// An element begins.
    pub fn open(&mut self, tag: &'static str, attributes: &[(&'static str, &str)]) {
        self.0.push('<');
        self.0.push_str(tag);
        for (name, value) in attributes {
            self.0.push_str(&format!(" {name}=\"{}\"", escaped(value).replace('\n', " ")));
        }
        self.0.push('>');
    }

    /// An element ends.
    pub fn close(&mut self, tag: &'static str) {
        self.0.push_str("</");
        self.0.push_str(tag);
        self.0.push('>');
    }

    /// Text of any origin.
    pub fn text(&mut self, text: &str) {
        self.0.push_str(&escaped(text));
    }

    /// An element that holds text alone.
    pub fn leaf(&mut self, tag: &'static str, attributes: &[(&'static str, &str)], text: &str) {
        self.open(tag, attributes);
        self.text(text);
        self.close(tag);
    }

    /// An element with others in it.
    pub fn within(&mut self, tag: &'static str, attributes: &[(&'static str, &str)], inside: impl FnOnce(&mut Html)) {
        self.open(tag, attributes);
        inside(self);
        self.close(tag);
    }

    /// A word of this program, as it is: the style, the script.
    pub fn own(&mut self, text: &'static str) {
        self.0.push_str(text);
    }

    /// A link out of the page, where it is one to the web; otherwise the text alone.
    pub fn link(&mut self, url: Option<&str>, text: &str) {
        match url.filter(|url| url.starts_with("https://") || url.starts_with("http://")) {
            Some(url) => self.leaf("a", &[("href", url), ("rel", "noopener noreferrer external")], text),
            None => self.text(text),
        }
    }

    /// All of it.
    pub fn done(self) -> String {
        self.0
    }
}

/// What a terminal or a reader would obey (control characters, what turns the direction of text) is written out as by
/// the other reports; what HTML would obey is escaped.
fn escaped(text: &str) -> String {
    text.lines().map(|line| markup::escaped(&printable_up_to(MOST, line))).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_become_anything_else() {
        let mut html = Html::default();
        html.leaf("p", &[("title", "\"><script>\n' onload=x")], "</p><!--<svg onload=x>&\u{202e}\u{0}-->");
        assert_eq!(
            html.done(),
            "<p title=\"&quot;&gt;&lt;script&gt; &#39; onload=x\">&lt;/p&gt;&lt;!--&lt;svg onload=x&gt;&amp;\\u{202e}\\u{0}--&gt;</p>"
        );
    }

    #[test]
    fn only_addresses_of_the_web_become_links() {
        for url in ["javascript:alert(1)", " https://a", "data:text/html,x", "HTTPS://a", "//a"] {
            let mut html = Html::default();
            html.link(Some(url), "t");
            assert_eq!(html.done(), "t", "{url}");
        }
    }
}
