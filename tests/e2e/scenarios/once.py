"""Home Assistant fires exactly once for an event."""

import json
import random

from once.account import Account
from once.rounds import cuts, kills
from rig import entities
from rig.firings import listening
from rig.home import BROKER_WENT
from rig.wait import until
from rig.watcher import retained, watching

SEED = 4
CONFIG = "homeassistant/device/camera_herald-{}/config"
DETECTION = "camera_herald/camera/{}/detection"


def an_event_fires_once_however_often_the_app_is_killed(home, record_property):
    """While events come, at any moment. `tests/e2e/run once` does it 200 times."""
    record_property("counted", kills(home, 8, random.Random(SEED), print))


def an_event_fires_once_although_its_acknowledgement_is_lost(home, record_property):
    """The link breaks between a detection and the broker's answer; the program sends it again in the next session."""
    home.excuse(*BROKER_WENT)
    record_property("counted", cuts(home, 3, random.Random(SEED), print))


def repetitions_are_passed_over_one_by_one_and_in_a_burst(home):
    """Two in turn, and 200 that come doubled, one right behind the other."""
    app = home.app([{"name": "Wicket", "id": "wicket"}])
    home.camera("Wicket", "wicket", probed=False).is_well()
    with listening(home.api) as firings, watching(home.broker, DETECTION.format("wicket")) as watcher:
        first = _fired(app, firings, watcher, "wicket", "first")
        for step in (1, 2, 1, 2, 0, 3, 1):
            _send(watcher, first, f"step-{step}", first["number"] + step)
        firings.are("wicket", ["first", "step-1", "step-2", "step-3"])
        many = [f"burst-{n}" for n in range(200)]
        for n, id in enumerate(many, 4):
            for _time in range(2):
                watcher.publish(DETECTION.format("wicket"), _like(first, id, first["number"] + n), wait=False)
        firings.are("wicket", ["first", "step-1", "step-2", "step-3", *many], 60)
        _send(watcher, first, "of another outbox", 1, outbox="another")
        firings.are("wicket", ["first", "step-1", "step-2", "step-3", *many, "of another outbox"])


def what_fired_before_a_restart_of_home_assistant_is_passed_over_after_it(home):
    """Also when the attributes are as large as they may be, and when the app was gone when Home Assistant went."""
    app = home.app([{"name": "Stable", "id": "stable"}])
    stable = home.camera("Stable", "stable", probed=False)
    stable.is_well()
    large = {"description": "ü" * 1_000, "made_up": {"text": "x" * 11_500}}
    with listening(home.api) as firings, watching(home.broker, DETECTION.format("stable")) as watcher:
        first = _fired(app, firings, watcher, "stable", "large", **large)
        assert len(json.dumps(first, ensure_ascii=False).encode()) > 13_000
        _send(watcher, first, "large", first["number"])
        firings.are("stable", ["large"])
        assert home.api.states()[stable.entity_id("detection")]["attributes"]["made_up"] == large["made_up"]
        home.home_assistant.restart()
        firings.again()
        stable.is_well(**_after("ü" * 254 + "…"))
        _send(watcher, first, "large", first["number"])
        firings.are("stable", ["large"])
        app.stop()
        stable.is_unavailable()
        home.home_assistant.restart()
        firings.again()
        app.start()
        stable.is_well(30, **_after("ü" * 254 + "…", detection="unknown"))
        _send(watcher, first, "large", first["number"])
        _send(watcher, first, "next", first["number"] + 1)
        firings.are("stable", ["large", "next"])


