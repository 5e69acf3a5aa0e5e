//! What every binary needs around its work: the command line and its environment, groups of flags that binaries share,
//! secrets, logs, and an orderly stop.
//!
//! This crate knows nothing of catalogues, images or queues: it hands over parsed values and lets the binaries decide.
//!
//! ```
//! use clap::Parser;
//! use runtime::Environment;
//!
//! #[derive(Parser)]
//! #[command(rename_all = "camelCase")]
//! struct Config {
//!     /// Listening port
//!     #[arg(long, default_value = "8080")]
//!     port: u16,
//!     /// Serve TLS
//!     #[arg(long)]
//!     tls: bool,
//! }
//!
//! let environment = Environment::from_iter([("GEOCUBE_PORT", "9000")]);
//! let parsed = runtime::parse::<Config>(["program", "-tls"], &environment).unwrap();
//! assert!(parsed.flags.tls);
//! assert_eq!(parsed.flags.port, 9000);
//! ```

mod argv;
pub mod config;
mod environment;
mod error;
pub mod secret;
pub mod shutdown;
mod start;
pub mod telemetry;
pub mod value;

pub use argv::{Exit, Parsed, parse};
pub use environment::Environment;
pub use error::ConfigError;
pub use secrecy::{ExposeSecret, SecretString};
pub use start::{parse_or_exit, start};
