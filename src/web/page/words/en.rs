//! English.

use super::{Advice, Words};
use crate::camera::{Hearing, Reason, Status};
use crate::chain::{BrokerKind as Broker, Condition, Kind, Part, SupervisorKind as Supervisor};
use crate::events::door::EventKind;

/// English.
pub(in crate::web::page) const EN: Words = Words {
    skip: "Skip to the cameras",
    back: "Back",
    lost_contact: "No contact with Camera Herald since",
    too_many_pages: "Too many pages are open. This one shows what was true when it was loaded; it goes on by itself when another one is closed.",
    trying_again: "Trying again by itself. What you see may be out of date.",
    diagnostics: "Download diagnostics",
    live: "Live",
    version: "Camera Herald {}",
    all_well: "All is well",
    all_well_sub: "Home Assistant shows what is true: {} of {} cameras online.",
    events_only_sub: "Home Assistant is told of every event.",
    looking: "Looking at the cameras",
    looking_sub: "{} of {} have not been seen yet. This takes a few seconds.",
    need_you_one: "One camera needs you",
    need_you: "{} cameras need you",
    need_you_sub: "{} of {} online.",
    waiting_for: |part| match part {
        Part::Supervisor => "Waiting for the Supervisor",
        Part::MqttService => "Waiting for a broker to register",
        Part::Broker => "Waiting for the broker",
        Part::HomeAssistant => "Waiting for Home Assistant",
    },
    chain_broken: |part| match part {
        Part::Supervisor => "The Supervisor needs you",
        Part::MqttService => "The MQTT service needs you",
        Part::Broker => "The broker needs you",
        Part::HomeAssistant => "Home Assistant needs you",
    },
    chain_sub: "Nothing is lost meanwhile: events wait, and everything is announced again by itself.",
    no_camera: "No camera yet",
    no_camera_sub: "Three steps to the first one:",
    no_camera_step_1: "Open the tab Configuration of this app.",
    no_camera_step_2: "Press Add under Cameras. A name is enough to begin with; with the stream's address it has a status and a picture, too.",
    no_camera_step_3: "Save and restart the app. The camera appears here, and as a device in Home Assistant.",
    online_now: "cameras online",
    events_today: "events today",
    and_more: "and {} more",
    chain: "From the Supervisor to Home Assistant",
    since: "since",
    lasting: "for {}",
    next_step: "Next step",
    last_error: "Last error",
    in_own_words: "Exact message",
    part,
    condition,
    cause,
    out_of_reach: "out of reach",
    cameras: "Cameras",
    status,
    reason,
    events_only: "Events only",
    events_only_hint: "Without a stream or snapshot in the options there is nothing to look at.",
    not_looked_yet: "Not looked at yet",
    picture_of: "Picture of {}",
    no_picture: "No picture yet",
    picture_from: "Picture from",
    last_day: "Last 24 hours",
    strip_online: "online {} % of the time that is known",
    strip_interruptions: |count| match count {
        0 => "no interruption",
        1 => "1 interruption",
        _ => "{} interruptions",
    },
    strip_empty: "nothing known yet",
    hours_ago: "24 h ago",
    now: "now",
    last_event: "Last event",
    no_event: "No event yet",
    today: "today",
    this_week: "this week",
    active: "Active",
    deleted_there: "The device was deleted in Home Assistant. \"Announce again\" brings it back; enabled: false in the options keeps it away.",
    kind,
    hearing,
    unknown_topics: "Topics that Camera Herald does not know",
    unknown_topics_hint: "The camera tells these, and they make no events. Report them with the camera's model, so that a next version knows them.",
    search: "Search cameras",
    filter: "Show",
    everything: "All",
    nothing_matches: "No camera matches.",
    all_cameras: "All cameras",
    last_look: "Last look",
    look_good: "saw a picture",
    look_failed: "saw no picture",
    no_look: "not looked yet",
    codec: "Codec",
    resolution: "Resolution",
    frame_rate: "Frame rate",
    frames_per_second: "{} fps",
    bitrate: "Bitrate",
    latency: "Latency",
    last_frame: "Last good look",
    checked_every: "Checked every",
    not_measured: "not measured",
    events: "Events",
    no_events: "No event has come from this camera.",
    events_unreadable: "The history cannot be read just now",
    delivered: "with Home Assistant",
    not_delivered: "waits for the broker",
    event_picture: "Picture of this event",
    send_events: "Send events",
    send_intro: "Whoever knows the token may send events for this camera.",
    send_port: "The door for events is closed until port 8098 has a number in the tab Configuration, under Network. Use that number here.",
    by_url: "A camera that can call an address",
    by_url_hint: "Put it into the camera's alarm or event settings, often called HTTP notification or webhook.",
    by_curl: "A script, a recorder, an automation",
    by_curl_hint: "With a text, and more fields if you have them.",
    token_hidden: "The token is hidden",
    show_token: "Show the token",
    hide_token: "Hide the token",
    copy: "Copy",
    copied: "Copied",
    discovery: "What Home Assistant was told",
    discovery_intro: "The discovery message of this camera, as it was sent.",
    discovery_topic: "Topic",
    discovery_sent: "Sent",
    discovery_none: "Nothing has been sent for this camera yet: it is announced as soon as the broker is there.",
    actions: "Actions",
    probe: "Look now",
    probe_all: "Look at all cameras",
    probe_all_hint: "Checks every camera at once, out of turn.",
    announce: "Announce again",
    announce_hint: "Sends every device and its state to Home Assistant once more.",
    ghosts: "Clean up ghosts",
    ghosts_hint: "Looks for messages of ours on the broker that no camera needs. It shows them first.",
    ghosts_found: "These {} retained messages on the broker belong to no camera of the options. Clearing them removes their devices from Home Assistant.",
    ghosts_none: "No ghost found: everything on the broker belongs to a camera of the options.",
    ghosts_clear: "Clear these messages",
    token: "New event token",
    token_hint: "Makes the old one worthless.",
    token_warning: "Every camera, recorder and script that sends events needs the new token. Until then their events are refused.",
    token_confirm: "Make a new token",
    cancel: "Cancel",
    destructive: "This cannot be undone",
    done_probe: "The camera is being looked at. The result appears here by itself.",
    done_probe_all: "All cameras are being looked at. The results appear here by themselves.",
    done_announce: "Asked for an announcement. It begins as soon as the broker is there.",
    done_ghosts: "The ghosts are cleared.",
    done_token: "There is a new event token. Tell it to whoever sends events.",
    failed: "That did not work",
    not_found: "Nothing is here",
    not_found_text: "This address leads nowhere. It may be from an older version.",
    no_such_camera: "This camera is not there any more",
    no_such_camera_text: "It was removed from the options, switched off, or its id has changed.",
    stale_form: "This form was too old",
    stale_form_text: "Camera Herald has restarted since the page was opened. Nothing was done. Go back, load the page again, and press the button once more.",
    foreign_form: "Nothing was done",
    foreign_form_text: "The request did not come from this page.",
    busy: "Not possible just now",
    busy_text: "Camera Herald is stopping or too busy. Try again in a moment.",
    to_the_wall: "To all cameras",
};

