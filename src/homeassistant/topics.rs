//! Every topic string of the program. Pure.

use crate::camera::CameraId;
use crate::options::TopicOptions;

/// The topics of one installation, made from its options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topics {
    base: String,
    node: String,
    prefix: String,
    birth: String,
}

/// The last part of a camera's topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaf {
    /// `online` or `offline`, retained.
    Availability,
    /// Status, reason and what is known about the stream, retained.
    Status,
    /// The last event, whole, retained.
    Event,
    /// One event, not retained, for the event entity.
    Detection,
    /// The last event in short, retained.
    LastEvent,
    /// Events today and this week, retained.
    Counts,
    /// `ON` or `OFF`, retained.
    Activity,
    /// Whether the camera's own events are heard, retained.
    Hearing,
    /// The picture, not retained.
    Snapshot,
    /// What Home Assistant asks of the camera.
    Command,
}

/// Whose topic it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// Camera Herald's own device.
    Bridge,
    /// A camera's device, by its id; the camera may be long gone.
    Camera(CameraId),
}

impl Leaf {
    /// All of them. An older version, or another program with this layout, may have retained any of them.
    pub const ALL: [Self; 10] = [
        Self::Availability,
        Self::Status,
        Self::Event,
        Self::Detection,
        Self::LastEvent,
        Self::Counts,
        Self::Activity,
        Self::Hearing,
        Self::Snapshot,
        Self::Command,
    ];

    /// The ones that we retain for a camera.
    pub const RETAINED: [Self; 7] =
        [Self::Availability, Self::Status, Self::Event, Self::LastEvent, Self::Counts, Self::Activity, Self::Hearing];

    fn as_str(self) -> &'static str {
        match self {
            Self::Availability => "availability",
            Self::Status => "status",
            Self::Event => "event",
            Self::Detection => "detection",
            Self::LastEvent => "last_event",
            Self::Counts => "counts",
            Self::Activity => "activity",
            Self::Hearing => "hearing",
            Self::Snapshot => "snapshot",
            Self::Command => "command",
        }
    }
}

impl Topics {
    /// The topics for these options.
    #[must_use]
    pub fn new(options: &TopicOptions) -> Self {
        Self {
            base: options.base.clone(),
            node: node(&options.base),
            prefix: options.discovery_prefix.clone(),
            birth: options.birth.clone(),
        }
    }

    /// The node: first part of our device identifiers and unique ids, and of the level that names our discovery topics.
    #[must_use]
    pub fn node(&self) -> &str {
        &self.node
    }

    /// Where Home Assistant says `online` when it has started.
    #[must_use]
    pub fn birth(&self) -> &str {
        &self.birth
    }

    /// Are we here? Also the will's topic.
    #[must_use]
    pub fn status(&self) -> String {
        format!("{}/status", self.base)
    }

    /// What the bridge's entities show.
    #[must_use]
    pub fn bridge_state(&self) -> String {
        format!("{}/bridge/state", self.base)
    }

    /// What Home Assistant asks of us.
    #[must_use]
    pub fn bridge_command(&self) -> String {
        format!("{}/bridge/command", self.base)
    }

    /// Sees what Home Assistant asks of any camera.
    #[must_use]
    pub fn camera_commands(&self) -> String {
        format!("{}/camera/+/{}", self.base, Leaf::Command.as_str())
    }

    /// Whom a camera's command is for; `None` when the topic is none.
    #[must_use]
    pub fn commanded_camera(&self, topic: &str) -> Option<CameraId> {
        let id = topic.strip_prefix(&self.base)?.strip_prefix("/camera/")?.strip_suffix("/command")?;
        CameraId::new(id).ok()
    }

    /// Whose retained state a topic holds; `None` when it is none of a camera. The camera may be long gone.
    #[must_use]
    pub fn state_owner(&self, topic: &str) -> Option<CameraId> {
        self.owner_of(topic, &Leaf::RETAINED)
    }

    /// Whose topic it is, whatever it holds; `None` when it is none of a camera.
    #[must_use]
    pub fn leaf_owner(&self, topic: &str) -> Option<CameraId> {
        self.owner_of(topic, &Leaf::ALL)
    }

