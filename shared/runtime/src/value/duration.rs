//! Durations as Go writes them.

use std::time::Duration;

use super::ValueError;

const NANOS_PER_UNIT: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// A duration such as `300ms`, `1m30s` or `1.5h`. A number needs its unit, save `0`.
///
/// # Errors
/// When the text is no such duration, is negative, or exceeds 292 years.
pub fn duration(text: &str) -> Result<Duration, ValueError> {
    parse(text)
        .map(Duration::from_nanos)
        .ok_or_else(|| ValueError::new("a duration with its unit, such as 300ms or 1m30s"))
}

fn parse(text: &str) -> Option<u64> {
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut nanos: u64 = 0;
    while !rest.is_empty() {
        let number_end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let (number, tail) = rest.split_at(number_end);
        let unit_end = tail
            .find(|letter: char| letter.is_ascii_digit() || letter == '.')
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        let (_, nanos_per_unit) = NANOS_PER_UNIT.iter().find(|(name, _)| *name == unit)?;
        nanos = nanos.checked_add(scaled(number, *nanos_per_unit)?)?;
        rest = tail;
    }
    i64::try_from(nanos).is_ok().then_some(nanos)
}

/// `number` of the form `12`, `1.5`, `.5` or `1.` times `scale`; digits below one are cut to whole units.
pub(super) fn scaled(number: &str, scale: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let all_digits = |digits: &str| digits.bytes().all(|digit| digit.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let whole = if whole.is_empty() {
        0
    } else {
        whole.parse::<u64>().ok()?
    };
    let mut below_one: u128 = 0;
    let mut digit_value = u128::from(scale) * 10u128.pow(18);
    for digit in fraction.bytes() {
        digit_value /= 10;
        below_one += u128::from(digit - b'0') * digit_value;
    }
    let below_one = u64::try_from(below_one / 10u128.pow(18)).ok()?;
    whole.checked_mul(scale)?.checked_add(below_one)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_follow_go() {
        for (text, millis) in [
            ("0", Some(0)),
            ("300ms", Some(300)),
            ("1m30s", Some(90_000)),
            ("2h", Some(7_200_000)),
            ("1.5h", Some(5_400_000)),
            (".5s", Some(500)),
            ("1.s", Some(1_000)),
            ("+3s", Some(3_000)),
            ("1000us", Some(1)),
            ("1000µs", Some(1)),
            ("90", None),
            ("", None),
            ("+", None),
            ("-1s", None),
            ("s", None),
            (".s", None),
            ("1.2.3s", None),
            ("1d", None),
            ("1m30", None),
            ("1 s", None),
            ("3000000h", None),
            ("99999999999999999999s", None),
        ] {
            assert_eq!(
                duration(text).ok(),
                millis.map(Duration::from_millis),
                "{text:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_duration_or_an_error(text in "[-+0-9.a-zµ]{0,40}") {
            let _ = duration(&text);
        }
    }
}
