//! One session with a camera, from DESCRIBE to TEARDOWN.
//!
//! In: an address, a login and how the packets are to travel. Out: a session that plays, or why there is none. Invariant: each step ends by
//! the deadline, and every failure says what the camera did. The camera's password goes to the camera's own address and nowhere else.

use std::time::Duration;

use bytes::BytesMut;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use url::Url;

use super::address;
use super::connection::{Answer, Connection, Silence};
use super::datagrams::Ports;
use super::description::{self, Track};
use super::login::Login;
use super::transport::{self, CHANNEL, Transport};
use super::words;
use crate::camera::Failure;
use crate::camera::prober::place::Place;
use crate::camera::prober::tls;

/// How long a camera gets to answer TEARDOWN. It has been told by then.
const GOODBYE_LIMIT: Duration = Duration::from_secs(1);

/// Why a session does not open.
#[derive(Debug)]
pub(super) enum Refusal {
    /// There is nothing more to try.
    Failed(Failure),
    /// The camera sends us to another address, perhaps.
    Moved(Url, Failure),
    /// Not over TCP.
    NoTcp(Failure),
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// A stream that plays.
pub(super) struct Session<'a, 'c> {
    place: &'a Place,
    pub(super) connection: Connection,
    login: &'a mut Login<'c>,
    pub(super) track: Track,
    /// The channel that the video's packets are said to come on.
    pub(super) channel: u8,
    /// The ports that they come to, over UDP.
    pub(super) ports: Option<Ports>,
    /// The address of the whole presentation.
    whole: String,
    id: Option<String>,
}

/// Where and how a session is opened.
pub(super) struct Way<'a> {
    pub(super) tls: &'a TlsConnector,
    pub(super) place: &'a Place,
    pub(super) url: &'a Url,
    pub(super) over_udp: bool,
    pub(super) deadline: Instant,
}

impl Way<'_> {
    async fn connect(&self) -> Result<Connection, Failure> {
        let broken = |_| words::silence(self.place, "a connection", &Silence::Closed(false));
        if self.url.scheme() == "rtsps" {
            let link = tls::handshake(self.tls, self.place, "rtsps", self.deadline).await?;
            let ends = Connection::ends(link.get_ref().0).map_err(broken)?;
            return Ok(Connection::new(Box::new(link), ends, self.deadline));
        }
        let link = self.place.connect(self.deadline.saturating_duration_since(Instant::now())).await?;
        let ends = Connection::ends(&link).map_err(broken)?;
        Ok(Connection::new(Box::new(link), ends, self.deadline))
    }
}

impl<'a, 'c> Session<'a, 'c> {
    /// Opens a session that plays.
    pub(super) async fn open(way: &Way<'a>, login: &'a mut Login<'c>) -> Result<Self, Refusal> {
        let place = way.place;
        let mut connection = way.connect().await?;
        let answer = match describe(&mut connection, login, way).await {
            // It closes after it asked for the login, and wants to be called again.
            Err(Trouble::Silent(Silence::Closed(true))) if login.is_used() => {
                connection = way.connect().await?;
                describe(&mut connection, login, way).await
            }
            other => other,
        };
        let answer = answer.map_err(|trouble| trouble.failure(place, "DESCRIBE"))?;
        if (300..400).contains(&answer.status) {
            let elsewhere = words::status(place, "DESCRIBE", answer.status, false);
            let to = address::redirected(way.url, answer.head.get("location"), connection.peer.ip());
            return Err(to.map_or(Refusal::Failed(elsewhere.clone()), |url| Refusal::Moved(url, elsewhere)));
        }
        if answer.status != 200 {
            return Err(words::status(place, "DESCRIBE", answer.status, login.is_used()).into());
        }
        let track = description::read(&answer.body).map_err(|unusable| words::unusable(place, &unusable))?;
        connection.repair("description", track.repaired);
        let said = answer.head.get("content-base").or(answer.head.get("content-location"));
        let base = address::base(said, way.url);
        let whole = address::track(&base, track.whole.as_deref());
        let whole = if track.whole.is_some() { whole } else { base.clone() };
        let mut session = Self { place, connection, login, track, channel: CHANNEL, ports: None, whole, id: None };
        let opened = match session.set_up(&base, way.over_udp).await {
            Ok(()) => session.play().await.map_err(Refusal::Failed),
            Err(refusal) => Err(refusal),
        };
        match opened {
            Ok(()) => Ok(session),
            Err(refusal) => {
                session.close().await;
                Err(refusal)
            }
        }
    }

