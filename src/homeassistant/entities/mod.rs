//! Which entities a camera and the bridge have. Pure; data more than code.

mod bridge;
mod camera;

pub(crate) use bridge::bridge;
pub(crate) use camera::{camera, departed};

use super::payload::Availability;
use super::topics::{Owner, Topics};

fn online(topic: String) -> Availability {
    Availability { topic }
}

fn identifier(topics: &Topics, owner: &Owner) -> String {
    match owner {
        Owner::Bridge => format!("{}_bridge", topics.node()),
        Owner::Camera(camera) => format!("{}_{camera}", topics.node()),
    }
}

fn unique_id(topics: &Topics, owner: &Owner, key: &str) -> String {
    format!("{}_{key}", identifier(topics, owner))
}