def an_entity_that_was_switched_off_and_on_passes_over_what_it_fired_before(home):
    """What comes meanwhile does not fire, and nothing of it fires later."""
    app = home.app([{"name": "Dock", "id": "dock"}])
    dock = home.camera("Dock", "dock", probed=False)
    dock.is_well()
    with listening(home.api) as firings, watching(home.broker, DETECTION.format("dock")) as watcher:
        first = _fired(app, firings, watcher, "dock", "first")
        home.api.disable(dock.entity_id("detection"))
        home.home_assistant.reload_mqtt()
        _send(watcher, first, "nobody listens", first["number"] + 1)
        home.api.enable(dock.entity_id("detection"))
        home.home_assistant.reload_mqtt()
        dock.is_well(60, **_after("person"))
        _send(watcher, first, "first", first["number"])
        _send(watcher, first, "next", first["number"] + 2)
        firings.are("dock", ["first", "next"])


def the_events_of_a_database_that_was_begun_anew_fire(home):
    """Its numbers are small again, and its name is another one."""
    app = home.app([{"name": "Kennel", "id": "kennel"}])
    home.camera("Kennel", "kennel", probed=False).is_well()
    with listening(home.api) as firings, watching(home.broker, DETECTION.format("kennel")) as watcher:
        ids = [f"before-{n}" for n in range(5)]
        before = [_fired(app, firings, watcher, "kennel", id) for id in ids]
        app.kill()
        app.forget()
        app.folder.mkdir()
        app.start()
        after = _fired(app, firings, watcher, "kennel", "after")
        assert after["number"] <= before[0]["number"] and after["outbox"] != before[0]["outbox"]
        firings.are("kennel", [*ids, "after"])


def an_entity_of_the_version_before_keeps_its_id_and_passes_over_from_now_on(home):
    """0.1.0 had no template: there a repetition fires."""
    app = home.app([{"name": "Silo", "id": "silo"}])
    silo = home.camera("Silo", "silo", probed=False)
    silo.is_well()
    with listening(home.api) as firings, watching(home.broker, DETECTION.format("silo")) as watcher:
        first = _fired(app, firings, watcher, "silo", "first")
        app.stop()
        payload = json.loads(retained(home.broker)[CONFIG.format("silo")])
        del payload["components"]["detection"]["value_template"]
        watcher.publish(CONFIG.format("silo"), json.dumps(payload), retain=True)
        watcher.publish("camera_herald/status", "online", retain=True)
        silo.is_well(**_after("person"))
        # Home Assistant has the payload when this fires; nothing else tells.
        until("the template stays", lambda: _send(watcher, first, "old", 1) or "old" in firings.ids("silo"), every=0.5)
        home.api.rename(silo.entity_id("detection"), "event.bell_of_the_silo")
        home.home_assistant.reload_mqtt()
        app.start()
        until("it is not announced", lambda: "value_template" in _component(home, "silo", "detection"))
        before = firings.ids("silo")
        second = _fired(app, firings, watcher, "silo", "second")
        _send(watcher, second, "second", second["number"])
        firings.are("silo", [*before, "second"])
        assert home.api.mqtt_entities()["camera_herald_silo_detection"]["entity_id"] == "event.bell_of_the_silo"
        assert home.api.states()["event.bell_of_the_silo"]["attributes"]["number"] == second["number"]


def _component(home, camera, key):
    return json.loads(retained(home.broker)[CONFIG.format(camera)])["components"][key]


def _fired(app, firings, watcher, camera, event_id, **fields):
    """Posts an event, waits until it has fired, and returns its detection."""
    before = firings.ids(camera)
    Account().post(app, camera, event_id, **fields)
    firings.are(camera, [*before, event_id], calm=0)
    watcher.catch_up()
    return json.loads(watcher.payloads(DETECTION.format(camera))[-1])


def _like(detection, event_id, number, **fields):
    return json.dumps({**detection, "event_id": event_id, "number": number, **fields})


def _send(watcher, detection, event_id, number, **fields):
    watcher.publish(DETECTION.format(detection["camera_id"]), _like(detection, event_id, number, **fields))


def _after(description, **states):
    """What a camera shows after one event, whose picture it never had."""
    shown = {"last_event": description, "last_event_time": entities.is_time, "activity": "on", "detection": entities.is_time}
    return {**shown, "events_today": "1", "events_this_week": "1", **states}
