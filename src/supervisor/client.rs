//! Asks the Supervisor over HTTP, with the token of this start of the app.

use std::error::Error as _;
use std::fmt;
use std::io::ErrorKind;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use url::Url;

use super::{MqttService, SelfInfo, SupervisorError, SystemInfo, answer};

/// More than any answer that is asked for here; it bounds what a wrong address can make us hold.
const MAX_BODY: usize = 1024 * 1024;

/// How long the Supervisor may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For the connection.
    pub connect: Duration,
    /// From the start to the end of the answer.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), total: Duration::from_secs(10) }
    }
}

/// Why no client could be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The address cannot be asked.
    #[error("the Supervisor's address must be an http URL with a host, such as http://supervisor")]
    Address,
    /// The token cannot be sent.
    #[error("the Supervisor's token holds characters that cannot be sent; it should be letters and digits")]
    Token,
    /// The HTTP client could not be set up.
    #[error("the HTTP client could not be set up")]
    Http(#[from] reqwest::Error),
}

/// Asks the Supervisor. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    authorization: HeaderValue,
    timeouts: Timeouts,
}

impl Client {
    /// A client for the Supervisor at `base`.
    ///
    /// # Errors
    /// [`ClientError`] when the address or the token cannot be used.
    pub fn new(base: &Url, token: &SecretString) -> Result<Self, ClientError> {
        Self::with_timeouts(base, token, Timeouts::default())
    }

    /// As [`Client::new`], with other timeouts.
    ///
    /// # Errors
    /// [`ClientError`] when the address or the token cannot be used.
    pub fn with_timeouts(base: &Url, token: &SecretString, timeouts: Timeouts) -> Result<Self, ClientError> {
        if base.scheme() != "http" || !base.has_host() {
            return Err(ClientError::Address);
        }
        let bearer = format!("Bearer {}", token.expose_secret().trim());
        let mut authorization = HeaderValue::from_str(&bearer).map_err(|_| ClientError::Token)?;
        authorization.set_sensitive(true);
        crate::tls::install_provider();
        let http = reqwest::Client::builder()
            // The Supervisor speaks plain HTTP. Without this, building fails where the system has no certificates.
            .tls_certs_only([])
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(timeouts.connect)
            .timeout(timeouts.total)
            // Questions are minutes apart and the Supervisor restarts at will: a kept connection is a broken one.
            .pool_max_idle_per_host(0)
            .build()?;
        let mut base = base.clone();
        let path = format!("{}/", base.path().trim_end_matches('/'));
        base.set_path(&path);
        Ok(Self { http, base, authorization, timeouts })
    }

    /// The broker that registered with the Supervisor.
    ///
    /// # Errors
    /// [`SupervisorError`], also [`SupervisorError::ServiceNotEnabled`] when there is none.
    pub async fn mqtt_service(&self) -> Result<MqttService, SupervisorError> {
        MqttService::from_data(&self.get("services/mqtt").await?)
    }

    /// What the Supervisor knows about this app.
    ///
    /// # Errors
    /// [`SupervisorError`].
    pub async fn self_info(&self) -> Result<SelfInfo, SupervisorError> {
        SelfInfo::from_data(&self.get("addons/self/info").await?)
    }

    /// What the Supervisor knows about the system: versions and time zone.
    ///
    /// # Errors
    /// [`SupervisorError`].
    pub async fn info(&self) -> Result<SystemInfo, SupervisorError> {
        Ok(SystemInfo::from_data(&self.get("info").await?))
    }

    /// Whether the Supervisor is ready. It needs no token, and so proves none.
    ///
    /// # Errors
    /// [`SupervisorError`].
    pub async fn ping(&self) -> Result<(), SupervisorError> {
        self.get("supervisor/ping").await.map(drop)
    }

    async fn get(&self, path: &str) -> Result<Map<String, Value>, SupervisorError> {
        let url = self.base.join(path).expect("the paths of this file are relative URLs");
        let request = self.http.get(url).header(AUTHORIZATION, self.authorization.clone());
        let mut response = request.send().await.map_err(|error| self.understood(&error))?;
        let status = response.status().as_u16();
        let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or_default().to_owned();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.understood(&error))? {
            if body.len() + chunk.len() > MAX_BODY {
                return Err(SupervisorError::Malformed { what: "it is longer than 1 MiB" });
            }
            body.extend_from_slice(&chunk);
        }
        answer::data(status, &content_type, &body)
    }

    fn understood(&self, error: &reqwest::Error) -> SupervisorError {
        if error.is_timeout() {
            let after = if error.is_connect() { self.timeouts.connect } else { self.timeouts.total };
            return SupervisorError::Timeout { after };
        }
        match connection_fault(error) {
            Some(what) => SupervisorError::Unreachable { what },
            None if error.is_connect() => SupervisorError::Unreachable { what: "the connection failed" },
            None => SupervisorError::CutOff,
        }
    }
}

/// Without the token.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base", &self.base.as_str())
            .field("timeouts", &self.timeouts)
            .finish_non_exhaustive()
    }
}

/// What the system said about the connection, from the chain of causes.
fn connection_fault(error: &reqwest::Error) -> Option<&'static str> {
    // The resolver's error has no kind of its own.
    if error.is_connect() && causes(error).any(|cause| cause.to_string().contains("dns error")) {
        return Some("its name does not resolve");
    }
    let kind = causes(error).find_map(|cause| cause.downcast_ref::<std::io::Error>())?.kind();
    match kind {
        ErrorKind::ConnectionRefused => Some("the connection was refused"),
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => {
            Some("the connection was reset")
        }
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown => {
            Some("there is no route to it")
        }
        _ => None,
    }
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(error.source(), |cause: &&(dyn std::error::Error + 'static)| (*cause).source())
}
