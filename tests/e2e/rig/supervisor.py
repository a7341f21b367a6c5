"""A Supervisor on loopback that tells the broker, and that can be away, starting, or without a broker."""

import json

from .broker import APPS
from .process import HOST, free_port
from .server import Server


class FakeSupervisor:
    """It keeps its port while it is down. `answer` is None for the broker's record, else (status, message)."""

    NOT_READY = (503, "System is not ready with state: startup")
    NO_SERVICE = (400, "Service not enabled")

    def __init__(self, broker):
        self.broker = broker
        self.token = "4f9b1c7d2e8a63b0" * 7
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        self.answer = None
        self._server = None
        self.start()

    def runs(self):
        """Whether it answers at all."""
        return self._server is not None

    def start(self):
        """Answers from now on."""
        self._server = Server(self.port, self._answer)

    def stop(self):
        """Refuses connections from now on."""
        if self._server:
            self._server.close()
            self._server = None

    def _answer(self, path, headers):
        status, body = self._reply(path, headers)
        return status, "application/json; charset=utf-8", json.dumps(body).encode()

    def _reply(self, path, headers):
        token = headers.get("X-Supervisor-Token") or headers.get("Authorization", "").rpartition(" ")[2]
        if self.answer:
            return self.answer[0], {"result": "error", "message": self.answer[1]}
        if token != self.token:
            return 403, {"result": "error", "message": "forbidden"}
        if path != "/services/mqtt":
            return 200, {"result": "ok", "data": {}}
        record = {"host": HOST, "port": self.broker.port, "ssl": False, "username": APPS, "password": self.broker.password}
        return 200, {"result": "ok", "data": {**record, "protocol": "3.1.1", "addon": "core_mosquitto"}}
