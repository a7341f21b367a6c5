"""What a person must see of a device in Home Assistant, written down here and nowhere else."""

import dataclasses
import re

from . import herald

STATUSES = ["online", "offline", "unauthorized", "no_video", "frozen", "unknown"]
KINDS = ["motion", "person", "vehicle", "package", "animal", "sound", "other"]


@dataclasses.dataclass(frozen=True)
class Entity:
    """One entity. `named` is False when Home Assistant makes the name from the device class."""

    key: str
    platform: str
    name: str
    category: str = None
    unit: str = None
    device_class: str = None
    state_class: str = None
    enabled: bool = True
    # Goes away with its camera; the others with the bridge only.
    of_a_living_camera: bool = False
    fresh: object = "unknown"
    choices: tuple = None


def _figure(key, name, unit, device_class=None):
    return Entity(key, "sensor", name, "diagnostic", unit, device_class, "measurement", False, True)


def is_time(state):
    """Whether a state is a moment."""
    return bool(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00$", state or ""))


PROBED = [
    _figure("latency", "Latency", "ms", "duration"),
    _figure("fps", "Frame rate", "fps"),
    _figure("bitrate", "Bitrate", "bit/s", "data_rate"),
    Entity("probe", "button", "Probe now", "diagnostic"),
]


HEARINGS = ["unknown", "listening", "silent", "busy", "refused", "not_offered", "lost", "off"]


def camera(kind="camera", probed=True, listened_to=False):
    """The entities of a camera, with the states of one that has just been seen and never had an event."""
    status = Entity("status", "sensor", "Status", "diagnostic", device_class="enum", choices=tuple(STATUSES))
    connectivity = Entity("connectivity", "binary_sensor", "Connectivity", "diagnostic", device_class="connectivity")
    events = {"unit": "events", "state_class": "total_increasing", "fresh": "0"}
    doorbell = kind == "doorbell"
    choices = tuple(KINDS + ["ring"] * doorbell)
    snapshot = Entity("snapshot", "image", "Snapshot", of_a_living_camera=True)
    every = [
        dataclasses.replace(status, fresh="online" if probed else "unknown"),
        dataclasses.replace(connectivity, fresh="on" if probed else "unknown"),
        Entity("last_event", "sensor", "Last event"),
        Entity("last_event_time", "sensor", "Last event time", device_class="timestamp"),
        Entity("events_today", "sensor", "Events today", **events),
        Entity("events_this_week", "sensor", "Events this week", **events),
        Entity("activity", "binary_sensor", "Activity", device_class="motion", of_a_living_camera=True, fresh="off"),
        Entity("detection", "event", "Detection", device_class="doorbell" if doorbell else "motion", choices=choices),
        dataclasses.replace(snapshot, fresh=is_time if probed else "unknown"),
    ]
    hearing = Entity("hearing", "sensor", "Own events", "diagnostic", device_class="enum", choices=tuple(HEARINGS), fresh="listening")
    return every + (PROBED if probed else []) + [hearing] * listened_to


def bridge(total_online):
    """The entities of Camera Herald's own device when all is well."""
    return [
        Entity("cameras_online", "sensor", "Cameras online", None, "cameras", None, "measurement", fresh=str(total_online)),
        Entity("reconnects", "sensor", "MQTT reconnects", "diagnostic", state_class="total_increasing", fresh=str.isdigit),
        Entity("last_error", "sensor", "Last error", "diagnostic", fresh=bool),
        Entity("outbox_depth", "sensor", "Events waiting", "diagnostic", "events", None, "measurement", fresh="0"),
        Entity("version", "sensor", "Version", "diagnostic", fresh=herald.version()),
        Entity("announce", "button", "Announce again", "config"),
    ]


def entity_id(entity, device, device_name, keeps_defaults):
    """Its entity id: from the camera's id where Home Assistant lets us choose, else from the names."""
    text = f"{device}_{entity.key}" if keeps_defaults else f"{device_name} {entity.name}"
    return f"{entity.platform}.{re.sub('[^a-z0-9]+', '_', text.lower()).strip('_')}"
