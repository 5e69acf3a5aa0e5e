//! The consolidater, called in process.

#![expect(clippy::unwrap_used, reason = "a failing helper fails its test")]

mod harness;
mod push;
