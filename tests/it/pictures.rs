//! Pictures: from each kind of stream and snapshot, onto the broker, and those that stand still.

use std::time::Duration;

use camera_herald::camera::prober::{self, Clients};
use camera_herald::camera::{Camera, Reason, Sighting};
use image::{GenericImageView, ImageFormat, RgbImage};
use rumqttc::QoS;
use serde_json::json;
use tokio::process::Command;
use url::Url;

use crate::chaos::camera::SnapshotCamera;
use crate::support::camera::{BEGINNING, IDR, Manner, PPS, RtspServer, SPS, ScriptedCamera, camera, with_password};
use crate::support::herald::{Herald, Setup};
use crate::support::mosquitto::{Config, Mosquitto};
use crate::support::publish_command;
use crate::support::watcher::{Seen, Watcher};

const WISH: prober::Wish = prober::Wish { picture_limit: 1 << 20, figures: true };

async fn see(camera: &Camera) -> Sighting {
    prober::probe(&Clients::new(), camera, WISH).await.unwrap_or_else(|failure| panic!("{camera:?}: {failure:?}"))
}

fn picture(seen: &Sighting) -> RgbImage {
    let glimpse = seen.glimpse().unwrap_or_else(|| panic!("no picture: {:?}", seen.picture));
    image::load_from_memory_with_format(&glimpse.jpeg, ImageFormat::Jpeg).unwrap().into_rgb8()
}

/// GStreamer's test picture begins with a white bar, then yellow, and has a blue one last.
fn assert_shows_the_bars(picture: &RgbImage) {
    let (width, height) = picture.dimensions();
    let bar = |number: u32| picture.get_pixel(width * (2 * number + 1) / 14, height / 4).0;
    let [red, green, blue] = bar(1);
    assert!(red > 150 && green > 150 && blue < 90, "yellow is {:?}", bar(1));
    let [red, green, blue] = bar(6);
    assert!(blue > 130 && red < 90 && green < 90, "blue is {:?}", bar(6));
}

#[tokio::test]
async fn every_codec_and_profile_gives_the_picture_that_the_camera_sends() {
    let server = RtspServer::start().await;
    for (path, codec, size) in [
        ("/baseline", "h264", (640, 360)),
        ("/main", "h264", (640, 360)),
        ("/high", "h264", (1_280, 720)),
        ("/h265", "h265", (640, 480)),
        ("/mjpeg", "jpeg", (320, 240)),
    ] {
        let seen = see(&camera("front", &server.url("open", path))).await;
        assert_eq!(seen.codec.as_deref(), Some(codec), "{path}");
        assert_eq!(seen.obstacle(), None, "{path}");
        let picture = picture(&seen);
        assert_eq!(picture.dimensions(), size, "{path}");
        assert_shows_the_bars(&picture);
    }
}

#[tokio::test]
async fn a_guarded_stream_and_one_over_tls_give_pictures_too() {
    let server = RtspServer::start().await;
    for (door, password) in [("basic", "pa:ss w0rd"), ("digest", "pa:ss/w0rd@"), ("tls", "")] {
        let camera = camera("front", &server.url(door, "/h264"));
        let camera = if password.is_empty() { camera } else { with_password(camera, "viewer", password) };
        assert_shows_the_bars(&picture(&see(&camera).await));
    }
}

#[tokio::test]
async fn frame_rate_and_bitrate_are_measured() {
    let server = RtspServer::start().await;
    let seen = see(&camera("front", &server.url("open", "/h264"))).await;
    let fps = seen.fps.unwrap();
    assert!((15.0..=35.0).contains(&fps), "25 frames a second were measured as {fps}");
    let bitrate = seen.bitrate.unwrap();
    assert!((10_000..20_000_000).contains(&bitrate), "{bitrate} bit/s");
}

