//! The wire contract, the code generated from it and the services, seen from outside.

#![expect(clippy::unwrap_used, reason = "a failing helper fails its test")]

mod admin;
mod adoption;
mod bounds;
mod catalogue;
mod client_texts;
mod contract;
mod cube;
mod harness;
mod hostile;
mod loopback;
mod oidc;
mod outages;
mod pool;
mod races;
mod tile;
