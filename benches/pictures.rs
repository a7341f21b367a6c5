//! Probes with pictures: 100 cameras at 30 s, and what one costs next to ffmpeg doing the same.
//!
//! `cargo bench --bench pictures`. Needs `ffmpeg` on the path for the comparison. The cameras are one RTSP server with an H.264 stream
//! of 1080p, on the same machine; what it takes itself is not counted.

#[path = "../tests/it/support/mod.rs"]
#[expect(dead_code, clippy::unwrap_used, reason = "the tests use the rest, and fail by panicking")]
mod support;

use std::collections::HashMap;
use std::io::Write;
use std::process::Stdio;
use std::time::Duration;

use camera_herald::camera::prober::{self, Clients};
use camera_herald::camera::{Camera, Inventory};
use support::camera::{RtspServer, camera};
use tokio::process::Command;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

const CAMERAS: usize = 100;
const EVERY: Duration = Duration::from_secs(30);
const LONG: Duration = Duration::from_secs(95);
const SINGLE: u32 = 10;
/// As most probes are: figures are measured every few minutes only.
const WISH: prober::Wish = prober::Wish { picture_limit: 1 << 20, figures: false };

fn main() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let server = RtspServer::start().await;
        let url = server.url("open", "/high");
        // Somebody watches all the time, as a recorder would: the encoder runs in any case.
        let mut viewer = Command::new("/usr/bin/python3")
            .args([concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/rtsp_viewer.py"), &url])
            .kill_on_drop(true)
            .spawn()
            .expect("a viewer");
        fleet(&url).await;
        let ours = ours(&url).await;
        if let Some(theirs) = ffmpeg(&url).await {
            say(&format!("a probe takes {:.0} % of the processor time of ffmpeg's", 100.0 * ours / theirs));
        }
        viewer.kill().await.expect("the viewer ends");
    });
}

/// Every camera is probed on time.
async fn fleet(url: &str) {
    let cameras = (0..CAMERAS).map(|i| Camera { check_every: EVERY, ..camera(&format!("cam_{i}"), url) });
    let (_inventory, inventories) = watch::channel(Inventory::new(cameras));
    let (_requests, requested) = mpsc::channel(1);
    let (reports, mut reported) = mpsc::channel(16);
    let stop = CancellationToken::new();
    let mut prober = JoinSet::new();
    prober.spawn(prober::run(inventories, requested, reports, stop.clone()));
    let (began, before) = (Instant::now(), processor_seconds().0);
    let mut seen: HashMap<_, Vec<Instant>> = HashMap::new();
    let (mut good, mut pictures) = (0, 0);
    while let Ok(Some(report)) = timeout(LONG.saturating_sub(began.elapsed()), reported.recv()).await {
        seen.entry(report.camera).or_default().push(Instant::now());
        if let Ok(sighting) = report.outcome {
            good += 1;
            pictures += usize::from(sighting.glimpse().is_some());
        }
    }
    let spent = processor_seconds().0 - before;
    stop.cancel();
    while prober.join_next().await.is_some() {}
    let probes: usize = seen.values().map(Vec::len).sum();
    // The first round is at once, the second at the camera's own phase: only the intervals after that are even.
    let gaps = seen.values().flat_map(|times| times.windows(2).skip(1).map(|pair| (pair[1] - pair[0]).as_secs_f64()));
    let (least, most) = gaps.fold((f64::MAX, 0.0_f64), |(least, most), gap| (least.min(gap), most.max(gap)));
    say(&format!(
        "{CAMERAS} cameras at {} s for {} s: {probes} probes, {good} good, {pictures} pictures; from one to the next of a camera {least:.1} to \
         {most:.1} s; {:.1} % of one core; resident memory {:.1} MiB",
        EVERY.as_secs(),
        LONG.as_secs(),
        100.0 * spent / began.elapsed().as_secs_f64(),
        resident_mib(),
    ));
}

/// Processor time of one probe of ours, in seconds.
async fn ours(url: &str) -> f64 {
    let (clients, camera) = (Clients::new(), camera("front", url));
    let before = processor_seconds().0;
    let mut took = Duration::ZERO;
    for _ in 0..SINGLE {
        let began = Instant::now();
        let seen = prober::probe(&clients, &camera, WISH).await.expect("the camera is fine");
        took += began.elapsed();
        assert!(seen.glimpse().is_some());
    }
    let each = (processor_seconds().0 - before) / f64::from(SINGLE);
    say(&format!(
        "one probe with picture: {:.0} ms of processor time, {} ms in all",
        each * 1_000.0,
        (took / SINGLE).as_millis()
    ));
    each
}

/// The same of ffmpeg, if it is there: one frame, scaled, as JPEG.
async fn ffmpeg(url: &str) -> Option<f64> {
    let before = processor_seconds().1;
    let began = Instant::now();
    for _ in 0..SINGLE {
        let arguments = [
            "-v",
            "error",
            "-rtsp_transport",
            "tcp",
            "-i",
            url,
            "-frames:v",
            "1",
            "-vf",
            "scale=1280:-2",
            "-f",
            "mjpeg",
            "-",
        ];
        let mut command = Command::new("ffmpeg");
        let run = command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).status().await;
        match run {
            Ok(status) => assert!(status.success(), "ffmpeg: {status}"),
            Err(_not_there) => {
                say("ffmpeg is not there to compare with");
                return None;
            }
        }
    }
    let each = (processor_seconds().1 - before) / f64::from(SINGLE);
    say(&format!(
        "ffmpeg, one frame: {:.0} ms of processor time, {} ms in all",
        each * 1_000.0,
        (began.elapsed() / SINGLE).as_millis()
    ));
    Some(each)
}

/// Processor time of this process and of its children that have ended, in seconds (proc(5), stat; 100 ticks a second).
fn processor_seconds() -> (f64, f64) {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).expect("a number");
    ((ticks(11) + ticks(12)) / 100.0, (ticks(13) + ticks(14)) / 100.0)
}

fn resident_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("the status holds its memory");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).expect("a number") / 1_024.0
}

fn say(line: &str) {
    let _nobody_reads = writeln!(std::io::stdout(), "{line}");
}
