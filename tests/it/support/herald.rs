//! The real program as a process of its own. Invariant: it never outlives the test that started it.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

/// What a test waits for comes within this, or the test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

const PAGE: &str = "HERALD_INGRESS_LISTEN";

/// Where the program finds its broker, and everything else that differs between tests.
#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) options: Value,
    pub(crate) environment: Vec<(String, String)>,
}

/// A running `camera-herald run`, and its data dir, which outlives a restart.
pub(crate) struct Herald {
    dir: Arc<TempDir>,
    setup: Setup,
    page: SocketAddr,
    process: Child,
    log: Arc<Mutex<Vec<String>>>,
    _reader: JoinSet<()>,
}

impl Setup {
    /// These cameras, and the broker at this address named in the options.
    pub(crate) fn with_broker(broker: SocketAddr, cameras: Value) -> Self {
        let mqtt = json!({ "host": broker.ip().to_string(), "port": broker.port() });
        Self { options: json!({ "cameras": cameras, "mqtt": mqtt, "log_level": "debug" }), environment: Vec::new() }
    }

    /// Where this program listens for its page: as its test says, else on a port that is free now.
    fn page(&self) -> SocketAddr {
        let chosen = self.environment.iter().find(|(name, _)| name == PAGE);
        chosen.map_or_else(free_addr, |(_, address)| address.parse().expect("an address"))
    }

    /// These cameras, and a Supervisor that tells the broker: app mode.
    pub(crate) fn with_supervisor(url: &str, token: &str, cameras: Value) -> Self {
        let environment = vec![
            ("SUPERVISOR_TOKEN".to_owned(), token.to_owned()),
            ("HERALD_SUPERVISOR_URL".to_owned(), url.to_owned()),
        ];
        Self { options: json!({ "cameras": cameras, "log_level": "debug" }), environment }
    }
}

/// `count` push-only cameras: `cam_0`, `cam_1` …
pub(crate) fn push_cameras(count: usize) -> Value {
    (0..count).map(|i| json!({ "name": format!("Camera {i}"), "id": format!("cam_{i}") })).collect()
}

impl Herald {
    /// Starts the program in a fresh data dir.
    pub(crate) async fn start(setup: Setup) -> Self {
        let dir = Arc::new(tempfile::tempdir().expect("a temporary directory"));
        Self::start_in(dir, setup).await
    }

    /// Starts the program in this data dir.
    pub(crate) async fn start_in(dir: Arc<TempDir>, setup: Setup) -> Self {
        write_options(dir.path(), &setup.options);
        let page = setup.page();
        let mut command = command(dir.path(), &setup);
        command.env(PAGE, page.to_string()).arg("run").stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut process = command.spawn().expect("the program starts");
        let log = Arc::new(Mutex::new(Vec::new()));
        let mut reader = JoinSet::new();
        let mut lines = BufReader::new(process.stdout.take().expect("stdout is piped")).lines();
        let sink = log.clone();
        reader.spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                sink.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        });
        Self { dir, setup, page, process, log, _reader: reader }
    }

    /// The data dir, for a next start.
    pub(crate) fn dir(&self) -> Arc<TempDir> {
        self.dir.clone()
    }

    pub(crate) fn setup(&self) -> Setup {
        self.setup.clone()
    }

    /// Where its page, its health and its metrics are. In app mode they are not for us.
    pub(crate) fn page(&self) -> SocketAddr {
        self.page
    }

    /// Writes other options and asks for them by SIGHUP.
    pub(crate) fn reload(&mut self, change: impl FnOnce(&mut Value)) {
        change(&mut self.setup.options);
        write_options(self.dir.path(), &self.setup.options);
        self.signal(Signal::SIGHUP);
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).expect("the signal is delivered");
    }

    pub(crate) fn pid(&self) -> Pid {
        let pid = self.process.id().expect("it still runs");
        Pid::from_raw(i32::try_from(pid).expect("a pid"))
    }

    /// SIGTERM; returns the exit code and how long it took.
    pub(crate) async fn terminate(&mut self) -> (Option<i32>, Duration) {
        let began = Instant::now();
        self.signal(Signal::SIGTERM);
        let status = self.ended().await;
        (status, began.elapsed())
    }

    pub(crate) async fn kill9(&mut self) {
        self.signal(Signal::SIGKILL);
        self.ended().await;
    }

    /// Waits for its end.
    pub(crate) async fn ended(&mut self) -> Option<i32> {
        let ended = timeout(PATIENCE, self.process.wait()).await;
        match ended {
            Ok(status) => status.expect("it can be waited for").code(),
            Err(_elapsed) => panic!("the program did not end; its log:\n{}", self.log()),
        }
    }

    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(None))
    }

    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).join("\n")
    }

    /// How many log lines hold this text.
    pub(crate) fn count(&self, text: &str) -> usize {
        self.log().lines().filter(|line| line.contains(text)).count()
    }

    /// Waits until the log holds this text at least this many times.
    pub(crate) async fn says(&self, text: &str, times: usize) {
        let deadline = Instant::now() + PATIENCE;
        while self.count(text) < times {
            assert!(Instant::now() < deadline, "never said {text:?} {times} times; the log:\n{}", self.log());
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Runs another command of the program on the same data dir and options, to its end.
    pub(crate) async fn once(dir: &Path, setup: &Setup, arguments: &[&str]) -> (Option<i32>, String) {
        write_options(dir, &setup.options);
        let output = timeout(PATIENCE, command(dir, setup).args(arguments).output()).await;
        let output = output.expect("the command ends in time").expect("the command starts");
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        (output.status.code(), text)
    }
}

/// A command of the program on this data dir; it does not outlive its handle.
pub(crate) fn command(dir: &Path, setup: &Setup) -> Command {
    let mut command = Command::new(program());
    command
        .env_clear()
        .env("HERALD_DATA_DIR", dir)
        .env(PAGE, "127.0.0.1:0")
        .env("HERALD_EVENTS_LISTEN", "127.0.0.1:0")
        .envs(setup.environment.iter().cloned())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

pub(crate) fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_camera-herald"))
}

fn free_addr() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    listener.local_addr().expect("a bound socket has an address")
}

pub(crate) fn write_options(dir: &Path, options: &Value) {
    let unfinished = dir.join("options.new");
    std::fs::write(&unfinished, options.to_string()).expect("the data dir can be written");
    std::fs::rename(unfinished, dir.join("options.json")).expect("the data dir can be written");
}
