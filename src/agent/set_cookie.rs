//! Reading a `Set-Cookie` header as browsers do (RFC 6265bis, section 5.6). What becomes of it is the jar's to say.

/// When a cookie goes along with a request that another site causes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SameSite {
    Strict,
    Lax,
    None,
}

impl SameSite {
    pub(crate) fn from_word(word: &str) -> Option<SameSite> {
        match word.to_ascii_lowercase().as_str() {
            "strict" => Some(SameSite::Strict),
            "lax" => Some(SameSite::Lax),
            "none" => Some(SameSite::None),
            _ => None,
        }
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            SameSite::Strict => "Strict",
            SameSite::Lax => "Lax",
            SameSite::None => "None",
        }
    }
}

/// A header, taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct SetCookie {
    pub name: String,
    pub value: String,
    /// Lower case, without a leading dot; empty and absent are the same.
    pub domain: Option<String>,
    /// Only if it begins with a slash.
    pub path: Option<String>,
    pub secure: bool,
    pub http_only: bool,
    /// `None`: no such attribute, or a word that nobody knows.
    pub same_site: Option<SameSite>,
    pub max_age: Option<i64>,
    /// Seconds since 1970.
    pub expires: Option<i64>,
}

/// Name and value together; browsers drop what is longer.
const PAIR: usize = 4096;
/// One attribute value; browsers ignore what is longer.
const ATTRIBUTE: usize = 1024;

impl SetCookie {
    /// `None`: a browser would ignore the header.
    pub(crate) fn parse(header: &str) -> Option<SetCookie> {
        if header.chars().any(|c| c.is_control() && c != '\t') {
            return None;
        }
        let mut parts = header.split(';');
        let pair = parts.next().unwrap_or_default();
        let (name, value) = pair.split_once('=').map_or(("", pair), |(name, value)| (name, value));
        let (name, value) = (blank_trimmed(name), blank_trimmed(value));
        if (name.is_empty() && value.is_empty()) || name.len() + value.len() > PAIR {
            return None;
        }
        let mut cookie = SetCookie { name: name.to_owned(), value: value.to_owned(), ..SetCookie::default() };
        for part in parts {
            let (attribute, value) = part.split_once('=').unwrap_or((part, ""));
            let (attribute, value) = (blank_trimmed(attribute), blank_trimmed(value));
            if value.len() <= ATTRIBUTE {
                cookie.take(attribute, value);
            }
        }
        Some(cookie)
    }

    /// The last attribute of a kind counts.
    fn take(&mut self, attribute: &str, value: &str) {
        match attribute.to_ascii_lowercase().as_str() {
            "expires" => self.expires = date(value).or(self.expires),
            "max-age" => self.max_age = delta(value).or(self.max_age),
            "domain" => {
                let value = value.strip_prefix('.').unwrap_or(value).to_ascii_lowercase();
                self.domain = Some(value).filter(|value| !value.is_empty());
            }
            "path" => self.path = Some(value.to_owned()).filter(|value| value.starts_with('/')),
            "secure" => self.secure = true,
            "httponly" => self.http_only = true,
            "samesite" => self.same_site = SameSite::from_word(value),
            _ => {}
        }
    }
}

fn blank_trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// Digits, with a minus before them perhaps; too large ones are as large as can be.
fn delta(value: &str) -> Option<i64> {
    let digits = value.strip_prefix('-').unwrap_or(value);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(value.parse().unwrap_or(if value.starts_with('-') { i64::MIN } else { i64::MAX }))
}

