//! Instants.

use domain::{Error, Instant, Result, TimeRange};
use prost_types::Timestamp;

/// Seconds that clients send to say "no bound": 0001-01-01T00:00:00Z, and the day before, which the
/// Python client arrives at from the day 0 of that month.
const NO_BOUND_SECONDS: [i64; 2] = [-62_135_596_800, -62_135_683_200];

/// Reads an instant that must be there.
pub(crate) fn instant(value: Option<Timestamp>) -> Result<Instant> {
    let value = value.ok_or_else(|| Error::invalid("Invalid time: expected a timestamp"))?;
    Instant::from_timestamp(value.seconds, value.nanos)
}

/// Reads optional bounds.
pub(crate) fn time_range(from: Option<Timestamp>, to: Option<Timestamp>) -> Result<TimeRange> {
    Ok(TimeRange {
        from: bound("from_time", from)?,
        to: bound("to_time", to)?,
    })
}

/// Writes an instant.
pub(crate) fn timestamp_to(instant: Instant) -> Timestamp {
    let (seconds, nanos) = instant.timestamp();
    Timestamp { seconds, nanos }
}

fn bound(field: &str, value: Option<Timestamp>) -> Result<Option<Instant>> {
    value
        .filter(|value| !NO_BOUND_SECONDS.contains(&value.seconds) || value.nanos != 0)
        .map(|value| Instant::from_timestamp(value.seconds, value.nanos))
        .transpose()
        .map_err(|error| Error::invalid(format!("{field}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::{Timestamp, instant, time_range};

    #[test]
    fn what_clients_send_for_no_bound_is_none() {
        let at = |seconds| Some(Timestamp { seconds, nanos: 0 });
        for null in [-62_135_596_800, -62_135_683_200] {
            let range = time_range(at(null), at(0)).unwrap();
            assert!(range.from.is_none() && range.to.is_some(), "{null}");
        }
        let refused = time_range(None, at(-62_135_683_201)).unwrap_err();
        assert!(refused.to_string().starts_with("to_time: Invalid time"));
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
