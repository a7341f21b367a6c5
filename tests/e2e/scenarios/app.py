"""The program goes and comes."""

from rig.watcher import watching


def a_stopped_app_is_unavailable_and_a_started_one_is_back(home, snapshot_camera):
    """It says `offline` before it goes, and when it comes back `online` is its last word, so that nothing stale is shown."""
    app = home.app([{"name": "Shed", "id": "shed", "snapshot": snapshot_camera.url, "check_seconds": 5}])
    shed, bridge = home.camera("Shed", "shed"), home.bridge(1)
    shed.is_well()
    bridge.is_well()
    app.stop()
    shed.is_unavailable()
    bridge.is_unavailable()
    home.holds(["shed"])
    with watching(home.broker, "camera_herald/#") as watcher:
        app.start()
        shed.is_well()
        bridge.is_well()
        watcher.catch_up()
        said = [(topic, payload) for topic, payload, retained in watcher.messages if not retained]
    online = said.index(("camera_herald/status", b"online"))
    before = {topic for topic, _payload in said[:online]}
    assert {"camera_herald/camera/shed/status", "camera_herald/camera/shed/availability"} <= before
    home.holds(["shed"])


def a_killed_app_is_unavailable_by_its_will_and_a_started_one_is_back(home):
    """Nobody says goodbye; the broker does it."""
    app = home.app([{"name": "Barn", "id": "barn"}])
    barn, bridge = home.camera("Barn", "barn", probed=False), home.bridge(0)
    barn.is_well()
    app.kill()
    barn.is_unavailable()
    bridge.is_unavailable()
    app.start()
    barn.is_well()
    bridge.is_well()
    home.holds(["barn"])


def a_camera_that_is_removed_while_the_app_is_down_leaves_no_ghost(home):
    """Home Assistant forgets its device with the next start."""
    app = home.app([{"name": "Old", "id": "old"}, {"name": "New", "id": "new"}])
    old, new = home.camera("Old", "old", probed=False), home.camera("New", "new", probed=False)
    old.is_well()
    new.is_well()
    app.kill()
    app.options["cameras"] = [{"name": "New", "id": "new"}]
    app.start()
    old.is_gone()
    new.is_well()
    home.holds(["new"])
