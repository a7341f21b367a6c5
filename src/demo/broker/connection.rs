//! One client, from accepting its connection to its end. Invariant: a client that was let in leaves the exchange
//! exactly once, with its will unless it said goodbye.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::{
    ConnAck, Connect, ConnectReturnCode, Packet, PubComp, PubRec, PubRel, Publish, Subscribe, UnsubAck, Unsubscribe,
};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::exchange::Client;
use super::faults::{ConnectFault, Cut};
use super::incoming::{Ending, Incoming};
use super::mailbox::Mailbox;
use super::observed::{Observed, Session};
use super::shared::Shared;
use super::{outgoing, topics};

/// How long a refused client has for taking its answer, and a reader for what its client sent last.
const FAREWELL: Duration = Duration::from_secs(5);

/// After so many packets the others get their turn.
const TURN: u64 = 64;

/// Serves one connection until it ends.
pub(super) async fn serve(stream: TcpStream, shared: Arc<Shared>, cut: CancellationToken) {
    let _presence = Presence::of(&shared.observed);
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "a connection ended before it began");
        return;
    }
    let (read, write) = stream.into_split();
    let mailbox = Arc::new(Mailbox::new(&shared.config));
    let mut conversation = Conversation::new(read, &shared, mailbox.clone(), cut.clone());
    let ending = tokio::select! {
        biased;
        () = cut.cancelled() => Ending::Fault,
        () = write_out(write, &mailbox, &shared) => Ending::Gone,
        ending = conversation.run() => ending,
    };
    debug!(client.id = conversation.client_id, %ending, "a connection ended");
    let on_purpose = matches!(ending, Ending::Goodbye);
    shared.exchange.leave(&conversation.client_id, conversation.serial, on_purpose);
}

/// Writes until there is no more to write. A client that takes no more may still have said goodbye: the reader gets
/// time to find out.
async fn write_out(half: OwnedWriteHalf, mailbox: &Mailbox, shared: &Shared) {
    if outgoing::write(half, mailbox, shared.gate()).await.is_err() {
        tokio::time::sleep(FAREWELL).await;
    }
}

/// Counts the connection while it lives.
struct Presence<'a>(&'a Observed);

impl<'a> Presence<'a> {
    fn of(observed: &'a Observed) -> Self {
        observed.opened();
        Presence(observed)
    }
}

impl Drop for Presence<'_> {
    fn drop(&mut self) {
        self.0.closed();
    }
}

struct Conversation<'a> {
    incoming: Incoming,
    shared: &'a Shared,
    mailbox: Arc<Mailbox>,
    cut: CancellationToken,
    serial: u64,
    client_id: String,
    published: u64,
    /// Messages of QoS 2 that wait for their PUBREL.
    half_received: HashSet<u16>,
}

impl<'a> Conversation<'a> {
    fn new(half: OwnedReadHalf, shared: &'a Shared, mailbox: Arc<Mailbox>, cut: CancellationToken) -> Self {
        let (limit, patience) = (shared.config.max_packet_size, shared.config.connect_patience);
        Conversation {
            incoming: Incoming::new(half, shared.gate(), limit, patience),
            shared,
            mailbox,
            cut,
            serial: shared.next_serial(),
            client_id: String::new(),
            published: 0,
            half_received: HashSet::new(),
        }
    }

    /// Talks with the client until one of the two ends it.
    async fn run(&mut self) -> Ending {
        match self.converse().await {
            Ok(()) => Ending::Goodbye,
            Err(ending) => ending,
        }
    }

    async fn converse(&mut self) -> Result<(), Ending> {
        self.open().await?;
        for turn in 1_u64.. {
            match self.incoming.next().await? {
                Packet::Disconnect => break,
                packet => self.hear(packet)?,
            }
            if turn.is_multiple_of(TURN) {
                tokio::task::yield_now().await;
            }
        }
        Ok(())
    }

    async fn open(&mut self) -> Result<(), Ending> {
        let connect = match self.incoming.connect().await {
            Err(Ending::Protocol(level)) => {
                self.shared.observed.session(Session::of_another_protocol(level));
                return self.refuse(ConnectReturnCode::RefusedProtocolVersion).await;
            }
            connect => connect?,
        };
        let fault = self.shared.gate().now().connect;
        let code = match fault {
            ConnectFault::Refuse(code) => code,
            _ => self.judge(&connect),
        };
        let answer = (fault != ConnectFault::Silent).then_some(code);
        self.shared.observed.session(Session::new(&connect, answer));
        match (fault, code) {
            (ConnectFault::Silent, _) => self.ignore().await,
            (ConnectFault::RefuseWill, _) if connect.last_will.is_some() => {
                Err(Ending::Violation("a will is not taken"))
            }
            (ConnectFault::Slam, _) => self.refuse(code).await,
            (_, ConnectReturnCode::Success) => self.welcome(connect),
            (_, code) => self.refuse(code).await,
        }
    }

