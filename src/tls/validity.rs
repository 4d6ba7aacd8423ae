//! Until when a certificate is good (RFC 5280, section 4.1.2.5). Who trusts an authority by a file never asks: its root is
//! an anchor, whose dates nobody looks at; so a file of last week fails later, and without a word about why.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::date_time_ymd;

/// Tags of DER.
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// When a certificate in DER ended, as `2026-11-24`, where that is before now. `None` for one that is good, and for what
/// cannot be read: others will say so.
pub(super) fn ended(certificate: &[u8]) -> Option<String> {
    let (year, month, day, second) = not_after(certificate)?;
    let days = Duration::from_secs(86_400 * u64::from(day.checked_sub(1)?));
    let end = date_time_ymd(year, month, 1) + days + Duration::from_secs(second);
    let now = date_time_ymd(1970, 1, 1) + SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (end < now).then(|| format!("{year:04}-{month:02}-{day:02}"))
}

/// Year, month, day and second of the day, in UTC.
fn not_after(certificate: &[u8]) -> Option<(i32, u8, u8, u64)> {
    let (whole, _) = element(certificate, SEQUENCE)?;
    let (body, _) = element(whole, SEQUENCE)?;
    // [0] version, serial number, algorithm, issuer, then the dates.
    let mut rest = body;
    if rest.first() == Some(&VERSION) {
        rest = skip(rest)?;
    }
    for _ in 0..3 {
        rest = skip(rest)?;
    }
    let (dates, _) = element(rest, SEQUENCE)?;
    let end = skip(dates)?;
    let (text, years) = match element(end, UTC_TIME) {
        Some((text, _)) => (text, 2),
        None => (element(end, GENERALIZED_TIME)?.0, 4),
    };
    let text = std::str::from_utf8(text).ok()?;
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<u32>().ok();
    let year = number(0, years)?;
    let year = match (years, year) {
        (2, 50..) => 1900 + year,
        (2, _) => 2000 + year,
        _ => year,
    };
    let two = |at: usize| number(years + at, years + at + 2);
    let (month, day) = (two(0)?, two(2)?);
    let second = two(4)? * 3_600 + two(6)? * 60 + two(8)?;
    let sound = (1..=12).contains(&month) && (1..=31).contains(&day) && year <= 9_998 && second <= 86_400;
    sound.then_some((year as i32, month as u8, day as u8, u64::from(second)))
}

/// The content of the element that comes first, and what comes behind it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (own, rest) = bytes.split_first()?;
    if *own != tag {
        return None;
    }
    let (first, mut rest) = rest.split_first()?;
    let length = match first {
        0..=127 => usize::from(*first),
        0x81..=0x84 => {
            let (number, behind) = rest.split_at_checked(usize::from(first - 0x80))?;
            rest = behind;
            number.iter().fold(0, |sum, byte| (sum << 8) | usize::from(*byte))
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

fn skip(bytes: &[u8]) -> Option<&[u8]> {
    element(bytes, *bytes.first()?).map(|(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn until(year: i32) -> Vec<u8> {
        let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.not_before = date_time_ymd(1999, 1, 1);
        params.not_after = date_time_ymd(year, 3, 31);
        params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    #[test]
    fn what_has_ended_is_told_with_its_day() {
        assert_eq!(ended(&until(2020)).as_deref(), Some("2020-03-31"));
        assert_eq!(ended(&until(2049)), None);
        assert_eq!(ended(&until(2051)), None, "from 2050 on the year has four digits");
    }

    #[test]
    fn no_cut_or_changed_byte_upsets_it() {
        let good = until(2020);
        for at in 0..good.len() {
            let _ = ended(&good[..at]);
            let mut changed = good.clone();
            changed[at] ^= 0x55;
            let _ = ended(&changed);
        }
    }
}
