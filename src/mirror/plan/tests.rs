//! Random orders of everything that happens, against a broker that is only a map: whatever the order, what is held becomes what is
//! desired, and no step writes an older value over a newer one.

use std::collections::{BTreeMap, VecDeque};

use futures_util::FutureExt;
use jiff::Timestamp;
use proptest::prelude::*;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::inputs::FOUND;
use super::items::without;
use super::*;
use crate::broker::Up;
use crate::camera::{Camera, CameraState, Inventory, Status, Statuses, push_only};
use crate::events::outbox::{Histories, History};
use crate::homeassistant::Owner;
use crate::homeassistant::payload::Components;
use crate::homeassistant::states::Events;
use crate::options::TopicOptions;

const IDS: [&str; 3] = ["a", "b", "c"];

fn up(epoch: u64) -> Up {
    Up {
        epoch,
        broker: "b:1883".to_owned(),
        protocol: "3.1.1",
        max_packet: 1_000_000,
        refused_topics: Vec::new(),
        last_error: None,
        since: Timestamp::UNIX_EPOCH,
    }
}

fn state(version: i64) -> CameraState {
    CameraState {
        status: if version % 2 == 0 { Status::Online } else { Status::Offline },
        reason: None,
        detail: None,
        since: Timestamp::from_second(version).unwrap(),
        sighting: None,
        last_frame_at: None,
    }
}

/// What happens from outside.
#[derive(Debug, Clone)]
enum Happening {
    Status(usize),
    History(usize),
    Events,
    Inventory(u8, bool),
    Birth,
    Will,
    AnnounceAgain,
    Offline,
    Deletion(usize),
    LinkLost {
        emptied: bool,
    },
    LinkBack,
    /// So many turns of the task's loop, each landing at most one message.
    Turns(usize),
    Wait(u64),
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        4 => (0..3usize).prop_map(Happening::Status),
        2 => (0..3usize).prop_map(Happening::History),
        1 => Just(Happening::Events),
        2 => (0..8u8, any::<bool>()).prop_map(|(cameras, renamed)| Happening::Inventory(cameras, renamed)),
        1 => Just(Happening::Birth),
        1 => Just(Happening::Will),
        1 => Just(Happening::AnnounceAgain),
        1 => Just(Happening::Offline),
        1 => (0..3usize).prop_map(Happening::Deletion),
        1 => any::<bool>().prop_map(|emptied| Happening::LinkLost { emptied }),
        2 => Just(Happening::LinkBack),
        6 => (1..40usize).prop_map(Happening::Turns),
        2 => (1..4_000u64).prop_map(Happening::Wait),
    ]
}

struct World {
    plan: Plan,
    now: Instant,
    rng: StdRng,
    version: i64,
    epoch: u64,
    connected: bool,
    statuses: Statuses,
    histories: Histories,
    /// What the broker holds.
    broker: BTreeMap<String, String>,
    under_way: VecDeque<Parcel>,
    scan_asked: bool,
    /// Clearings of configs that Home Assistant's broker sends back.
    echoes: Vec<String>,
    runs: u64,
}

impl World {
    fn new() -> Self {
        let now = Instant::now();
        let topics = Topics::new(&TopicOptions::default());
        let mut world = Self {
            plan: Plan::new(Goal::Service, topics, Ledger::of(Vec::new()), now),
            now,
            rng: StdRng::seed_from_u64(1),
            version: 0,
            epoch: 0,
            connected: false,
            statuses: Statuses::new(),
            histories: Histories::new(),
            broker: BTreeMap::new(),
            under_way: VecDeque::new(),
            scan_asked: false,
            echoes: Vec::new(),
            runs: 0,
        };
        world.happen(&Happening::Inventory(7, false));
        world
    }

    fn owner(index: usize) -> Owner {
        Owner::Camera(CameraId::new(IDS[index]).unwrap())
    }