    fn judge(&self, connect: &Connect) -> ConnectReturnCode {
        if connect.client_id.is_empty() && !connect.clean_session {
            ConnectReturnCode::BadClientId
        } else if !self.shared.admits(connect.login.as_ref()) {
            // Mosquitto's code for a wrong password too.
            ConnectReturnCode::NotAuthorized
        } else {
            ConnectReturnCode::Success
        }
    }

    fn welcome(&mut self, connect: Connect) -> Result<(), Ending> {
        if connect.last_will.as_ref().is_some_and(|will| !topics::is_topic(&will.topic)) {
            return Err(Ending::Violation("the topic of the will is invalid"));
        }
        self.client_id = match connect.client_id {
            id if id.is_empty() => format!("auto-{}", self.serial),
            id => id,
        };
        let keep_alive = (connect.keep_alive > 0).then(|| Duration::from_secs(connect.keep_alive.into()) * 3 / 2);
        self.incoming.expect_within(keep_alive);
        let client = Client {
            serial: self.serial,
            mailbox: self.mailbox.clone(),
            will: connect.last_will,
            cut: self.cut.clone(),
            subscriptions: BTreeMap::new(),
        };
        self.shared.exchange.enter(self.client_id.clone(), client);
        self.answer(connack(ConnectReturnCode::Success))
    }

    /// Answers CONNECT and closes the connection behind the answer.
    async fn refuse(&mut self, code: ConnectReturnCode) -> Result<(), Ending> {
        self.answer(connack(code))?;
        self.mailbox.finish();
        // The writer ends the connection; this is for the client that does not take its answer.
        tokio::time::sleep(FAREWELL).await;
        Err(Ending::Refused(code))
    }

    /// Keeps the connection and says nothing, until the client goes away.
    async fn ignore(&mut self) -> Result<(), Ending> {
        self.incoming.expect_within(None);
        loop {
            self.incoming.next().await?;
        }
    }

    fn hear(&mut self, packet: Packet) -> Result<(), Ending> {
        match packet {
            Packet::Publish(message) => self.take_in(message),
            Packet::PubRel(PubRel { pkid }) => {
                self.half_received.remove(&pkid);
                self.answer(Packet::PubComp(PubComp { pkid }))
            }
            Packet::PubAck(ack) => {
                self.mailbox.acknowledged(ack.pkid);
                Ok(())
            }
            Packet::Subscribe(request) => self.subscribe(request),
            Packet::Unsubscribe(request) => self.unsubscribe(request),
            Packet::PingReq => self.answer(Packet::PingResp),
            Packet::Connect(_) => Err(Ending::Violation("a second CONNECT")),
            _ => Err(Ending::Violation("a packet that only a broker sends")),
        }
    }

    fn take_in(&mut self, message: Publish) -> Result<(), Ending> {
        if !topics::is_topic(&message.topic) {
            return Err(Ending::Violation("the topic of a message is invalid"));
        }
        self.published += 1;
        self.shared.observed.received(&self.client_id, &message);
        let (qos, pkid) = (message.qos, message.pkid);
        let again = qos == QoS::ExactlyOnce && !self.half_received.insert(pkid);
        if !again {
            self.shared.exchange.publish(message);
        }
        self.cut_if_asked()?;
        match qos {
            QoS::AtMostOnce => Ok(()),
            QoS::AtLeastOnce => {
                self.acknowledge(pkid);
                Ok(())
            }
            QoS::ExactlyOnce => self.answer(Packet::PubRec(PubRec { pkid })),
        }
    }

    fn acknowledge(&self, pkid: u16) {
        let faults = self.shared.gate().now();
        let swallowed = faults.swallow_puback_every.is_some_and(|nth| self.shared.count_puback().is_multiple_of(nth));
        if !swallowed {
            self.mailbox.acknowledge(pkid, &faults);
        }
    }

    fn cut_if_asked(&self) -> Result<(), Ending> {
        match self.shared.gate().now().cut {
            Some(Cut { after, repeat }) if self.published >= after => {
                if !repeat {
                    self.shared.faults.send_modify(|faults| faults.cut = None);
                }
                Err(Ending::Fault)
            }
            _ => Ok(()),
        }
    }

    fn subscribe(&mut self, request: Subscribe) -> Result<(), Ending> {
        if !request.filters.iter().all(|filter| topics::is_filter(&filter.path)) {
            return Err(Ending::Violation("a filter is invalid"));
        }
        read_or_end(self.shared.exchange.subscribe(&self.client_id, request))
    }

    fn unsubscribe(&mut self, request: Unsubscribe) -> Result<(), Ending> {
        self.shared.exchange.unsubscribe(&self.client_id, &request.topics);
        self.answer(Packet::UnsubAck(UnsubAck { pkid: request.pkid }))
    }

    fn answer(&self, packet: Packet) -> Result<(), Ending> {
        read_or_end(self.mailbox.answer(packet))
    }
}

fn read_or_end(bearable: bool) -> Result<(), Ending> {
    match bearable {
        true => Ok(()),
        false => Err(Ending::Violation("answers are not read")),
    }
}

fn connack(code: ConnectReturnCode) -> Packet {
    Packet::ConnAck(ConnAck { session_present: false, code })
}
