"""The broker goes and comes, with and without what it kept."""

from rig.home import BROKER_WENT
from rig.home_assistant import BIRTH_TOPIC
from rig.watcher import watching


def a_broker_that_lost_its_store_is_told_everything_before_home_assistant_asks(home):
    """The broker is back without a retained message; the new link alone is reason enough to announce."""
    home.excuse(*BROKER_WENT)
    home.app([{"name": "Roof", "id": "roof"}])
    roof, bridge = home.camera("Roof", "roof", probed=False), home.bridge(0)
    roof.is_well()
    bridge.is_well()
    home.broker.kill()
    roof.is_unavailable()
    home.broker.start(emptied=True)
    with watching(home.broker) as watcher:
        home.holds(["roof"], seconds=6)
        assert not watcher.payloads(BIRTH_TOPIC), "Home Assistant was faster than the program"
    roof.is_well(40)
    bridge.is_well(reconnects="1")
    home.holds(["roof"])


def a_broker_that_kept_its_store_is_told_everything_too(home, snapshot_camera):
    """What it kept is old: a camera that died meanwhile must not come back as alive."""
    home.excuse(*BROKER_WENT)
    home.app([{"name": "Deck", "id": "deck", "snapshot": snapshot_camera.url, "check_seconds": 5}])
    deck = home.camera("Deck", "deck")
    deck.is_well()
    home.broker.stop()
    deck.is_unavailable()
    snapshot_camera.turn_off()
    home.broker.start()
    deck.is_unavailable(40, only_what_needs_the_camera=True, status="offline", connectivity="off")
    snapshot_camera.turn_on()
    deck.is_well()
    home.holds(["deck"])

