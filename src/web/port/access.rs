//! Who may come in, by address and, outside of app mode, by the name that was called.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::HOST;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};

use crate::web::feeds::Feeds;

/// The Supervisor in the apps' network: the only one who brings requests of Home Assistant's users.
pub(crate) const SUPERVISOR: IpAddr = IpAddr::V4(Ipv4Addr::new(172, 30, 32, 2));

/// Who may come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// App mode: this proxy may do everything. The container itself may ask for its health.
    Proxy(IpAddr),
    /// Outside of app mode: this machine, under a name of its own.
    Loopback,
}

/// What somebody gets to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Everything.
    All,
    /// Health and readiness.
    Health,
    /// That nothing is here for them.
    None,
}

impl Access {
    /// The access for this mode.
    #[must_use]
    pub fn new(app_mode: bool) -> Self {
        if app_mode { Self::Proxy(SUPERVISOR) } else { Self::Loopback }
    }

    /// What a peer gets to see.
    #[must_use]
    pub fn admits(self, peer: IpAddr) -> Admission {
        // An IPv6 socket tells IPv4 peers as ::ffff:172.30.32.2.
        let peer = peer.to_canonical();
        match self {
            Self::Proxy(proxy) if peer == proxy => Admission::All,
            // Docker's health check runs inside of the container. Other apps have addresses of their own.
            Self::Proxy(_) if peer == Ipv4Addr::LOCALHOST || peer == Ipv6Addr::LOCALHOST => Admission::Health,
            Self::Loopback if peer.is_loopback() => Admission::All,
            Self::Proxy(_) | Self::Loopback => Admission::None,
        }
    }

    /// Puts what is checked of each request before an app.
    pub(super) fn guard(self, app: Router, feeds: Feeds) -> Router {
        match self {
            Self::Proxy(_) => app.layer(from_fn_with_state(feeds, see_home_assistant)),
            Self::Loopback => app.layer(from_fn_with_state((), check_name)),
        }
    }
}

/// Who sees our page in Home Assistant shows that Home Assistant is there.
async fn see_home_assistant(State(feeds): State<Feeds>, request: Request, next: Next) -> Response {
    if request.headers().get("x-hass-source").is_some_and(|source| source == "core.ingress") {
        feeds.page_seen.notify_one();
    }
    next.run(request).await
}

/// A web page from anywhere may let its own name point to this machine ("DNS rebinding"), and its scripts would then read ours. What
/// they cannot do is send another name.
async fn check_name(State(()): State<()>, request: Request, next: Next) -> Response {
    if is_called_by_a_local_name(request.uri(), request.headers()) {
        return next.run(request).await;
    }
    let text = "This page is for this computer only: open it as http://localhost or by the computer's IP address. \
                A proxy must send one of them as Host.\n";
    (StatusCode::MISDIRECTED_REQUEST, text).into_response()
}

fn is_called_by_a_local_name(uri: &Uri, headers: &HeaderMap) -> bool {
    let mut names = headers.get_all(HOST).iter();
    let header = match (names.next(), names.next()) {
        // HTTP/1.0, which no browser speaks.
        (None, _) => true,
        (Some(name), None) => name.to_str().ok().and_then(|name| name.parse().ok()).is_some_and(|name| is_local(&name)),
        (Some(_), Some(_)) => false,
    };
    // A request for a proxy names the host once more.
    header && uri.authority().is_none_or(is_local)
}

fn is_local(authority: &Authority) -> bool {
    let host = authority.host();
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    // RFC 6761, section 6.3: every name below localhost is this machine. Nobody else can own an address as a name.
    let name = host.to_ascii_lowercase();
    let name = name.strip_suffix('.').unwrap_or(&name);
    !authority.as_str().contains('@')
        && (address.parse::<IpAddr>().is_ok() || name == "localhost" || name.ends_with(".localhost"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_app_mode_only_the_supervisor_is_answered_and_the_container_itself_about_its_health() {
        let access = Access::new(true);
        for (peer, admission) in [
            ("172.30.32.2", Admission::All),
            ("::ffff:172.30.32.2", Admission::All),
            ("127.0.0.1", Admission::Health),
            ("::1", Admission::Health),
            ("127.0.0.3", Admission::None),
            ("172.30.32.1", Admission::None),
            ("172.30.33.4", Admission::None),
            ("192.168.1.2", Admission::None),
            ("::ffff:10.0.0.1", Admission::None),
        ] {
            assert_eq!(access.admits(peer.parse().unwrap()), admission, "{peer}");
        }
    }

    #[test]
    fn elsewhere_only_this_machine_is_answered() {
        let access = Access::new(false);
        for peer in ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(access.admits(peer.parse().unwrap()), Admission::All, "{peer}");
        }
        for peer in ["172.30.32.2", "192.168.1.2", "fe80::1"] {
            assert_eq!(access.admits(peer.parse().unwrap()), Admission::None, "{peer}");
        }
    }

    fn is_called(uri: &str, hosts: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(HOST, host.parse().unwrap());
        }
        is_called_by_a_local_name(&uri.parse().unwrap(), &headers)
    }

    #[test]
    fn names_that_only_this_machine_can_have_are_taken() {
        for host in
            ["localhost", "LOCALHOST:8099", "localhost.", "a.localhost:1", "127.0.0.1:8099", "[::1]:8099", "10.0.0.5"]
        {
            assert!(is_called("/", &[host]), "{host}");
        }
        assert!(is_called("/", &[]));
        assert!(is_called("http://localhost/", &["localhost"]));
    }

    #[test]
    fn names_that_anybody_can_point_here_are_refused() {
        for host in [
            "evil.example",
            "localhost.evil.example",
            "evil-localhost",
            "127.0.0.1.evil.example",
            "localhost@evil.example",
            "evil.example:8099",
            "a b",
            "",
        ] {
            assert!(!is_called("/", &[host]), "{host}");
        }
        assert!(!is_called("/", &["localhost", "evil.example"]));
        assert!(!is_called("http://evil.example/", &["localhost"]));
    }
}
