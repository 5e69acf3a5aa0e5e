//! The function, called with events as Lambda hands them over.

#![expect(clippy::unwrap_used, reason = "a failing helper fails its test")]

mod events;
mod harness;
mod job;
mod program;
