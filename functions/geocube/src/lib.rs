//! `geocube`: one command for people.
//!
//! `geocube up` starts the whole system on this machine, `geocube migrate` brings a database to the present schema,
//! `geocube pubsub-setup` creates what the services need on Pub/Sub, `geocube demo` shows the main job as a client,
//! `geocube inspect` says how an image file is made.
//!
//! The servers are programs of their own, started beside this one; nothing of theirs is linked here.

mod cli;
mod demo;
mod inspect;
mod migrate;
mod pubsub_setup;
mod screen;
mod up;

pub use cli::main;
