"""A process that we started. Invariant: it never outlives us, and only it is ever signalled."""

import atexit
import os
import pathlib
import shutil
import signal
import socket
import subprocess

HOST = "127.0.0.1"
# Whoever ends us by force ends what we started, too.
SETPRIV = shutil.which("setpriv")
LEASH = [SETPRIV, "--pdeathsig", "KILL"] if SETPRIV else []


def free_port():
    """A port of loopback on which nobody listens."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return listener.getsockname()[1]


class Process:
    """One program with its log file. It can be started again after its end."""

    def __init__(self, name, log):
        self.name = name
        self.log = pathlib.Path(log)
        self._child = None
        atexit.register(self.kill)

    def start(self, arguments, environment=None):
        """Starts it; what it prints goes to the end of its log."""
        assert not self.runs(), f"{self.name} runs already"
        with self.log.open("ab") as out:
            self._child = subprocess.Popen(
                [*LEASH, *arguments], stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment, start_new_session=True
            )

    def runs(self):
        """Whether it runs."""
        return self._child is not None and self._child.poll() is None

    def signal(self, number):
        """Sends it a signal."""
        assert self.runs(), f"{self.name} does not run; its log ends with\n{self.tail()}"
        os.kill(self._child.pid, number)

    def stop(self, seconds=30):
        """An orderly stop; returns the exit code."""
        if not self.runs():
            return self._child.returncode if self._child else None
        self.signal(signal.SIGTERM)
        try:
            return self._child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} did not stop within {seconds} s") from None

    def kill(self):
        """As at a power cut."""
        if self.runs():
            self.signal(signal.SIGKILL)
            self._child.wait(10)

    def text(self, start=0):
        """What it has logged from that byte on."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as log:
            log.seek(start)
            return log.read().decode(errors="replace")

    def size(self):
        """The length of its log in bytes: a mark for `text`."""
        return self.log.stat().st_size if self.log.exists() else 0

    def tail(self, lines=40):
        """The end of its log, for the message of a failure."""
        return "\n".join(self.text().splitlines()[-lines:])
