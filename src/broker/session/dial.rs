//! Finding the way to a broker: name, address, TLS. What fails here is told apart exactly.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;

use super::error::SessionError;
use crate::dial::{self, DialError};
use crate::options::BrokerOptions;
use crate::tls::{self, Relay};

/// Where rumqttc is to connect to.
pub(super) struct Route {
    pub(super) host: String,
    pub(super) port: u16,
    /// The relay to a broker that speaks TLS; empty otherwise. Dropping it ends the connection.
    pub(super) relay: JoinSet<io::Result<()>>,
}

/// Resolves the broker's name and finds an address that answers.
pub(super) async fn dial(
    broker: &BrokerOptions,
    ca_file: Option<&Path>,
    patience: Duration,
) -> Result<Route, SessionError> {
    let addresses = resolve(broker, patience).await?;
    if broker.tls {
        return dial_tls(broker, ca_file, &addresses, patience).await;
    }
    // rumqttc opens the connection itself. Only of several addresses the answering one is looked for: it would try
    // them one after the other within one time limit, so that a dead first address hides a working second.
    let address = match addresses[..] {
        [only] => only,
        _ => connect(broker, &addresses, patience).await?.peer_addr().map_err(SessionError::Io)?,
    };
    Ok(Route { host: bracketed(address), port: address.port(), relay: JoinSet::new() })
}

/// Opens the broker's port.
pub(super) async fn open(broker: &BrokerOptions, patience: Duration) -> Result<TcpStream, SessionError> {
    let addresses = resolve(broker, patience).await?;
    connect(broker, &addresses, patience).await
}

async fn dial_tls(
    broker: &BrokerOptions,
    ca_file: Option<&Path>,
    addresses: &[SocketAddr],
    patience: Duration,
) -> Result<Route, SessionError> {
    let failed = |problem: String| SessionError::Tls { address: name(broker), problem };
    let trust = tls::trusting(ca_file).map_err(failed)?;
    let server = ServerName::try_from(broker.host.clone()).map_err(|error| failed(error.to_string()))?;
    let tcp = connect(broker, addresses, patience).await?;
    let remote = timeout(patience, TlsConnector::from(trust).connect(server, tcp))
        .await
        .map_err(|_elapsed| failed("the handshake got no answer; does this port speak TLS?".to_owned()))?
        .map_err(|error| failed(handshake_problem(&error)))?;
    let relay = Relay::bind(remote).await.map_err(|error| failed(error.to_string()))?;
    let address = relay.address().map_err(|error| failed(error.to_string()))?;
    let mut task = JoinSet::new();
    task.spawn(relay.run());
    Ok(Route { host: bracketed(address), port: address.port(), relay: task })
}

/// What the user has to look at. rustls names a wrong host and an expired certificate well enough by itself.
fn handshake_problem(error: &io::Error) -> String {
    use rustls::{CertificateError, Error};
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        // The second: somebody of the same name, but with another key.
        Some(Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature)) => {
            "nobody that is trusted signed the broker's certificate; set mqtt.ca_file to the certificate that did"
                .to_owned()
        }
        Some(Error::InvalidMessage(_)) => "the answer is not TLS; does this port speak TLS?".to_owned(),
        None => format!("the broker broke off the handshake ({error}); does this port speak TLS?"),
        Some(error) => error.to_string(),
    }
}

async fn resolve(broker: &BrokerOptions, patience: Duration) -> Result<Vec<SocketAddr>, SessionError> {
    let host = broker.host.trim_start_matches('[').trim_end_matches(']');
    dial::resolve(host, broker.port, Instant::now() + patience).await.map_err(|error| failed(broker, error))
}

async fn connect(
    broker: &BrokerOptions,
    addresses: &[SocketAddr],
    patience: Duration,
) -> Result<TcpStream, SessionError> {
    dial::connect(addresses, Instant::now() + patience).await.map_err(|error| failed(broker, error))
}

fn failed(broker: &BrokerOptions, error: DialError) -> SessionError {
    match error {
        DialError::Dns(source) => SessionError::Dns { host: broker.host.clone(), source },
        DialError::Connect(source) => SessionError::Connect { address: name(broker), source },
        DialError::Timeout => SessionError::Timeout { address: name(broker) },
    }
}

/// Lets the relay carry the last bytes to the broker: without them it would speak our will.
pub(super) async fn hang_up(mut relay: JoinSet<io::Result<()>>, patience: Duration) {
    let _cut_when_it_takes_too_long = timeout(patience, relay.join_next()).await;
}

/// `host:port`, for people.
pub(super) fn name(broker: &BrokerOptions) -> String {
    match broker.host.contains(':') {
        true => format!("[{}]:{}", broker.host, broker.port),
        false => format!("{}:{}", broker.host, broker.port),
    }
}

/// rumqttc joins host and port with a colon, so an IPv6 address needs its brackets.
fn bracketed(address: SocketAddr) -> String {
    match address {
        SocketAddr::V4(v4) => v4.ip().to_string(),
        SocketAddr::V6(v6) => format!("[{}]", v6.ip()),
    }
}
