"""A private Mosquitto with the two accounts that Home Assistant's own app makes: one for Home Assistant, one for apps."""

import contextlib
import shutil
import signal
import socket
import subprocess

from .process import HOST, Process, free_port
from .wait import until

HOME_ASSISTANT = ("homeassistant", "of-home-assistant")
APPS = "addons"


class Broker:
    """Keeps its port for ever, and its store as long as nobody empties it."""

    def __init__(self, folder):
        self.folder = folder
        self.folder.mkdir(parents=True)
        self.port = free_port()
        self.password = "first-password"
        self.process = Process("Mosquitto", folder / "mosquitto.log")
        self._write_passwords()
        lines = [f"listener {self.port} {HOST}", "user root", "allow_anonymous false", "max_queued_messages 0"]
        lines += [f"password_file {folder}/passwords", "persistence true", f"persistence_location {folder}/"]
        (folder / "mosquitto.conf").write_text("\n".join(lines) + "\n")

    def start(self, emptied=False):
        """Starts it, with what it kept of an orderly stop or with nothing."""
        if emptied:
            (self.folder / "mosquitto.db").unlink(missing_ok=True)
        program = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/opt/homebrew/sbin")
        assert program, "mosquitto is missing: scripts/test installs it"
        self.process.start([program, "-c", str(self.folder / "mosquitto.conf")])
        until(lambda: f"Mosquitto does not answer:\n{self.process.tail()}", self._answers, 10, 0.02)

    def stop(self):
        """An orderly stop, which keeps the store."""
        self.process.stop()

    def kill(self):
        """A power cut: what was not saved is lost, and it saves every half an hour only."""
        self.process.kill()

    def restart(self, emptied=False):
        """Stops it in order and starts it at once."""
        self.stop()
        self.start(emptied)

    def pause(self):
        """Stands still, connections open."""
        self.process.signal(signal.SIGSTOP)

    def resume(self):
        """Goes on."""
        self.process.signal(signal.SIGCONT)

    def runs(self):
        """Whether it runs."""
        return self.process.runs()

    def change_password(self, password):
        """Apps get in with this one only, from now on."""
        self.password = password
        self._write_passwords()
        self.process.signal(signal.SIGHUP)

    def _answers(self):
        with contextlib.suppress(OSError), socket.create_connection((HOST, self.port), 1):
            return True
        return False

    def _write_passwords(self):
        passwords = self.folder / "passwords"
        for name, password in (HOME_ASSISTANT, (APPS, self.password)):
            new = [] if passwords.exists() else ["-c"]
            subprocess.run(
                ["mosquitto_passwd", *new, "-b", str(passwords), name, password], check=True, stderr=subprocess.DEVNULL
            )
