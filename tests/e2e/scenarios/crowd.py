"""Many cameras at once."""

import time

import pytest

from rig.wait import until

COUNT = 300
# Of each camera that nobody probes.
ENTITIES = 9


@pytest.mark.newest_only
def three_hundred_cameras_become_available(home, record_property):
    """How long it takes is printed, not judged."""
    cameras = [{"name": f"Crowd {i}", "id": f"crowd_{i}"} for i in range(COUNT)]
    began = time.monotonic()
    home.app(cameras)
    until(lambda: f"{_available(home)} are available", lambda: _available(home) == COUNT * ENTITIES, 90, 0.5)
    record_property("seconds until all were available", round(time.monotonic() - began, 1))
    home.camera("Crowd 0", "crowd_0", probed=False).is_well()
    home.camera("Crowd 299", "crowd_299", probed=False).is_well()
    home.holds([camera["id"] for camera in cameras])


def _available(home):
    states = home.api.states().values()
    return sum(".crowd_" in state["entity_id"] and state["state"] != "unavailable" for state in states)
