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
