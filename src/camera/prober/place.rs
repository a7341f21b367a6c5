//! Where a camera listens, and why a connection to it fails.
//!
//! In: a URL. Out: a TCP connection, or a [`Failure`] that names the exact cause in words for a user. Invariant: every
//! wait ends within the limit that the caller gives.

use std::fmt;
use std::io;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::Instant;
use url::{Host, Url};

use crate::camera::{Failure, Reason};
use crate::dial::{self, DialError};

/// How long the diagnosis after a failed request may take.
const DIAGNOSIS: Duration = Duration::from_secs(2);

/// The host and the port of a URL: all of it that may be printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::camera) struct Place {
    host: String,
    port: u16,
}

impl Place {
    /// The place that a camera's URL names.
    pub(in crate::camera) fn of(url: &Url) -> Result<Self, Failure> {
        let host = match url.host() {
            None => return Err(Failure::new(Reason::Protocol, "The camera's URL has no host name: add it")),
            Some(Host::Domain(name)) => name.to_owned(),
            Some(Host::Ipv4(address)) => address.to_string(),
            Some(Host::Ipv6(address)) => address.to_string(),
        };
        Ok(Self { host, port: url.port().unwrap_or_else(|| default_port(url.scheme())) })
    }

    /// The host without the port, as TLS wants it.
    pub(in crate::camera) fn host(&self) -> &str {
        &self.host
    }

    /// Opens a TCP connection.
    pub(in crate::camera) async fn connect(&self, limit: Duration) -> Result<TcpStream, Failure> {
        dial::dial(&self.host, self.port, Instant::now() + limit).await.map_err(|error| match error {
            // Unknown, or the name server does not answer.
            DialError::Dns(_) => self.no_such_name(),
            DialError::Connect(error) => self.connect_failure(&error),
            DialError::Timeout => self.nobody_answers(),
        })
    }

    /// Looks for the cause after something failed without saying why: `None` when a connection opens just fine.
    pub(in crate::camera) async fn diagnose(&self) -> Option<Failure> {
        self.connect(DIAGNOSIS).await.err()
    }

    fn no_such_name(&self) -> Failure {
        Failure::new(
            Reason::Dns,
            format!("The name {} does not resolve: check it, or use the camera's IP address", self.host),
        )
    }

    fn connect_failure(&self, error: &io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset => Failure::new(
                Reason::Refused,
                format!(
                    "Nothing listens on {self}: check address and port, and that the camera's service is switched on"
                ),
            ),
            // The kernel gave up asking: nobody answers, which is what our own limit finds in most cases.
            io::ErrorKind::TimedOut => self.nobody_answers(),
            _ => Failure::new(
                Reason::Unreachable,
                format!("No way leads to {self}: check that the camera has power and network, and its address"),
            ),
        }
    }

    /// The camera wants a user name and has been given none.
    pub(in crate::camera) fn credentials_missing(&self) -> Failure {
        Failure::new(
            Reason::Auth,
            format!("{self} asks for a user name and a password: add them to the camera's options"),
        )
    }

    /// The camera does not let this user in.
    pub(in crate::camera) fn credentials_refused(&self) -> Failure {
        Failure::new(
            Reason::Auth,
            format!("{self} refuses the user name or the password: check both, and what the user may do in the camera"),
        )
    }

    /// The camera knows nothing under the URL's path.
    pub(in crate::camera) fn unknown_path(&self) -> Failure {
        Failure::new(
            Reason::NotFound,
            format!("{self} does not know the path of the URL: check it in the camera's manual"),
        )
    }

    /// It takes connections, and says nothing on them.
    pub(in crate::camera) fn silent(&self) -> Failure {
        Failure::new(
            Reason::Timeout,
            format!("{self} accepts connections but does not answer in time: check the port, restart the camera"),
        )
    }

    fn nobody_answers(&self) -> Failure {
        Failure::new(
            Reason::Timeout,
            format!("Nobody answers at {self}: check that the camera has power and network, and its address"),
        )
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Only an IPv6 address has a colon in it.
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// IANA's ports; rtsps is RFC 7826, section 20.
fn default_port(scheme: &str) -> u16 {
    match scheme {
        "rtsps" => 322,
        "http" => 80,
        "https" => 443,
        _ => 554,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(url: &str) -> Place {
        Place::of(&Url::parse(url).unwrap()).unwrap()
    }

    #[test]
    fn a_place_is_host_and_port_and_nothing_secret() {
        for (url, printed) in [
            ("rtsp://10.0.0.5/h264?token=secret", "10.0.0.5:554"),
            ("rtsps://front.local/live", "front.local:322"),
            ("rtsps://front.local:7441/live", "front.local:7441"),
            ("http://[::1]/snap.jpg", "[::1]:80"),
            ("https://10.0.0.5/snap.jpg", "10.0.0.5:443"),
        ] {
            assert_eq!(place(url).to_string(), printed, "{url}");
        }
    }

    #[test]
    fn every_way_to_fail_a_connect_has_its_reason() {
        for (kind, reason) in [
            (io::ErrorKind::ConnectionRefused, Reason::Refused),
            (io::ErrorKind::ConnectionReset, Reason::Refused),
            (io::ErrorKind::HostUnreachable, Reason::Unreachable),
            (io::ErrorKind::NetworkUnreachable, Reason::Unreachable),
            (io::ErrorKind::NetworkDown, Reason::Unreachable),
            (io::ErrorKind::AddrNotAvailable, Reason::Unreachable),
            (io::ErrorKind::TimedOut, Reason::Timeout),
        ] {
            let failure = place("rtsp://10.0.0.5/h264").connect_failure(&io::Error::from(kind));
            assert_eq!(failure.reason, reason, "{kind}");
            assert!(failure.detail.contains("10.0.0.5:554"), "{}", failure.detail);
        }
    }
}
