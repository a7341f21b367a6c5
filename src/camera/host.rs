//! Where a camera's own interface (ONVIF) is: what the user entered as `host`.
//!
//! In: a name or an address, with a port if the usual ones are not it. Out: the addresses to try. Pure.

use std::fmt;
use std::net::Ipv6Addr;

use url::{Position, Url};

/// Where cameras have ONVIF: the standard's port first, then those of makers that have another one.
const USUAL_PORTS: [u16; 7] = [80, 8000, 8080, 2020, 8899, 5000, 8999];

/// Where every device has its first service (ONVIF Core Specification, section 5.1.1).
const USUAL_PATH: &str = "/onvif/device_service";

/// A camera's or a recorder's host. Holds neither user name nor password.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Host {
    /// `http://10.0.0.5/onvif/device_service`, as if the port were the usual one.
    service: Url,
    /// The user named the port.
    exact: bool,
}

impl Host {
    /// Reads `10.0.0.5`, `front.local:8000`, `[fe80::1]:80`, or the whole address of the device's service.
    ///
    /// # Errors
    /// What is allowed, as the end of a sentence that begins with the option's name.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        const ALLOWED: &str =
            "must be the camera's name or address, with :port if needed; user name and password have their own keys";
        let written = match text.parse::<Ipv6Addr>() {
            Ok(address) => format!("http://[{address}]"),
            Err(_) if text.contains("://") => text.to_owned(),
            Err(_) => format!("http://{text}"),
        };
        let mut service = Url::parse(&written).map_err(|_not_a_host| ALLOWED)?;
        let is_place = matches!(service.scheme(), "http" | "https")
            && service.host_str().is_some_and(|host| !host.is_empty())
            && service.port() != Some(0);
        if !is_place || !service.username().is_empty() || service.password().is_some() {
            return Err(ALLOWED);
        }
        // The parser leaves the scheme's own port out, so the text is asked.
        let authority = written.split("://").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default();
        let after_host = authority.rsplit(']').next().unwrap_or_default();
        let exact = service.scheme() == "https" || after_host.contains(':');
        if service.path() == "/" {
            service.set_path(USUAL_PATH);
        }
        service.set_fragment(None);
        Ok(Self { service, exact })
    }

    /// The device's service at each port that it may have, the likeliest first.
    pub(super) fn services(&self) -> Vec<Url> {
        if self.exact {
            return vec![self.service.clone()];
        }
        let at = |port| {
            let mut service = self.service.clone();
            service.set_port(Some(port)).ok().map(|()| service)
        };
        USUAL_PORTS.into_iter().filter_map(at).collect()
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = if self.exact { Position::AfterPort } else { Position::AfterHost };
        f.write_str(&self.service[Position::BeforeHost..end])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_tried_at_the_port_that_was_entered_and_else_at_all_usual_ones() {
        let first = |text: &str| Host::parse(text).unwrap().services()[0].to_string();
        assert_eq!(first("10.0.0.5"), "http://10.0.0.5/onvif/device_service");
        assert_eq!(first("::1"), "http://[::1]/onvif/device_service");
        assert_eq!(first("https://10.0.0.5"), "https://10.0.0.5/onvif/device_service");
        assert_eq!(first("front.local:8899/onvif/service"), "http://front.local:8899/onvif/service");
        assert_eq!(Host::parse("10.0.0.5").unwrap().services().len(), USUAL_PORTS.len());
        for exact in ["10.0.0.5:80", "[::1]:80", "10.0.0.5:2020", "https://front.local"] {
            assert_eq!(Host::parse(exact).unwrap().services().len(), 1, "{exact}");
        }
    }

    #[test]
    fn what_is_no_host_or_holds_a_login_is_refused() {
        for text in ["rtsp://10.0.0.5", "a b", "viewer:secret@10.0.0.5", "10.0.0.5:99999", "10.0.0.5:0", "http://"] {
            assert!(Host::parse(text).is_err(), "{text}");
        }
    }
}
