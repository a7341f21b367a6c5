//! The MQTT service: the Supervisor's record of the broker that registered last. It says nothing about whether that runs.

use std::fmt;

use secrecy::SecretString;
use serde_json::{Map, Value};

use super::SupervisorError;
use crate::credentials::Credentials;
use crate::options::BrokerOptions;

/// The record of a broker.
#[derive(Clone)]
pub struct MqttService {
    /// `core-mosquitto`.
    pub host: String,
    /// 1883.
    pub port: u16,
    /// TLS from the first byte.
    pub ssl: bool,
    /// `3.1` or `3.1.1`: what the broker's app claims, not what it can do.
    pub protocol: Option<String>,
    /// Absent for a broker without accounts.
    pub username: Option<String>,
    /// Absent for a broker without accounts.
    pub password: Option<SecretString>,
    /// The app that registered it, `core_mosquitto`.
    pub provider: Option<String>,
}

impl MqttService {
    pub(super) fn from_data(data: &Map<String, Value>) -> Result<Self, SupervisorError> {
        let text = |name| data.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
        let host = text("host").ok_or(SupervisorError::Malformed { what: "the MQTT service has no host" })?;
        let port = data
            .get("port")
            .and_then(port)
            .ok_or(SupervisorError::Malformed { what: "the MQTT service has no port" })?;
        Ok(Self {
            host,
            port,
            ssl: data.get("ssl").and_then(Value::as_bool).unwrap_or(false),
            protocol: text("protocol"),
            username: text("username"),
            password: text("password").map(SecretString::from),
            // The second version of the API says `app`.
            provider: text("addon").or_else(|| text("app")),
        })
    }
}

fn port(value: &Value) -> Option<u16> {
    let port = match value {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_u64().and_then(|port| u16::try_from(port).ok()),
    };
    port.filter(|port| *port != 0)
}

impl From<MqttService> for BrokerOptions {
    fn from(service: MqttService) -> Self {
        let MqttService { host, port, ssl: tls, username, password, .. } = service;
        let credentials = username.map(|username| Credentials { username, password: password.unwrap_or_default() });
        Self { host, port, credentials, tls }
    }
}

/// Without the password.
impl fmt::Debug for MqttService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MqttService")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("ssl", &self.ssl)
            .field("username", &self.username)
            .field("provider", &self.provider)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::supervisor::SupervisorKind;

    fn read(data: Value) -> Result<MqttService, SupervisorError> {
        MqttService::from_data(data.as_object().expect("an object"))
    }

    #[test]
    fn the_port_may_be_text_and_the_provider_may_be_called_app() {
        let service = read(json!({"host": "b", "port": "1884", "app": "core_mosquitto"})).expect("a service");
        assert_eq!((service.port, service.provider.as_deref()), (1884, Some("core_mosquitto")));
    }

    #[test]
    fn an_empty_user_name_is_none() {
        let service = read(json!({"host": "b", "port": 1883, "username": "", "password": ""})).expect("a service");
        assert_eq!(BrokerOptions::from(service).credentials, None);
    }

    #[test]
    fn without_host_or_port_there_is_no_broker() {
        for data in [
            json!({"port": 1883}),
            json!({"host": "", "port": 1883}),
            json!({"host": "b"}),
            json!({"host": "b", "port": 70_000}),
            json!({"host": "b", "port": 0}),
        ] {
            assert_eq!(read(data).expect_err("an error").kind(), SupervisorKind::Malformed);
        }
    }
}
