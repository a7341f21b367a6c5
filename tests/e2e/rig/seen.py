"""Compares what Home Assistant shows of a device with what a person must see there."""

import dataclasses

from . import entities
from .wait import until


class Device:
    """One device of ours: `name` and `entities` are what must be seen; `id` is the first part of its default entity ids."""

    def __init__(self, home_assistant, name, id, wanted, node="camera_herald", identifier=None, suffix=""):
        self.home_assistant = home_assistant
        self.api = home_assistant.api
        self.name = name
        self.id = id
        self.entities = wanted
        self.identifier = f"{node}_{identifier or id}"
        # Home Assistant's, when an entity id is taken.
        self._suffix = suffix
        self._ids = {}
        self.named(name)

    def named(self, name):
        """It has another name from now on; entity ids that were given stay."""
        self.name = name
        keeps = self.home_assistant.keeps_default_entity_ids()
        for entity in self.entities:
            self._ids.setdefault(entity.key, entities.entity_id(entity, self.id, name, keeps) + self._suffix)

    def enabled(self, *keys, fresh):
        """The user has switched these on; this is what their states must be."""
        on = {"enabled": True, "fresh": fresh}
        self.entities = [dataclasses.replace(e, **on) if e.key in keys else e for e in self.entities]

    def entity_id(self, key):
        """The entity id of one of its entities."""
        return self._ids[key]

    def state(self, key):
        """The state object of one of its entities, {} when there is none."""
        return self.api.states().get(self.entity_id(key), {})

    def difference(self, **states):
        """Everything that differs from a device that is well, whose states are fresh except for those given; [] if none."""
        registry, shown, devices = self.api.mqtt_entities(), self.api.states(), self.api.mqtt_devices()
        device = devices.get(self.identifier)
        if device is None:
            return [f"there is no device {self.identifier}; there are {sorted(devices)}"]
        wrong = [] if device["name"] == self.name else [f"the device is called {device['name']}, not {self.name}"]
        mine = {uid: entry for uid, entry in registry.items() if entry["device_id"] == device["id"]}
        for unique_id in mine.keys() - {f"{self.identifier}_{entity.key}" for entity in self.entities}:
            wrong.append(f"{unique_id} should not be there")
        for entity in self.entities:
            entry = mine.get(f"{self.identifier}_{entity.key}")
            wrong += self._faults(entity, entry, shown, states.get(entity.key, entity.fresh))
        return wrong

    def is_well(self, seconds=20, **states):
        """Waits until nothing differs."""
        until(lambda: "; ".join(self.difference(**states)), lambda: not self.difference(**states), seconds)

    def is_unavailable(self, seconds=10, only_what_needs_the_camera=False, **states):
        """Waits until its entities are unavailable: all, or only those that go away with the camera."""
        gone = [e.key for e in self.entities if e.of_a_living_camera or not only_what_needs_the_camera]
        self.is_well(seconds, **{key: "unavailable" for key in gone}, **states)

    def is_gone(self, seconds=10):
        """Waits until Home Assistant knows neither the device nor any entity of it."""

        def traces():
            mine = {entity_id for entity_id in self._ids.values() if entity_id in self.api.states()}
            left = {uid for uid in self.api.mqtt_entities() if uid.startswith(self.identifier + "_")}
            return mine | left | ({self.identifier} & self.api.mqtt_devices().keys())

        until(lambda: f"still there: {sorted(traces())}", lambda: not traces(), seconds)

    def _faults(self, entity, entry, shown, state):
        if entry is None:
            return [f"{entity.key} is missing"]
        entity_id = self.entity_id(entity.key)
        pairs = [("entity id", entry["entity_id"], entity_id), ("category", entry["entity_category"], entity.category)]
        pairs.append(("disabled", entry["disabled_by"] is not None, not entity.enabled))
        now = shown.get(entity_id)
        if entity.enabled and now is None:
            return [f"{entity_id} shows nothing"]
        if now is not None:
            pairs += self._shown(entity, now, state)
        return [f"{entity_id}: {what} is {found!r}, not {wanted!r}" for what, found, wanted in pairs if found != wanted]

    def _shown(self, entity, now, state):
        attributes = now["attributes"]
        pairs = [
            ("name", attributes.get("friendly_name"), f"{self.name} {entity.name}"),
            ("unit", attributes.get("unit_of_measurement"), entity.unit),
            ("device class", attributes.get("device_class"), entity.device_class),
            ("state class", attributes.get("state_class"), entity.state_class),
        ]
        if entity.choices:
            choices = attributes.get("options" if entity.platform == "sensor" else "event_types")
            pairs.append(("choices", choices, list(entity.choices)))
        if callable(state):
            right = now["state"] != "unavailable" and state(now["state"])
            return pairs + ([] if right else [("state", now["state"], state.__name__)])
        return [*pairs, ("state", now["state"], state)]