    fn happen(&mut self, happening: &Happening) {
        match happening {
            Happening::Status(index) => {
                self.version += 1;
                self.statuses.insert(CameraId::new(IDS[*index]).unwrap(), state(self.version));
                self.plan.see_statuses(&self.statuses);
            }
            Happening::History(index) => {
                self.version += 1;
                let history = History { today: self.version.unsigned_abs(), ..History::default() };
                self.histories.insert(CameraId::new(IDS[*index]).unwrap(), history);
                self.plan.see_histories(&self.histories);
            }
            Happening::Events => {
                self.version += 1;
                self.plan.see_events(Events { waiting: self.version.unsigned_abs(), dropped: 0 });
            }
            Happening::Inventory(cameras, renamed) => {
                let chosen = IDS.iter().enumerate().filter(|(index, _)| cameras & (1 << index) != 0);
                // A probed camera has components that a push-only one has not.
                let stream = renamed.then(|| "rtsp://127.0.0.1/x".parse().unwrap());
                let camera =
                    |id: &str| Camera { name: format!("{id} {renamed}"), stream: stream.clone(), ..push_only(id) };
                self.plan.set_inventory(Inventory::new(chosen.map(|(_, id)| camera(id))), self.now);
                self.plan.see_statuses(&self.statuses);
                self.plan.see_histories(&self.histories);
            }
            Happening::Birth => self.plan.birth(self.now, &mut self.rng),
            Happening::Will => self.plan.will(self.now),
            Happening::AnnounceAgain => {
                self.plan.announce_again(self.now);
                self.plan.see_statuses(&self.statuses);
                self.plan.see_histories(&self.histories);
            }
            Happening::Offline => {
                if self.connected {
                    self.broker.insert(self.plan.desired.topics.status(), "offline".to_owned());
                    self.plan.said_offline(self.now);
                }
            }
            Happening::Deletion(index) => {
                let owner = Self::owner(*index);
                let config = self.plan.desired.topics.config(&owner);
                if self.connected && self.broker.remove(&config).is_some() {
                    self.plan.hear_clearing(owner, 1, self.now);
                }
            }
            Happening::LinkLost { emptied } => {
                self.connected = false;
                self.under_way.clear();
                self.echoes.clear();
                self.scan_asked = false;
                if *emptied {
                    self.broker.clear();
                }
                self.plan.link_is_down();
            }
            Happening::LinkBack => {
                if !self.connected {
                    self.connected = true;
                    self.epoch += 1;
                    self.plan.link_is_up(up(self.epoch), self.now);
                }
            }
            Happening::Turns(turns) => (0..*turns).for_each(|_| self.turn()),
            Happening::Wait(milliseconds) => self.now += Duration::from_millis(*milliseconds),
        }
    }

    /// One turn of the task: something lands, or a step is taken.
    fn turn(&mut self) {
        let _written = self.plan.ledger.write().now_or_never();
        if rand::Rng::random_bool(&mut self.rng, 0.4)
            && let Some(parcel) = self.under_way.pop_front()
        {
            self.land(parcel);
            return;
        }
        if let Some(topic) = self.echoes.pop() {
            let owner = self.plan.desired.topics.config_owner(&topic).unwrap();
            assert!(
                !self.plan.hear_clearing(owner, 1, self.now),
                "our own clearing of {topic} was taken for the user's"
            );
            return;
        }
        if std::mem::take(&mut self.scan_asked) {
            let ours = self.broker.keys().filter(|topic| self.plan.desired.topics.is_own(topic)).cloned().collect();
            self.plan.found(ours, self.now);
            return;
        }
        if self.plan.due(self.now).is_some_and(|due| due <= self.now) {
            match self.plan.next(self.now) {
                Step::Send(parcel) => self.under_way.push_back(parcel),
                Step::Scan => self.scan_asked = true,
                Step::Announced(_) => {
                    self.runs += 1;
                    self.plan.adopted(self.runs);
                }
                Step::Nothing => {}
            }
        }
    }

    fn land(&mut self, Parcel { message, ticket }: Parcel) {
        let text = String::from_utf8(message.payload.to_vec()).unwrap();
        if text.is_empty() && Topics::is_config(&message.topic) {
            self.echoes.push(message.topic.clone());
        }
        if message.retain {
            if text.is_empty() {
                self.broker.remove(&message.topic);
            } else {
                if let Some(before) = self.broker.get(&message.topic) {
                    assert!(
                        age(before) <= age(&text),
                        "{}: {before} was written over by the older {text}",
                        message.topic
                    );
                }
                self.broker.insert(message.topic.clone(), text);
            }
        }
        self.plan.landed(ticket);
    }

    /// Lets everything go on until there is nothing more to do.
    fn settle(&mut self) {
        self.happen(&Happening::LinkBack);
        for _ in 0..20_000 {
            self.turn();
            let idle = self.under_way.is_empty() && self.echoes.is_empty() && !self.scan_asked;
            match self.plan.due(self.now) {
                None if idle && self.plan.is_done() && self.plan.is_settled() => return,
                Some(due) if due > self.now => self.now = due,
                _ => {}
            }
        }
        panic!("it does not come to rest");
    }

    fn expected(&self) -> BTreeMap<String, String> {
        let desired = &self.plan.desired;
        let text = |message: Message| (message.topic, String::from_utf8(message.payload.to_vec()).unwrap());
        let mut all: BTreeMap<_, _> = desired
            .devices()
            .owners()
            .map(|owner| {
                desired
                    .devices()
                    .config(&desired.topics, &owner)
                    .map(|(topic, json)| (topic, json.to_string()))
                    .unwrap()
            })
            .collect();
        for camera in &desired.devices().cameras {
            all.extend(desired.states(&camera.id).into_iter().map(text));
            all.extend(desired.availability(&camera.id).map(text));
        }
        all.extend(desired.bridge().map(text));
        all.insert(desired.topics.status(), "online".to_owned());
        all
    }
}

