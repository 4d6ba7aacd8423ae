//! The style of case files (CASE-LANGUAGE 1.10), for any TOML text: one blank line before a table, one blank around `=`,
//! inline tables while they fit on a line, dotted keys beyond that. Comments stay where they are. What it means never
//! changes: that is compared before anything is given back.

use toml_parser::Source;
use toml_parser::lexer::TokenKind;

/// As wide as a line may be, in characters.
const WIDTH: usize = 120;

/// Deeper values are left as they are.
const DEEPEST: usize = 40;

/// The keys of a case's header, in the order in which they are read.
const HEADER: [&str; 10] =
    ["title", "requirement", "tier", "level", "dialects", "needs", "unless", "kills", "about", "bystander"];

/// A token: its kind and its text.
type Token<'t> = (TokenKind, &'t str);

/// A line of the file, or a member with all its lines.
enum Item<'t> {
    Blank,
    Comment(&'t str),
    /// `[x]` or `[[x]]`.
    Table(String, Option<&'t str>),
    Member(Member<'t>),
}

struct Member<'t> {
    key: String,
    value: Value<'t>,
    comment: Option<&'t str>,
}

enum Value<'t> {
    Scalar(&'t str),
    List(Vec<Value<'t>>),
    /// A list that has tables among its items and is laid out over several lines: an item on each.
    Column(Vec<Value<'t>>),
    Table(Vec<(String, Value<'t>)>),
    /// Left as it is: it has comments inside, or is laid out over several lines and would not fit on one.
    AsItIs(String),
}

/// The text in good style; `None` where it is no TOML, and is then not touched.
pub fn tidy(text: &str) -> Option<String> {
    let before: toml::Table = toml::from_str(text).ok()?;
    let text = text.replace("\r\n", "\n");
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let source = Source::new(text);
    let tokens: Vec<Token<'_>> = source
        .lex()
        .into_vec()
        .into_iter()
        .filter_map(|token| Some((token.kind(), text.get(token.span().start()..token.span().end())?)))
        .collect();
    let mut items = Reading { tokens: &tokens, at: 0 }.items()?;
    order_header(&mut items);
    let out = print(&items);
    let after: toml::Table = toml::from_str(&out).ok()?;
    (before == after).then_some(out)
}

struct Reading<'r, 't> {
    tokens: &'r [Token<'t>],
    at: usize,
}

impl<'t> Reading<'_, 't> {
    fn peek(&self) -> Option<Token<'t>> {
        self.tokens.get(self.at).copied()
    }

    fn next(&mut self) -> Option<Token<'t>> {
        let token = self.peek();
        self.at += 1;
        token
    }

    fn skip(&mut self, kinds: &[TokenKind]) {
        while self.peek().is_some_and(|(kind, _)| kinds.contains(&kind)) {
            self.at += 1;
        }
    }

    fn items(&mut self) -> Option<Vec<Item<'t>>> {
        let mut items = Vec::new();
        loop {
            self.skip(&[TokenKind::Whitespace]);
            match self.peek()? {
                (TokenKind::Eof, _) => return Some(items),
                (TokenKind::Newline, _) => {
                    self.at += 1;
                    items.push(Item::Blank);
                }
                (TokenKind::Comment, text) => {
                    self.at += 1;
                    items.push(Item::Comment(text));
                    self.end_of_line()?;
                }
                (TokenKind::LeftSquareBracket, _) => {
                    let mut name = String::new();
                    while let Some((kind, text)) = self.peek() {
                        match kind {
                            TokenKind::Newline | TokenKind::Comment | TokenKind::Eof => break,
                            TokenKind::Whitespace => {}
                            _ => name.push_str(text),
                        }
                        self.at += 1;
                    }
                    let comment = self.end_of_line()?;
                    items.push(Item::Table(name, comment));
                }
                _ => {
                    let (key, value) = self.member(0)?;
                    let comment = self.end_of_line()?;
                    items.push(Item::Member(Member { key, value, comment }));
                }
            }
        }
    }

    /// The rest of a line: a comment, if there is one.
    fn end_of_line(&mut self) -> Option<Option<&'t str>> {
        self.skip(&[TokenKind::Whitespace]);
        let mut comment = None;
        if let Some((TokenKind::Comment, text)) = self.peek() {
            self.at += 1;
            comment = Some(text);
        }
        match self.peek()? {
            (TokenKind::Newline, _) => self.at += 1,
            (TokenKind::Eof, _) => {}
            _ => return None,
        }
        Some(comment)
    }

    /// `key = value`; the key's dots stand close.
    fn member(&mut self, depth: usize) -> Option<(String, Value<'t>)> {
        let mut key = String::new();
        loop {
            match self.next()? {
                (TokenKind::Equals, _) => break,
                (TokenKind::Whitespace, _) => {}
                (TokenKind::Newline | TokenKind::Eof, _) => return None,
                (_, text) => key.push_str(text),
            }
        }
        Some((key, self.value(depth)?))
    }

    fn value(&mut self, depth: usize) -> Option<Value<'t>> {
        self.skip(&[TokenKind::Whitespace]);
        let start = self.at;
        let (close, is_table) = match self.peek()?.0 {
            TokenKind::LeftSquareBracket => (TokenKind::RightSquareBracket, false),
            TokenKind::LeftCurlyBracket => (TokenKind::RightCurlyBracket, true),
            _ => return self.scalar(),
        };
        self.at += 1;
        let (mut list, mut table) = (Vec::new(), Vec::new());
        loop {
            self.skip(&[TokenKind::Whitespace, TokenKind::Newline, TokenKind::Comma, TokenKind::Comment]);
            match self.peek()? {
                (kind, _) if kind == close => break,
                (TokenKind::Eof, _) => return None,
                _ if depth > DEEPEST => self.at += 1,
                _ if is_table => table.push(self.member(depth + 1)?),
                _ => list.push(self.value(depth + 1)?),
            }
        }
        self.at += 1;
        let inside = &self.tokens[start..self.at];
        let has = |wanted: TokenKind| inside.iter().any(|(kind, _)| *kind == wanted);
        let tables = list.iter().any(|item| matches!(item, Value::Table(_)));
        let value = match (is_table, tables && has(TokenKind::Newline)) {
            (true, _) => Value::Table(table),
            (false, true) => Value::Column(list),
            (false, false) => Value::List(list),
        };
        let fits = one_line(&value).chars().count() <= WIDTH;
        let kept = has(TokenKind::Newline) && ((is_table || depth > 0) && !fits || depth > 0 && tables);
        if has(TokenKind::Comment) || kept || depth > DEEPEST {
            let raw: String = inside.iter().map(|(_, text)| *text).collect();
            return Some(Value::AsItIs(raw.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")));
        }
        Some(value)
    }

    /// Everything up to what ends a value: a date or a number may be several tokens.
    fn scalar(&mut self) -> Option<Value<'t>> {
        let (kind, text) = self.next()?;
        let plain = matches!(kind, TokenKind::Atom);
        let followed = self.peek().is_some_and(|(kind, _)| matches!(kind, TokenKind::Dot | TokenKind::Atom));
        if !plain || !followed {
            return Some(Value::Scalar(text));
        }
        let mut whole = text.to_owned();
        while let Some((TokenKind::Dot | TokenKind::Atom, text)) = self.peek() {
            whole.push_str(text);
            self.at += 1;
        }
        Some(Value::AsItIs(whole))
    }
}

