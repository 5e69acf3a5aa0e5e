//! The program, on a loopback port.

#![expect(clippy::unwrap_used, reason = "a failing helper fails its test")]

mod harness;
mod port;
mod requests;
mod samples;