/// The version that a state was made from.
fn age(state: &str) -> i64 {
    let json: Value = serde_json::from_str(state).unwrap_or_default();
    let since = json["since"].as_str().and_then(|since| since.parse::<Timestamp>().ok());
    let counted = json["events_today"].as_i64().or(json["outbox_depth"].as_i64());
    since.map(Timestamp::as_second).or(counted).unwrap_or(0)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn in_whatever_order_things_happen_the_broker_comes_to_hold_what_is_desired(
        happenings in prop::collection::vec(happening(), 0..60),
    ) {
        let mut world = World::new();
        for happening in &happenings {
            world.happen(happening);
        }
        world.settle();
        prop_assert_eq!(&world.broker, &world.expected());
        let held: BTreeSet<_> = world.plan.ledger.topics().cloned().collect();
        prop_assert!(world.broker.keys().all(|topic| held.contains(topic)), "the ledger knows everything that is there");
    }
}

#[test]
fn a_status_that_changes_in_the_middle_of_a_run_goes_before_the_rest_of_it() {
    let mut world = World::new();
    world.happen(&Happening::LinkBack);
    let status = |world: &World| world.broker.get("camera_herald/camera/a/status").map(|text| age(text));
    while status(&world).is_none() {
        world.turn();
    }
    world.happen(&Happening::Status(0));
    let version = world.version;
    while let Some(parcel) = world.under_way.pop_front() {
        world.land(parcel);
    }
    let Step::Send(Parcel { message, .. }) = world.plan.next(world.now) else { panic!("there is something to send") };
    assert_eq!(
        (message.topic.as_str(), age(std::str::from_utf8(&message.payload).unwrap())),
        ("camera_herald/camera/a/status", version)
    );
    assert!(!world.broker.contains_key("camera_herald/status"), "the run was not over");
}

#[test]
fn departed_devices_are_seen_off_by_the_next_run_when_one_is_cut_short() {
    let mut world = World::new();
    world.settle();
    // Home Assistant is away while the camera goes.
    world.happen(&Happening::Inventory(6, false));
    world.settle();
    world.happen(&Happening::Birth);
    let runs = world.runs;
    while world.runs == runs {
        world.turn();
        if let Some(due) = world.plan.due(world.now).filter(|due| *due > world.now) {
            world.now = due;
        }
    }
    // Asked for again before the device was shown: the run ends here.
    world.plan.announce_again(world.now);
    world.now += Duration::from_secs(5);
    assert_eq!(world.plan.next(world.now), Step::Nothing);
    let mut shown = 0;
    for _ in 0..2_000 {
        let before = world.under_way.len();
        world.turn();
        if world.under_way.len() > before {
            let message = &world.under_way.back().unwrap().message;
            shown += usize::from(!message.retain && !message.payload.is_empty());
        }
        if let Some(due) = world.plan.due(world.now).filter(|due| *due > world.now) {
            world.now = due;
        }
    }
    assert_eq!(shown, 1);
}

#[test]
fn a_birth_in_the_middle_of_clearing_is_answered_in_time() {
    let mut world = World::new();
    world.settle();
    let junk = (0..50_000).map(|i| format!("camera_herald/camera/junk{i}/status"));
    let topics: Vec<_> = junk.collect();
    world.plan.clear(topics, world.now);
    world.now += Duration::from_secs(2);
    (0..200).for_each(|_| world.turn());
    world.happen(&Happening::Birth);
    let (born, runs) = (world.now, world.runs);
    while world.runs == runs {
        world.turn();
        if let Some(due) = world.plan.due(world.now).filter(|due| *due > world.now) {
            world.now = due;
        }
    }
    assert!(world.now - born < Duration::from_secs(4), "{:?}", world.now - born);
}

#[test]
fn what_is_found_unasked_is_taken_away_within_bounds() {
    let mut world = World::new();
    for i in 0..5_000 {
        world.broker.insert(format!("camera_herald/camera/junk{i}/status"), "x".to_owned());
    }
    world.settle();
    assert_eq!(world.broker.keys().filter(|topic| topic.contains("junk")).count(), 5_000 - FOUND);
}

fn components(pairs: &[(&str, &str)]) -> Components {
    pairs.iter().map(|(key, platform)| ((*key).to_owned(), (*platform).to_owned())).collect()
}

#[test]
fn a_component_that_is_gone_is_sent_as_its_platform_alone() {
    let payload = json!({ "components": { "a": { "platform": "sensor", "unique_id": "x_a" } } });
    let transition = without(&payload, &components(&[("a", "sensor"), ("b", "button")])).unwrap();
    assert_eq!(transition["components"]["b"], json!({ "platform": "button" }));
    assert_eq!(transition["components"]["a"], payload["components"]["a"]);
}

#[test]
fn a_component_that_changes_its_platform_is_taken_away_first() {
    let payload = json!({ "components": { "a": { "platform": "sensor", "unique_id": "x_a" } } });
    let transition = without(&payload, &components(&[("a", "binary_sensor")])).unwrap();
    assert_eq!(transition["components"]["a"], json!({ "platform": "binary_sensor" }));
}

#[test]
fn nothing_is_sent_twice_when_all_components_stay() {
    let payload = json!({ "components": { "a": { "platform": "sensor" }, "b": { "platform": "sensor" } } });
    assert_eq!(without(&payload, &components(&[("a", "sensor")])), None);
}
