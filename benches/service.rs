//! The whole program beside a private Mosquitto: resident memory, and the time from the broker's return to `online`.
//!
//! `cargo bench --bench service`. Figures depend on the machine; compare them within one run only.

#[path = "../tests/it/support/mod.rs"]
#[expect(dead_code, clippy::unwrap_used, reason = "the tests use the rest, and fail by panicking")]
mod support;

use std::io::Write;
use std::time::Duration;

use rumqttc::QoS;
use support::herald::{Herald, Setup, push_cameras};
use support::mosquitto::{Config, Mosquitto, Store};
use support::watcher::Watcher;
use tokio::time::Instant;

const ROUNDS: usize = 7;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        for cameras in [10, 200, 1_000] {
            memory(cameras).await;
        }
        for cameras in [100, 200] {
            recovery(cameras).await;
        }
    });
}

/// Push-only cameras, link up, everything announced.
async fn memory(cameras: usize) {
    let broker = Mosquitto::start(Config::default()).await;
    let herald = Herald::start(Setup::with_broker(broker.addr(), push_cameras(cameras))).await;
    herald.says("Looked for leftovers", 1).await;
    say(&format!("resident memory, {cameras} cameras, link up: {:.1} MiB", resident_kib(&herald) as f64 / 1_024.0));
}

/// From the moment at which the emptied broker takes connections again to its `online`.
async fn recovery(cameras: usize) {
    let mut broker = Mosquitto::start(Config::default()).await;
    let herald = Herald::start(Setup::with_broker(broker.addr(), push_cameras(cameras))).await;
    herald.says("Looked for leftovers", 1).await;
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        broker.kill9().await;
        herald.says("Waiting for the broker", times.len() + 1).await;
        broker.restart(Store::Emptied).await;
        let back = Instant::now();
        let watcher = Watcher::start(broker.addr(), &["camera_herald/status"], QoS::AtLeastOnce).await;
        watcher.wait_for(|message| message.text() == "online").await;
        times.push(back.elapsed());
        herald.says("Looked for leftovers", times.len() + 1).await;
    }
    times.sort();
    let ms = |time: Duration| time.as_millis();
    say(&format!(
        "broker back, emptied, to online, {cameras} cameras: median {} ms, least {} ms, most {} ms of {ROUNDS}",
        ms(times[ROUNDS / 2]),
        ms(times[0]),
        ms(times[ROUNDS - 1]),
    ));
}

fn resident_kib(herald: &Herald) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", herald.pid())).expect("a process has a status");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("the status holds its memory");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number")
}

fn say(line: &str) {
    let _nobody_reads = writeln!(std::io::stdout(), "{line}");
}
