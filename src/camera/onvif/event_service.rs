//! The event service: a pull point is made, pulled, renewed, asked to tell everything again, and given back.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use roxmltree::Node;
use serde::{Deserialize, Serialize};
use url::Url;

use super::address::reachable;
use super::clock::lenient;
use super::device::Device;
use super::envelope::Request;
use super::messages::Splitter;
use super::notification::{self, Notification};
use super::trouble::Trouble;
use super::xml;

const EVENTS: &str = "http://www.onvif.org/ver10/events/wsdl";
const NOTIFICATION: &str = "http://docs.oasis-open.org/wsn/b-2";
const MANAGER: &str = "http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager";

/// How many messages we ask for at once. Cameras may send more.
const MESSAGES: u32 = 100;
/// Bytes of one pull: ten thousand messages fit.
const MOST_BYTES: usize = 64 * 1_024 * 1_024;
/// A camera may take this much longer than it was asked to wait, and then has to have sent everything.
const GRACE: Duration = Duration::from_secs(10);

/// A subscription at the camera. Survives us: it is kept on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PullPoint {
    address: Url,
    /// Header elements that belong into each request to it.
    references: Vec<String>,
}

/// How the end of a subscription is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Term {
    /// `PT600S`.
    Relative(Duration),
    /// A moment of the camera's clock: some cameras misread the other.
    Absolute(Duration),
}

impl Device {
    /// Makes a subscription. Returns it and how long the camera will keep it, if it says.
    pub(crate) async fn subscribe(&mut self, term: Term) -> Result<(PullPoint, Option<Duration>), Trouble> {
        let events = self.services.events.clone();
        let events = events.ok_or_else(|| Trouble::not_offered(&self.wire.place, "events"))?;
        let ends = self.ends(term);
        let request = Request {
            to: &events,
            action: format!("{EVENTS}/EventPortType/CreatePullPointSubscriptionRequest"),
            body: format!(
                "<CreatePullPointSubscription xmlns=\"{EVENTS}\"><InitialTerminationTime>{ends}</InitialTerminationTime>\
                 </CreatePullPointSubscription>"
            ),
            references: &[],
        };
        let answer = self.wire.ask(&request).await?;
        let reached = self.reached.clone();
        self.read(&answer, |body| {
            let told = xml::find(body, "SubscriptionReference").and_then(|told| xml::text_of(told, "Address"));
            // `urn:uuid:…` is no address; then the service itself is the one.
            let address = told.and_then(|told| reachable(&told, &reached)).unwrap_or_else(|| events.clone());
            (PullPoint { address, references: references(body) }, kept_for(body))
        })
    }

    /// Waits at most `wait` for what the camera tells; each message is given away as it comes. Returns how many there were.
    pub(crate) async fn pull(
        &mut self,
        point: &PullPoint,
        wait: Duration,
        mut take: impl FnMut(Notification),
    ) -> Result<usize, Trouble> {
        let inside = format!("<Timeout>PT{}S</Timeout><MessageLimit>{MESSAGES}</MessageLimit>", wait.as_secs().max(1));
        let request = Request {
            action: format!("{EVENTS}/PullPointSubscription/PullMessagesRequest"),
            body: format!("<PullMessages xmlns=\"{EVENTS}\">{inside}</PullMessages>"),
            ..point.request()
        };
        let mut answer = self.wire.open(&request, wait + GRACE).await?;
        let (mut splitter, mut bytes, mut count) = (Splitter::default(), 0, 0);
        loop {
            let chunk = match answer.chunk().await {
                Ok(Some(chunk)) => chunk,
                Ok(None) => break,
                Err(_cut_short) => return Err(Trouble::closed(&self.wire.place)),
            };
            bytes += chunk.len();
            if bytes > MOST_BYTES {
                return Err(Trouble::broken(
                    &self.wire.place,
                    "sends more events at once than 64 MiB: please report its model",
                ));
            }
            splitter.push(&chunk).map_err(|what| Trouble::broken(&self.wire.place, what))?;
            while let Some(message) = splitter.next() {
                // A message that cannot be read costs itself only.
                if let Some(notification) = notification::read(&message) {
                    count += 1;
                    take(notification);
                }
            }
        }
        if count == 0 {
            self.read(&splitter.rest(), |_empty| ())?;
        }
        Ok(count)
    }

