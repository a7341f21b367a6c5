//! `camera-herald demo`: what a newcomer sees first, with nothing installed and whatever else runs.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::{Instant, sleep, timeout_at};

use crate::support::herald::program;

/// A whole round of the demo takes about half of this.
const PATIENCE: Duration = Duration::from_secs(60);

/// The running demo, in an empty directory of its own.
struct Demo {
    here: TempDir,
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
    deadline: Instant,
    heard: Vec<String>,
}

impl Demo {
    fn start() -> Self {
        let here = tempfile::tempdir().expect("a temporary directory");
        std::fs::create_dir(here.path().join("tmp")).expect("it can be written");
        let mut process = Command::new(program())
            .arg("demo")
            .env_clear()
            .env("TMPDIR", here.path().join("tmp"))
            .current_dir(here.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the program starts");
        let lines = BufReader::new(process.stdout.take().expect("stdout is piped")).lines();
        Self { here, process, lines, deadline: Instant::now() + PATIENCE, heard: Vec::new() }
    }

    /// Reads on until a line holds all of these words; returns that line.
    async fn says(&mut self, words: &[&str]) -> String {
        while let Ok(Ok(Some(line))) = timeout_at(self.deadline, self.lines.next_line()).await {
            self.heard.push(line.clone());
            if words.iter().all(|word| line.contains(word)) {
                return line;
            }
        }
        panic!("never said {words:?}; it said:\n{}", self.heard.join("\n"));
    }

    async fn stop(&mut self, signal: Signal) -> Option<i32> {
        let pid = self.process.id().expect("it still runs");
        kill(Pid::from_raw(i32::try_from(pid).expect("a pid")), signal).expect("the signal is delivered");
        let ended = timeout_at(Instant::now() + PATIENCE, self.process.wait()).await;
        ended.expect("it ends in time").expect("it can be waited for").code()
    }

    fn leftovers(&self) -> Vec<PathBuf> {
        [self.here.path().to_owned(), self.here.path().join("tmp")].iter().flat_map(|dir| entries(dir)).collect()
    }
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(dir).expect("it can be read").map(|entry| entry.expect("it can be read").path()).collect()
}

#[tokio::test]
async fn the_demo_shows_a_camera_that_fails_and_recovers_and_a_broker_that_forgets() {
    let mut demo = Demo::start();

    for device in ["Camera Herald", "Front door", "Garden"] {
        demo.says(&[device, "announced"]).await;
    }
    demo.says(&["Front door", "event", "person", "Somebody walks up to the door"]).await;
    demo.says(&["Garden", "offline", "refused", "unavailable"]).await;
    demo.says(&["Garden", "online", "jpeg 640x360", "available"]).await;
    demo.says(&["the broker is back, empty"]).await;
    for device in ["Camera Herald", "Front door", "Garden"] {
        demo.says(&[device, "announced"]).await;
    }
    demo.says(&["Camera Herald", "online"]).await;

    let code = demo.stop(Signal::SIGINT).await;
    demo.says(&["Camera Herald", "offline"]).await;
    demo.says(&["Goodbye", "said offline"]).await;
    assert_eq!(code, Some(0));
    assert_eq!(demo.leftovers(), [demo.here.path().join("tmp")]);
    assert!(!demo.heard.iter().any(|line| line.contains('\x1b')), "colours without a terminal: {:?}", demo.heard);
}

#[tokio::test]
async fn the_demo_runs_when_the_usual_port_is_taken() {
    camera_herald::tls::install_provider();
    // Whoever has it: this test, or something else on this computer.
    let _taken = TcpListener::bind("127.0.0.1:8099");
    let mut demo = Demo::start();

    let page = demo.says(&["Page"]).await;
    assert!(!page.contains(":8099/"), "{page}");
    let url = page.split_whitespace().nth(1).expect("a URL");
    demo.says(&["Camera Herald", "online"]).await;
    while reqwest::get(format!("{url}readyz")).await.expect("the service answers").status() != 200 {
        // It is ready when it has heard the acknowledgement, a moment after we have seen the message.
        assert!(Instant::now() < demo.deadline, "it says that all is announced, and is not ready");
        sleep(Duration::from_millis(20)).await;
    }

    let shows =
        |text: &'static str| async move { reqwest::get(url).await.unwrap().text().await.unwrap().contains(text) };
    for text in ["Front door", "Garden", "/picture.jpg?at=", "/events/", "Somebody walks up to the door"] {
        while !shows(text).await {
            assert!(Instant::now() < demo.deadline, "the page at {url} never shows {text}");
            sleep(Duration::from_millis(50)).await;
        }
    }

    assert_eq!(demo.stop(Signal::SIGTERM).await, Some(0));
}
