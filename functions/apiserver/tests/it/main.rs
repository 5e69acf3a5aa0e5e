//! The API server, called in process and on a loopback port.

#![expect(clippy::unwrap_used, reason = "a failing helper fails its test")]

mod access;
mod catalog;
mod harness;
mod matrix;
mod port;
mod push;
mod start;
mod tls;