fn part(part: Part) -> &'static str {
    match part {
        Part::Supervisor => "Supervisor",
        Part::MqttService => "MQTT service",
        Part::Broker => "Broker",
        Part::HomeAssistant => "Home Assistant",
    }
}

fn condition(part: Part, condition: Condition) -> &'static str {
    match (part, condition) {
        (Part::Supervisor, Condition::Good) => "answers",
        (Part::MqttService, Condition::Good) => "names the broker",
        (Part::Broker, Condition::Good) => "connected",
        (Part::HomeAssistant, Condition::Good) => "knows everything",
        (Part::HomeAssistant, Condition::Unknown) => "not heard yet",
        (_, Condition::Unknown) => "not asked yet",
        (_, Condition::Waiting) => "waiting",
        (_, Condition::Broken) => "broken",
        (_, Condition::Unused) => "not needed",
    }
}

fn status(status: Status) -> &'static str {
    match status {
        Status::Unknown => "Unknown",
        Status::Online => "Online",
        Status::Offline => "Offline",
        Status::Unauthorized => "Refuses us",
        Status::NoVideo => "No video",
        Status::Frozen => "Frozen",
    }
}

fn reason(reason: Reason) -> Advice {
    let (what, next) = match reason {
        Reason::Dns => ("Its name does not resolve", "Check the host name in the address, or use the IP address."),
        Reason::Refused => (
            "Nothing listens at its address",
            "Check address and port, and whether the camera's stream is switched on.",
        ),
        Reason::Unreachable => ("It is not on the network", "Check power, cable or Wi-Fi, and the address."),
        Reason::Timeout => ("It does not answer in time", "Restart the camera; check power and Wi-Fi."),
        Reason::Tls => (
            "The secure connection fails",
            "Check whether the camera speaks TLS on this port; else use rtsp:// or http://.",
        ),
        Reason::Auth => ("It refuses user name or password", "Correct both in the options of this app."),
        Reason::NotFound => {
            ("It does not know the path", "Correct the path in the address; the camera's manual names it.")
        }
        Reason::Protocol => {
            ("Its answer is not understood", "Check that the address is a stream or picture, not a web page.")
        }
        Reason::NoFrames => (
            "The stream opens, but no picture comes",
            "Restart the camera; check that its last free stream is not in use.",
        ),
        Reason::SamePicture => ("The picture stands still", "Restart the camera."),
    };
    Advice { what, next }
}

