//! What waits to be written to one client. Invariant: nobody ever waits for a slow client; what does not fit is
//! dropped and counted, as Mosquitto does it.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::BytesMut;
use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::{Packet, PubAck, Publish};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::acks::Acks;
use super::config::Config;
use super::faults::Faults;

/// How much is handed to the socket at once.
const BATCH: usize = 64 * 1024;

/// How many answers may wait unread. A client has no more packet ids than this, so an honest one stays below it.
const MAX_ANSWERS: usize = u16::MAX as usize;

/// Why a message is delivered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Occasion {
    /// It was published just now.
    Live,
    /// It was retained and the client has subscribed.
    Replay,
}

pub(super) struct Mailbox {
    mail: Mutex<Mail>,
    changed: Notify,
    max_queued: usize,
    max_inflight: usize,
}

#[derive(Default)]
struct Mail {
    /// Leaves with the next write.
    ready: VecDeque<Packet>,
    answers: usize,
    live: usize,
    /// QoS 1 beyond the in-flight window.
    waiting: VecDeque<Publish>,
    inflight: BTreeSet<u16>,
    last_pkid: u16,
    acks: Acks,
    finished: bool,
}

/// What [`Mailbox::take`] leaves to do.
pub(super) enum Next {
    /// Write what was taken.
    Write,
    /// Nothing to write before the mailbox changes or the time comes.
    Wait(Option<Instant>),
    /// Nothing will come any more.
    Finished,
}

impl Mailbox {
    pub(super) fn new(config: &Config) -> Self {
        Mailbox {
            mail: Mutex::default(),
            changed: Notify::new(),
            max_queued: config.max_queued,
            max_inflight: config.max_inflight,
        }
    }

    /// Queues an answer. False: the client sends without ever reading.
    pub(super) fn answer(&self, packet: Packet) -> bool {
        let mut mail = self.lock();
        mail.answers += 1;
        mail.ready.push_back(packet);
        let bearable = mail.answers <= MAX_ANSWERS;
        drop(mail);
        self.changed.notify_one();
        bearable
    }

    /// Queues the PUBACK of a message of QoS 1.
    pub(super) fn acknowledge(&self, pkid: u16, faults: &Faults) {
        self.lock().acks.push(pkid, faults, Instant::now());
        self.changed.notify_one();
    }

    /// Queues a message, whose QoS is that of the delivery. False: the queue is full and the message dropped.
    pub(super) fn deliver(&self, message: Publish, occasion: Occasion) -> bool {
        let mut mail = self.lock();
        let taken = match message.qos {
            QoS::AtMostOnce => mail.send(message, occasion, self.max_queued),
            _ => mail.send_or_keep(message, self.max_inflight, self.max_queued),
        };
        drop(mail);
        self.changed.notify_one();
        taken
    }

    /// The client has acknowledged a delivery: the next one may leave.
    pub(super) fn acknowledged(&self, pkid: u16) {
        let mut mail = self.lock();
        mail.inflight.remove(&pkid);
        mail.fill_window(self.max_inflight);
        drop(mail);
        self.changed.notify_one();
    }

    /// Nothing more is coming; the connection ends when all is written.
    pub(super) fn finish(&self) {
        self.lock().finished = true;
        self.changed.notify_one();
    }

