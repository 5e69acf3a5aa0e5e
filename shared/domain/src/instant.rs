//! Instants, in UTC and whole microseconds.

use crate::{Error, Result};
use chrono::{DateTime, Datelike, NaiveDateTime, Utc};
use std::fmt;

/// An instant between the years 1 and 9999, rounded half-to-even to the microsecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(DateTime<Utc>);

impl Instant {
    /// Builds an instant from the seconds since 1970 and the nanoseconds within the second.
    ///
    /// # Errors
    /// [`Error::Invalid`] outside the years 1 to 9999, or when `nanos` is not in 0..=999999999.
    pub fn from_timestamp(seconds: i64, nanos: i32) -> Result<Self> {
        let invalid = || {
            Error::invalid(format!(
                "Invalid time: seconds:{seconds} nanos:{nanos}, expected the years 0001 to 9999 and 0 to 999999999 ns"
            ))
        };
        let nanos = u32::try_from(nanos)
            .ok()
            .filter(|nanos| *nanos < 1_000_000_000)
            .ok_or_else(invalid)?;
        let (micros, rest) = (i64::from(nanos / 1000), nanos % 1000);
        let round_up = rest > 500 || rest == 500 && micros % 2 == 1;
        let micros = seconds
            .checked_mul(1_000_000)
            .and_then(|base| base.checked_add(micros + i64::from(round_up)))
            .ok_or_else(invalid)?;
        DateTime::from_timestamp_micros(micros)
            .filter(|instant| (1..=9999).contains(&instant.year()))
            .map(Self)
            .ok_or_else(invalid)
    }

    /// An instant as the database stores it: UTC without zone.
    pub fn from_naive(naive: NaiveDateTime) -> Self {
        Self(naive.and_utc())
    }

    /// The instant as the database stores it.
    pub fn naive(self) -> NaiveDateTime {
        self.0.naive_utc()
    }

    /// The instant with its zone.
    pub fn utc(self) -> DateTime<Utc> {
        self.0
    }

    /// Seconds since 1970 and nanoseconds within the second.
    pub fn timestamp(self) -> (i64, i32) {
        (self.0.timestamp(), self.0.timestamp_subsec_nanos() as i32)
    }
}

impl From<DateTime<Utc>> for Instant {
    /// Cuts to whole microseconds.
    fn from(value: DateTime<Utc>) -> Self {
        Self(DateTime::from_timestamp_micros(value.timestamp_micros()).unwrap_or(value))
    }
}

impl fmt::Display for Instant {
    /// RFC 3339.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true))
    }
}

/// Optional bounds, both inclusive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeRange {
    /// Earliest instant.
    pub from: Option<Instant>,
    /// Latest instant.
    pub to: Option<Instant>,
}

#[cfg(test)]
mod tests {
    use super::Instant;

    #[test]
    fn nanoseconds_round_half_to_even() {
        for (nanos, expected) in [
            (123_456_789, 123_457_000),
            (123_456_500, 123_456_000),
            (123_457_500, 123_458_000),
            (999_999_999, 0),
            (0, 0),
        ] {
            let (_, rounded) = Instant::from_timestamp(1_577_836_800, nanos)
                .unwrap()
                .timestamp();
            assert_eq!(rounded, expected, "{nanos}");
        }
    }

    #[test]
    fn only_the_years_1_to_9999_are_instants() {
        assert!(Instant::from_timestamp(-62_135_596_800, 0).is_ok());
        assert!(Instant::from_timestamp(253_402_300_799, 0).is_ok());
        for (seconds, nanos) in [
            (10_i64.pow(13), 0),
            (i64::MAX, 0),
            (i64::MIN, 0),
            (0, -1),
            (0, 1_000_000_000),
        ] {
            assert!(
                Instant::from_timestamp(seconds, nanos).is_err(),
                "{seconds} {nanos}"
            );
        }
    }
}
