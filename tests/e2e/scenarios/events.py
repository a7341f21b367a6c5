"""Events, as a camera or another program sends them."""

import datetime

from rig import entities
from rig.camera import picture
from rig.home import BROKER_WENT
from rig.wait import until
from rig.watcher import retained, watching

DETECTION = "camera_herald/camera/{}/detection"


def _now():
    return datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)


def an_event_with_a_picture_fires_once_and_shows_everything(home):
    """Its time, kind, words and picture; the counts go up and the camera is active."""
    app = home.app([{"name": "Drive", "id": "drive"}])
    drive = home.camera("Drive", "drive", probed=False)
    drive.is_well()
    at = _now()
    event = {"event_id": "d1", "timestamp": at.isoformat(), "smart_detection_type": "person"}
    with watching(home.broker, DETECTION.format("drive")) as watcher:
        assert app.post("drive", {**event, "description": "A person at the gate", "confidence": 0.9}, picture(5)) == 202
        after = {"last_event": "A person at the gate", "last_event_time": at.isoformat(), "activity": "on"}
        counts = {"events_today": "1", "events_this_week": "1"}
        drive.is_well(detection=entities.is_time, snapshot=entities.is_time, **after, **counts)
        assert app.post("drive", event) == 200, "the same event again is a duplicate"
        watcher.catch_up()
    assert DETECTION.format("drive") not in retained(home.broker), "it would fire again for whoever listens anew"
    detection = drive.state("detection")
    assert abs(datetime.datetime.fromisoformat(detection["state"]) - at) < datetime.timedelta(seconds=10)
    assert detection["attributes"]["event_type"] == "person"
    assert drive.state("last_event")["attributes"]["event_id"] == "d1"
    assert home.api.image(drive.entity_id("snapshot")) == picture(5)
    assert len(watcher.messages) == 1, "an event is sent once"
    drive.is_well(detection=detection["state"], snapshot=entities.is_time, **after, **counts)
    home.holds(["drive"], with_events=["drive"])


def a_doorbell_rings(home):
    """By the address that a simple doorbell can call."""
    app = home.app([{"name": "Door", "id": "door", "kind": "doorbell"}])
    door = home.camera("Door", "door", kind="doorbell", probed=False)
    door.is_well()
    assert app.trigger("door", "ring") == 202
    after = {"last_event": "ring", "last_event_time": entities.is_time, "activity": "on"}
    door.is_well(detection=entities.is_time, events_today="1", events_this_week="1", **after)
    first = door.state("detection")
    assert first["attributes"]["event_type"] == "ring"
    assert app.trigger("door", "ring") == 202
    until("it rings once only", lambda: door.state("detection")["state"] > first["state"])
    door.is_well(detection=entities.is_time, events_today="2", events_this_week="2", **after)
    home.holds(["door"], with_events=["door"])


def an_event_during_a_restart_of_home_assistant_fires_when_it_is_back(home):
    """Nothing is kept for the event entity, so the program keeps it until Home Assistant listens."""
    app = home.app([{"name": "Yard", "id": "yard"}])
    yard = home.camera("Yard", "yard", probed=False)
    yard.is_well()
    # It hears what is said to it when its announcement is over.
    until("it is still announcing", lambda: "Looked for leftovers" in app.process.text())
    home.home_assistant.stop()
    until("it does not notice", lambda: "Home Assistant has gone" in app.process.text())
    assert app.post("yard", {"event_id": "r1", "smart_detection_type": "package"}) == 202
    home.home_assistant.start()
    after = {"last_event": "package", "last_event_time": entities.is_time, "activity": "on"}
    yard.is_well(60, detection=entities.is_time, events_today="1", events_this_week="1", **after)
    assert yard.state("detection")["attributes"]["event_id"] == "r1"
    home.holds(["yard"], with_events=["yard"])


def an_event_of_an_outage_fires_when_the_broker_is_back(home):
    """Home Assistant finds its broker later than the program does, and what comes before it listens does not fire."""
    home.excuse(*BROKER_WENT)
    app = home.app([{"name": "Court", "id": "court"}])
    court = home.camera("Court", "court", probed=False)
    court.is_well()
    home.broker.kill()
    court.is_unavailable()
    assert app.post("court", {"event_id": "o1", "smart_detection_type": "vehicle"}) == 202
    home.broker.start(emptied=True)
    after = {"last_event": "vehicle", "last_event_time": entities.is_time, "activity": "on"}
    court.is_well(60, detection=entities.is_time, events_today="1", events_this_week="1", **after)
    assert court.state("detection")["attributes"]["event_id"] == "o1"
    home.holds(["court"], with_events=["court"])
