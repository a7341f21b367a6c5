//! A private Mosquitto process on loopback. Invariant: it never outlives the test that started it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use super::watcher::{self, Login};

/// Any step of the process (start, stop, new password) is done within this, or the test fails.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a Mosquitto is started with; everything else is its default.
#[derive(Default, Clone)]
pub(crate) struct Config {
    /// User name and password that every client has to present.
    pub(crate) login: Option<Login>,
    /// Whether the retained messages survive an orderly stop.
    pub(crate) persistence: bool,
    pub(crate) max_queued: Option<u32>,
    /// A second listener with these files; its port is [`Mosquitto::tls_addr`].
    pub(crate) tls: Option<TlsFiles>,
    /// Further lines of its configuration file.
    pub(crate) extra: Vec<String>,
}

#[derive(Clone)]
pub(crate) struct TlsFiles {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// What a restarted Mosquitto finds on its disk.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Store {
    Kept,
    Emptied,
}

pub(crate) struct Mosquitto {
    config: Config,
    dir: TempDir,
    addr: SocketAddr,
    tls_addr: SocketAddr,
    process: Option<Child>,
}

impl Mosquitto {
    pub(crate) async fn start(config: Config) -> Mosquitto {
        let mut last = None;
        for _ in 0..5 {
            let mut mosquitto = Mosquitto {
                config: config.clone(),
                dir: tempfile::tempdir().expect("a temporary directory"),
                addr: free_addr(),
                tls_addr: free_addr(),
                process: None,
            };
            mosquitto.write_passwords().await;
            match mosquitto.launch().await {
                Ok(()) => return mosquitto,
                Err(error) => last = Some(error),
            }
        }
        panic!("Mosquitto did not start on five free ports; the last time: {last:?}");
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub(crate) fn tls_addr(&self) -> SocketAddr {
        self.tls_addr
    }

    pub(crate) async fn kill9(&mut self) {
        self.end(Signal::SIGKILL).await;
    }

    /// An orderly stop; it saves the store if persistence is on.
    pub(crate) async fn terminate(&mut self) {
        self.end(Signal::SIGTERM).await;
    }

    /// Stops it in its tracks: connections stay open and nothing answers.
    pub(crate) fn pause(&self) {
        self.signal(Signal::SIGSTOP);
    }

    pub(crate) fn resume(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// Starts it again on the same port; one that still runs is terminated first.
    pub(crate) async fn restart(&mut self, store: Store) {
        self.terminate().await;
        if store == Store::Emptied {
            match std::fs::remove_file(self.path("mosquitto.db")) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => panic!("cannot empty the store: {error}"),
                _ => {}
            }
        }
        self.launch().await.expect("Mosquitto starts again on its port");
    }

    /// What it is restarted with. Its addresses stay.
    pub(crate) fn reconfigure(&mut self, config: Config) {
        self.config = config;
    }

    /// From its return on, only this login is let in. Mosquitto cuts the clients that came with another.
    pub(crate) async fn set_password(&mut self, username: &str, password: &str) {
        assert!(self.config.login.is_some(), "only a Mosquitto that was started with a login can change it");
        self.config.login = Some((username.into(), password.into()));
        self.write_passwords().await;
        self.signal(Signal::SIGHUP);
        self.wait_until_admitted().await;
    }

    /// What is retained below the filter. For more than some 3,000 messages set `max_queued` to 0, or Mosquitto drops.
    pub(crate) async fn retained(&self, filter: &str) -> BTreeMap<String, Vec<u8>> {
        watcher::retained(self.addr, self.config.login.clone(), filter).await
    }

    /// What it has logged, for the message of a failing test.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.path("mosquitto.log")).unwrap_or_default()
    }

    async fn launch(&mut self) -> io::Result<()> {
        std::fs::write(self.path("mosquitto.conf"), self.lines()).expect("its directory is writable");
        let child = command("mosquitto")
            .arg("-c")
            .arg(self.path("mosquitto.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn();
        let child = self.process.insert(present(child));
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if child.try_wait()?.is_some() {
                break;
            }
            if TcpStream::connect(self.addr).await.is_ok() {
                return Ok(());
            }
            sleep(Duration::from_millis(5)).await;
        }
        self.process = None;
        Err(io::Error::other(format!("Mosquitto does not answer on {}:\n{}", self.addr, self.log())))
    }

    fn lines(&self) -> String {
        let path = |name| self.path(name).display().to_string();
        // Without `user root`, one that root starts would change to a user that cannot read this directory.
        let mut lines =
            format!("user root\nlog_dest file {}\nlistener {} 127.0.0.1\n", path("mosquitto.log"), self.addr.port());
        let mut line = |text: String| writeln!(lines, "{text}").expect("a String takes any line");
        match &self.config.login {
            Some(_) => line(format!("allow_anonymous false\npassword_file {}", path("passwords"))),
            None => line("allow_anonymous true".into()),
        }
        if self.config.persistence {
            line(format!("persistence true\npersistence_location {}/", self.dir.path().display()));
        }
        if let Some(max_queued) = self.config.max_queued {
            line(format!("max_queued_messages {max_queued}"));
        }
        self.config.extra.iter().for_each(|extra| line(extra.clone()));
        if let Some(TlsFiles { certificate, key }) = &self.config.tls {
            let (certificate, key) = (certificate.display(), key.display());
            line(format!("listener {} 127.0.0.1\ncertfile {certificate}\nkeyfile {key}", self.tls_addr.port()));
        }
        lines
    }

    async fn write_passwords(&self) {
        let Some((username, password)) = &self.config.login else { return };
        let written = command("mosquitto_passwd")
            .args(["-c", "-b"])
            .arg(self.path("passwords"))
            .args([username, password])
            .stderr(Stdio::null())
            .status()
            .await;
        assert!(present(written).success(), "mosquitto_passwd writes the password file");
    }

    async fn wait_until_admitted(&self) {
        let deadline = Instant::now() + PATIENCE;
        while let Err(error) = watcher::knock(self.addr, self.config.login.clone()).await {
            assert!(Instant::now() < deadline, "the new password is not taken: {error}\n{}", self.log());
            sleep(Duration::from_millis(20)).await;
        }
    }

    async fn end(&mut self, signal: Signal) {
        let Some(mut child) = self.process.take() else { return };
        let deadline = Instant::now() + PATIENCE;
        loop {
            send(&child, signal);
            // Mosquitto 2.0 forgets a signal that comes while it starts: its port is open by then, its main loop is not yet.
            if let Ok(ended) = timeout(Duration::from_secs(1), child.wait()).await {
                ended.expect("its end is seen");
                return;
            }
            assert!(Instant::now() < deadline, "Mosquitto does not end\n{}", self.log());
        }
    }

    fn signal(&self, signal: Signal) {
        send(self.process.as_ref().expect("Mosquitto runs"), signal);
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

fn send(child: &Child, signal: Signal) {
    let pid = child.id().expect("it has not been waited for");
    kill(Pid::from_raw(pid.try_into().expect("a pid is positive")), signal).expect("the process is ours");
}

/// Debian keeps the server where only root looks for programs.
fn command(program: &str) -> Command {
    let outside_path = PathBuf::from("/usr/sbin").join(program);
    if outside_path.exists() { Command::new(outside_path) } else { Command::new(program) }
}

fn present<T>(outcome: io::Result<T>) -> T {
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            panic!("mosquitto is missing: run ./scripts/test, which installs it")
        }
        outcome => outcome.expect("the program of Mosquitto runs"),
    }
}

fn free_addr() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
    listener.local_addr().expect("a bound socket has an address")
}
