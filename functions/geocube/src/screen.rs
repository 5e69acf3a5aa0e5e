//! What people and scripts read: results on stdout, everything else on stderr.

use std::io::Write;

/// One line of result, on stdout, at once even when it is a pipe.
pub fn result(line: &str) {
    write(&mut std::io::stdout().lock(), line);
}

/// One line about what goes on, on stderr.
pub fn note(line: &str) {
    write(&mut std::io::stderr().lock(), line);
}

fn write(out: &mut impl Write, line: &str) {
    // nobody reads any more: the work goes on
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// Text out of files and answers of servers as a terminal may show it: characters that steer a terminal, or turn the
/// direction of writing, are replaced.
pub fn harmless(text: &str) -> String {
    text.chars()
        .map(|letter| if steers(letter) { '\u{fffd}' } else { letter })
        .collect()
}

fn steers(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// `1234567` as `1.2 MB`.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    let mut value = count as f64;
    let mut unit = "bytes";
    for larger in UNITS {
        if value < 1000.0 {
            break;
        }
        value /= 1000.0;
        unit = larger;
    }
    if unit == "bytes" {
        format!("{count} bytes")
    } else {
        format!("{value:.1} {unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_replaced() {
        for (text, shown) in [
            ("B04 é 雲", "B04 é 雲"),
            ("a\x1b[2Jb\x07", "a\u{fffd}[2Jb\u{fffd}"),
            ("a\r\nb\tc", "a\u{fffd}\u{fffd}b\u{fffd}c"),
            ("\u{9b}1m", "\u{fffd}1m"),
            ("fit\u{202e}gpj", "fit\u{fffd}gpj"),
        ] {
            assert_eq!(harmless(text), shown, "{text:?}");
        }
    }

    #[test]
    fn bytes_are_written_for_people() {
        for (count, text) in [
            (0, "0 bytes"),
            (999, "999 bytes"),
            (1000, "1.0 kB"),
            (1_234_567, "1.2 MB"),
            (u64::MAX, "18446744.1 TB"),
        ] {
            assert_eq!(bytes(count), text);
        }
    }
}
