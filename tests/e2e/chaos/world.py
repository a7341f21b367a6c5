"""Everything that the program lives with, Home Assistant included: it can suffer faults, and it can settle."""

import contextlib
import time

import requests

from rig import expected
from rig.camera import SnapshotCamera
from rig.home import BROKER_WENT
from rig.supervisor import FakeSupervisor
from rig.wait import until

# All is true again within this after the last piece is back, or the walk has failed.
PATIENCE = 90
# All must still be true after this.
CALM = 2
# What depends on which events were lost on the way to the door, which is nobody's fault.
ANYTHING = ("last_event", "last_event_time", "events_today", "events_this_week", "activity", "detection", "snapshot")


def _there(_state):
    return True


class World:
    """A home with a Supervisor, a camera that is looked at, and some that only push."""

    def __init__(self, home):
        self.home = home
        home.excuse(*BROKER_WENT)
        self.supervisor = FakeSupervisor(home.broker)
        self.camera = SnapshotCamera()
        self.serial = 100
        # Options of the push-only cameras by id, and the last event of each that was surely accepted.
        self.pushes = {f"push_{i}": {"name": f"Push {i}", "id": f"push_{i}"} for i in range(3)}
        self.events = {}
        # Cameras that had an event and went away: what they show afterwards is not said here.
        self.doubtful = set()
        self.devices = {}
        self.app = home.app(self.options(), supervisor=self.supervisor)

    def options(self):
        """The cameras as the options have them now."""
        real = {"name": "Real", "id": "real", "snapshot": self.camera.url, "check_seconds": 5}
        return [real, *self.pushes.values()]

    def next_serial(self):
        """A number that was never used."""
        self.serial += 1
        return self.serial

    def post(self, camera):
        """Posts an event. Only what was answered with 202 is owed; a door that is closed for the moment owes nothing."""
        event_id = f"event-{self.next_serial()}"
        with contextlib.suppress(requests.RequestException, OSError):
            if self.app.post(camera, {"event_id": event_id, "smart_detection_type": "person"}) == 202:
                self.events[camera] = event_id

    def went_away(self, camera):
        """It was removed or switched off."""
        if self.events.pop(camera, None):
            self.doubtful.add(camera)

    def settle(self):
        """Brings back what the Supervisor and the user would, and waits until all is true. Returns how long that took."""
        self.supervisor.answer = None
        if not self.supervisor.runs():
            self.supervisor.start()
        if not self.home.broker.runs():
            self.home.broker.start()
        if not self.home.home_assistant.process.runs():
            self.home.home_assistant.start()
        began = time.monotonic()
        return until(lambda: "; ".join(self.faults()), lambda: self._true_and_stays_so(began), PATIENCE, 0.25)

    def _true_and_stays_so(self, began):
        """A fault may not have had its effect yet. Returns the time until all was true, None when it is not."""
        if self.faults():
            return None
        took = time.monotonic() - began
        time.sleep(CALM)
        return None if self.faults() else max(took, 0.001)

    def faults(self):
        """Everything that differs from the truth."""
        if not self.app.process.runs():
            return [f"the app has ended:\n{self.app.process.tail()}"]
        enabled = {id for id, options in self.pushes.items() if options.get("enabled", True)}
        wanted = expected.topics({"real", *enabled}, with_events=self.events)
        allowed = {f"camera_herald/camera/{id}/event" for id in self.doubtful & enabled}
        wrong = [expected.difference(self.home.broker, wanted, allowed)]
        wrong += self._of_the_real_camera()
        for id in sorted(enabled):
            wrong += self._of_a_push(id)
        wrong += [f"{id} is still there" for id in self._strangers(enabled)]
        return [fault for fault in wrong if fault]

    def close(self):
        """Ends what nobody needs any more. The Supervisor stays for the program's last words."""
        self.camera.turn_off()

    def _strangers(self, enabled):
        ours = {f"camera_herald_{id}" for id in ("bridge", "real", *enabled)}
        return sorted(self.home.api.mqtt_devices().keys() - ours)

    def _device(self, name, id, **how):
        if id not in self.devices:
            self.devices[id] = self.home.camera(name, id, **how)
        self.devices[id].named(name)
        return self.devices[id]

    def _of_a_push(self, id):
        device = self._device(self.pushes[id]["name"], id, probed=False)
        wrong = device.difference(**dict.fromkeys(ANYTHING, _there))
        last = self.events.get(id)
        if last and device.state("last_event").get("attributes", {}).get("event_id") != last:
            wrong.append(f"the last event of {id} is not {last}")
        return wrong

    def _of_the_real_camera(self):
        device = self._device("Real", "real")
        online = {**dict.fromkeys(ANYTHING, _there), "status": "online", "connectivity": "on"}
        gone = {**online, "connectivity": "off", "activity": "unavailable", "snapshot": "unavailable"}
        right = [{**gone, "status": "offline"}] if not self.camera.is_on() else [online]
        if self.camera.is_on() and self.camera.frozen:
            # A minute has to pass before it is called frozen, and it may have been called so already.
            right.append({**gone, "status": "frozen"})
        found = [device.difference(**states) for states in right]
        return [] if not all(found) else found[0]
