//! Instants.

use domain::{Instant, Result, TimeRange};
use prost_types::Timestamp;

/// Seconds of 0001-01-01T00:00:00Z: clients send it to say "no bound".
const NO_BOUND_SECONDS: i64 = -62_135_596_800;

/// Reads an instant that must be there.
pub(crate) fn instant(value: Option<Timestamp>) -> Result<Instant> {
    let value =
        value.ok_or_else(|| domain::Error::invalid("Invalid time: expected a timestamp"))?;
    Instant::from_timestamp(value.seconds, value.nanos)
}

/// Reads optional bounds.
pub(crate) fn time_range(from: Option<Timestamp>, to: Option<Timestamp>) -> Result<TimeRange> {
    Ok(TimeRange {
        from: bound(from)?,
        to: bound(to)?,
    })
}

/// Writes an instant.
pub(crate) fn timestamp_to(instant: Instant) -> Timestamp {
    let (seconds, nanos) = instant.timestamp();
    Timestamp { seconds, nanos }
}

fn bound(value: Option<Timestamp>) -> Result<Option<Instant>> {
    value
        .filter(|value| value.seconds != NO_BOUND_SECONDS || value.nanos != 0)
        .map(|value| Instant::from_timestamp(value.seconds, value.nanos))
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::{Timestamp, instant, time_range};

    #[test]
    fn the_first_instant_of_year_1_is_no_bound() {
        let null = Some(Timestamp {
            seconds: -62_135_596_800,
            nanos: 0,
        });
        let epoch = Some(Timestamp {
            seconds: 0,
            nanos: 0,
        });
        let range = time_range(null, epoch).unwrap();
        assert!(range.from.is_none() && range.to.is_some());
    }

    #[test]
    fn invalid_instants_are_refused_in_records_and_in_filters() {
        let invalid = Some(Timestamp {
            seconds: 10_i64.pow(14),
            nanos: 0,
        });
        assert!(instant(invalid).is_err() && time_range(invalid, None).is_err());
        assert!(
            instant(None)
                .unwrap_err()
                .to_string()
                .starts_with("Invalid time")
        );
    }
}
