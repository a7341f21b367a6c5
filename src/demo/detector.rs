//! A detector made up for the demo: it looks through the cameras and tells what it saw, by the real door for events.
//!
//! Invariant: it tells nothing of a camera that has no power, and an event that is not taken is not told again.

use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::cameras::Camera;
use super::device::Device;
use crate::events::door::EventToken;

/// From one event to the next.
const PAUSE: Duration = Duration::from_secs(6);
/// A door that does not open in this time is shut.
const PATIENCE: Duration = Duration::from_secs(5);

/// The door for events.
pub(crate) struct Door {
    pub(crate) addr: SocketAddr,
    pub(crate) token: EventToken,
}

/// What it looks through.
#[derive(Clone, Copy)]
pub(crate) struct Sights<'a> {
    pub(crate) front_door: &'a Camera,
    pub(crate) garden: &'a Camera,
    pub(crate) garden_device: &'a Device,
}

/// Where something is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    FrontDoor,
    Garden,
}

/// What is seen, one after the other.
fn sights() -> [(Place, Value); 5] {
    [
        (Place::FrontDoor, json!({ "smart_detection_type": "person", "description": "Somebody walks up to the door" })),
        (Place::FrontDoor, json!({ "is_doorbell_ring": true, "description": "Somebody rings" })),
        (Place::Garden, json!({ "smart_detection_type": "animal", "description": "A cat crosses the lawn" })),
        (Place::FrontDoor, json!({ "smart_detection_type": "package", "description": "A parcel stands at the door" })),
        (Place::Garden, json!({ "smart_detection_type": "vehicle", "description": "A car passes behind the hills" })),
    ]
}

/// Watches for ever.
pub(crate) async fn watch(door: &Door, through: Sights<'_>) {
    let Sights { front_door, garden, garden_device } = through;
    let Ok(http) = reqwest::Client::builder().timeout(PATIENCE).build() else { return };
    for (place, sight) in sights().into_iter().cycle() {
        sleep(PAUSE).await;
        let (camera, id) = match place {
            Place::FrontDoor => (front_door, "front_door"),
            Place::Garden => (garden, "garden"),
        };
        if let Some(picture) = camera.picture().await {
            tell(&http, door, id, sight, &picture).await;
            if place == Place::Garden {
                // What crosses the lawn moves, and the camera says so itself.
                for there in ["true", "false"] {
                    garden_device.tell(
                        "VideoSource/MotionAlarm",
                        "VideoSourceToken=video_1",
                        &format!("State={there}"),
                    );
                }
            }
        }
    }
}

async fn tell(http: &reqwest::Client, door: &Door, camera: &str, mut event: Value, picture: &[u8]) {
    event["thumbnail_base64"] = BASE64_STANDARD.encode(picture).into();
    let address = format!("http://{}/api/v1/cameras/{camera}/events", door.addr);
    let sent = http.post(address).bearer_auth(door.token.secret().expose_secret()).json(&event).send().await;
    if let Err(error) = sent {
        tracing::debug!(%error, "The door for events did not open");
    }
}
