//! What a broker is started with. Invariant: it listens on loopback only, whatever the settings.

use std::time::Duration;

/// The settings of one broker; the defaults are those of Mosquitto.
#[derive(Clone)]
pub struct Config {
    /// The port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// User name and password that every client has to present; none lets everybody in.
    pub login: Option<(String, String)>,
    /// A client that sends a larger packet is disconnected.
    pub max_packet_size: usize,
    /// Messages that may wait for one subscriber; further ones are dropped and counted.
    pub max_queued: usize,
    /// Messages of QoS 1 that one subscriber may hold unacknowledged.
    pub max_inflight: usize,
    /// The kernel's receive buffer of each connection; a small one makes slow reading felt at once.
    pub receive_buffer: Option<u32>,
    /// How long a connection may wait with its CONNECT.
    pub connect_patience: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            port: 0,
            login: None,
            max_packet_size: 2_000_000,
            max_queued: 1_000,
            max_inflight: 20,
            receive_buffer: None,
            connect_patience: Duration::from_secs(30),
        }
    }
}