/// A cookie date (RFC 6265bis, 5.1.1): tokens in any order, the first fit of each kind counts.
fn date(text: &str) -> Option<i64> {
    let (mut time, mut day, mut month, mut year) = (None, None, None, None);
    let is_delimiter = |c: char| !(c.is_ascii_alphanumeric() || c == ':' || !c.is_ascii());
    for token in text.split(is_delimiter).filter(|token| !token.is_empty()) {
        if time.is_none()
            && let Some(found) = clock(token)
        {
            time = Some(found);
        } else if day.is_none()
            && let Some(found) = leading_number(token, 1, 2)
        {
            day = Some(found);
        } else if month.is_none()
            && let Some(found) = month_of(token)
        {
            month = Some(found);
        } else if year.is_none()
            && let Some(found) = leading_number(token, 2, 4)
        {
            year = Some(found);
        }
    }
    let ((hour, minute, second), day, month, year) = (time?, day?, month?, year?);
    let year = match year {
        70..=99 => year + 1900,
        0..=69 => year + 2000,
        _ => year,
    };
    let fits = (1..=31).contains(&day) && year >= 1601 && hour <= 23 && minute <= 59 && second <= 59;
    let days = days_since_epoch(year, month, day);
    // The 31st of February is no date.
    let exists = days_since_epoch(year, month, 1) + days_in(year, month) > days;
    (fits && exists).then(|| days * 86_400 + hour * 3_600 + minute * 60 + second)
}

fn clock(token: &str) -> Option<(i64, i64, i64)> {
    let mut parts = token.split(':');
    let hour = parts.next()?;
    let minute = parts.next()?;
    let second = leading_number(parts.next()?, 1, 2)?;
    let whole = |text: &str| (text.len() <= 2).then(|| leading_number(text, text.len().max(1), 2)).flatten();
    Some((whole(hour)?, whole(minute)?, second))
}

/// Between so many digits, then no further digit.
fn leading_number(token: &str, least: usize, most: usize) -> Option<i64> {
    let digits = token.bytes().take_while(u8::is_ascii_digit).count();
    (least..=most).contains(&digits).then(|| token[..digits].parse().ok()).flatten()
}

fn month_of(token: &str) -> Option<i64> {
    const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let start = token.get(..3)?.to_ascii_lowercase();
    MONTHS.iter().position(|month| *month == start).map(|at| at as i64 + 1)
}

fn days_in(year: i64, month: i64) -> i64 {
    let (next_year, next_month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    days_since_epoch(next_year, next_month, 1) - days_since_epoch(year, month, 1)
}

/// Gregorian calendar, by counting from a year that begins in March.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let shifted = if month <= 2 { year - 1 } else { year };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    365 * shifted + shifted.div_euclid(4) - shifted.div_euclid(100) + shifted.div_euclid(400) + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_in_the_spellings_that_servers_use() {
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "06 november 1994 8:49:37",
        ] {
            assert_eq!(date(text), Some(784_111_777), "{text}");
        }
        assert_eq!(date("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(date("Fri, 31 Feb 2023 00:00:00 GMT"), None);
        assert_eq!(date("Thu, 29 Feb 2024 00:00:00 GMT"), Some(1_709_164_800));
        assert_eq!(date("tomorrow"), None);
    }

    #[test]
    fn attributes_are_read_without_regard_to_case_and_the_last_one_counts() {
        let cookie = SetCookie::parse("sid = a=b ;PATH=x; path=/app; Max-Age=-1; HttpOnly; SECURE; samesite=STRICT")
            .expect("cookie");
        assert_eq!((cookie.name.as_str(), cookie.value.as_str()), ("sid", "a=b"));
        assert_eq!(cookie.path.as_deref(), Some("/app"));
        assert_eq!(cookie.max_age, Some(-1));
        assert_eq!(cookie.same_site, Some(SameSite::Strict));
        assert!(cookie.secure && cookie.http_only);
        assert_eq!(SetCookie::parse("sid=1; Max-Age=tomorrow").and_then(|c| c.max_age), None);
        assert_eq!(SetCookie::parse("sid=1; Domain=.A.example").and_then(|c| c.domain).as_deref(), Some("a.example"));
    }

    #[test]
    fn what_no_browser_would_keep_is_ignored() {
        assert_eq!(SetCookie::parse("="), None);
        assert_eq!(SetCookie::parse("sid=1\u{0}"), None);
        assert_eq!(SetCookie::parse(&format!("sid={}", "x".repeat(PAIR))), None);
    }
}
