//! Where the broker's address and account come from.

use super::{Client, SupervisorError};
use crate::options::{BrokerOptions, MqttOptions};

/// The one source that counts: the options, else the Supervisor, else a broker on this machine. Cheap to clone.
#[derive(Debug, Clone)]
pub struct CredentialSource(Source);

#[derive(Debug, Clone)]
enum Source {
    Options(BrokerOptions),
    Supervisor(Client),
    Localhost,
}

impl CredentialSource {
    /// Chooses the source: `mqtt.host` in the options, else the Supervisor when there is one, else `localhost:1883`.
    #[must_use]
    pub fn from_options(options: &MqttOptions, supervisor: Option<Client>) -> Self {
        Self(match (&options.broker, supervisor) {
            (Some(broker), _) => Source::Options(broker.clone()),
            (None, Some(client)) => Source::Supervisor(client),
            (None, None) => Source::Localhost,
        })
    }

    /// The broker as it is known now. Ask before every attempt to connect: nobody tells about changes.
    ///
    /// # Errors
    /// [`SupervisorError`], when the Supervisor is the source.
    pub async fn get(&self) -> Result<BrokerOptions, SupervisorError> {
        match &self.0 {
            Source::Options(broker) => Ok(broker.clone()),
            Source::Supervisor(client) => client.mqtt_service().await.map(BrokerOptions::from),
            Source::Localhost => {
                Ok(BrokerOptions { host: "localhost".to_owned(), port: 1883, credentials: None, tls: false })
            }
        }
    }

    /// For the log and the page.
    #[must_use]
    pub fn describe(&self) -> &'static str {
        match self.0 {
            Source::Options(_) => "the options",
            Source::Supervisor(_) => "the Supervisor's MQTT service",
            Source::Localhost => "the default localhost:1883",
        }
    }
}