    /// Agrees upon how the packets travel.
    async fn set_up(&mut self, base: &str, over_udp: bool) -> Result<(), Refusal> {
        let place = self.place;
        let uri = address::track(base, self.track.control.as_deref());
        let (wanted, asked) = if over_udp {
            let ports = Ports::open(self.connection.own.ip(), self.connection.peer.ip()).await;
            let ports = ports.map_err(|error| words::no_ports(place, &error))?;
            let first = ports.first().map_err(|error| words::no_ports(place, &error))?;
            self.ports = Some(ports);
            (format!("RTP/AVP/UDP;unicast;client_port={first}-{}", first.wrapping_add(1)), Transport::Datagrams(None))
        } else {
            (format!("RTP/AVP/TCP;unicast;interleaved={CHANNEL}-{}", CHANNEL + 1), Transport::Interleaved(CHANNEL))
        };
        let answer = match self.ask("SETUP", &uri, vec![("Transport", wanted)], &mut Vec::new()).await {
            Ok(answer) => answer,
            Err(Trouble::Silent(silence @ Silence::Closed(_))) if !over_udp => {
                return Err(Refusal::NoTcp(words::silence(place, "SETUP", &silence)));
            }
            Err(trouble) => return Err(trouble.failure(place, "SETUP").into()),
        };
        match answer.status {
            200..=299 => {}
            461 | 406 if !over_udp => return Err(Refusal::NoTcp(words::no_way(place, "does not stream over TCP"))),
            // These have nothing to do with the transport.
            403 | 404 | 453 | 454 | 503 => return Err(self.refused("SETUP", answer.status).into()),
            status if !over_udp => return Err(Refusal::NoTcp(self.refused("SETUP", status))),
            status => return Err(self.refused("SETUP", status).into()),
        }
        self.remember_id(&answer);
        match transport::agreed(answer.head.get("transport"), asked) {
            Transport::Interleaved(channel) => {
                self.channel = channel;
                self.ports = None;
                Ok(())
            }
            Transport::Datagrams(_) if !over_udp => {
                Err(Refusal::NoTcp(words::no_way(place, "streams over UDP, though it was asked for TCP")))
            }
            Transport::Datagrams(from) => {
                if let (Some(ports), Some(from)) = (&self.ports, from) {
                    ports.speak_first(from).await;
                }
                Ok(())
            }
            Transport::Multicast => Err(words::no_way(place, "streams to a group of receivers (multicast)").into()),
        }
    }

    async fn play(&mut self) -> Result<(), Failure> {
        let place = self.place;
        let whole = self.whole.clone();
        let mut early = Vec::new();
        let from_now = vec![("Range", "npt=0.000-".to_owned())];
        let mut played = self.ask("PLAY", &whole, from_now, &mut early).await;
        // Not every camera knows of ranges (RFC 2326, section 11.3.8).
        if played.as_ref().is_ok_and(|answer| matches!(answer.status, 400 | 451 | 456 | 457)) {
            played = self.ask("PLAY", &whole, Vec::new(), &mut early).await;
        }
        let answer = played.map_err(|trouble| trouble.failure(place, "PLAY"))?;
        if !(200..300).contains(&answer.status) {
            return Err(self.refused("PLAY", answer.status));
        }
        // What came before the answer comes first.
        let mut inbox = BytesMut::from(early.as_slice());
        inbox.extend_from_slice(&self.connection.inbox);
        self.connection.inbox = inbox;
        Ok(())
    }

    /// Says goodbye (RFC 2326, section 10.7): cameras have few slots, and batteries drain.
    pub(super) async fn close(&mut self) {
        if self.id.is_none() {
            return;
        }
        let whole = self.whole.clone();
        let headers = self.headers("TEARDOWN", &whole, Vec::new());
        let goodbye = async {
            self.connection.say("TEARDOWN", &whole, &headers).await?;
            self.connection.until_answered().await
        };
        let _it_was_told = timeout(GOODBYE_LIMIT, goodbye).await;
    }

    /// Asks with what the camera needs to know who asks, and again when it wants a login.
    async fn ask(
        &mut self,
        method: &'static str,
        uri: &str,
        headers: Vec<(&'static str, String)>,
        early: &mut Vec<u8>,
    ) -> Result<Answer, Trouble> {
        self.login.begin();
        loop {
            let all = self.headers(method, uri, headers.clone());
            let answer = self.connection.ask(method, uri, &all, early).await?;
            if !is_locked(self.login, &answer)? {
                return Ok(answer);
            }
        }
    }

    fn headers(
        &mut self,
        method: &str,
        uri: &str,
        mut headers: Vec<(&'static str, String)>,
    ) -> Vec<(&'static str, String)> {
        headers.extend(self.id.clone().map(|id| ("Session", id)));
        headers.extend(self.login.authorization(method, uri).map(|proof| ("Authorization", proof)));
        headers
    }

    /// The session's name, without the parameters behind it.
    fn remember_id(&mut self, answer: &Answer) {
        let said = answer.head.get("session").and_then(|said| said.split(';').next()).map(str::trim);
        let clean = |id: &&str| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_graphic());
        self.id = said.filter(clean).map(str::to_owned).or(self.id.take());
    }

    fn refused(&self, method: &str, status: u16) -> Failure {
        words::status(self.place, method, status, self.login.is_used())
    }
}

/// Why a request came to nothing.
enum Trouble {
    Silent(Silence),
    Locked(super::login::Locked),
}

impl From<Silence> for Trouble {
    fn from(silence: Silence) -> Self {
        Self::Silent(silence)
    }
}

impl Trouble {
    fn failure(&self, place: &Place, method: &str) -> Failure {
        match self {
            Self::Silent(silence) => words::silence(place, method, silence),
            Self::Locked(locked) => words::locked(place, *locked),
        }
    }
}

/// Asks for the description, and again when the camera wants a login.
async fn describe(connection: &mut Connection, login: &mut Login<'_>, way: &Way<'_>) -> Result<Answer, Trouble> {
    login.begin();
    loop {
        let mut headers = vec![("Accept", "application/sdp".to_owned())];
        headers.extend(login.authorization("DESCRIBE", way.url.as_str()).map(|proof| ("Authorization", proof)));
        let answer = connection.ask("DESCRIBE", way.url.as_str(), &headers, &mut Vec::new()).await?;
        if !is_locked(login, &answer)? {
            return Ok(answer);
        }
    }
}

/// Whether the request is to be repeated with a login.
fn is_locked(login: &mut Login<'_>, answer: &Answer) -> Result<bool, Trouble> {
    if answer.status == 401 {
        login.challenged(answer.head.all("www-authenticate")).map_err(Trouble::Locked)?;
        return Ok(true);
    }
    if answer.status < 300 {
        login.accepted();
    }
    Ok(false)
}
