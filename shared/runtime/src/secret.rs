//! Secrets of Google Secret Manager: their names, as flags give them, and their values.

#[cfg(feature = "secret-manager")]
mod error;
#[cfg(feature = "secret-manager")]
mod fetch;
#[cfg(feature = "secret-manager")]
mod manager;
mod name;
#[cfg(feature = "secret-manager")]
mod reload;

#[cfg(feature = "secret-manager")]
pub use error::SecretError;
#[cfg(feature = "secret-manager")]
pub use fetch::{login, tokens};
#[cfg(feature = "secret-manager")]
pub use manager::SecretManager;
pub use name::SecretName;
#[cfg(feature = "secret-manager")]
pub use reload::reload_tokens;

use secrecy::SecretString;

/// A secret that was fetched.
#[derive(Debug, Clone)]
pub struct Secret {
    /// Which one, for whoever must say what is wrong with its value.
    pub name: SecretName,
    /// What it holds.
    pub value: SecretString,
}