    /// Keeps the subscription alive. Returns how long the camera will keep it, if it says.
    pub(crate) async fn renew(&mut self, point: &PullPoint, term: Term) -> Result<Option<Duration>, Trouble> {
        let ends = self.ends(term);
        let request = Request {
            action: format!("{MANAGER}/RenewRequest"),
            body: format!("<Renew xmlns=\"{NOTIFICATION}\"><TerminationTime>{ends}</TerminationTime></Renew>"),
            ..point.request()
        };
        let answer = self.wire.ask(&request).await?;
        self.read(&answer, kept_for)
    }

    /// Asks the camera to tell the state of everything again.
    pub(crate) async fn synchronise(&mut self, point: &PullPoint) -> Result<(), Trouble> {
        let request = Request {
            action: format!("{EVENTS}/PullPointSubscription/SetSynchronizationPointRequest"),
            body: format!("<SetSynchronizationPoint xmlns=\"{EVENTS}\"/>"),
            ..point.request()
        };
        let answer = self.wire.ask(&request).await?;
        self.read(&answer, |_done| ())
    }

    /// Gives the subscription back, so that its place is free.
    pub(crate) async fn unsubscribe(&mut self, point: &PullPoint) -> Result<(), Trouble> {
        let request = Request {
            action: format!("{MANAGER}/UnsubscribeRequest"),
            body: format!("<Unsubscribe xmlns=\"{NOTIFICATION}\"/>"),
            ..point.request()
        };
        self.wire.ask(&request).await.map(|_gone| ())
    }

    /// Whether events are among the device's services.
    pub(crate) fn offers_events(&self) -> Result<(), Trouble> {
        self.services.events.as_ref().map(drop).ok_or_else(|| Trouble::not_offered(&self.wire.place, "events"))
    }

    fn ends(&self, term: Term) -> String {
        match term {
            Term::Relative(length) => format!("PT{}S", length.as_secs()),
            Term::Absolute(length) => {
                let length = SignedDuration::try_from(length).unwrap_or(SignedDuration::ZERO);
                let end = Timestamp::now().checked_add(length).unwrap_or(Timestamp::MAX);
                self.wire.clock.written(end)
            }
        }
    }
}

impl PullPoint {
    /// The same subscription by way of the host that answers now: the camera may have another address than when it was made.
    pub(crate) fn by_way_of(&self, device: &Device) -> Option<Self> {
        let address = reachable(self.address.as_str(), &device.reached)?;
        Some(Self { address, references: self.references.clone() })
    }

    fn request(&self) -> Request<'_> {
        Request { to: &self.address, action: String::new(), body: String::new(), references: &self.references }
    }
}

/// WS-Addressing's SOAP binding, section 2.1: each comes back as a header, marked as what it is.
fn references(body: Node<'_, '_>) -> Vec<String> {
    let Some(parameters) = xml::find(body, "ReferenceParameters") else { return Vec::new() };
    let mark = " a:IsReferenceParameter=\"true\"";
    parameters.children().filter(Node::is_element).take(8).map(|parameter| xml::write(parameter, mark)).collect()
}

/// The time between `CurrentTime` and `TerminationTime`, both of the camera's clock.
fn kept_for(body: Node<'_, '_>) -> Option<Duration> {
    let told = |name| lenient(&xml::text_of(body, name)?);
    Duration::try_from(told("TerminationTime")?.duration_since(told("CurrentTime")?)).ok()
}
