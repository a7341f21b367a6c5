//! One installation: its environment and options, and what is made from them.

use crate::broker::{Identity, Message, Settings, Timing, client_id};
use crate::camera::Inventory;
use crate::events::door::EventToken;
use crate::homeassistant::{Topics, states};
use crate::options::{self, Environment, Options, OptionsError};
use crate::supervisor::{Client, CredentialSource};

/// Environment, command line and options, checked.
#[derive(Debug, Clone)]
pub struct Installation {
    /// The process's environment.
    pub environment: Environment,
    /// `--set` pairs, over everything else.
    pub overrides: Vec<(String, String)>,
    /// The options of all layers.
    pub options: Options,
}

impl Installation {
    /// Reads the options and logs what is odd in them.
    ///
    /// # Errors
    /// Every fault at once.
    pub fn load(environment: Environment, overrides: Vec<(String, String)>) -> Result<Self, OptionsError> {
        let loaded = options::load(&environment, &overrides)?;
        for warning in &loaded.warnings {
            tracing::warn!("{warning}");
        }
        Ok(Self { environment, overrides, options: loaded.options })
    }

    /// Reads the options again.
    ///
    /// # Errors
    /// Every fault at once.
    pub fn reload(&self) -> Result<Self, OptionsError> {
        Self::load(self.environment.clone(), self.overrides.clone())
    }

    /// The enabled cameras.
    #[must_use]
    pub fn inventory(&self) -> Inventory {
        Inventory::new(self.options.cameras.iter().cloned())
    }

    /// Every topic.
    #[must_use]
    pub fn topics(&self) -> Topics {
        Topics::new(&self.options.topics)
    }

    /// The Supervisor, in app mode.
    #[must_use]
    pub fn supervisor(&self) -> Option<Client> {
        let token = self.environment.supervisor_token.as_ref()?;
        match Client::new(&self.environment.supervisor_url, token) {
            Ok(client) => Some(client),
            Err(error) => {
                tracing::error!(%error, "The Supervisor cannot be asked");
                None
            }
        }
    }

    /// How to connect to the broker.
    #[must_use]
    pub fn session_settings(&self) -> Settings {
        Settings {
            source: CredentialSource::from_options(&self.options.mqtt, self.supervisor()),
            protocol: self.options.mqtt.protocol,
            ca_file: self.options.mqtt.ca_file.clone(),
            timing: Timing::default(),
        }
    }

    /// Who the service is to the broker: the installation's client id, and a will.
    #[must_use]
    pub fn identity(&self) -> Identity {
        let client_id = client_id::load(&self.environment.data_dir).unwrap_or_else(|error| {
            tracing::warn!(%error, "The client id cannot be kept; a second copy will not be told from a restart");
            client_id::random()
        });
        Identity { client_id, ..self.visitor() }
    }

    /// Who `check` is: it leaves the same will as the service, because a broker may not take that, and ends nobody's session.
    #[must_use]
    pub fn visitor(&self) -> Identity {
        let will = Message::retained(self.topics().status(), states::OFFLINE);
        Identity { will: Some(will), ..self.guest() }
    }

    /// The word that opens the doors for events. Made at the first start.
    #[must_use]
    pub fn event_token(&self) -> EventToken {
        EventToken::load(&self.environment.data_dir).unwrap_or_else(|error| {
            tracing::error!(%error, "The event token cannot be kept; senders need a new one after each start");
            EventToken::random()
        })
    }

    /// Who a single command is: it must not end the service's session, and leaves no will.
    #[must_use]
    pub fn guest(&self) -> Identity {
        let topics = self.topics();
        Identity {
            client_id: client_id::random(),
            will: None,
            scan_topic: topics.scan(),
            trial_topics: topics.trials(),
        }
    }
}
