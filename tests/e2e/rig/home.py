"""One house: a broker, a Home Assistant that lives on while scenarios come and go, and what they put into it."""

import os
import re
import shutil

from . import entities, expected
from .broker import Broker
from .herald import Herald
from .home_assistant import HomeAssistant
from .link import Link
from .seen import Device
from .wait import until

# What Home Assistant says of itself when its broker goes away.
BROKER_WENT = ["Disconnected from MQTT server", "Failed to connect to MQTT server", "Error returned from MQTT server"]
BROKER_WENT += ["failed to receive on socket", "Timed out waiting for mid", "Task exception was never retrieved", "Error talking to MQTT"]
# What it says for each entity of a device that its user deletes.
DEVICE_DELETED = ["No device components to cleanup for"]


class House:
    """The broker and Home Assistant of one version."""

    def __init__(self, version, folder):
        self.folder = folder
        self.broker = Broker(folder / "broker")
        self.broker.start()
        self.home_assistant = HomeAssistant(version, folder / "home-assistant", self.broker)
        self.home_assistant.start()

    def close(self):
        """Ends both and takes their files away."""
        self.home_assistant.kill()
        self.broker.kill()
        if not os.environ.get("CAMERA_HERALD_E2E_KEEP"):
            shutil.rmtree(self.folder, ignore_errors=True)


class Home:
    """The house during one scenario. At its end nothing of it is left, and the log is without a word about us."""

    def __init__(self, house, name):
        self.broker = house.broker
        self.home_assistant = house.home_assistant
        self.api = house.home_assistant.api
        self.apps = []
        self.devices = []
        self._links = []
        self._folder = house.folder / name
        self._mark = self.home_assistant.process.size()
        # Old versions say it of each entity that is off when a device is removed.
        self._excused = [] if self.home_assistant.keeps_default_entity_ids() else [*DEVICE_DELETED]

    def link(self):
        """A way to the broker that can be cut; an app takes it for the broker."""
        self._links.append(Link(self.broker))
        return self._links[-1]

    def app(self, cameras, base="camera_herald", start=True, broker=None, **how):
        """The program with these cameras, started."""
        app = Herald(self._folder / f"app-{len(self.apps)}", broker or self.broker, cameras, base, **how)
        self.apps.append(app)
        if start:
            app.start()
        return app

    def camera(self, name, id, kind="camera", probed=True, **how):
        """A camera's device, to be looked at."""
        return self._device(Device(self.home_assistant, name, id, entities.camera(kind, probed), **how))

    def bridge(self, online, name="Camera Herald", node="camera_herald"):
        """Camera Herald's own device, to be looked at."""
        return self._device(Device(self.home_assistant, name, node, entities.bridge(online), node, "bridge"))

    def holds(self, cameras, with_events=(), and_also=None, seconds=15):
        """Waits until the broker holds exactly what it must for these cameras, and for those of other bases."""
        wanted = expected.topics(cameras, with_events=with_events)
        for base, others in (and_also or {}).items():
            wanted |= expected.topics(others, base)
        expected.on(self.broker, wanted, seconds)

    def excuse(self, *beginnings):
        """Warnings that Home Assistant writes because of what the scenario does to it."""
        self._excused += beginnings

    def problems(self):
        """What its log says because of us."""
        found = self.home_assistant.problems(self._mark)
        return [text for text in found if not any(re.search(excuse, text) for excuse in self._excused)]

    def leave(self):
        """The end of a scenario that went well: everything is taken away, and nothing is left or was complained about."""
        for app in self.apps:
            app.stop()
            app.retract()
        self._close_links()
        expected.on(self.broker, set())
        for device in self.devices:
            device.is_gone()
        until(lambda: f"left: {sorted(self.api.mqtt_devices())[:20]}", lambda: not self.api.mqtt_devices(), 60)
        assert not self.problems(), "Home Assistant's log:\n" + "\n".join(self.problems())

    def break_off(self):
        """The end of a scenario that failed: the next one shall find an empty house."""
        for app in self.apps:
            app.kill()
            if not self.broker.runs():
                self.broker.start(emptied=True)
            app.retract()
        self._close_links()

    def report(self):
        """For the message of a failure."""
        logs = [f"{app.process.name}:\n{app.process.tail(25)}" for app in self.apps]
        complaints = "\n".join(self.problems()) or "nothing"
        return "\n\n".join([*logs, f"Home Assistant's log says of us or MQTT: {complaints}"])

    def _close_links(self):
        for link in self._links:
            link.close()

    def _device(self, device):
        self.devices.append(device)
        return device
