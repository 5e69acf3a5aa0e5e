/// Makes sure that TLS has its cryptography; a program that wants another one installs it first.
pub(crate) fn ensure_provider() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // fails only when another thread was faster, which is as good
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}
