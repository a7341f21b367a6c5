//! A Supervisor on loopback that answers byte for byte like the real one (captured from 2026.08), and as badly on demand.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use camera_herald::supervisor::{Client, Timeouts};
use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use url::Url;

const JSON: &str = "application/json; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";
/// The app's own right token: 112 hex digits, as the Supervisor makes them.
const TOKEN: &str = concat!(
    "4f9b1c7d2e8a63b05d1f94c7e2a8b36f0d5c19e74ab28f63d0c7",
    "91e5b4a82f6d3c0e97b15a4f82d6c3e0b97a15f48d2c6e3b09a7154f8d62"
);

/// How the fake behaves; it can be changed while it runs.
#[derive(Debug, Clone)]
pub(crate) enum Scenario {
    /// A broker has registered.
    Registered { host: String, port: u16, username: String, password: String, ssl: bool },
    /// A broker without accounts has registered: user name and password are absent.
    RegisteredAnonymous { host: String, port: u16 },
    /// No broker has registered.
    NotEnabled,
    /// The Supervisor starts or stops; every path answers this.
    NotReady(&'static str),
    /// The app's configuration does not name the MQTT service.
    NoAccess,
    /// The app was restarted and has another token now.
    TokenRefused,
    /// Status 200 and text, as the Supervisor really does for some paths.
    NotJson,
    /// A fault in the Supervisor.
    ServerError,
    /// Answers like [`Scenario::registered`], after this time.
    Slow(Duration),
    /// Closes in the middle of the body.
    CutOff,
}

impl Scenario {
    /// What Mosquitto registers.
    pub(crate) fn registered() -> Self {
        Self::Registered {
            host: "core-mosquitto".to_owned(),
            port: 1883,
            username: "addons".to_owned(),
            password: "R1g-mqtt_pässwörd".to_owned(),
            ssl: false,
        }
    }
}

#[derive(Debug)]
struct Shared {
    scenario: Mutex<Scenario>,
    requests: Mutex<Vec<String>>,
}

/// The fake. Dropping it closes the port and all connections.
#[derive(Debug)]
pub(crate) struct FakeSupervisor {
    address: SocketAddr,
    shared: Arc<Shared>,
    tasks: JoinSet<()>,
}

impl FakeSupervisor {
    /// Listens on a free port of loopback.
    pub(crate) async fn start(scenario: Scenario) -> Self {
        let shared = Arc::new(Shared { scenario: Mutex::new(scenario), requests: Mutex::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::clone(&shared)));
        Self { address, shared, tasks }
    }

    /// Closes the port and all connections: from now on they are refused.
    pub(crate) async fn stop(&mut self) {
        self.tasks.shutdown().await;
    }

    /// Listens again, on the same port.
    pub(crate) async fn restart(&mut self) {
        self.stop().await;
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.tasks.spawn(accept(listener, Arc::clone(&self.shared)));
    }

