//! The device: found at its host, its clock, its services, what it is.

use jiff::Timestamp;
use reqwest::Client;
use roxmltree::Node;
use url::Url;

use super::address::reachable;
use super::clock::Clock;
use super::envelope::Request;
use super::login::Login;
use super::trouble::{Kind, Trouble};
use super::wire::Wire;
use super::xml;
use crate::camera::Reason;
use crate::camera::host::Host;
use crate::camera::prober::place::Place;
use crate::credentials::Credentials;

const DEVICE: &str = "http://www.onvif.org/ver10/device/wsdl";
const MEDIA: &str = "http://www.onvif.org/ver10/media/wsdl";
const MEDIA2: &str = "http://www.onvif.org/ver20/media/wsdl";
const EVENTS: &str = "http://www.onvif.org/ver10/events/wsdl";

/// A camera or a recorder that has answered.
pub(crate) struct Device {
    pub(super) wire: Wire,
    /// The address that reached it.
    pub(super) reached: Url,
    pub(super) services: Services,
}

/// Where its services are, by way of the host that answered.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Services {
    pub(super) media: Option<Url>,
    pub(super) media2: Option<Url>,
    pub(super) events: Option<Url>,
}

/// What the device says of itself. Any of it may be missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) manufacturer: Option<String>,
    pub(crate) model: Option<String>,
}

impl Device {
    /// Finds the device at its host: its clock first, since without it no login is understood, then its services.
    pub(crate) async fn meet(http: &Client, host: &Host, credentials: Option<&Credentials>) -> Result<Self, Trouble> {
        let mut told: Option<Trouble> = None;
        for service in host.services() {
            match Self::at(http, &service, credentials).await {
                Ok(device) => return Ok(device),
                // Another port may be the right one: nothing listens here, or something else does.
                Err(trouble) if may_be_elsewhere(&trouble) => {
                    // A door that opened says more than one that is shut.
                    if told.as_ref().is_none_or(|told| told.kind == Kind::Unreachable) {
                        told = Some(trouble);
                    }
                }
                Err(trouble) => return Err(trouble),
            }
        }
        Err(told.expect("a host has at least one address to try"))
    }

    async fn at(http: &Client, service: &Url, credentials: Option<&Credentials>) -> Result<Self, Trouble> {
        let place = Place::of(service).map_err(Trouble::unreachable)?;
        let login = Login::new(credentials.cloned());
        let wire = Wire { http: http.clone(), place, login, clock: Clock::default() };
        let mut device = Self { wire, reached: service.clone(), services: Services::default() };
        device.wire.clock = device.clock().await?;
        device.services = device.look_for_services().await?;
        Ok(device)
    }

    /// Our clock and the camera's.
    pub(crate) fn times(&self) -> Clock {
        self.wire.clock
    }

    async fn clock(&mut self) -> Result<Clock, Trouble> {
        let to = self.reached.clone();
        let request = request(&to, DEVICE, "GetSystemDateAndTime", "");
        let answer = match self.wire.ask_as_nobody(&request).await {
            Err(trouble) if matches!(trouble.kind, Kind::Refused | Kind::Fault) => {
                match self.wire.ask(&request).await {
                    // The login may be refused because of the clock: what comes next will tell.
                    Err(trouble) if trouble.kind == Kind::Refused => return Ok(Clock::default()),
                    other => other?,
                }
            }
            other => other?,
        };
        self.read(&answer, |body| Clock::of(body, Timestamp::now()))
    }

    /// What either of the two ways to ask names: some cameras list their events in one of them only.
    async fn look_for_services(&mut self) -> Result<Services, Trouble> {
        let reached = self.reached.clone();
        let listed = self.ask(DEVICE, "GetServices", "<IncludeCapability>false</IncludeCapability>").await;
        let mut services = match listed {
            Ok(answer) => self.read(&answer, |body| Services::listed(body, &reached))?,
            Err(trouble) if matches!(trouble.kind, Kind::Unreachable | Kind::Refused) => return Err(trouble),
            Err(_older_than_profile_s) => Services::default(),
        };
        match self.ask(DEVICE, "GetCapabilities", "<Category>All</Category>").await {
            Ok(answer) => services.complete(self.read(&answer, |body| Services::capable(body, &reached))?),
            Err(trouble) if services == Services::default() => return Err(trouble),
            Err(_newer_than_profile_s) => {}
        }
        Ok(services)
    }

    /// Who made it. What the camera does not tell is left out.
    pub(crate) async fn identity(&mut self) -> Result<Identity, Trouble> {
        let answer = self.ask(DEVICE, "GetDeviceInformation", "").await?;
        let identity = |body: Node<'_, '_>| Identity {
            manufacturer: xml::text_of(body, "Manufacturer"),
            model: xml::text_of(body, "Model"),
        };
        self.read(&answer, identity)
    }

    /// Asks the device's first service.
    async fn ask(&mut self, namespace: &str, operation: &str, inside: &str) -> Result<String, Trouble> {
        let to = self.reached.clone();
        self.wire.ask(&request(&to, namespace, operation, inside)).await
    }

    /// Reads an answer, or finds the fault in it: some cameras send faults with HTTP status 200.
    pub(super) fn read<T>(&self, answer: &str, read: impl FnOnce(Node<'_, '_>) -> T) -> Result<T, Trouble> {
        let no_onvif = || {
            Trouble::broken(&self.wire.place, "answers with something that is no ONVIF: check the host and its port")
        };
        let document = xml::parse(answer).map_err(|_broken| no_onvif())?;
        let root = document.root_element();
        if !xml::is(root, "Envelope") {
            return Err(no_onvif());
        }
        match self.wire.fault_in(answer) {
            Some(trouble) => Err(trouble),
            None => Ok(read(root)),
        }
    }
}

/// A request of a service, named as ONVIF names its actions.
pub(super) fn request<'a>(to: &'a Url, namespace: &str, operation: &str, inside: &str) -> Request<'a> {
    Request {
        to,
        action: format!("{namespace}/{operation}"),
        body: format!("<{operation} xmlns=\"{namespace}\">{inside}</{operation}>"),
        references: &[],
    }
}

fn may_be_elsewhere(trouble: &Trouble) -> bool {
    match trouble.kind {
        Kind::Unreachable => trouble.failure.reason == Reason::Refused,
        Kind::Broken | Kind::NotOffered | Kind::Closed => true,
        Kind::Refused | Kind::Busy | Kind::Fault => false,
    }
}

impl Services {
    /// From `GetServices`.
    fn listed(body: Node<'_, '_>, reached: &Url) -> Self {
        let mut services = Self::default();
        for service in xml::all(body, "Service") {
            let address = xml::text_of(service, "XAddr").and_then(|told| reachable(&told, reached));
            match xml::text_of(service, "Namespace").as_deref() {
                Some(MEDIA) => services.media = address,
                Some(MEDIA2) => services.media2 = address,
                Some(EVENTS) => services.events = address,
                _ => {}
            }
        }
        services
    }

    /// From `GetCapabilities`.
    fn capable(body: Node<'_, '_>, reached: &Url) -> Self {
        let address = |name| reachable(&xml::text_of(xml::find(body, name)?, "XAddr")?, reached);
        Self { media: address("Media"), media2: None, events: address("Events") }
    }

    fn complete(&mut self, other: Self) {
        self.media = self.media.take().or(other.media);
        self.events = self.events.take().or(other.events);
    }
}
