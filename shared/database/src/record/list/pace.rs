//! How many records one statement of a list asks for.

use crate::piecewise::PIECE;
use std::time::Duration;

/// Records of the first statement, so that the first piece comes soon.
const FIRST: u64 = 10 * PIECE;

/// Most records of a statement.
const MOST: u64 = 100 * PIECE;

/// Fewest records that a statement is asked for again, after one for more took too long.
const LEAST: u64 = PIECE / 10;

/// How long a statement waits for its reader, holding its connection.
const PATIENCE: Duration = Duration::from_millis(100);

/// The size of statements, learned from those before: the bound on the time of a statement counts
/// the reader's time too, and must not end a list that goes well.
#[derive(Debug)]
pub(super) struct Pace {
    size: u64,
    /// Time that a statement may take; none without a bound.
    budget: Option<Duration>,
    in_step: bool,
    begun: bool,
}

/// What a statement took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taken {
    /// Records that it found.
    pub(super) found: u64,
    /// Until the first one.
    pub(super) first: Duration,
    /// Until the last one.
    pub(super) all: Duration,
}

impl Pace {
    /// The pace of a list whose statements may take `statement_timeout`, zero for no bound.
    pub(super) fn new(statement_timeout: Duration) -> Self {
        Self {
            size: FIRST,
            budget: (!statement_timeout.is_zero()).then(|| statement_timeout / 2),
            in_step: true,
            begun: false,
        }
    }

    /// Records to ask for.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// How long a statement waits for its reader.
    pub(super) fn patience(&self) -> Duration {
        self.budget
            .map_or(PATIENCE, |budget| PATIENCE.min(budget / 4))
    }

    /// Whether the reader is as fast as the statements.
    pub(super) fn is_in_step(&self) -> bool {
        self.in_step
    }

    /// The reader has fallen behind.
    pub(super) fn fall_behind(&mut self) {
        self.in_step = false;
    }

    /// Whether a statement has run for so long that the rest is better left to another one.
    pub(super) fn is_spent(&self, elapsed: Duration) -> bool {
        self.budget.is_some_and(|budget| elapsed >= budget)
    }

    /// Sizes the next statement so that it ends in time, if its records take as long as those of one
    /// that found some.
    pub(super) fn learn(&mut self, taken: Taken) {
        let Some(budget) = self.budget else {
            self.size = MOST;
            return;
        };
        let spare = budget.saturating_sub(taken.first).as_secs_f64();
        let each = taken.all.saturating_sub(taken.first).as_secs_f64() / taken.found.max(1) as f64;
        // what is too much for an integer is the largest one
        self.size = ((spare / each).round() as u64).clamp(PIECE, MOST);
    }

    /// A record was found.
    pub(super) fn begin(&mut self) {
        self.begun = true;
    }

    /// Asks for less after a statement that took too long; whether that may help, which it does not
    /// when even the first record takes too long.
    pub(super) fn slow_down(&mut self) -> bool {
        if !self.begun || self.size <= LEAST {
            return false;
        }
        self.size = (self.size / 10).max(LEAST);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::{FIRST, LEAST, MOST, Pace, Taken};
    use crate::piecewise::PIECE;
    use std::time::Duration;

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    /// The size after a statement of 10 000 records, under a bound of a minute.
    fn learned(first: f64, all: f64) -> u64 {
        let mut pace = Pace::new(Duration::from_mins(1));
        assert_eq!(pace.size(), FIRST);
        pace.learn(Taken {
            found: FIRST,
            first: seconds(first),
            all: seconds(all),
        });
        pace.size()
    }

    #[test]
    fn a_statement_is_as_long_as_half_the_bound_allows() {
        for (first, all, size) in [
            (0.0, 0.0, MOST),
            (0.1, 0.2, MOST),
            (0.0, 6.0, 50_000),
            (10.0, 14.0, 50_000),
            (0.0, 30.0, 10_000),
            (0.0, 600.0, PIECE),
            (40.0, 41.0, PIECE),
        ] {
            assert_eq!(learned(first, all), size, "{first} {all}");
        }
    }

    #[test]
    fn statements_that_take_too_long_are_asked_for_less_until_nothing_helps() {
        let mut pace = Pace::new(seconds(0.2));
        assert!(!pace.slow_down());
        pace.begin();
        let sizes: Vec<u64> =
            std::iter::from_fn(|| pace.slow_down().then(|| pace.size())).collect();
        assert_eq!(sizes, [PIECE, LEAST]);
        assert!(pace.is_spent(seconds(0.1)) && !pace.is_spent(seconds(0.09)));
        assert_eq!(pace.patience(), seconds(0.025));
    }

    #[test]
    fn without_a_bound_nothing_is_ever_spent() {
        let mut pace = Pace::new(Duration::ZERO);
        assert!(!pace.is_spent(Duration::MAX));
        pace.learn(Taken {
            found: 1,
            first: seconds(1.0),
            all: seconds(1000.0),
        });
        assert_eq!(pace.size(), MOST);
    }
}
