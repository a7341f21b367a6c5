"""Home Assistant goes and comes; the program stays."""

from rig import entities
from rig.camera import picture
from rig.wait import until


def a_restart_of_home_assistant_brings_everything_back_and_rings_no_bell(home, snapshot_camera):
    """The pictures too, which the broker does not keep: the program sends them when it hears the birth message."""
    probed = {"name": "Attic", "id": "attic", "snapshot": snapshot_camera.url, "check_seconds": 3600}
    app = home.app([probed, {"name": "Cellar", "id": "cellar"}])
    attic, cellar = home.camera("Attic", "attic"), home.camera("Cellar", "cellar", probed=False)
    attic.is_well()
    cellar.is_well()
    assert app.post("cellar", {"event_id": "c1", "smart_detection_type": "person"}, picture(3)) == 202
    until("the event does not fire", lambda: entities.is_time(cellar.state("detection").get("state")))
    fired = cellar.state("detection")["state"]
    home.home_assistant.restart()
    attic.is_well()
    after = {"last_event": "person", "last_event_time": entities.is_time, "activity": "on", "snapshot": entities.is_time}
    cellar.is_well(events_today="1", events_this_week="1", detection=fired, **after)
    until("the event's picture is not back", lambda: home.api.image(cellar.entity_id("snapshot")) == picture(3))
    assert home.api.image(attic.entity_id("snapshot")) in snapshot_camera.served
    assert len(snapshot_camera.served) == 1, "the picture came from a new probe"
    home.holds(["attic", "cellar"], with_events=["cellar"])


def a_reload_of_the_integration_brings_everything_back(home, snapshot_camera):
    """As the user does it in the menu of the MQTT integration."""
    probed = {"name": "Lobby", "id": "lobby", "snapshot": snapshot_camera.url, "check_seconds": 3600}
    home.app([probed])
    lobby, bridge = home.camera("Lobby", "lobby"), home.bridge(1)
    lobby.is_well()
    time_before = lobby.state("snapshot")["state"]
    home.home_assistant.reload_mqtt()
    lobby.is_well()
    bridge.is_well()
    until("no picture after the reload", lambda: lobby.state("snapshot")["state"] > time_before)
    assert home.api.image(lobby.entity_id("snapshot")) == snapshot_camera.served[-1]
    home.holds(["lobby"])


def home_assistant_that_comes_after_us_finds_everything(home):
    """The broker lost its store meanwhile, and a camera was added: only the program can tell it all."""
    app = home.app([{"name": "Early", "id": "early"}])
    early, late = home.camera("Early", "early", probed=False), home.camera("Late", "late", probed=False)
    early.is_well()
    home.home_assistant.stop()
    home.broker.kill()
    app.reload([{"name": "Early", "id": "early"}, {"name": "Late", "id": "late"}])
    home.broker.start(emptied=True)
    home.home_assistant.start()
    early.is_well()
    late.is_well()
    home.holds(["early", "late"])


def a_camera_that_is_removed_while_home_assistant_is_away_is_gone_when_it_is_back(home):
    """Home Assistant would keep the device for ever: it never heard that its config was cleared."""
    stays = {"name": "Stays", "id": "stays"}
    app = home.app([stays, {"name": "Leaves", "id": "leaves"}])
    staying, leaving = home.camera("Stays", "stays", probed=False), home.camera("Leaves", "leaves", probed=False)
    staying.is_well()
    leaving.is_well()
    home.home_assistant.stop()
    app.reload([stays])
    home.holds(["stays"])
    home.home_assistant.start()
    leaving.is_gone(20)
    staying.is_well()
    home.holds(["stays"])
