//! Probes on real sockets: what they see, and what they say when they see nothing.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use camera_herald::camera::prober::{self, Clients, ProbeRequest};
use camera_herald::camera::{
    Camera, CameraState, Failure, Inventory, Reason, Report, Sighting, Status, Statuses, tracker,
};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::support::camera::{
    FRAGMENT, IDR, Manner, PPS, RtspServer, SLICE, SPS, ScriptedCamera, camera, http, jpeg, with_password,
};

const WISH: prober::Wish = prober::Wish { picture_limit: 1 << 20, figures: true };

async fn see(camera: &Camera) -> Sighting {
    prober::probe(&Clients::new(), camera, WISH).await.unwrap_or_else(|failure| panic!("{failure:?}"))
}

/// The failure of a probe, in time and with words that may be shown.
async fn fail(camera: &Camera) -> Failure {
    let started = Instant::now();
    let failure = prober::probe(&Clients::new(), camera, WISH).await.expect_err("there is nothing to see");
    assert!(started.elapsed() < Duration::from_secs(14), "{:?}", started.elapsed());
    assert!(!failure.detail.contains("secret"), "{}", failure.detail);
    assert!(!failure.detail.contains('\n') && failure.detail.len() < 250, "{}", failure.detail);
    failure
}

async fn fail_with(reason: Reason, url: &str) -> Failure {
    let failure = fail(&camera("front", url)).await;
    assert_eq!(failure.reason, reason, "{}", failure.detail);
    failure
}

#[track_caller]
fn assert_seen(sighting: &Sighting, codec: &str, resolution: (u32, u32)) {
    assert_eq!(sighting.codec.as_deref(), Some(codec));
    assert_eq!(sighting.resolution, Some(resolution));
    assert!(sighting.latency > Duration::ZERO && sighting.latency < Duration::from_secs(10));
}

#[tokio::test]
async fn streams_of_every_codec_are_seen() {
    let server = RtspServer::start().await;
    let h264 = see(&camera("front", &server.url("open", "/h264"))).await;
    assert_seen(&h264, "h264", (640, 360));
    assert_eq!(h264.fps, Some(25.0));
    assert_seen(&see(&camera("front", &server.url("open", "/h265"))).await, "h265", (640, 480));
    assert_seen(&see(&camera("front", &server.url("open", "/mjpeg"))).await, "jpeg", (320, 240));
}

#[tokio::test]
async fn streams_with_a_password_are_seen_and_a_wrong_one_is_told() {
    let server = RtspServer::start().await;
    for (door, password) in [("basic", "pa:ss w0rd"), ("digest", "pa:ss/w0rd@")] {
        let camera = camera("front", &server.url(door, "/h264"));
        assert_seen(&see(&with_password(camera.clone(), "viewer", password)).await, "h264", (640, 360));
        let wrong = fail(&with_password(camera.clone(), "viewer", "secret")).await;
        assert_eq!(wrong.reason, Reason::Auth, "{door}: {}", wrong.detail);
        let none = fail(&camera).await;
        assert_eq!(none.reason, Reason::Auth, "{door}: {}", none.detail);
        assert_ne!(wrong.detail, none.detail, "no password is another mistake than a wrong one");
    }
}

#[tokio::test]
async fn a_stream_over_tls_is_seen_whatever_its_certificate() {
    let server = RtspServer::start().await;
    assert_seen(&see(&camera("front", &server.url("tls", "/h264"))).await, "h264", (640, 360));
    let by_name = format!("rtsps://localhost:{}/mjpeg?token=secret", server.port("tls"));
    assert_seen(&see(&camera("front", &by_name)).await, "jpeg", (320, 240));
    fail_with(Reason::NotFound, &server.url("tls", "/unknown")).await;
    fail_with(Reason::Tls, &server.url("open", "/h264").replace("rtsp:", "rtsps:")).await;
    fail_with(Reason::Protocol, &server.url("tls", "/h264").replace("rtsps:", "rtsp:")).await;
}

#[tokio::test]
async fn a_stream_that_does_not_exist_or_has_no_video_is_told() {
    let server = RtspServer::start().await;
    fail_with(Reason::NotFound, &server.url("open", "/unknown?token=secret")).await;
    let sound = fail_with(Reason::Protocol, &server.url("open", "/sound")).await;
    assert!(sound.detail.contains("no video"), "{}", sound.detail);
}

