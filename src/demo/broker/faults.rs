//! What the broker does wrong on request. Invariant: with the default settings it does nothing wrong.

use std::time::Duration;

use rumqttc::mqttbytes::v4::ConnectReturnCode;
use tokio::sync::watch;

/// The faults that are on; each may be switched while the broker runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Faults {
    /// Never send every n-th PUBACK, counted over all connections.
    pub swallow_puback_every: Option<u64>,
    /// Send each PUBACK this much later.
    pub delay_acks: Option<Duration>,
    /// Send the PUBACKs in groups of n, each group backwards; an incomplete group leaves after 100 ms.
    pub reverse_acks: Option<usize>,
    /// Neither read nor write: connections stay open and half-open clients have to notice by themselves.
    pub stalled: bool,
    /// What is wrong with the answer to CONNECT.
    pub connect: ConnectFault,
    /// Cut a connection after so many PUBLISHes: the last one is stored and delivered, but not acknowledged.
    pub cut: Option<Cut>,
    /// Read no more than so many bytes in a second from each connection.
    pub read_bytes_per_second: Option<u32>,
}

/// What is wrong with the answer to CONNECT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ConnectFault {
    /// Nothing.
    #[default]
    None,
    /// The connection is accepted and never answered.
    Silent,
    /// Every client is refused with this code.
    Refuse(ConnectReturnCode),
    /// A client that leaves a will is closed without an answer.
    RefuseWill,
    /// The client is welcomed and its connection closed behind the CONNACK.
    Slam,
}

/// When a connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// After so many PUBLISHes on one connection.
    pub after: u64,
    /// Every connection, or only the first that comes so far.
    pub repeat: bool,
}

/// A connection's view of the faults.
#[derive(Clone)]
pub(super) struct Gate(watch::Receiver<Faults>);

impl Gate {
    pub(super) fn new(faults: watch::Receiver<Faults>) -> Self {
        Gate(faults)
    }

    pub(super) fn now(&self) -> Faults {
        *self.0.borrow()
    }

    /// Returns as soon as the broker is stalled.
    pub(super) async fn stalled(&mut self) {
        self.wait(|faults| faults.stalled).await;
    }

    /// Returns as soon as the broker works.
    pub(super) async fn healed(&mut self) {
        self.wait(|faults| !faults.stalled).await;
    }

    async fn wait(&mut self, condition: impl FnMut(&Faults) -> bool) {
        if self.0.wait_for(condition).await.is_err() {
            // The broker is gone; its connections end by their tokens.
            std::future::pending().await
        }
    }
}
