//! The one place that says which cryptography TLS uses.

/// Makes ring the provider of all TLS in this process. May be called any number of times.
///
/// reqwest panics without a provider, also when a client is built that only speaks plain HTTP: call this before building one.
pub fn install_provider() {
    // The error says that a provider is installed already, which is what we want.
    let _already_installed = rustls::crypto::ring::default_provider().install_default();
}
