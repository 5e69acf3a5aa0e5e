//! The queries on a real server, one database per test.

#![expect(clippy::unwrap_used, reason = "a failed fixture is a failed test")]

mod aoi;
mod concurrency;
mod container;
mod fixtures;
mod grid;
mod job;
mod layout;
mod lease;
mod leftover;
mod lock;
mod migrate;
mod outbox;
mod plans;
mod pool;
mod record;
mod search;
mod variable;

/// A database for the test, or an early return when there is no server.
macro_rules! database {
    () => {
        match database::testing::TestDatabase::create().await {
            Some(database) => database,
            None => return,
        }
    };
}
pub(crate) use database;