#[tokio::test]
async fn interlaced_video_is_online_and_says_what_to_do_for_a_picture() {
    let server = RtspServer::start().await;
    let seen = see(&camera("front", &server.url("open", "/interlaced"))).await;
    assert!(seen.glimpse().is_none());
    let obstacle = seen.obstacle().unwrap();
    assert!(obstacle.contains("snapshot URL"), "{obstacle}");
}

#[tokio::test]
async fn a_snapshot_url_beside_the_stream_gives_the_picture() {
    let (server, still) = (RtspServer::start().await, SnapshotCamera::start().await);
    let mut both = camera("front", &server.url("open", "/interlaced"));
    both.snapshot = Some(Url::parse(&still.url()).unwrap());
    let seen = see(&both).await;
    assert_eq!(seen.codec.as_deref(), Some("h264"), "the stream says what it is");
    assert_eq!((picture(&seen).dimensions(), seen.obstacle()), ((320, 180), None));
}

#[tokio::test]
async fn a_key_frame_that_is_broken_gives_no_picture_and_no_harm() {
    const BROKEN: &[u8] = b"\x65\x88\x84\x06\xff\xff\xff\xff\x00\x03\xfb\xf2";
    let camera_of = async |packets| ScriptedCamera::start(Manner::Plays(packets)).await;
    let whole = camera_of(vec![(false, SPS), (false, PPS), (true, IDR)]).await;
    assert_eq!(picture(&see(&camera("front", &whole.url("rtsp", "/"))).await).dimensions(), (64, 48));
    let broken = camera_of(vec![(false, SPS), (false, PPS), (true, BROKEN)]).await;
    let seen = see(&camera("front", &broken.url("rtsp", "/"))).await;
    assert!(seen.glimpse().is_none() && seen.obstacle().is_some());
}

#[tokio::test]
async fn a_stream_that_stops_in_the_middle_of_its_key_frame_shows_no_picture() {
    let packets = vec![(false, SPS), (false, PPS), (false, BEGINNING)];
    let stuck = ScriptedCamera::start(Manner::Plays(packets)).await;
    let outcome = prober::probe(&Clients::new(), &camera("front", &stuck.url("rtsp", "/")), WISH).await;
    assert_eq!(outcome.unwrap_err().reason, Reason::NoFrames);
}

/// A key frame of 128 by 96 pixels, one NAL unit a packet.
fn large() -> Vec<(bool, &'static [u8])> {
    // The first byte chooses the codec for the fuzz target.
    let frame = &include_bytes!("../../fuzz/seeds/keyframe/h264_high")[1..];
    let starts: Vec<_> = (0..frame.len()).filter(|at| frame[*at..].starts_with(&[0, 0, 1])).collect();
    let ends = starts[1..].iter().copied().chain([frame.len()]);
    let units = starts.iter().zip(ends).map(|(start, end)| &frame[start + 3..end]);
    units.map(|unit| (unit[0] & 0x1f == 5, unit)).collect()
}

#[tokio::test]
async fn a_stream_that_switches_its_resolution_is_seen_with_the_one_that_it_has() {
    let (small, large) = (vec![(false, SPS), (false, PPS), (true, IDR)], large());
    // In the same session, and from one session to the next.
    let switching = ScriptedCamera::start(Manner::Plays([large.clone(), small.clone()].concat())).await;
    switching.once(Manner::Plays(small.clone()));
    switching.once(Manner::Plays([small, large].concat()));
    let camera = camera("front", &switching.url("rtsp", "/"));
    for size in [(64, 48), (64, 48), (128, 96)] {
        assert_eq!(picture(&see(&camera).await).dimensions(), size);
    }
    assert_eq!(switching.seen().connections, 3, "each look is one connection");
}

#[tokio::test]
async fn a_key_frame_that_never_ends_is_cut_off_before_it_fills_the_memory() {
    let flood = ScriptedCamera::start(Manner::Floods).await;
    let outcome = prober::probe(&Clients::new(), &camera("front", &flood.url("rtsp", "/")), WISH).await;
    let failure = outcome.unwrap_err();
    assert_eq!(failure.reason, Reason::NoFrames);
    assert!(failure.detail.contains("never ends"), "{}", failure.detail);
}

