//! From what was seen to the disk: makes events, and does not rest before they are in the outbox.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use tokio::sync::{mpsc, oneshot};

use super::ears::Ear;
use super::life::TERM;
use super::meaning::Seen;
use crate::camera::CameraKind;
use crate::camera::onvif::{Clock, Notification};
use crate::events::door::{Event, EventKind, Refused, Submission};

/// From one try to the next while the disk or the outbox takes nothing.
const PAUSE: Duration = Duration::from_secs(1);

/// The event of a message.
pub(super) fn event(ear: &Ear, seen: Seen, message: &Notification, clock: Clock, received: Timestamp) -> Event {
    // The event entity of a camera without a bell button does not know the type.
    let knows = seen.kind != EventKind::Ring || ear.kind == CameraKind::Doorbell;
    let kind = if knows { seen.kind } else { EventKind::Other };
    // A camera keeps messages no longer than the subscription: what says to be older comes from a clock that was set.
    let oldest = SignedDuration::try_from(TERM).unwrap_or(SignedDuration::ZERO);
    let timestamp = message.at.and_then(|at| clock.ours(at, received, oldest)).unwrap_or(received);
    let mut fields =
        Map::from_iter([("source_type".to_owned(), json!("onvif")), ("topic".to_owned(), json!(message.topic))]);
    fields.extend(seen.rule.map(|rule| ("rule".to_owned(), json!(rule))));
    let source: Map<String, Value> = message.source.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    fields.extend((!source.is_empty()).then(|| ("source".to_owned(), Value::Object(source))));
    Event {
        camera: ear.camera.clone(),
        event_id: format!("{:032x}", rand::random::<u128>()),
        timestamp,
        received,
        kind,
        description: None,
        fields,
        picture: None,
    }
}

/// Brings events to disk, in order, however long that takes: the camera is not asked for more before. `false` when the outbox is gone.
pub(super) async fn submit(outbox: &mpsc::Sender<Submission>, mut events: Vec<Event>) -> bool {
    let mut complained = false;
    while !events.is_empty() {
        // All of them first, so that they go to disk in one transaction.
        let mut answers = Vec::with_capacity(events.len());
        for event in &events {
            let (answer, answered) = oneshot::channel();
            if outbox.send(Submission { event: event.clone(), answer }).await.is_err() {
                return false;
            }
            answers.push(answered);
        }
        let mut left = Vec::new();
        for (event, answered) in std::mem::take(&mut events).into_iter().zip(answers) {
            match answered.await {
                Ok(Ok(_accepted)) => {}
                Ok(Err(refused)) => {
                    say_once(&mut complained, &event, &refused);
                    left.push(event);
                }
                Err(_gone) => return false,
            }
        }
        events = left;
        if !events.is_empty() {
            tokio::time::sleep(PAUSE).await;
        }
    }
    true
}

fn say_once(complained: &mut bool, event: &Event, refused: &Refused) {
    if !std::mem::replace(complained, true) {
        tracing::warn!(camera.id = %event.camera, %refused, "A camera's events wait until they can be kept; the camera keeps what comes");
    }
}
