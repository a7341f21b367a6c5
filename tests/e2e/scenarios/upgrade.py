"""A version with other entities was here before."""

import json
import sqlite3

from rig.wait import until
from rig.watcher import retained, watching

TOPIC = "homeassistant/device/camera_herald-mill/config"
# The database as the first schema had it.
FIRST_SCHEMA = "CREATE TABLE ledger (topic TEXT PRIMARY KEY, hash INTEGER NOT NULL, components TEXT) WITHOUT ROWID, STRICT;"


def an_upgrade_adds_and_removes_entities_and_keeps_the_others(home):
    """The version before had a battery and no activity. Its data dir, its payload and its states are as it left them."""
    app = home.app([{"name": "Mill", "id": "mill"}])
    mill = home.camera("Mill", "mill", probed=False)
    mill.is_well()
    payload = json.loads(retained(home.broker)[TOPIC])
    app.stop()
    app.retract()
    mill.is_gone()
    before = _leave_an_earlier_version(home, app, payload)
    app.start()
    until("the battery stays", lambda: "camera_herald_mill_battery" not in home.api.mqtt_entities())
    mill.is_well()
    after = home.api.mqtt_entities()
    kept = before.keys() - {"camera_herald_mill_battery"}
    assert {uid: after[uid]["entity_id"] for uid in kept} == {uid: before[uid]["entity_id"] for uid in kept}
    home.holds(["mill"])


def _leave_an_earlier_version(home, app, payload):
    """Returns what Home Assistant's registry said with it."""
    components = payload["components"]
    components["battery"] = {**components["events_today"], "unique_id": "camera_herald_mill_battery", "name": "Battery"}
    components["battery"] |= {"default_entity_id": "sensor.mill_battery", "unit_of_measurement": "%"}
    del components["activity"]
    app.forget()
    app.folder.mkdir()
    platforms = json.dumps({key: component["platform"] for key, component in components.items()})
    with sqlite3.connect(app.folder / "herald.db") as database:
        database.executescript(FIRST_SCHEMA + "PRAGMA user_version = 1;")
        database.execute("INSERT INTO ledger VALUES (?, 1, ?)", (TOPIC, platforms))
    database.close()
    with watching(home.broker) as watcher:
        watcher.publish(TOPIC, json.dumps(payload), retain=True)
        watcher.publish("camera_herald/status", "offline", retain=True)
        until("no battery", lambda: "camera_herald_mill_battery" in home.api.mqtt_entities())
    before = home.api.mqtt_entities()
    assert "camera_herald_mill_activity" not in before
    return before