/// Several looks at a stream that goes on: the share of each picture that differs from the first, and whether it counts as the same.
async fn looks(url: &str) -> Vec<(f32, bool)> {
    // GStreamer makes its pictures by rote: with nobody watching in between, each probe would see the first ones.
    let _viewer = Command::new("/usr/bin/python3")
        .args([concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/rtsp_viewer.py"), url])
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let camera = camera("front", url);
    see(&camera).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let mut prints = Vec::new();
    for _ in 0..4 {
        prints.push(see(&camera).await.glimpse().unwrap().print.clone());
    }
    prints[1..].iter().map(|print| (prints[0].changed_share(print), prints[0].is_same(print))).collect()
}

#[tokio::test]
async fn a_frozen_stream_is_told_from_a_still_scene_also_with_a_clock_in_it() {
    let server = RtspServer::start().await;
    for (path, frozen) in [("/frozen", true), ("/clock", true), ("/noise", false)] {
        let looks = looks(&server.url("open", path)).await;
        assert!(looks.iter().all(|(_, same)| *same == frozen), "{path}: {looks:?}");
    }
}

#[tokio::test]
async fn pictures_reach_home_assistant_when_they_are_new_and_again_when_asked_for() {
    let broker = Mosquitto::start(Config::default()).await;
    let lens = SnapshotCamera::start().await;
    let watcher = Watcher::start(broker.addr(), &["camera_herald/camera/#"], QoS::AtLeastOnce).await;
    let cameras = json!([{ "name": "Front", "id": "front", "snapshot": lens.url(), "check_seconds": 3_600 }]);
    let herald = Herald::start(Setup::with_broker(broker.addr(), cameras)).await;
    let is_picture = |message: &Seen| message.topic == "camera_herald/camera/front/snapshot";
    let first = watcher.wait_for(is_picture).await;
    assert!(!first.retain);
    assert_eq!(image::load_from_memory(&first.payload).unwrap().dimensions(), (320, 180));
    herald.says("Looked for leftovers", 1).await;

    watcher.forget();
    publish_command(broker.addr(), "camera_herald/camera/front/command", "snapshot").await;
    let second = watcher.wait_for(is_picture).await;
    assert_ne!(second.payload, first.payload);

    watcher.forget();
    publish_command(broker.addr(), "camera_herald/camera/front/command", "probe").await;
    watcher.wait_for(is_picture).await;

    watcher.forget();
    publish_command(broker.addr(), "homeassistant/status", "online").await;
    watcher.wait_for(is_picture).await;
}

#[tokio::test]
async fn a_frozen_camera_is_said_to_be_frozen_and_comes_back_when_it_moves() {
    let broker = Mosquitto::start(Config::default()).await;
    let lens = SnapshotCamera::start().await;
    lens.freeze(true);
    let cameras = json!([{ "name": "Front", "id": "front", "snapshot": lens.url(), "check_seconds": 5 }]);
    let herald = Herald::start(Setup::with_broker(broker.addr(), cameras)).await;
    herald.says("Front is online", 1).await;
    let status = async || -> serde_json::Value {
        let topic = "camera_herald/camera/front/status";
        let retained = broker.retained(topic).await;
        retained.get(topic).map(|status| serde_json::from_slice(status).unwrap()).unwrap_or_default()
    };
    let deadline = tokio::time::Instant::now() + Duration::from_secs(90);
    while status().await["status"] != "frozen" {
        assert!(tokio::time::Instant::now() < deadline, "never frozen; the log:\n{}", herald.log());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(status().await["reason"], "same_picture");
    assert_eq!(broker.retained("camera_herald/camera/front/availability").await.values().next().unwrap(), b"offline");
    lens.freeze(false);
    herald.says("Front is online", 2).await;
}
