//! TLS for the whole program: one implementation, chosen once.
//!
//! Invariant: whoever builds a TLS or HTTP client calls [`install_provider`] first; without it reqwest panics, even for
//! a client that only speaks plain HTTP.

/// Makes ring the cryptography of every TLS connection. Does nothing when that is done already.
pub fn install_provider() {
    // The only error is "already installed", which is what we want.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
