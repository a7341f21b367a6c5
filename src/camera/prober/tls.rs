//! TLS to cameras.
//!
//! In: a [`Place`]. Out: a TLS connection to it. Invariant: it is there by the deadline, or what went wrong is told exactly.
//!
//! Any certificate is accepted: cameras sign their own, most users cannot replace them, and a camera whose certificate
//! has run out still shows its picture. So this protects against listening in, not against somebody who sits in
//! between; that is why these settings are for cameras only and never leave this module.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{AlertDescription, ClientConfig, DigitallySignedStruct, SignatureScheme, crypto};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::place::Place;
use crate::camera::{Failure, Reason};
use crate::tls;

/// For the TCP connection: the rest of the time belongs to the camera.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// TLS as cameras do it.
pub(super) fn connector() -> TlsConnector {
    tls::install_provider();
    let config = ClientConfig::builder()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate))
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

/// A TLS connection to a camera; `scheme` is what the user wrote in the address.
pub(super) async fn handshake(
    tls: &TlsConnector,
    place: &Place,
    scheme: &str,
    deadline: Instant,
) -> Result<TlsStream<TcpStream>, Failure> {
    let name = ServerName::try_from(place.host().to_owned())
        .map_err(|_| Failure::new(Reason::Dns, format!("{} is not a host name: check it", place.host())))?;
    let plain = place.connect(deadline.saturating_duration_since(Instant::now()).min(CONNECT_LIMIT)).await?;
    match timeout_at(deadline, tls.connect(name, plain)).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(tls_failure(place, scheme, &error)),
        Err(_) => Err(Failure::new(
            Reason::Timeout,
            format!(
                "{place} accepts connections but starts no TLS: check the port, or use {}:// in place of {scheme}://",
                without_tls(scheme)
            ),
        )),
    }
}

/// The failure of a handshake, the same for every scheme. rustls's own text is in the debug log only: it says what a peer did, not what it is.
fn tls_failure(place: &Place, scheme: &str, error: &io::Error) -> Failure {
    tracing::debug!(%place, %error, "The TLS handshake failed");
    let plain = without_tls(scheme);
    let what = match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(
            rustls::Error::AlertReceived(
                AlertDescription::HandshakeFailure
                | AlertDescription::ProtocolVersion
                | AlertDescription::InsufficientSecurity,
            )
            | rustls::Error::PeerIncompatible(_),
        ) => format!(
            "the camera's TLS is too old, or offers no cipher that is still safe: update the camera's software, or use {plain}:// in place \
             of {scheme}://"
        ),
        Some(rustls::Error::InvalidMessage(_)) => {
            format!("it speaks no TLS at this port: check the port, or use {plain}:// in place of {scheme}://")
        }
        _ if error.kind() == io::ErrorKind::UnexpectedEof => format!(
            "it closes the connection: the port is another, or the camera's TLS is too old; update the camera's software, or use \
             {plain}:// in place of {scheme}://"
        ),
        _ => format!("{error}: check the port, or use {plain}:// in place of {scheme}://"),
    };
    Failure::new(Reason::Tls, format!("No TLS connection to {place}: {what}"))
}

fn without_tls(scheme: &str) -> &'static str {
    if scheme == "https" { "http" } else { "rtsp" }
}

/// Accepts every certificate; see the module.
///
/// Signatures are not checked either: with a certificate that anybody can make they prove nothing, and the X.509 v1
/// certificates of old cameras cannot be parsed for their key.
#[derive(Debug)]
struct AnyCertificate;

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        crypto::ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}
