"""The topics that must be retained, written down here and nowhere else: not asked of the program, nor of the broker."""

from .wait import until
from .watcher import retained


def topics(cameras, base="camera_herald", with_events=()):
    """For these camera ids under this base; `with_events` have had an event."""
    wanted = {f"{base}/status", f"{base}/bridge/state", f"homeassistant/device/{base}-bridge/config"}
    for camera in cameras:
        wanted.add(f"homeassistant/device/{base}-{camera}/config")
        leaves = ["availability", "status", "last_event", "counts", "activity"] + ["event"] * (camera in with_events)
        wanted |= {f"{base}/camera/{camera}/{leaf}" for leaf in leaves}
    return wanted


def difference(broker, wanted, allowed=frozenset()):
    """What is missing and what is left over on the broker, as a text; empty when nothing is. `allowed` may be there."""
    found = {topic for topic, payload in retained(broker).items() if payload}
    missing, ghosts = sorted(wanted - found), sorted(found - wanted - allowed)
    return (f"missing: {missing} " if missing else "") + (f"ghosts: {ghosts}" if ghosts else "")


def on(broker, wanted, seconds=15):
    """Waits until the broker holds exactly these topics."""
    until(lambda: difference(broker, wanted), lambda: not difference(broker, wanted), seconds)
