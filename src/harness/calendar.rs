//! The day: known failures end on one, certificates are made on one.

use std::time::{SystemTime, UNIX_EPOCH};

/// Year, month and day, in UTC.
pub fn today() -> (i32, u32, u32) {
    day_of(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}

/// The day on which a moment falls: seconds since 1970.
fn day_of(seconds: u64) -> (i32, u32, u32) {
    // Days since 1970-03-01, by eras of 400 years: the leap day is the last day of such a year.
    let days = i64::try_from(seconds / 86_400).unwrap_or(0) + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let calendar_month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(calendar_month <= 2);
    (i32::try_from(year).unwrap_or(1970), u32::try_from(calendar_month).unwrap_or(1), u32::try_from(day).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::day_of;

    #[test]
    fn leap_days_and_turns_of_years_fall_where_they_should() {
        assert_eq!(day_of(0), (1970, 1, 1));
        assert_eq!(day_of(951_782_400), (2000, 2, 29));
        assert_eq!(day_of(1_709_164_799), (2024, 2, 28));
        assert_eq!(day_of(1_709_164_800), (2024, 2, 29));
        assert_eq!(day_of(1_798_761_599), (2026, 12, 31));
        assert_eq!(day_of(1_798_761_600), (2027, 1, 1));
    }
}
