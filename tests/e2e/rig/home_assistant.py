"""A real Home Assistant Core on loopback, headless, with the smallest configuration."""

import json

from installation.place import installed

from . import log, onboarding
from .api import Api, ApiError
from .broker import HOME_ASSISTANT
from .process import HOST, Process, free_port
from .wait import until
from .watcher import watching

BIRTH_TOPIC = "homeassistant/status"


class HomeAssistant:
    """One version of it. `started` is over when the birth message is out, which is after retained discovery was taken in."""

    def __init__(self, version, folder, broker):
        known = installed(version)
        assert known, f"Home Assistant {version} is not installed: tests/e2e/run install"
        self.version = version
        self.place, self._facts = known
        self.broker = broker
        self.port = free_port()
        self.api = Api(self.port)
        self.folder = folder
        self.process = Process(f"Home Assistant {version}", folder / "home-assistant.log")
        self._write_configuration()

    def start(self):
        """Starts it and waits for its birth message; the first time, makes an account and sets MQTT up."""
        new = self.api.token is None
        with watching(self.broker, BIRTH_TOPIC) as watcher:
            arguments = [f"{self.place.venv}/bin/hass", "--skip-pip", "--log-no-color", "-c", str(self.folder / "home")]
            self.process.start(self.place.command(arguments, self.folder))
            until(self._trouble, lambda: self._answers("/api/onboarding" if new else "/api/config"), 120)
            if new:
                onboarding.create_user(self.api)
            until(self._trouble, lambda: self._answers("/api/config").get("state") == "RUNNING", 60)
            if new:
                onboarding.add_mqtt(self.api, self.broker.port, *HOME_ASSISTANT)
            until(self._trouble, lambda: b"online" in watcher.payloads(BIRTH_TOPIC), 60)

    def stop(self):
        """An orderly stop; it says `offline` by its will."""
        self.process.stop(60)

    def kill(self):
        """As at a power cut."""
        self.process.kill()

    def restart(self):
        """Stops it in order and starts it."""
        self.stop()
        self.start()

    def reload_mqtt(self):
        """Reloads the integration as the user does in its menu, and waits for the birth message."""
        with watching(self.broker, BIRTH_TOPIC) as watcher:
            self.api.post(f"/api/config/config_entries/entry/{self.api.mqtt_entry()}/reload")
            until("no birth after the reload", lambda: b"online" in watcher.payloads(BIRTH_TOPIC), 60)

    def problems(self, mark):
        """What its log says about us or MQTT since the mark, as texts."""
        return log.problems(self.process.text(mark))

    def keeps_default_entity_ids(self):
        """Before 2025.10 entity ids come from names alone."""
        return tuple(map(int, self.version.split(".")[:2])) >= (2025, 10)

    def _answers(self, path):
        assert self.process.runs(), f"{self.process.name} has ended:\n{self.process.tail()}"
        try:
            found = self.api.get(path)
        except ApiError:
            return {}
        return found if isinstance(found, dict) else {"answer": found}

    def _trouble(self):
        return f"{self.process.name} is not ready:\n{self.process.tail()}"

    def _write_configuration(self):
        store = self.folder / "home" / ".storage"
        store.mkdir(parents=True)
        yaml = "homeassistant:\n  name: e2e\n  time_zone: UTC\n  unit_system: metric\n  country: NL\n"
        if self._facts["http_store"] is None:
            yaml += f"http:\n  server_host: {HOST}\n  server_port: {self.port}\n"
        else:
            self._write_http_store(store, self._facts["http_store"])
        yaml += "logger:\n  default: warning\n  logs:\n    homeassistant.components.mqtt: info\n"
        (store.parent / "configuration.yaml").write_text(yaml)
        # All steps but the account: the others would set up what wants the internet.
        done = {"done": ["core_config", "analytics", "integration"]}
        onboarding_store = {"version": 4, "minor_version": 1, "key": "onboarding", "data": done}
        (store / "onboarding").write_text(json.dumps(onboarding_store))

    def _write_http_store(self, store, facts):
        web = {**facts["default"], "server_host": [HOST], "server_port": self.port}
        data = {"stable": web, "pending": None, "yaml_migration_done": True}
        versions = {key: facts[key] for key in ("version", "minor_version")}
        (store / "http").write_text(json.dumps({**versions, "key": "http", "data": data}))