fn kind(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Motion => "Motion",
        EventKind::Person => "Person",
        EventKind::Vehicle => "Vehicle",
        EventKind::Package => "Package",
        EventKind::Animal => "Animal",
        EventKind::Sound => "Sound",
        EventKind::Ring => "Ring",
        EventKind::Other => "Something else",
    }
}

fn cause(kind: Kind) -> Advice {
    let (what, next) = match kind {
        Kind::Broker(Broker::Timeout) => ("It does not answer", "Check that the broker runs, and its address."),
        Kind::Broker(Broker::Refused) => {
            ("It takes no connections", "Start the broker (the Mosquitto broker app), and check its port.")
        }
        Kind::Broker(Broker::Dns) => {
            ("Its name does not resolve", "Check mqtt.host in the options, or start the broker's app.")
        }
        Kind::Broker(Broker::Tls) => (
            "The secure connection fails",
            "Check mqtt.tls and mqtt.ca_file in the options, and the broker's certificate.",
        ),
        Kind::Broker(Broker::Auth) => (
            "It refuses user name or password",
            "With a broker in the options: correct both. Else restart the broker's app; the new password is found by itself.",
        ),
        Kind::Broker(Broker::BrokerRefused) => ("It refuses the connection", "See the broker's log: it says why."),
        Kind::Broker(Broker::Protocol) => {
            ("It speaks another version of MQTT", "Set mqtt.protocol as the exact message says.")
        }
        Kind::Broker(Broker::NoRetain) => (
            "It keeps no messages",
            "Allow retained messages in the broker's settings (Mosquitto: retain_available true).",
        ),
        Kind::Broker(Broker::NoQos1) => {
            ("It acknowledges no messages", "Allow QoS 1 in the broker's settings (Mosquitto: max_qos 2).")
        }
        Kind::Broker(Broker::WillRefused) => (
            "It does not take our last word",
            "Allow Camera Herald's user to write to the topic that the exact message names.",
        ),
        Kind::Broker(Broker::TakenOver) => {
            ("Two copies of Camera Herald run", "Stop the other one, or give it a data folder of its own.")
        }
        Kind::Broker(Broker::PacketTooLarge) => {
            ("It takes only small messages", "Raise max_packet_size in the broker's settings.")
        }
        Kind::Broker(Broker::HalfOpen) => {
            ("It has stopped answering", "Wait: a new connection is made. If it goes on, check network and broker.")
        }
        Kind::Broker(Broker::AckOverdue) => {
            ("It acknowledges nothing", "Wait: a new connection is made. If it goes on, restart the broker.")
        }
        Kind::Broker(Broker::Broken) => {
            ("The connection broke", "Wait: a new connection is made. If it goes on, see the broker's log.")
        }
        Kind::Supervisor(Supervisor::ServiceNotEnabled) => {
            ("No broker has registered", "Install and start the Mosquitto broker app, or set mqtt.host in the options.")
        }
        Kind::Supervisor(Supervisor::NotReady) => ("It is starting or stopping", "Wait; this passes."),
        Kind::Supervisor(Supervisor::NoAccess) => {
            ("It gives no access to the MQTT service", "Reinstall the app, and report this.")
        }
        Kind::Supervisor(Supervisor::TokenRefused) => {
            ("It refuses our token", "Restart the app: each start gets a new one.")
        }
        Kind::Supervisor(Supervisor::Unreachable) => {
            ("It cannot be reached", "It may be updating. Wait a few minutes.")
        }
        Kind::Supervisor(Supervisor::Timeout) => ("It does not answer in time", "It may be busy. Wait a few minutes."),
        Kind::Supervisor(Supervisor::CutOff) => {
            ("Its answer ended early", "It was probably restarted. Wait a few minutes.")
        }
        Kind::Supervisor(Supervisor::NotJson | Supervisor::Malformed | Supervisor::Unexpected) => {
            ("Its answer is not understood", "Update the Supervisor and this app; if it stays, report this.")
        }
        Kind::Supervisor(Supervisor::Server) => {
            ("It has a fault of its own", "See its log under Settings, System, Logs.")
        }
        Kind::Client => ("It cannot be asked", "Restart the app. If it stays, report the exact message."),
        Kind::RefusedTopics => (
            "It lets us write to some topics only",
            "Allow our topics in the broker's access rules; the exact message names them.",
        ),
        Kind::NotHeard => (
            "It has not said anything yet",
            "Nothing. It has been told everything; it is heard when it starts, or when you open this page in it.",
        ),
        Kind::Gone => (
            "It is not running, or its MQTT integration is not",
            "Wait until it has started; it is told everything then.",
        ),
        Kind::NoBroker => ("Out of reach without the broker", "See to the broker first."),
    };
    Advice { what, next }
}

fn hearing(hearing: Hearing) -> Advice {
    let (what, next) = match hearing {
        Hearing::Unknown => ("The camera's own events: not asked yet", "It is asked right now."),
        Hearing::Listening => ("The camera's own events are heard", "Nothing is to be done."),
        Hearing::Silent => (
            "The camera tells nothing any more",
            "Restart the camera. Until it tells something, silence does not mean that nothing happens.",
        ),
        Hearing::Busy => (
            "Another program holds the camera's place for listeners",
            "Let fewer programs listen to the camera's events, or restart the camera.",
        ),
        Hearing::Refused => (
            "The camera does not let us listen to its events",
            "Check user name and password; many cameras have users of their own for ONVIF.",
        ),
        Hearing::NotOffered => (
            "The camera offers no events by ONVIF",
            "Switch ONVIF on in the camera, or set events to off for this camera.",
        ),
        Hearing::Lost => (
            "The camera's own events are not heard",
            "Check the host and that the camera is on. It is tried again by itself.",
        ),
        Hearing::Off => ("The camera's own events are switched off", "events: auto in the options switches them on."),
    };
    Advice { what, next }
}
