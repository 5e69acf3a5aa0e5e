//! What a job tells its user.

use super::JobState;
use crate::Instant;
use chrono::SecondsFormat;
use std::fmt;

/// Weight of a log entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Severity {
    /// Details.
    Debug,
    /// Progress.
    Info,
    /// Something to look at.
    Warn,
    /// A failure.
    Error,
}

impl Severity {
    /// Every severity, the lightest first.
    pub const ALL: [Self; 4] = [Self::Debug, Self::Info, Self::Warn, Self::Error];

    /// Name, as stored and as clients see it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
        }
    }

    /// Reads a stored name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One line of the log of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// When.
    pub time: Instant,
    /// Weight.
    pub severity: Severity,
    /// State of the job at that moment.
    pub state: JobState,
    /// Text.
    pub message: String,
}

impl LogEntry {
    /// An entry.
    pub fn new(
        time: Instant,
        severity: Severity,
        state: JobState,
        message: impl Into<String>,
    ) -> Self {
        Self {
            time,
            severity,
            state,
            message: message.into(),
        }
    }
}

impl fmt::Display for LogEntry {
    /// `<RFC 3339 time with fraction> - <SEVERITY> | Status: <STATE> - Message: <text>`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.time.utc().to_rfc3339_opts(SecondsFormat::Micros, true);
        let (severity, state, message) = (self.severity, self.state, &self.message);
        write!(
            f,
            "{time} - {severity} | Status: {state} - Message: {message}"
        )
    }
}

/// A page of the log, counted from the newest entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogPage {
    page: u64,
    limit: u64,
}

impl LogPage {
    /// A page of `limit` entries, numbered from 0; a limit of 0 means no log.
    ///
    /// Page and limit are cut so that [`Self::offset`] and [`Self::limit`] fit 63 bits.
    pub fn new(page: u64, limit: u64) -> Self {
        let limit = limit.min(i64::MAX as u64);
        Self {
            page: page.min(i64::MAX as u64 / limit.max(1)),
            limit,
        }
    }

    /// Largest number of entries of the page.
    pub fn limit(self) -> u64 {
        self.limit
    }

    /// Number of newer entries to skip.
    pub fn offset(self) -> u64 {
        self.page * self.limit
    }

    /// Lines of the page: `entries` in chronological order, between remarks on the older and the
    /// newer ones left out of `total`. Nothing at all when no entry is on the page.
    pub fn lines(self, entries: &[LogEntry], total: u64) -> Vec<String> {
        if entries.is_empty() {
            return Vec::new();
        }
        let rest = total.saturating_sub(entries.len() as u64);
        let newer = self.offset().min(rest);
        let older = rest - newer;
        let mut lines = Vec::with_capacity(entries.len() + 2);
        if older > 0 {
            lines.push(more(older));
        }
        lines.extend(entries.iter().map(ToString::to_string));
        if newer > 0 {
            lines.push(more(newer));
        }
        lines
    }
}

/// Lines of a job in a list of jobs: a fixed remark, then the last `entries` (at most 10) in
/// chronological order.
pub fn list_job_lines(entries: &[LogEntry]) -> Vec<String> {
    let newest = &entries[entries.len().saturating_sub(10)..];
    std::iter::once("[... may be more]".to_owned())
        .chain(newest.iter().map(ToString::to_string))
        .collect()
}

fn more(count: u64) -> String {
    format!("[... {count} more]")
}

#[cfg(test)]
mod tests {
    use super::{LogEntry, LogPage, Severity, list_job_lines};
    use crate::{Instant, job::JobState};

    fn entries(range: std::ops::Range<i64>) -> Vec<LogEntry> {
        range
            .map(|second| {
                let time = Instant::from_timestamp(second, 0).unwrap();
                LogEntry::new(time, Severity::Info, JobState::New, second.to_string())
            })
            .collect()
    }

    #[test]
    fn a_line_holds_time_severity_state_and_text() {
        let time = Instant::from_timestamp(1_577_836_800, 123_000).unwrap();
        let entry = LogEntry::new(time, Severity::Warn, JobState::DoneButUntidy, "a b");
        assert_eq!(
            entry.to_string(),
            "2020-01-01T00:00:00.000123Z - WARN | Status: DONEBUTUNTIDY - Message: a b"
        );
        assert!(
            entries(0..1)[0]
                .to_string()
                .starts_with("1970-01-01T00:00:00.000000Z - INFO")
        );
    }

    #[test]
    fn pages_say_how_many_entries_are_left_out() {
        for (page, range, count, first, last) in [
            (0, 15..25, 11, "[... 15 more]", "24"),
            (1, 5..15, 12, "[... 5 more]", "[... 10 more]"),
            (2, 0..5, 6, "0", "[... 20 more]"),
        ] {
            let lines = LogPage::new(page, 10).lines(&entries(range), 25);
            assert_eq!(lines.len(), count);
            assert!(lines[0].ends_with(first), "{lines:?}");
            assert!(lines[count - 1].ends_with(last), "{lines:?}");
        }
    }

    #[test]
    fn pages_beyond_the_log_are_empty_and_huge_ones_harmless() {
        assert!(LogPage::new(3, 10).lines(&[], 25).is_empty());
        for (page, limit) in [
            (u64::MAX, u64::MAX),
            (u64::MAX, 7),
            (u64::MAX, 0),
            (2, u64::MAX),
        ] {
            let huge = LogPage::new(page, limit);
            assert!(i64::try_from(huge.offset()).is_ok() && i64::try_from(huge.limit()).is_ok());
            assert_eq!(huge.lines(&entries(0..1), 1).len(), 1);
        }
    }

    #[test]
    fn lists_show_ten_entries_behind_a_fixed_line() {
        let lines = list_job_lines(&entries(0..12));
        assert_eq!(lines.len(), 11);
        assert_eq!(lines[0], "[... may be more]");
        assert!(lines[1].ends_with("Message: 2"));
        assert_eq!(list_job_lines(&[]).len(), 1);
    }
}
