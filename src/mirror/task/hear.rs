//! What comes from the broker, as the mirror takes it.

use jiff::Timestamp;
use tokio::time::Instant;

use super::Mirror;
use crate::broker::Incoming;
use crate::camera::prober::ProbeRequest;
use crate::homeassistant::{Heard, Sign};

impl Mirror {
    pub(super) fn hear(&mut self, incoming: &Incoming) {
        let now = Instant::now();
        let Some(heard) = Heard::read(&self.work.plan.desired.topics, &incoming.topic, incoming.word.as_bytes(), false)
        else {
            return;
        };
        match heard {
            Heard::Birth => {
                if self.talk.may_say("birth", now) {
                    tracing::info!("Home Assistant has started: announcing everything again");
                }
                self.work.plan.birth(now, &mut rand::rng());
                self.see(Some(Sign::Birth));
            }
            Heard::Will => {
                if self.talk.may_say("will", now) {
                    tracing::info!(
                        "Home Assistant has gone: what is to set something off there waits until it is back"
                    );
                }
                self.work.plan.will(now);
                self.see(None);
            }
            // The will of an old connection that the broker saw end late, or a second copy that stopped. Home Assistant would show
            // everything as unavailable for as long as nobody contradicts.
            Heard::SaidOffline => {
                if self.work.plan.said_offline(now) && self.talk.may_say("offline", now) {
                    tracing::warn!(
                        topic = incoming.topic,
                        "Somebody else said that Camera Herald is offline; saying that it is not. If this comes again and \
                         again, a second copy runs with the same topics.base"
                    );
                }
            }
            Heard::Announce => {
                self.see(Some(Sign::Command));
                self.announce_again();
            }
            Heard::ProbeAll => self.ask_for_probe(ProbeRequest::All),
            Heard::Probe(camera) => self.ask_for_probe(ProbeRequest::One(camera)),
            // Home Assistant clears a config topic when its user deletes the device; so does another copy's `retract`.
            Heard::Cleared(owner) => {
                if self.work.plan.hear_clearing(owner, incoming.times, now) {
                    self.tell_dismissed();
                    if self.talk.may_say("deletion", now) {
                        tracing::warn!(
                            topic = incoming.topic,
                            "The device was deleted in Home Assistant. It comes back at the next start of Camera Herald, or with \
                             \"Announce again\"; set enabled: false to keep it away"
                        );
                    }
                }
            }
        }
    }

    pub(super) fn announce_again(&mut self) {
        let now = Instant::now();
        if self.talk.may_say("announce", now) {
            tracing::info!("Asked to announce again");
        }
        self.work.plan.announce_again(now);
        self.tell_dismissed();
        self.see_statuses();
        self.see_histories();
        self.see_hearings();
    }

    /// Home Assistant gave a sign of life, or said that it goes.
    pub(super) fn see(&self, sign: Option<Sign>) {
        self.sources.presence.send_if_modified(|presence| presence.hear(sign, Timestamp::now()));
    }

    /// Requests that the prober has not taken yet will be answered by the same probes.
    fn ask_for_probe(&self, request: ProbeRequest) {
        self.see(Some(Sign::Command));
        tracing::debug!(?request, "Asked for a probe");
        let _as_many_wait_already = self.sources.probes.try_send(request);
    }
}
