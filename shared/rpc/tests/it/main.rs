//! The wire contract and the code generated from it, seen from outside.

#![expect(clippy::unwrap_used, reason = "a failing helper fails its test")]

mod contract;
mod loopback;
