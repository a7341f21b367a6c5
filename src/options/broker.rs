//! The options under `mqtt`.

use std::net::Ipv6Addr;

use url::{Host, Url};

use super::faults::Findings;
use super::login::{self, UrlLogin};
use super::reader::Group;
use super::{BrokerOptions, MqttOptions, Protocol};

const PORT: u16 = 1883;
const TLS_PORT: u16 = 8883;

/// Reads the group `mqtt`.
pub(super) fn mqtt(group: &Group<'_>, findings: &mut Findings<'_>) -> MqttOptions {
    let protocol = match group.choice("protocol", findings) {
        "5" => Protocol::V5,
        "3.1.1" => Protocol::V311,
        _ => Protocol::Auto,
    };
    let ca_file = group.text("ca_file", findings).map(Into::into);
    let broker = broker(group, findings);
    if ca_file.is_some() && broker.as_ref().is_some_and(|broker| !broker.tls) {
        group.warning("ca_file", "is not used, because mqtt.tls is off", findings);
    }
    MqttOptions { broker, protocol, ca_file }
}

fn broker(group: &Group<'_>, findings: &mut Findings<'_>) -> Option<BrokerOptions> {
    let port = group.number("port", findings).and_then(|port| u16::try_from(port).ok());
    let tls = group.flag("tls", findings);
    let Some(text) = group.text("host", findings) else {
        warn_unused(group, findings);
        return None;
    };
    // Whatever is wrong with the host, the other keys are looked at too.
    let address = Address::parse(&text).unwrap_or_else(|problem| {
        group.fault("host", problem, findings);
        Address::default()
    });
    if port.is_some() && address.port.is_some() && port != address.port {
        group.fault("port", "is not the port that stands in mqtt.host; remove one of the two", findings);
    }
    if tls == Some(false) && address.tls == Some(true) {
        group.fault("tls", "is off, but mqtt.host asks for TLS; correct one of the two", findings);
    }
    let inside = address.login.map(|login| ("host", login));
    let credentials = login::credentials(group, inside.into_iter().collect(), findings);
    // mqtt:// is how people write a broker's address; only tls says that it is not encrypted.
    let tls = tls == Some(true) || address.tls == Some(true);
    let port = port.or(address.port).unwrap_or(if tls { TLS_PORT } else { PORT });
    Some(BrokerOptions { host: address.host, port, credentials, tls })
}

/// Tells about keys that have no effect, because without a host the Supervisor is asked for all of them.
fn warn_unused(group: &Group<'_>, findings: &mut Findings<'_>) {
    // Read all the same, for faults in what they hold.
    let _unused = ["username", "password"].map(|name| group.text(name, findings));
    for name in ["port", "username", "password"].into_iter().filter(|name| group.value(name).is_some()) {
        group.warning(name, "is not used, because mqtt.host is not set", findings);
    }
    // A form may send `false` for a switch that was left alone.
    if group.value("tls").is_some_and(|tls| tls.to_bool_lossy() != Some(false)) {
        group.warning("tls", "is not used, because mqtt.host is not set", findings);
    }
}

/// What people write as a broker's host.
#[derive(Default)]
struct Address {
    host: String,
    port: Option<u16>,
    tls: Option<bool>,
    login: Option<UrlLogin>,
}

impl Address {
    fn parse(text: &str) -> Result<Self, String> {
        match text.split_once("://") {
            Some((scheme, _)) => Self::parse_url(scheme, text),
            None => Self::parse_plain(text),
        }
    }

    fn parse_url(scheme: &str, text: &str) -> Result<Self, String> {
        let tls = match scheme.to_lowercase().as_str() {
            "mqtt" | "tcp" => false,
            "mqtts" | "ssl" | "tls" => true,
            "ws" | "wss" => {
                return Err("WebSocket is not supported; name the broker's MQTT port (1883, 8883)".to_owned());
            }
            _ => return Err("must be a host name or an address, or start with mqtt:// or mqtts://".to_owned()),
        };
        let problem = "is not a broker's URL; write the host alone, and the rest into port, username and password";
        let mut url = Url::parse(text).map_err(|_| problem.to_owned())?;
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(problem.to_owned());
        }
        let login = login::take(&mut url);
        let host = checked_host(url.host_str().unwrap_or_default())?;
        Ok(Self { host, port: url.port().filter(|port| *port != 0), tls: Some(tls), login })
    }

    fn parse_plain(text: &str) -> Result<Self, String> {
        // One colon separates a port; more of them make an IPv6 address, unless it stands in brackets.
        let splits = text.starts_with('[') && !text.ends_with(']') || text.matches(':').count() == 1;
        let (host, port) = match text.rsplit_once(':').filter(|_| splits) {
            None => (text, None),
            Some((host, port)) => {
                let port = port.parse().ok().filter(|port| *port != 0);
                (host, Some(port.ok_or("the port after the colon must be a number from 1 to 65535")?))
            }
        };
        Ok(Self { host: checked_host(host)?, port, tls: None, login: None })
    }
}

/// The host in the form that a connection takes: IPv6 addresses without brackets.
fn checked_host(text: &str) -> Result<String, String> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    if let Ok(address) = bare.parse::<Ipv6Addr>() {
        return Ok(address.to_string());
    }
    match Host::parse(text) {
        Ok(Host::Domain(name)) if !name.is_empty() => Ok(name),
        Ok(Host::Ipv4(address)) => Ok(address.to_string()),
        _ => Err("must be a host name or an address, such as core-mosquitto or 192.168.1.10".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_may_be_written_in_many_ways() {
        for (text, host, port, tls) in [
            ("core-mosquitto", "core-mosquitto", None, None),
            ("my_broker.local", "my_broker.local", None, None),
            ("10.0.0.2:1884", "10.0.0.2", Some(1884), None),
            ("::1", "::1", None, None),
            ("[fe80::1]", "fe80::1", None, None),
            ("[fe80::1]:1884", "fe80::1", Some(1884), None),
            ("mqtt://broker", "broker", None, Some(false)),
            ("mqtt://broker:1883/", "broker", Some(1883), Some(false)),
            ("MQTTS://broker", "broker", None, Some(true)),
            ("mqtts://[::1]:8884", "::1", Some(8884), Some(true)),
        ] {
            let address = Address::parse(text).unwrap_or_else(|problem| panic!("{text}: {problem}"));
            assert_eq!((address.host.as_str(), address.port, address.tls), (host, port, tls), "{text}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for text in [
            "a b",
            "http://broker",
            "wss://broker",
            "broker:",
            "broker:0",
            "broker:x",
            "mqtt://",
            "mqtt://b/t",
            "a/b",
            "[::1",
        ] {
            assert!(Address::parse(text).is_err(), "{text}");
        }
    }
}
