"""What a new user sees."""

from rig import herald


def a_first_start_shows_devices_entities_and_pictures(home, snapshot_camera):
    """The devices with maker, model and area, every entity as it must be, the picture."""
    front_door = {"name": "Front door", "id": "front_door", "snapshot": snapshot_camera.url, "check_seconds": 5}
    home.app([{**front_door, "area": "Garden", "manufacturer": "Acme", "model": "A1"}, {"name": "Gate", "id": "gate"}])
    front, gate, bridge = home.camera("Front door", "front_door"), home.camera("Gate", "gate", probed=False), home.bridge(1)
    front.is_well()
    gate.is_well()
    bridge.is_well()
    assert home.api.image(front.entity_id("snapshot")) in snapshot_camera.served
    devices = home.api.mqtt_devices()
    made = devices["camera_herald_front_door"]
    assert (made["manufacturer"], made["model"], made["area_id"]) == ("Acme", "A1", "garden")
    assert made["via_device_id"] == devices["camera_herald_bridge"]["id"]
    assert devices["camera_herald_bridge"]["sw_version"] == herald.version()
    home.holds(["front_door", "gate"])
