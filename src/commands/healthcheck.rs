//! `camera-herald healthcheck`: asks the running service, for Docker's HEALTHCHECK.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use super::CommandError;
use super::blocking::block_on;
use crate::options::Environment;

const PATIENCE: Duration = Duration::from_secs(3);

pub(super) fn command(environment: &Environment) -> Result<ExitCode, CommandError> {
    block_on(ask(local(environment.ingress_listen)))??;
    Ok(ExitCode::SUCCESS)
}

async fn ask(address: SocketAddr) -> Result<(), CommandError> {
    let unhealthy = |error: reqwest::Error| CommandError::Unhealthy(format!("the service does not answer: {error}"));
    let client =
        reqwest::Client::builder().tls_certs_only([]).no_proxy().timeout(PATIENCE).build().map_err(unhealthy)?;
    let answer = client.get(format!("http://{address}/healthz")).send().await.map_err(unhealthy)?;
    match answer.status() {
        status if status.is_success() => Ok(()),
        status => Err(CommandError::Unhealthy(format!("the service answers {status}"))),
    }
}

/// A service that listens everywhere is asked on the loopback interface.
fn local(listen: SocketAddr) -> SocketAddr {
    match listen {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => (Ipv4Addr::LOCALHOST, v4.port()).into(),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => (Ipv6Addr::LOCALHOST, v6.port()).into(),
        other => other,
    }
}
