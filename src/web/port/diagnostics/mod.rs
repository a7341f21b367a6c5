//! The diagnostics file: what somebody needs who is asked for help, and no secret.
//!
//! Only what is named here gets in; nothing is written out whole that might hold more tomorrow. URLs lose user, query and fragment, and
//! passwords and tokens are only said to be set.

mod options;

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::broker::LinkState;
use crate::camera::{Camera, CameraId};
use crate::chain::Part;
use crate::web::feeds::Feeds;

/// For looking what the broker holds.
const LOOK: Duration = Duration::from_secs(8);

/// The file as it is now. Asks the broker what it holds, for some seconds at most.
pub(crate) async fn file(feeds: &Feeds) -> String {
    let retained = retained(feeds).await;
    let content = json!({
        "made_at": Timestamp::now(),
        "versions": versions(feeds),
        "running_since": feeds.started,
        "app_mode": feeds.app_mode,
        "options": options::without_secrets(&feeds.options.borrow()),
        "chain": chain(feeds),
        "link": link(feeds),
        "announcement": announcement(feeds),
        "retained_topics": retained,
        "cameras": cameras(feeds),
        "events": events(feeds),
    });
    serde_json::to_string_pretty(&content).expect("texts and numbers are JSON")
}

fn versions(feeds: &Feeds) -> Value {
    let surroundings = feeds.surroundings.borrow();
    let system = surroundings.system.clone().unwrap_or_default();
    json!({
        "camera_herald": env!("CARGO_PKG_VERSION"),
        "supervisor": system.supervisor,
        "home_assistant": system.homeassistant,
        "machine": system.machine,
        "arch": system.arch.unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
        "timezone": system.timezone,
        "ports": surroundings.app.as_ref().map(|app| &app.network),
    })
}

fn chain(feeds: &Feeds) -> Value {
    let chain = feeds.chain.borrow().clone();
    Part::ALL
        .into_iter()
        .map(|part| {
            let link = chain.part(part);
            json!({
                "part": link.part,
                "condition": link.condition,
                "since": link.since,
                "kind": link.kind,
                "last_error": link.last_error,
                "detail": link.detail,
            })
        })
        .collect()
}

fn link(feeds: &Feeds) -> Value {
    let now = match &*feeds.link.borrow() {
        LinkState::Up(up) => json!({
            "up": true,
            "since": up.since,
            "epoch": up.epoch,
            "broker": up.broker,
            "protocol": up.protocol,
            "max_packet": up.max_packet,
            "refused_topics": up.refused_topics,
            "last_error": up.last_error,
        }),
        LinkState::Down { cause, since } => {
            json!({ "up": false, "since": since, "kind": cause.kind, "waiting_for": cause.text })
        }
    };
    json!({ "now": now, "history": feeds.link_history.borrow().changes })
}

fn announcement(feeds: &Feeds) -> Value {
    let announced = feeds.announced.borrow().clone();
    let dismissed: Vec<String> = feeds.dismissed.borrow().iter().map(|owner| feeds.topics.config(owner)).collect();
    json!({
        "runs": announced.as_ref().map_or(0, |announced| announced.runs),
        "epoch": announced.as_ref().map(|announced| announced.epoch),
        "at": announced.as_ref().map(|announced| announced.at),
        "took_ms": announced.as_ref().map(|announced| milliseconds(announced.took)),
        "cameras": announced.as_ref().map(|announced| announced.cameras.len()),
        "deleted_in_home_assistant": dismissed,
    })
}

async fn retained(feeds: &Feeds) -> Value {
    match timeout(LOOK, feeds.mirror.look()).await {
        Ok(Ok(found)) => json!({ "from": "the broker", "wanted": found.wanted, "ghosts": found.ghosts }),
        Ok(Err(error)) => remembered(feeds, &error.to_string()).await,
        Err(_elapsed) => remembered(feeds, "the broker did not answer in time").await,
    }
}

async fn remembered(feeds: &Feeds, why: &str) -> Value {
    let known = timeout(LOOK, feeds.mirror.known()).await;
    json!({ "from": "the ledger", "why": why, "topics": known.ok().and_then(Result::ok) })
}

fn cameras(feeds: &Feeds) -> Value {
    let options = feeds.options.borrow().clone();
    options.cameras.iter().map(|each| camera(feeds, each)).collect()
}

fn camera(feeds: &Feeds, camera: &Camera) -> Value {
    let id = &camera.id;
    let state = feeds.statuses.borrow().get(id).cloned();
    let seen = state.as_ref().and_then(|state| state.sighting.as_ref());
    json!({
        "id": id,
        "enabled": camera.enabled,
        "status": state.as_ref().map(|state| state.status),
        "reason": state.as_ref().and_then(|state| state.reason),
        "detail": state.as_ref().and_then(|state| state.detail.as_deref()),
        "since": state.as_ref().map(|state| state.since),
        "last_frame_at": state.as_ref().and_then(|state| state.last_frame_at),
        "codec": seen.and_then(|seen| seen.codec.as_deref()),
        "resolution": seen.and_then(|seen| seen.resolution),
        "fps": seen.and_then(|seen| seen.fps),
        "bitrate": seen.and_then(|seen| seen.bitrate),
        "latency_ms": seen.map(|seen| milliseconds(seen.latency)),
        "no_picture_because": seen.and_then(|seen| seen.obstacle()).map(AsRef::as_ref),
        "last_probe": probe(feeds, id),
        "events_today": feeds.histories.borrow().get(id).map(|history| history.today),
    })
}

fn probe(feeds: &Feeds, camera: &CameraId) -> Value {
    let probe = feeds.probes.borrow().get(camera).cloned();
    probe.map_or(Value::Null, |probe| match probe.outcome {
        Ok(latency) => json!({ "at": probe.at, "latency_ms": milliseconds(latency) }),
        Err(failure) => json!({ "at": probe.at, "reason": failure.reason, "detail": failure.detail }),
    })
}

fn events(feeds: &Feeds) -> Value {
    let outbox = feeds.outbox.figures();
    let refused: serde_json::Map<String, Value> = feeds
        .tally
        .refused()
        .filter(|(_, count)| *count > 0)
        .map(|(status, count)| (status.to_string(), json!(count)))
        .collect();
    json!({
        "accepted": feeds.tally.accepted(),
        "duplicates": feeds.tally.duplicates(),
        "refused_by_status": refused,
        "delivered": outbox.delivered,
        "dropped": outbox.dropped,
        "waiting": *feeds.outbox.waiting().borrow(),
        "waiting_bytes": outbox.waiting_bytes,
    })
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
