//! What comes from the broker: births, commands, and devices that the user deleted.

use jiff::Timestamp;
use tokio::time::Instant;

use super::Announcer;
use crate::broker::Inbound;
use crate::camera::prober::ProbeRequest;
use crate::homeassistant::heard::Heard;
use crate::homeassistant::presence::Sign;
use crate::homeassistant::topics::Owner;

impl Announcer {
    pub(super) fn hear(&mut self, message: &Inbound) {
        let now = Instant::now();
        match Heard::read(&self.topics, &message.topic, &message.payload, message.retained) {
            None => {}
            Some(Heard::Birth) => {
                tracing::info!("Home Assistant has started: announcing everything again");
                self.delivery.departed.arrived();
                self.delivery.born = true;
                self.schedule.birth(now, &mut rand::rng());
                self.see(Some(Sign::Birth));
            }
            Some(Heard::Will) => {
                tracing::info!("Home Assistant has gone: what is to set something off there waits until it is back");
                self.delivery.departed.left(now);
                self.see(None);
            }
            Some(Heard::SaidOffline) => self.contradict(&message.topic),
            Some(Heard::Announce) => {
                self.see(Some(Sign::Command));
                self.announce_again();
            }
            Some(Heard::ProbeAll) => {
                self.see(Some(Sign::Command));
                self.ask_for_probe(ProbeRequest::All);
            }
            Some(Heard::Probe(camera)) => {
                self.see(Some(Sign::Command));
                self.ask_for_probe(ProbeRequest::One(camera));
            }
            Some(Heard::Cleared(owner)) => self.hear_clearing(owner, &message.topic),
        }
    }

    /// Somebody else spoke for us: the will of an old connection that the broker saw end late, or a second copy that
    /// stopped. Home Assistant would show everything as unavailable for as long as nobody contradicts.
    fn contradict(&mut self, topic: &str) {
        let announced = self.announced.borrow().as_ref().map(|announced| announced.epoch);
        if self.epoch.is_none() || announced != self.epoch {
            return;
        }
        tracing::warn!(
            topic,
            "Somebody else said that Camera Herald is offline; saying that it is not. If this comes again and again, a \
             second copy runs with the same topics.base"
        );
        self.schedule.soon(Instant::now());
    }

    /// Everything once more, also the devices that the user deleted.
    pub(super) fn announce_again(&mut self) {
        tracing::info!("Asked to announce again");
        self.dismissed.send_if_modified(|dismissed| !std::mem::take(dismissed).is_empty());
        self.schedule.soon(Instant::now());
    }

    /// Home Assistant gave a sign of life, or said that it goes.
    fn see(&self, sign: Option<Sign>) {
        self.sources.presence.send_if_modified(|presence| presence.hear(sign, Timestamp::now()));
    }

    /// Requests that the prober has not taken yet will be answered by the same probes.
    fn ask_for_probe(&self, request: ProbeRequest) {
        tracing::debug!(?request, "Asked for a probe");
        let _as_many_wait_already = self.sources.probes.try_send(request);
    }

    /// Home Assistant clears a config topic when its user deletes the device; so does another copy of `retract`.
    fn hear_clearing(&mut self, owner: Owner, topic: &str) {
        let wanted = match &owner {
            Owner::Bridge => true,
            Owner::Camera(camera) => self.sources.inventory.borrow().get(camera).is_some(),
        };
        if self.delivery.cleared_by_us(topic) || !wanted || self.dismissed.borrow().contains(&owner) {
            return;
        }
        tracing::warn!(
            topic,
            "The device was deleted in Home Assistant. It comes back at the next start of Camera Herald, or with \
             \"Announce again\"; set enabled: false to keep it away"
        );
        self.dismissed.send_if_modified(|dismissed| dismissed.insert(owner));
        self.schedule.soon(Instant::now());
    }
}