    /// Behaves differently from the next request on.
    pub(crate) fn set(&self, scenario: Scenario) {
        *self.shared.scenario.lock().unwrap() = scenario;
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> Url {
        Url::parse(&format!("http://{}", self.address)).unwrap()
    }

    /// The right token.
    pub(crate) fn token(&self) -> SecretString {
        TOKEN.into()
    }

    /// How many requests came.
    pub(crate) fn requests(&self) -> usize {
        self.shared.requests.lock().unwrap().len()
    }

    /// All requests, as `GET /services/mqtt`.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// A client with the right token that does not wait for long.
    pub(crate) fn client(&self) -> Client {
        let timeouts = Timeouts { connect: Duration::from_secs(5), total: Duration::from_secs(5) };
        Client::with_timeouts(&self.url(), &self.token(), timeouts).unwrap()
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted.expect("the fake can accept");
                connections.spawn(serve(stream, Arc::clone(&shared)));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Serves one connection until the peer is done with it.
async fn serve(mut stream: TcpStream, shared: Arc<Shared>) {
    let mut received = Vec::new();
    loop {
        let end = loop {
            if let Some(at) = received.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break at + 4;
            }
            match stream.read_buf(&mut received).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        };
        let head: Vec<u8> = received.drain(..end).collect();
        let request = Request::parse(&String::from_utf8_lossy(&head));
        shared.requests.lock().unwrap().push(format!("{} {}", request.method, request.path));
        let scenario = shared.scenario.lock().unwrap().clone();
        if let Scenario::Slow(delay) = scenario {
            tokio::time::sleep(delay).await;
        }
        let answer = answer(&request, &scenario);
        let cut_off = matches!(scenario, Scenario::CutOff);
        let bytes = answer.bytes(&request);
        let bytes = if cut_off { &bytes[..bytes.len() - answer.body.len() / 2] } else { &bytes };
        if stream.write_all(bytes).await.is_err() || cut_off || request.close {
            let _closed = stream.shutdown().await;
            return;
        }
    }
}

struct Request {
    method: String,
    path: String,
    token: Option<String>,
    close: bool,
}

impl Request {
    fn parse(head: &str) -> Self {
        let mut lines = head.lines();
        let mut first = lines.next().unwrap_or_default().split(' ');
        let mut part = || first.next().unwrap_or_default().to_owned();
        let (method, path) = (part(), part());
        let headers: Vec<_> = lines.filter_map(|line| line.split_once(':')).collect();
        let header = |name: &str| {
            headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim_start_matches(' '))
        };
        // The last word, whatever the scheme is called; a space at the end leaves nothing.
        let authorization = || header("authorization").and_then(|value| value.rsplit(' ').next());
        let token = header("x-supervisor-token").or_else(|| header("x-hassio-key")).or_else(authorization);
        let token = token.filter(|token| !token.is_empty()).map(str::to_owned);
        let close = header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        Self { method, path, token, close }
    }
}

struct Answer {
    status: &'static str,
    content_type: &'static str,
    allow: Option<&'static str>,
    body: String,
}

impl Answer {
    fn new(status: &'static str, content_type: &'static str, body: impl Into<String>) -> Self {
        Self { status, content_type, allow: None, body: body.into() }
    }

    /// aiohttp's own pages: the status line once more, as text.
    fn page(status: &'static str) -> Self {
        let (code, reason) = status.split_once(' ').unwrap();
        Self::new(status, TEXT, format!("{code}: {reason}"))
    }