    fn owner_of(&self, topic: &str, leaves: &[Leaf]) -> Option<CameraId> {
        let (id, leaf) = topic.strip_prefix(&self.base)?.strip_prefix("/camera/")?.split_once('/')?;
        leaves.iter().find(|known| known.as_str() == leaf)?;
        CameraId::new(id).ok()
    }

    /// Where our scans mark their end.
    #[must_use]
    pub fn scan(&self) -> String {
        format!("{}/bridge/scan", self.base)
    }

    /// A topic beside the ones we write to under the base, and one beside our configs: does the broker let us? Home
    /// Assistant listens to neither.
    #[must_use]
    pub fn trials(&self) -> Vec<String> {
        vec![format!("{}/bridge/trial", self.base), format!("{}/device/{}-bridge/trial", self.prefix, self.node)]
    }

    /// A camera's topic.
    #[must_use]
    pub fn camera(&self, camera: &CameraId, leaf: Leaf) -> String {
        format!("{}/camera/{camera}/{}", self.base, leaf.as_str())
    }

    /// The retained discovery message of a device: `<prefix>/device/<node>-<id>/config`. Node and id share one level:
    /// from a topic with two, Home Assistant before 2025.4 never removes a device.
    #[must_use]
    pub fn config(&self, owner: &Owner) -> String {
        let id = match owner {
            Owner::Bridge => "bridge",
            Owner::Camera(camera) => camera.as_str(),
        };
        format!("{}/device/{}-{id}/config", self.prefix, self.node)
    }

    /// Sees our configs, and those of other programs: [`config_owner`](Self::config_owner) tells them apart.
    #[must_use]
    pub fn config_filter(&self) -> String {
        format!("{}/device/+/config", self.prefix)
    }

    /// Sees our retained topics, one filter for each kind, so that no replay is larger than the number of devices.
    #[must_use]
    pub fn own_filters(&self) -> Vec<String> {
        let bridge = [self.config_filter(), format!("{}/bridge/+", self.base)];
        bridge.into_iter().chain(self.state_filters()).collect()
    }

    /// Sees the topics of all cameras.
    #[must_use]
    pub fn state_filters(&self) -> Vec<String> {
        Leaf::ALL.iter().map(|leaf| format!("{}/camera/+/{}", self.base, leaf.as_str())).collect()
    }

    /// Whether one of [`own_filters`](Self::own_filters) sees this topic, and it is no other program's config. Nothing else may
    /// be cleared without being in the ledger.
    #[must_use]
    pub fn is_own(&self, topic: &str) -> bool {
        let seen = self.own_filters().iter().any(|filter| sees(filter, topic));
        seen && (!sees(&self.config_filter(), topic) || self.config_owner(topic).is_some())
    }

    /// Whether a topic of the ledger is a device's config, also of an earlier base or prefix: none of our states ends like one.
    #[must_use]
    pub fn is_config(topic: &str) -> bool {
        topic.ends_with("/config")
    }

    /// Whose config a topic is; `None` when it is not one of ours.
    #[must_use]
    pub fn config_owner(&self, topic: &str) -> Option<Owner> {
        let device = topic.strip_prefix(&self.prefix)?.strip_prefix("/device/")?.strip_suffix("/config")?;
        // An id has no dash, so the last one ends the node.
        match device.rsplit_once('-')? {
            (node, _) if node != self.node => None,
            (_, "bridge") => Some(Owner::Bridge),
            (_, id) => CameraId::new(id).ok().map(Owner::Camera),
        }
    }
}

/// Whether a filter with `+` only sees a topic.
fn sees(filter: &str, topic: &str) -> bool {
    let (mut levels, mut names) = (filter.split('/'), topic.split('/'));
    loop {
        match (levels.next(), names.next()) {
            (None, None) => return true,
            (_, Some(name)) if name.contains(['+', '#']) => return false,
            (Some(level), Some(name)) if level == "+" || level == name => {}
            _ => return false,
        }
    }
}