#[tokio::test]
async fn a_stream_without_key_frames_is_no_video_and_says_so() {
    let camera = ScriptedCamera::start(Manner::Plays(vec![(true, SLICE)])).await;
    let failure = fail_with(Reason::NoFrames, &camera.url("rtsp", "/x?token=secret")).await;
    assert!(failure.detail.contains("key frame"), "{}", failure.detail);
}

#[tokio::test]
async fn every_way_to_reach_nobody_has_its_reason() {
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for scheme in ["rtsp", "rtsps", "http", "https"] {
        let refused = fail_with(Reason::Refused, &format!("{scheme}://{closed}/x?token=secret")).await;
        assert!(refused.detail.contains(&closed.to_string()), "{}", refused.detail);
        fail_with(Reason::Dns, &format!("{scheme}://camera.invalid/x?token=secret")).await;
        // TCP to the broadcast address fails in the kernel, before any packet is sent.
        fail_with(Reason::Unreachable, &format!("{scheme}://255.255.255.255:8554/x?token=secret")).await;
    }
}

#[tokio::test]
async fn a_port_that_accepts_and_says_nothing_is_a_timeout() {
    let silent = ScriptedCamera::start(Manner::Silent(Duration::from_secs(60))).await;
    let urls = ["rtsp", "rtsps", "http", "https"].map(|scheme| silent.url(scheme, "/x?token=secret"));
    let [rtsp, rtsps, http, https] = &urls;
    tokio::join!(
        fail_with(Reason::Timeout, rtsp),
        fail_with(Reason::Timeout, rtsps),
        fail_with(Reason::Timeout, http),
        fail_with(Reason::Timeout, https),
    );
}

#[tokio::test]
async fn a_server_that_speaks_something_else_is_a_protocol_failure() {
    for said in [
        &b"SSH-2.0-OpenSSH_9.2\r\n"[..],
        b"\0\xff\0\xff\0\xff\r\n\r\n",
        b"",
        b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\nsecret",
    ] {
        let garbage = ScriptedCamera::start(Manner::Says(said.to_vec())).await;
        fail_with(Reason::Protocol, &garbage.url("rtsp", "/x?token=secret")).await;
        fail_with(Reason::Protocol, &garbage.url("http", "/x?token=secret")).await;
    }
    let greets = ScriptedCamera::start(Manner::Greets(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec())).await;
    fail_with(Reason::Tls, &greets.url("rtsps", "/x?token=secret")).await;
    fail_with(Reason::Tls, &greets.url("https", "/x?token=secret")).await;
}

#[tokio::test]
async fn a_stream_that_opens_and_sends_nothing_is_no_frames_over_one_connection() {
    let frozen = ScriptedCamera::start(Manner::Plays(Vec::new())).await;
    fail_with(Reason::NoFrames, &frozen.url("rtsp", "/x?token=secret")).await;
    let seen = frozen.seen();
    assert_eq!(seen.connections, 1, "{seen:?}");
    assert!(seen.requests[1].starts_with("TEARDOWN"), "{seen:?}");
}

#[tokio::test]
async fn a_stream_that_is_joined_in_the_middle_of_a_picture_is_seen_and_left_again() {
    let fragments = (0..50).map(|_| (false, FRAGMENT));
    let picture = [(false, SPS), (false, PPS), (true, IDR)];
    let playing = ScriptedCamera::start(Manner::Plays(fragments.chain(picture).collect())).await;
    assert_seen(&see(&camera("front", &playing.url("rtsp", "/x"))).await, "h264", (64, 48));
    let seen = playing.seen();
    assert_eq!((seen.connections, seen.requests.len()), (1, 2), "{seen:?}");
    assert!(seen.requests[1].starts_with("TEARDOWN"), "{seen:?}");
}