/// The header's keys in their order; a comment above a key goes along.
fn order_header(items: &mut Vec<Item<'_>>) {
    let end = items.iter().position(|item| matches!(item, Item::Table(..))).unwrap_or(items.len());
    let first = items[..end].iter().position(|item| matches!(item, Item::Member(_)));
    let Some(first) = first else { return };
    // The comment directly above the first key belongs to it, what is above a blank line belongs to the file.
    let start = items[..first].iter().rposition(|item| matches!(item, Item::Blank)).map_or(0, |at| at + 1);
    let last = items[..end].iter().rposition(|item| matches!(item, Item::Member(_))).map_or(start, |at| at + 1);
    let rest = items.split_off(last);
    let body = items.split_off(start);
    let mut groups: Vec<(usize, Vec<Item<'_>>)> = Vec::new();
    let mut open = Vec::new();
    for item in body {
        let key = match &item {
            Item::Member(member) => Some(member.key.split('.').next().unwrap_or_default().to_owned()),
            // Blank lines between the keys of a header say nothing.
            Item::Blank => continue,
            _ => None,
        };
        open.push(item);
        if let Some(key) = key {
            let rank = HEADER.iter().position(|own| *own == key).unwrap_or(HEADER.len());
            groups.push((rank, std::mem::take(&mut open)));
        }
    }
    groups.sort_by_key(|(rank, _)| *rank);
    items.extend(groups.into_iter().flat_map(|(_, group)| group));
    items.extend(open);
    items.extend(rest);
}

fn print(items: &[Item<'_>]) -> String {
    let mut out = String::new();
    for (at, item) in items.iter().enumerate() {
        match item {
            Item::Blank => {
                // At the beginning, after a table's head and before another blank line it says nothing.
                let after_head = items[..at].last().is_none_or(|before| matches!(before, Item::Table(..)));
                if !after_head && !out.ends_with("\n\n") && !out.is_empty() {
                    out.push('\n');
                }
            }
            Item::Comment(text) => {
                blank_before(&mut out, items, at);
                out.push_str(text.trim_end());
                out.push('\n');
            }
            Item::Table(name, comment) => {
                blank_before(&mut out, items, at);
                out.push_str(name);
                end_line(&mut out, *comment);
            }
            Item::Member(member) => {
                let mut lines = Vec::new();
                lay_out(&mut lines, &member.key, &member.value);
                out.push_str(&lines.join("\n"));
                end_line(&mut out, member.comment);
            }
        }
    }
    while out.ends_with("\n\n") {
        out.pop();
    }
    out
}

/// A blank line before a `[[table]]`, or before the comments that stand directly above one. `[table.fault]` and
/// `[[table.fault]]` belong to what is above them.
fn blank_before(out: &mut String, items: &[Item<'_>], at: usize) {
    let first = !matches!(items[..at].last(), Some(Item::Comment(_)));
    let leads = items[at..].iter().find(|item| !matches!(item, Item::Comment(_)));
    let begins = matches!(leads, Some(Item::Table(name, _)) if name.starts_with("[[") && !name.contains('.'));
    if first && begins && !out.is_empty() && !out.ends_with("\n\n") {
        out.push('\n');
    }
}

fn end_line(out: &mut String, comment: Option<&str>) {
    if let Some(comment) = comment {
        out.push(' ');
        out.push_str(comment.trim_end());
    }
    out.push('\n');
}

/// A member on one line; where that is too long, a table as dotted keys, a list over several lines.
fn lay_out(lines: &mut Vec<String>, key: &str, value: &Value<'_>) {
    let line = format!("{key} = {}", one_line(value));
    let fits = line.chars().count() <= WIDTH;
    match value {
        Value::Table(members) if !fits && !members.is_empty() => {
            members.iter().for_each(|(name, value)| lay_out(lines, &format!("{key}.{name}"), value));
        }
        Value::Column(items) => column(lines, key, items),
        Value::List(items) if !fits && items.iter().any(|item| matches!(item, Value::Table(_))) => {
            column(lines, key, items);
        }
        Value::List(items) if !fits && items.len() > 1 => {
            lines.push(format!("{key} = ["));
            let mut row = String::from("   ");
            for item in items {
                let text = format!(" {},", one_line(item));
                if row.chars().count() + text.chars().count() > WIDTH && !row.trim().is_empty() {
                    lines.push(std::mem::replace(&mut row, String::from("   ")));
                }
                row.push_str(&text);
            }
            lines.push(row);
            lines.push("]".to_owned());
        }
        _ => lines.push(line),
    }
}

fn column(lines: &mut Vec<String>, key: &str, items: &[Value<'_>]) {
    lines.push(format!("{key} = ["));
    lines.extend(items.iter().map(|item| format!("    {},", one_line(item))));
    lines.push("]".to_owned());
}

fn one_line(value: &Value<'_>) -> String {
    match value {
        Value::Scalar(text) => (*text).to_owned(),
        Value::AsItIs(text) => text.clone(),
        Value::List(items) | Value::Column(items) => {
            format!("[{}]", items.iter().map(one_line).collect::<Vec<_>>().join(", "))
        }
        Value::Table(members) if members.is_empty() => "{}".to_owned(),
        Value::Table(members) => {
            let members: Vec<String> =
                members.iter().map(|(name, value)| format!("{name} = {}", one_line(value))).collect();
            format!("{{ {} }}", members.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn becomes(before: &str, after: &str) {
        assert_eq!(tidy(before).as_deref(), Some(after), "{before}");
        assert_eq!(tidy(after).as_deref(), Some(after), "a second time changes something");
    }

    #[test]
    fn blanks_stand_where_they_help() {
        becomes(
            "\n\ntitle=\"x\"   \ntier   =  'basic'\r\n[[step]]\n\nvisit = {to=\"login\",set={a=[1,2 , 3 ]}}\n\n\n\n[[ step ]]\nexpect={ }\n\n",
            "title = \"x\"\ntier = 'basic'\n\n[[step]]\nvisit = { to = \"login\", set = { a = [1, 2, 3] } }\n\n[[step]]\nexpect = {}\n",
        );
    }

    #[test]
    fn comments_stay_with_what_they_are_about() {
        becomes(
            "# About the file.\n\n# Why so low.\ntier = \"basic\" # really\ntitle = \"x\"\nkills = [\n  \"a\", # first\n  \"b\",\n]\n# About the step.\n[[step]] # one\nvisit = \"login\"\n# The end.\n",
            "# About the file.\n\ntitle = \"x\"\n# Why so low.\ntier = \"basic\" # really\nkills = [\n  \"a\", # first\n  \"b\",\n]\n\n# About the step.\n[[step]] # one\nvisit = \"login\"\n# The end.\n",
        );
    }

    #[test]
    fn what_does_not_fit_on_a_line_gets_dotted_keys() {
        let long = "x".repeat(60);
        becomes(
            &format!("expect = {{ request = \"token\", matches = {{ a = \"{long}\", b = \"{long}\" }}, count = 1 }}\n"),
            &format!(
                "expect.request = \"token\"\nexpect.matches.a = \"{long}\"\nexpect.matches.b = \"{long}\"\nexpect.count = 1\n"
            ),
        );
        becomes(
            &format!("kills = [\"{long}\", \"{long}\", \"b\"]\n"),
            &format!("kills = [\n    \"{long}\",\n    \"{long}\", \"b\",\n]\n"),
        );
    }

    #[test]
    fn what_fits_on_a_line_comes_back_to_it() {
        becomes("kills = [\n    \"a\",\n    \"b\",\n]\n", "kills = [\"a\", \"b\"]\n");
    }

    #[test]
    fn a_list_of_tables_stays_a_column_and_a_table_below_another_stays_close() {
        let same = "[[step]]\n[step.fault]\nin = \"id_token\"\n[[step.x]]\n\n[[step]]\nexpect.any = [\n    { session = \"nobody\" },\n    { session = \"alice\" },\n]\n";
        becomes(same, same);
        let long = "x".repeat(60);
        becomes(
            &format!("any = [{{ a = \"{long}\" }}, {{ b = \"{long}\" }}]\n"),
            &format!("any = [\n    {{ a = \"{long}\" }},\n    {{ b = \"{long}\" }},\n]\n"),
        );
    }

    #[test]
    fn texts_numbers_and_dates_are_left_as_they_are() {
        let same = "a = 1.50\nb = 0x_f\nc = 2027-03-01\nd = 07:32:00.5\ne = \"\"\"\n  two\n\n lines  \n\"\"\"\nf = 'c:\\x'\n\"g h\".i = +1e400\n";
        let same = same.replace("0x_f", "0xf_f").replace("+1e400", "+1e4");
        becomes(&same, &same);
    }

    #[test]
    fn what_is_no_toml_is_not_touched() {
        assert_eq!(tidy("a = = 1"), None);
        assert_eq!(tidy("a = [1"), None);
    }
}