    /// Encodes what may leave now.
    pub(super) fn take(&self, bytes: &mut BytesMut) -> Next {
        let mut mail = self.lock();
        mail.collect_acks(Instant::now());
        while bytes.len() < BATCH {
            let Some(packet) = mail.pop() else { break };
            // Whatever came in below the size limit may go out; only a packet id of zero fails, and there is none.
            let _ = packet.write(bytes, usize::MAX);
        }
        if !bytes.is_empty() {
            Next::Write
        } else if mail.finished {
            Next::Finished
        } else {
            Next::Wait(mail.acks.next_due())
        }
    }

    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Mail> {
        self.mail.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Mail {
    fn send(&mut self, message: Publish, occasion: Occasion, max_queued: usize) -> bool {
        // A replay happens under one lock, before the writer can run: counting it would drop what the socket could take.
        let fits = occasion == Occasion::Replay || self.live < max_queued;
        if fits {
            self.live += 1;
            self.ready.push_back(Packet::Publish(message));
        }
        fits
    }

    fn send_or_keep(&mut self, message: Publish, max_inflight: usize, max_queued: usize) -> bool {
        let fits = self.inflight.len() < max_inflight || self.waiting.len() < max_queued;
        if fits {
            self.waiting.push_back(message);
            self.fill_window(max_inflight);
        }
        fits
    }

    fn fill_window(&mut self, max_inflight: usize) {
        while self.inflight.len() < max_inflight {
            let Some(mut message) = self.waiting.pop_front() else { return };
            message.pkid = self.free_pkid();
            self.inflight.insert(message.pkid);
            self.live += 1;
            self.ready.push_back(Packet::Publish(message));
        }
    }

    fn free_pkid(&mut self) -> u16 {
        loop {
            self.last_pkid = self.last_pkid.checked_add(1).unwrap_or(1);
            if !self.inflight.contains(&self.last_pkid) {
                return self.last_pkid;
            }
        }
    }

    fn collect_acks(&mut self, now: Instant) {
        while let Some(pkid) = self.acks.pop(now) {
            self.answers += 1;
            self.ready.push_back(Packet::PubAck(PubAck { pkid }));
        }
    }

    fn pop(&mut self) -> Option<Packet> {
        let packet = self.ready.pop_front()?;
        match packet {
            Packet::Publish(_) => self.live -= 1,
            _ => self.answers -= 1,
        }
        Some(packet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailbox(max_inflight: usize, max_queued: usize) -> Mailbox {
        Mailbox::new(&Config { max_inflight, max_queued, ..Config::default() })
    }

    fn message(payload: &str, qos: QoS) -> Publish {
        Publish::new("t", qos, payload)
    }

    fn deliver(mailbox: &Mailbox, payload: &str, qos: QoS) -> bool {
        mailbox.deliver(message(payload, qos), Occasion::Live)
    }

    /// Packet id and payload of each message that leaves now.
    fn leaving(mailbox: &Mailbox) -> Vec<(u16, String)> {
        let mut bytes = BytesMut::new();
        mailbox.take(&mut bytes);
        std::iter::from_fn(|| Packet::read(&mut bytes, usize::MAX).ok())
            .filter_map(|packet| match packet {
                Packet::Publish(message) => Some(message),
                _ => None,
            })
            .map(|message| (message.pkid, String::from_utf8_lossy(&message.payload).into_owned()))
            .collect()
    }

    #[test]
    fn the_window_holds_back_what_is_not_acknowledged() {
        let mailbox = mailbox(2, 10);
        for payload in ["a", "b", "c"] {
            assert!(deliver(&mailbox, payload, QoS::AtLeastOnce));
        }
        assert_eq!(leaving(&mailbox), [(1, "a".into()), (2, "b".into())]);
        assert_eq!(leaving(&mailbox), []);
        mailbox.acknowledged(2);
        assert_eq!(leaving(&mailbox), [(3, "c".into())]);
    }

    #[test]
    fn a_full_queue_drops_and_says_so() {
        let mailbox = mailbox(1, 2);
        let taken: Vec<bool> = (0..5).map(|_| deliver(&mailbox, "x", QoS::AtLeastOnce)).collect();
        assert_eq!(taken, [true, true, true, false, false]);
    }

    #[test]
    fn qos_0_passes_a_closed_window_and_has_its_own_bound() {
        let mailbox = mailbox(1, 2);
        for payload in ["a", "b"] {
            deliver(&mailbox, payload, QoS::AtLeastOnce);
        }
        assert!(deliver(&mailbox, "now", QoS::AtMostOnce));
        assert!(!deliver(&mailbox, "lost", QoS::AtMostOnce));
        assert_eq!(leaving(&mailbox), [(1, "a".into()), (0, "now".into())]);
    }

    #[test]
    fn a_replay_of_qos_0_is_complete() {
        let mailbox = mailbox(1, 2);
        for _ in 0..10 {
            assert!(mailbox.deliver(message("x", QoS::AtMostOnce), Occasion::Replay));
        }
        assert_eq!(leaving(&mailbox).len(), 10);
    }

    #[test]
    fn packet_ids_wrap_round_those_in_flight() {
        let mailbox = mailbox(2, 0);
        mailbox.lock().last_pkid = u16::MAX - 1;
        mailbox.lock().inflight.insert(1);
        deliver(&mailbox, "a", QoS::AtLeastOnce);
        mailbox.acknowledged(u16::MAX);
        deliver(&mailbox, "b", QoS::AtLeastOnce);
        let ids: Vec<u16> = leaving(&mailbox).into_iter().map(|(pkid, _)| pkid).collect();
        assert_eq!(ids, [u16::MAX, 2]);
    }
}
