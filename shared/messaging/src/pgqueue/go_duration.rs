//! The texts in which the queue table keeps waits: `60s`, `1m0s`, `1.5h`, `250ms`.

use std::time::Duration;

/// Longest wait that is read: more is a mistake.
const LONGEST: f64 = 366.0 * 24.0 * 3600.0;

/// Text of a wait, to the millisecond.
pub(super) fn format(wait: Duration) -> String {
    if wait.subsec_millis() == 0 {
        format!("{}s", wait.as_secs())
    } else {
        format!("{}ms", wait.as_millis())
    }
}

/// Reads numbers with units, one behind the other. Nothing if a part is malformed or negative.
pub(super) fn parse(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let mut rest = text;
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let unit_at = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, behind) = rest.split_at(unit_at);
        let number: f64 = number.parse().ok()?;
        let unit_end = behind
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(unit_end);
        seconds += number * seconds_of(unit)?;
        rest = behind;
    }
    (!text.is_empty() && seconds <= LONGEST).then(|| Duration::from_secs_f64(seconds))
}

fn seconds_of(unit: &str) -> Option<f64> {
    match unit {
        "h" => Some(3600.0),
        "m" => Some(60.0),
        "s" => Some(1.0),
        "ms" => Some(1e-3),
        "us" | "µs" | "μs" => Some(1e-6),
        "ns" => Some(1e-9),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_read_in_all_units() {
        let cases = [
            ("1m0s", 60_000),
            ("10m0s", 600_000),
            ("30m0s", 1_800_000),
            ("1.5h", 5_400_000),
            ("250ms", 250),
            ("0", 0),
            ("60s", 60_000),
        ];
        for (text, millis) in cases {
            assert_eq!(parse(text), Some(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn malformed_waits_are_refused() {
        for text in [
            "",
            "5",
            "s",
            "-1s",
            "1s2",
            "1d",
            "1..2s",
            "9999999999999h",
            "1e400s",
            "é",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_written_can_be_read() {
        for millis in [0, 1, 999, 1000, 1500, 60_000, 1_800_000] {
            let wait = Duration::from_millis(millis);
            assert_eq!(parse(&format(wait)), Some(wait));
        }
        assert_eq!(format(Duration::from_mins(1)), "60s");
    }
}
