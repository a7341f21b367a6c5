//! The process environment: read here once, and nowhere else.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use secrecy::SecretString;
use url::Url;

use super::faults::{Fault, Warning};

const KNOWN: [&str; 5] =
    ["HERALD_SUPERVISOR_URL", "HERALD_DATA_DIR", "HERALD_OPTIONS", "HERALD_INGRESS_LISTEN", "HERALD_EVENTS_LISTEN"];
const INGRESS_PORT: u16 = 8099;
const EVENTS_PORT: u16 = 8098;

/// What the environment says. A value that makes no sense leaves the default in place and becomes a fault in
/// [`load`](super::load), together with all others.
#[derive(Clone)]
pub struct Environment {
    /// `SUPERVISOR_TOKEN`. It is there when the Supervisor started us: that is what app mode means.
    pub supervisor_token: Option<SecretString>,
    /// `HERALD_SUPERVISOR_URL`.
    pub supervisor_url: Url,
    /// `HERALD_DATA_DIR`.
    pub data_dir: PathBuf,
    /// `HERALD_OPTIONS`, if set. Otherwise `options.json` in the data directory is read when it is there.
    pub options_file: Option<PathBuf>,
    /// `HERALD_INGRESS_LISTEN`.
    pub ingress_listen: SocketAddr,
    /// `HERALD_EVENTS_LISTEN`.
    pub events_listen: SocketAddr,
    /// `NO_COLOR` holds something: no colours, also on a terminal (<https://no-color.org>).
    pub no_color: bool,
    /// `HERALD__…` as key paths: (`mqtt.host`, the text).
    pub(super) settings: Vec<(String, String)>,
    pub(super) faults: Vec<Fault>,
    pub(super) warnings: Vec<Warning>,
}

impl Environment {
    /// Reads the environment of this process.
    #[must_use]
    pub fn read() -> Self {
        // Not `vars()`: it panics over any variable that is not UTF-8, also over those of others.
        let mut broken = Vec::new();
        let pairs = std::env::vars_os().filter_map(|(name, text)| {
            let name = name.into_string().ok().filter(|name| is_ours(name))?;
            match text.into_string() {
                Ok(text) => Some((name, text)),
                Err(_) => {
                    broken.push(Fault::new(name, "must be UTF-8 text"));
                    None
                }
            }
        });
        let pairs: Vec<_> = pairs.collect();
        let mut environment = Self::from_pairs(pairs);
        environment.faults.append(&mut broken);
        environment
    }

    /// Takes the variables from `pairs`; those of others are ignored.
    #[must_use]
    pub fn from_pairs<N: Into<String>, T: Into<String>>(pairs: impl IntoIterator<Item = (N, T)>) -> Self {
        let pairs = pairs.into_iter().map(|(name, text)| (name.into(), text.into()));
        // An empty variable counts as unset: container tools set them for values that nobody gave.
        let mut vars: BTreeMap<String, String> =
            pairs.filter(|(name, text)| is_ours(name) && !text.trim().is_empty()).collect();
        // A space after the token makes the Supervisor answer 401.
        let supervisor_token = vars.remove("SUPERVISOR_TOKEN").map(|token| SecretString::from(token.trim()));
        let no_color = vars.remove("NO_COLOR").is_some();
        let app_mode = supervisor_token.is_some();
        let address = if app_mode { Ipv4Addr::UNSPECIFIED } else { Ipv4Addr::LOCALHOST };

        let mut faults = Vec::new();
        let supervisor_url = take_url(&mut vars, &mut faults);
        let ingress_listen = take_listen(&mut vars, "HERALD_INGRESS_LISTEN", address, INGRESS_PORT, &mut faults);
        let events_listen = take_listen(&mut vars, "HERALD_EVENTS_LISTEN", address, EVENTS_PORT, &mut faults);
        let data_dir = vars.remove("HERALD_DATA_DIR");
        let data_dir = data_dir.unwrap_or_else(|| if app_mode { "/data" } else { "herald-data" }.to_owned()).into();
        let options_file = vars.remove("HERALD_OPTIONS").map(PathBuf::from);
        let (mut settings, mut warnings) = (Vec::new(), Vec::new());
        for (name, text) in vars {
            match name.strip_prefix("HERALD__") {
                Some(path) => settings.push((path.to_lowercase().replace("__", "."), text)),
                None => warnings.push(unknown(name)),
            }
        }
        Self {
            supervisor_token,
            supervisor_url,
            data_dir,
            options_file,
            ingress_listen,
            events_listen,
            no_color,
            settings,
            faults,
            warnings,
        }
    }

    /// The Supervisor started us: its token is there.
    #[must_use]
    pub fn app_mode(&self) -> bool {
        self.supervisor_token.is_some()
    }
}

/// Without the values: options may be set by the environment, and passwords are options.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.settings.iter().map(|(path, _)| path).collect();
        f.debug_struct("Environment")
            .field("app_mode", &self.app_mode())
            .field("data_dir", &self.data_dir)
            .field("options_file", &self.options_file)
            .field("ingress_listen", &self.ingress_listen)
            .field("events_listen", &self.events_listen)
            .field("settings", &names)
            .finish_non_exhaustive()
    }
}

fn is_ours(name: &str) -> bool {
    name == "SUPERVISOR_TOKEN" || name == "NO_COLOR" || name.starts_with("HERALD_")
}

fn unknown(name: String) -> Warning {
    let known = KNOWN.join(", ");
    let problem =
        format!("unknown variable, ignored; there are {known}, and options with two underscores (HERALD__MQTT__HOST)");
    Warning { path: name, problem }
}

fn take_url(vars: &mut BTreeMap<String, String>, faults: &mut Vec<Fault>) -> Url {
    let default = || Url::parse("http://supervisor").expect("the default is a URL");
    let name = "HERALD_SUPERVISOR_URL";
    let Some(text) = vars.remove(name) else { return default() };
    match Url::parse(text.trim()) {
        Ok(url) if url.scheme() == "http" && url.has_host() => url,
        _ => {
            faults.push(Fault::new(name, "must be an http URL such as http://supervisor"));
            default()
        }
    }
}

fn take_listen(
    vars: &mut BTreeMap<String, String>,
    name: &str,
    address: Ipv4Addr,
    port: u16,
    faults: &mut Vec<Fault>,
) -> SocketAddr {
    let default = SocketAddr::new(IpAddr::V4(address), port);
    let Some(text) = vars.remove(name) else { return default };
    text.trim().parse().unwrap_or_else(|_| {
        faults.push(Fault::new(name, format!("must be an address and a port such as 127.0.0.1:{port}")));
        default
    })
}