    fn ok(data: &str) -> Self {
        Self::new("200 OK", JSON, format!(r#"{{"result":"ok","data":{data}}}"#))
    }

    fn error(status: &'static str, message: &str) -> Self {
        Self::new(status, JSON, format!(r#"{{"result":"error","message":"{message}"}}"#))
    }

    fn bytes(&self, request: &Request) -> Vec<u8> {
        let Self { status, content_type, allow, body } = self;
        let allow = allow.map(|allow| format!("Allow: {allow}\r\n")).unwrap_or_default();
        let date = jiff::Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S GMT");
        let close = if request.close { "Connection: close\r\n" } else { "" };
        let length = body.len();
        let body = if request.method == "HEAD" { "" } else { body };
        format!(
            "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\n{allow}Content-Length: {length}\r\nDate: {date}\r\n\
             Server: Python/3.14 aiohttp/3.14.3\r\n{close}\r\n{body}"
        )
        .into_bytes()
    }
}

/// The order of the checks is the Supervisor's: the filter and its state before the token, the token before the path.
fn answer(request: &Request, scenario: &Scenario) -> Answer {
    let path = request.path.as_str();
    if let Scenario::NotReady(state) = scenario {
        return Answer::error("400 Bad Request", &format!("System is not ready with state: {state}"));
    }
    if path.contains("..") {
        return Answer::page("400 Bad Request");
    }
    match scenario {
        Scenario::ServerError => {
            let body = "500 Internal Server Error\n\nServer got itself in trouble";
            return Answer::new("500 Internal Server Error", TEXT, body);
        }
        Scenario::NotJson => return Answer::new("200 OK", TEXT, "App self does not exist in the store"),
        _ => {}
    }
    if path == "/supervisor/ping" {
        return reading(request, "GET,HEAD", || Answer::ok("{}"));
    }
    match request.token.as_deref() {
        None => return Answer::page("401 Unauthorized"),
        Some(TOKEN) if !matches!(scenario, Scenario::TokenRefused) => {}
        Some(_) => return Answer::page("403 Forbidden"),
    }
    match path {
        "/services/mqtt" => reading(request, "DELETE,GET,HEAD,POST", || mqtt_service(scenario)),
        "/addons/self/info" => reading(request, "GET,HEAD", || Answer::ok(SELF_INFO)),
        "/info" => reading(request, "GET,HEAD", || Answer::ok(INFO)),
        // It can be written, not read.
        "/addons/self/options" => Answer { allow: Some("POST"), ..Answer::page("405 Method Not Allowed") },
        "/services/rabbitmq" => Answer::error("404 Not Found", "Service does not exist"),
        // Only paths that this app may ask for can be told to be missing.
        _ if path.starts_with("/services/") || path.starts_with("/addons/self/") || path.starts_with("/v2/") => {
            Answer::page("404 Not Found")
        }
        _ => Answer::page("403 Forbidden"),
    }
}

fn reading(request: &Request, allow: &'static str, answer: impl FnOnce() -> Answer) -> Answer {
    match request.method.as_str() {
        "GET" | "HEAD" => answer(),
        _ => Answer { allow: Some(allow), ..Answer::page("405 Method Not Allowed") },
    }
}

fn mqtt_service(scenario: &Scenario) -> Answer {
    match scenario {
        Scenario::NotEnabled => Answer::error("400 Bad Request", "Service not enabled"),
        Scenario::NoAccess => Answer::error("403 Forbidden", "No access to mqtt service!"),
        Scenario::RegisteredAnonymous { host, port } => Answer::ok(&format!(
            r#"{{"host":"{host}","port":{port},"protocol":"3.1.1","ssl":false,"addon":"core_mosquitto"}}"#
        )),
        Scenario::Registered { host, port, username, password, ssl } => {
            let [host, username, password] =
                [host, username, password].map(|text| serde_json::to_string(text).unwrap());
            Answer::ok(&format!(
                r#"{{"host":{host},"port":{port},"ssl":{ssl},"protocol":"3.1.1","username":{username},"password":{password},"addon":"core_mosquitto"}}"#
            ))
        }
        _ => mqtt_service(&Scenario::registered()),
    }
}

const INFO: &str = r#"{"supervisor":"2026.08.0","homeassistant":"2026.8.3","hassos":"16.2","docker":"1.0.0","hostname":"homeassistant-n2","operating_system":"Home Assistant OS 6.0.dev20210504","features":["reboot","shutdown","services","network","hostname","timedate","os_agent","haos","resolved","disk"],"machine":"qemux86-64","machine_id":"c5a2f11f-c165-445d-8c99-8890a89813b5","arch":"amd64","state":"running","supported_arch":["amd64"],"supported":true,"channel":"stable","logging":"info","timezone":"Etc/UTC"}"#;

/// The captured record, with this app's names, page and ports.
const SELF_INFO: &str = r#"{"name":"Camera Herald","slug":"local_camera_herald","hostname":"local-camera-herald","dns":["local-camera-herald.local.hass.io"],"description":"Every camera as a Home Assistant device","long_description":null,"stage":"stable","repository":"local","version_latest":"0.1.0","protected":true,"rating":8,"boot_config":"auto","boot":"auto","options":{"cameras":[],"log_level":"info"},"schema":[],"arch":["aarch64","amd64"],"machine":[],"homeassistant":null,"url":null,"detached":false,"available":true,"build":true,"network":{"8098/tcp":null},"network_description":{"8098/tcp":"Events"},"host_network":false,"host_pid":false,"host_ipc":false,"host_uts":false,"host_dbus":false,"privileged":[],"full_access":false,"apparmor":"profile","icon":false,"logo":false,"changelog":false,"documentation":false,"stdin":false,"hassio_api":false,"hassio_role":"default","auth_api":false,"homeassistant_api":false,"gpio":false,"usb":false,"uart":false,"kernel_modules":false,"devicetree":false,"udev":false,"docker_api":false,"video":false,"audio":false,"startup":"application","services":["mqtt:want"],"discovery":[],"translations":{},"ingress":true,"signed":false,"state":"started","webui":null,"ingress_entry":"/api/hassio_ingress/kPz3V0qL","ingress_url":"/api/hassio_ingress/kPz3V0qL/","ingress_port":8099,"ingress_panel":false,"audio_input":null,"audio_output":null,"auto_update":false,"ip_address":"172.30.33.4","version":"0.1.0","update_available":false,"watchdog":false,"devices":[],"system_managed":false,"system_managed_config_entry":null,"advanced":false}"#;