#[tokio::test]
async fn snapshots_are_seen_also_with_a_password() {
    let image = jpeg(320, 200);
    let open = ScriptedCamera::start(Manner::Says(http(200, "Content-Type: text/html\r\n", &image))).await;
    assert_seen(&see(&camera("front", &open.url("http", "/snap.jpg"))).await, "jpeg", (320, 200));
    assert_eq!(open.seen().connections, 1);
    for challenge in ["Basic realm=\"cam\"", "Digest realm=\"cam\", nonce=\"abc123\", algorithm=MD5"] {
        let asks = Manner::Asks { challenge, username: "viewer", password: "pa:ss w0rd", image: image.clone() };
        let guarded = ScriptedCamera::start(asks).await;
        let camera = camera("front", &guarded.url("http", "/snap.jpg?size=1&token=secret"));
        assert_seen(&see(&with_password(camera.clone(), "viewer", "pa:ss w0rd")).await, "jpeg", (320, 200));
        assert_eq!(fail(&with_password(camera.clone(), "viewer", "secret")).await.reason, Reason::Auth);
        assert_eq!(fail(&camera).await.reason, Reason::Auth);
    }
}

#[tokio::test]
async fn a_snapshot_that_moved_on_its_host_is_followed_and_the_password_goes_to_where_it_is_asked_for() {
    let challenge = "Digest realm=\"cam\", nonce=\"abc123\", algorithm=MD5";
    let asks = Manner::Asks { challenge, username: "viewer", password: "pa:ss", image: jpeg(320, 200) };
    let moved = ScriptedCamera::start(asks).await;
    moved.once(Manner::Says(http(302, "Location: /new?size=1\r\n", b"")));
    let camera = with_password(camera("front", &moved.url("http", "/old")), "viewer", "pa:ss");
    assert_seen(&see(&camera).await, "jpeg", (320, 200));
    let seen = moved.seen();
    let paths: Vec<_> = seen.requests.iter().map(|request| request.split(' ').nth(1).unwrap()).collect();
    assert_eq!(paths, ["/old", "/new?size=1", "/new?size=1"]);
    assert!(seen.requests[..2].iter().all(|request| !request.to_lowercase().contains("authorization")));
}

#[tokio::test]
async fn a_snapshot_that_is_no_picture_has_its_reason() {
    let image = jpeg(320, 200);
    let elsewhere = ScriptedCamera::start(Manner::Says(http(200, "", &image))).await;
    let away = format!("Location: {}\r\n", elsewhere.url("http", "/").replace("127.0.0.1", "localhost"));
    let half = http(200, "", &image[..image.len() / 2]);
    for (said, reason) in [
        (http(404, "", b""), Reason::NotFound),
        (http(403, "", b""), Reason::Auth),
        (http(500, "", b""), Reason::Protocol),
        (http(200, "", b"<html>secret</html>"), Reason::Protocol),
        (half, Reason::Protocol),
        (http(200, "", &image)[..image.len()].to_vec(), Reason::Protocol), // breaks off
        (http(302, &away, b""), Reason::Protocol),
        (http(302, "Location: /again\r\n", b""), Reason::Protocol),
    ] {
        let scripted = ScriptedCamera::start(Manner::Says(said)).await;
        fail_with(reason, &scripted.url("http", "/snap.jpg?token=secret")).await;
    }
    assert_eq!(elsewhere.seen().connections, 0, "nobody was sent to another host");
}

#[tokio::test]
async fn a_snapshot_without_end_is_cut_off() {
    let mut flood = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    flood.resize(65536, 0xff);
    let endless = ScriptedCamera::start(Manner::Endless(flood)).await;
    let failure = fail_with(Reason::Protocol, &endless.url("http", "/")).await;
    assert!(failure.detail.contains("8 MiB"), "{}", failure.detail);
}

/// Prober and tracker on one inventory, as the app runs them.
struct Running {
    statuses: watch::Receiver<Statuses>,
    requests: mpsc::Sender<ProbeRequest>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
    _inventory: watch::Sender<Inventory>,
}

impl Running {
    fn start(cameras: impl IntoIterator<Item = Camera>) -> Self {
        let (inventory, inventories) = watch::channel(Inventory::new(cameras));
        let (requests, requested) = mpsc::channel(8);
        let (reports, reported) = mpsc::channel(8);
        let told = tracker::Told::default();
        let statuses = told.statuses.subscribe();
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(prober::run(inventories.clone(), requested, reports, stop.clone()));
        tasks.spawn(tracker::run(inventories, reported, told));
        Self { statuses, requests, stop, tasks, _inventory: inventory }
    }

