//! How the connections to the database are shared.

use database::LEAST_CONNECTIONS;
use runtime::ConfigError;

/// Most connections that the embedded queue makes use of, besides the one that listens.
const MOST_OF_QUEUE: u32 = 5;

/// Shares of all the connections that a process ever opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connections {
    /// Those of the catalogue.
    pub catalogue: u32,
    /// Those of the embedded queue, besides the one that listens; 0 without it.
    pub queue: u32,
}

impl Connections {
    /// Shares `all` connections: a fifth for the embedded queue, where there is one.
    ///
    /// # Errors
    /// When they are too few; the flag and the least number are named.
    pub fn share(all: u32, embedded_queue: bool) -> Result<Self, ConfigError> {
        let too_few = |expected| ConfigError::Invalid {
            flag: "--dbMaxConnections",
            expected,
        };
        if !embedded_queue {
            if all < LEAST_CONNECTIONS {
                return Err(too_few("at least 2: one to read and one to store"));
            }
            return Ok(Self {
                catalogue: all,
                queue: 0,
            });
        }
        let Some(shared) = all.checked_sub(1).filter(|rest| *rest > LEAST_CONNECTIONS) else {
            return Err(too_few(
                "at least 4: one to read, one to store, and two of the embedded queue",
            ));
        };
        let queue = (all / 5).clamp(1, MOST_OF_QUEUE);
        Ok(Self {
            catalogue: shared - queue,
            queue,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Connections;

    #[test]
    fn nothing_is_opened_beyond_the_number() {
        for (all, embedded, shares) in [
            (2, false, (2, 0)),
            (20, false, (20, 0)),
            (4, true, (2, 1)),
            (5, true, (3, 1)),
            (10, true, (7, 2)),
            (20, true, (15, 4)),
            (100, true, (94, 5)),
        ] {
            let Connections { catalogue, queue } = Connections::share(all, embedded).unwrap();
            assert_eq!((catalogue, queue), shares, "{all} {embedded}");
            assert_eq!(catalogue + queue + u32::from(embedded), all);
        }
    }

    #[test]
    fn too_few_are_refused_with_the_least_number() {
        for (all, embedded, least) in [(1, false, 2), (1, true, 4), (3, true, 4)] {
            let error = Connections::share(all, embedded).unwrap_err().to_string();
            let text = format!("invalid --dbMaxConnections: expected at least {least}: ");
            assert!(error.starts_with(&text), "{error}");
        }
    }
}
