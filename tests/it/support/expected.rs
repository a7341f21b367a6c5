//! The retained set that a plan leaves on the broker, written down independently of the program's own code.

use std::collections::{BTreeMap, BTreeSet};

use super::mosquitto::Mosquitto;

/// Every topic that must be retained for these cameras under this base, with the default discovery prefix.
pub(crate) fn topics(base: &str, cameras: &[String]) -> BTreeSet<String> {
    let mut topics = BTreeSet::from([
        format!("{base}/status"),
        format!("{base}/bridge/state"),
        format!("homeassistant/device/{base}-bridge/config"),
    ]);
    for id in cameras {
        topics.insert(format!("homeassistant/device/{base}-{id}/config"));
        for leaf in ["availability", "status", "last_event", "counts", "activity"] {
            topics.insert(format!("{base}/camera/{id}/{leaf}"));
        }
    }
    topics
}

/// `cam_0` … as [`super::herald::push_cameras`] names them.
pub(crate) fn push_camera_ids(count: usize) -> Vec<String> {
    (0..count).map(|i| format!("cam_{i}")).collect()
}

/// The broker holds exactly these topics, and says that we are online.
pub(crate) async fn assert_on(broker: &Mosquitto, expected: &BTreeSet<String>) -> BTreeMap<String, Vec<u8>> {
    let retained = broker.retained("#").await;
    let found: BTreeSet<String> = retained.keys().cloned().collect();
    let missing: Vec<_> = expected.difference(&found).collect();
    let ghosts: Vec<_> = found.difference(expected).collect();
    assert!(missing.is_empty() && ghosts.is_empty(), "missing: {missing:?}\nghosts: {ghosts:?}");
    retained
}