    /// Waits until the first camera's state is as wanted.
    async fn until(&mut self, limit: Duration, wanted: impl Fn(&CameraState) -> bool) -> CameraState {
        let first = |statuses: &Statuses| statuses.values().next().is_some_and(&wanted);
        let waiting = self.statuses.wait_for(first);
        let found = tokio::time::timeout(limit, waiting).await.expect("it comes in time").unwrap();
        found.values().next().unwrap().clone()
    }

    async fn stop(mut self) {
        self.stop.cancel();
        let ending = async { while self.tasks.join_next().await.is_some() {} };
        tokio::time::timeout(Duration::from_secs(2), ending).await.expect("both tasks end");
    }
}

async fn eventually(limit: Duration, holds: impl Fn() -> bool) {
    let patience = Instant::now() + limit;
    while !holds() {
        assert!(Instant::now() < patience, "it did not come to pass");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_camera_that_dies_is_offline_within_two_intervals_and_back_with_the_first_good_probe() {
    let server = RtspServer::start().await;
    let port = server.port("open");
    let two_intervals = Duration::from_secs(10);
    let mut running = Running::start([camera("front", &server.url("open", "/mjpeg"))]);
    running.until(two_intervals, |state| state.status == Status::Online).await;

    server.kill().await;
    let died = Instant::now();
    let state = running.until(two_intervals, |state| state.status == Status::Offline).await;
    println!("offline after {:?}", died.elapsed());
    assert_eq!(state.reason, Some(Reason::Refused));
    assert!(state.sighting.is_some(), "what was known about the stream stays known");

    let _server = RtspServer::start_on(port).await;
    let back = Instant::now();
    let state = running.until(two_intervals, |state| state.status == Status::Online).await;
    println!("online after {:?}", back.elapsed());
    assert_eq!(state.reason, None);
    running.stop().await;
}

#[tokio::test]
async fn one_lost_probe_changes_nothing() {
    let fine = ScriptedCamera::start(Manner::Says(http(200, "", &jpeg(64, 48)))).await;
    let mut running = Running::start([camera("front", &fine.url("http", "/"))]);
    let online = running.until(Duration::from_secs(10), |state| state.status == Status::Online).await;

    fine.once(Manner::Says(http(500, "", b"")));
    let before = fine.seen().connections;
    running.requests.send(ProbeRequest::All).await.unwrap();
    let later = running.until(Duration::from_secs(10), |state| state.last_frame_at > online.last_frame_at).await;
    assert!(fine.seen().connections >= before + 2, "one was lost, and one came soon after");
    assert_eq!((later.status, later.since), (Status::Online, online.since), "it was never anything else");
    running.stop().await;
}

#[tokio::test]
async fn at_most_eight_cameras_are_probed_at_once_and_none_twice() {
    let silent = ScriptedCamera::start(Manner::Silent(Duration::from_millis(200))).await;
    let cameras: Vec<_> = (0..40).map(|i| camera(&format!("cam_{i}"), &silent.url("rtsp", &format!("/{i}")))).collect();
    let (_inventory, inventories) = watch::channel(Inventory::new(cameras));
    let (requests, requested) = mpsc::channel(8);
    let (reports, mut reported) = mpsc::channel::<Report>(8);
    let stop = CancellationToken::new();
    let mut tasks = JoinSet::new();
    tasks.spawn(prober::run(inventories, requested, reports, stop.clone()));

    let mut heard_of = BTreeSet::new();
    while heard_of.len() < 40 {
        requests.send(ProbeRequest::All).await.unwrap();
        let report = tokio::time::timeout(Duration::from_secs(30), reported.recv()).await.expect("in time").unwrap();
        assert_eq!(report.outcome.unwrap_err().reason, Reason::Protocol);
        heard_of.insert(report.camera);
    }
    let seen = silent.seen();
    assert_eq!((seen.most_at_once, seen.most_per_path), (8, 1));
    stop.cancel();
    tokio::time::timeout(Duration::from_secs(2), tasks.join_next()).await.expect("it ends").unwrap().unwrap();
}

#[tokio::test]
async fn the_prober_stops_at_once_also_while_a_camera_keeps_it_waiting() {
    let silent = ScriptedCamera::start(Manner::Silent(Duration::from_secs(60))).await;
    let running = Running::start([camera("front", &silent.url("rtsp", "/"))]);
    eventually(Duration::from_secs(5), || !silent.seen().requests.is_empty()).await;
    running.stop().await;
}
