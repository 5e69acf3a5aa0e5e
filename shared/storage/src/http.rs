//! Calls that the client libraries do not make.

use std::time::Duration;

use reqwest::{Client, redirect::Policy};

/// Time for one call; each moves names and numbers, not content.
pub(crate) const CALL_LIMIT: Duration = Duration::from_mins(1);
/// Time for a connection to a store.
pub(crate) const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// A client that follows nobody: whoever is redirected to would see the credentials.
pub(crate) fn client() -> reqwest::Result<Client> {
    Client::builder()
        .timeout(CALL_LIMIT)
        .connect_timeout(CONNECT_LIMIT)
        .redirect(Policy::none())
        .build()
}

/// Makes sure that TLS has its cryptography; a program that wants another one installs it first.
pub(crate) fn ensure_provider() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // fails only when another thread was faster, which is as good
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}
