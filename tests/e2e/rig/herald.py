"""The program as a process of its own, with its data dir, and the door for events."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess

import requests

from .broker import APPS
from .process import HOST, Process, free_port
from .wait import until

ROOT = pathlib.Path(__file__).resolve().parents[3]
STARTED = "Camera Herald has started"


def program():
    """The binary under test."""
    built = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug" / "camera-herald"
    return os.environ.get("CAMERA_HERALD", str(built))


def version():
    """The version that Cargo.toml says."""
    return re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)[1]


class Herald:
    """`camera-herald run` on a data dir, which outlives a restart. Without a Supervisor the options name the broker."""

    def __init__(self, folder, broker, cameras, base="camera_herald", supervisor=None):
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.options = {"cameras": cameras, "log_level": "debug", "topics": {"base": base}}
        self.door = f"http://{HOST}:{free_port()}"
        self.process = Process(f"Camera Herald in {folder.name}", folder.with_suffix(".log"))
        self._environment = {
            "HERALD_DATA_DIR": str(folder),
            "HERALD_INGRESS_LISTEN": f"{HOST}:0",
            "HERALD_EVENTS_LISTEN": self.door.removeprefix("http://"),
        }
        if supervisor:
            self._environment |= {"SUPERVISOR_TOKEN": supervisor.token, "HERALD_SUPERVISOR_URL": supervisor.url}
        else:
            login = {"username": APPS, "password": broker.password}
            self.options["mqtt"] = {"host": HOST, "port": broker.port, **login}

    def start(self):
        """Starts it and waits until it listens to signals."""
        self._write_options()
        mark = self.process.size()
        self.process.start([program(), "run"], self._environment)
        until(lambda: f"it does not start:\n{self.process.tail()}", lambda: STARTED in self.process.text(mark), 20, 0.02)

    def stop(self):
        """An orderly stop, within its own time and with its own exit code."""
        code = self.process.stop(8)
        assert code == 0, f"the exit code is {code}:\n{self.process.tail()}"

    def kill(self):
        """kill -9."""
        self.process.kill()

    def restart(self):
        """Stops it in order and starts it."""
        self.stop()
        self.start()

    def reload(self, cameras):
        """Other cameras, by SIGHUP."""
        self.options["cameras"] = cameras
        self._write_options()
        self.process.signal(signal.SIGHUP)

    def retract(self):
        """Takes everything of this installation off the broker, as its command does."""
        command = [program(), "retract"]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, env=self._environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, f"retract ended with {done.returncode}:\n{done.stdout}{done.stderr}"

    def forget(self):
        """Takes the data dir away."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def token(self):
        """What opens the door for events."""
        return (self.folder / "event_token").read_text().strip()

    def post(self, camera, event, jpeg=None):
        """Posts an event, with a picture if there is one; returns the status code."""
        url = f"{self.door}/api/v1/cameras/{camera}/events"
        body = {"json": event}
        if jpeg:
            form = {"event": (None, json.dumps(event), "application/json"), "image": ("p.jpg", jpeg, "image/jpeg")}
            body = {"files": form}
        return self._ask("POST", url, headers={"Authorization": f"Bearer {self.token()}"}, **body)

    def trigger(self, camera, kind):
        """Calls the address that a simple camera can call; returns the status code."""
        url = f"{self.door}/api/v1/cameras/{camera}/trigger"
        return self._ask("GET", url, params={"type": kind, "token": self.token()})

    @staticmethod
    def _ask(method, url, **how):
        with requests.Session() as session:
            session.trust_env = False
            return session.request(method, url, timeout=10, **how).status_code

    def _write_options(self):
        unfinished = self.folder / "options.new"
        unfinished.write_text(json.dumps(self.options))
        unfinished.rename(self.folder / "options.json")
