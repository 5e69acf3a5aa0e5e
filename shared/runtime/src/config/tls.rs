//! The server's certificate.

use std::path::PathBuf;

use clap::Args;

/// Flags of TLS.
#[derive(Debug, Clone, Args)]
#[group(skip)]
#[command(rename_all = "camelCase")]
pub struct TlsFlags {
    /// Serve TLS
    #[arg(long)]
    pub tls: bool,
    /// Certificate chain used with --tls, PEM
    #[arg(long, default_value = "/tls/tls.crt", value_name = "FILE")]
    pub tls_cert: PathBuf,
    /// Private key used with --tls, PEM
    #[arg(long, default_value = "/tls/tls.key", value_name = "FILE")]
    pub tls_key: PathBuf,
}
