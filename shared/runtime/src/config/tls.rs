//! The server's certificate.

use std::path::{Path, PathBuf};

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

impl TlsFlags {
    /// Certificate and key, `None` without TLS, which a server for one machine (`local`) never has.
    pub fn certificate(&self, local: bool) -> Option<(&Path, &Path)> {
        (self.tls && !local).then_some((self.tls_cert.as_path(), self.tls_key.as_path()))
    }
}