/// The node of a base: Home Assistant takes `[a-zA-Z0-9_-]+` only, and two bases never share one. Letters, digits and `_` stay; `/` is `--`,
/// and any other character its number between two dashes, so that the base can be read back from the node.
fn node(base: &str) -> String {
    base.chars()
        .map(|c| match c {
            c if c.is_ascii_alphanumeric() || c == '_' => c.to_string(),
            '/' => "--".to_owned(),
            other => format!("-{:x}-", u32::from(other)),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn topics(base: &str) -> Topics {
        Topics::new(&TopicOptions { base: base.to_owned(), ..TopicOptions::default() })
    }

    #[test]
    fn the_layout_is_the_one_that_automations_know() {
        let topics = topics("liveobject");
        let camera = CameraId::new("front_door").unwrap();
        assert_eq!(topics.camera(&camera, Leaf::LastEvent), "liveobject/camera/front_door/last_event");
        assert_eq!(topics.config(&Owner::Camera(camera)), "homeassistant/device/liveobject-front_door/config");
        assert_eq!(topics.config(&Owner::Bridge), "homeassistant/device/liveobject-bridge/config");
        assert_eq!(topics.status(), "liveobject/status");
    }

    proptest! {
        #[test]
        fn a_config_topic_leads_back_to_its_camera(id in "[a-z0-9_]{1,64}", base in "[a-zA-Z0-9_./ ü-]{1,20}") {
            prop_assume!(id != "bridge");
            let topics = topics(&base);
            let owner = Owner::Camera(CameraId::new(&id).unwrap());
            prop_assert_eq!(topics.config_owner(&topics.config(&owner)), Some(owner));
        }

        #[test]
        fn two_bases_have_two_nodes(one in "[a-b0-9_./-]{1,8}", other in "[a-b0-9_./-]{1,8}") {
            prop_assert_eq!(one == other, topics(&one).node == topics(&other).node, "{} {}", one, other);
        }

        #[test]
        fn home_assistant_takes_every_node(base in "\\PC{1,30}") {
            let node = topics(&base).node;
            prop_assert!(node.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-'), "{}", node);
        }
    }

    #[test]
    fn bases_that_look_alike_have_nodes_of_their_own_and_plain_ones_keep_theirs() {
        let node = |base: &str| topics(base).node;
        for (base, expected) in [
            ("camera_herald", "camera_herald"),
            ("liveobject", "liveobject"),
            ("home/cam", "home--cam"),
            ("home-cam", "home-2d-cam"),
            ("home.cam", "home-2e-cam"),
            ("home_2e_cam", "home_2e_cam"),
        ] {
            assert_eq!(node(base), expected);
        }
    }

    #[test]
    fn what_is_not_ours_has_no_owner() {
        let topics = topics("camera_herald");
        for other in [
            "homeassistant/device/camera_herald2-x/config",
            "homeassistant/device/camera_herald-2-x/config",
            "homeassistant/device/camera_herald-x/y/config",
            "homeassistant/device/other-x/config",
            "homeassistant/device/camera_herald/config",
            "homeassistant/sensor/camera_herald/x/config",
            "camera_herald/status",
            "camera_herald/camera/+/status",
            "camera_herald/camera/a/b/status",
            "camera_herald/camera/a/else",
            "#",
            "",
        ] {
            assert_eq!(topics.config_owner(other), None, "{other}");
            assert!(!topics.is_own(other), "{other}");
        }
    }

    #[test]
    fn every_topic_that_we_retain_is_seen_by_one_of_the_own_filters() {
        let topics = topics("camera_herald");
        let camera = CameraId::new("a").unwrap();
        let mut ours: Vec<_> = Leaf::ALL.iter().map(|leaf| topics.camera(&camera, *leaf)).collect();
        ours.extend([topics.bridge_state(), topics.config(&Owner::Bridge), topics.config(&Owner::Camera(camera))]);
        for topic in ours {
            assert_eq!(Topics::is_config(&topic), topics.config_owner(&topic).is_some(), "{topic}");
            let seen = topics.own_filters().iter().filter(|filter| rumqttc::mqttbytes::matches(&topic, filter)).count();
            assert_eq!(seen, 1, "{topic}");
            assert!(topics.is_own(&topic), "{topic}");
        }
    }
}
