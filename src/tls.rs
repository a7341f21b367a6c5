//! TLS for the crates that bring none of their own: whom to trust, and a relay that wraps a plain client's connection.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;

/// Makes ring the process's TLS provider. Call it before any TLS or HTTP client is built; calling it again is harmless.
pub fn install_provider() {
    let _already_installed = rustls::crypto::ring::default_provider().install_default();
}

/// Trust in the certificates of a PEM file or, without one, in the system's roots.
///
/// # Errors
/// One sentence for the user when there is nothing to trust.
pub fn trusting(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, String> {
    install_provider();
    let mut roots = RootCertStore::empty();
    match ca_file {
        Some(path) => {
            let certificates = CertificateDer::pem_file_iter(path)
                .and_then(Iterator::collect::<Result<Vec<_>, _>>)
                .map_err(|error| format!("mqtt.ca_file {}: {error}", path.display()))?;
            roots.add_parsable_certificates(certificates);
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if roots.is_empty() {
        return Err("no certificate to trust was found; set mqtt.ca_file to the one that signs the broker's".to_owned());
    }
    Ok(Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth()))
}

/// A loopback port that takes exactly one connection and joins it to `remote`.
///
/// rumqttc opens its own sockets and speaks no TLS that is free of advisories, so its plain connection goes through here. The remote side is open before the port is, so that its errors are known exactly.
pub struct Relay<S> {
    listener: TcpListener,
    remote: S,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Relay<S> {
    /// Binds the port.
    ///
    /// # Errors
    /// When the loopback interface has no port to give.
    pub async fn bind(remote: S) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        Ok(Self { listener, remote })
    }

    /// Where the plain client is to connect to.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Carries bytes until both sides have closed.
    ///
    /// # Errors
    /// When either side breaks.
    pub async fn run(mut self) -> io::Result<()> {
        let (mut plain, _peer) = self.listener.accept().await?;
        drop(self.listener);
        plain.set_nodelay(true)?;
        tokio::io::copy_bidirectional(&mut plain, &mut self.remote).await?;
        Ok(())
    }
}
