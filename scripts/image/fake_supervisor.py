"""The Supervisor as far as scripts/test-image needs it: the MQTT service, and who the app is.

The answers have the shapes of a real Supervisor (2026.08): JSON in an envelope, but plain text where the token is wrong.
"""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN = os.environ["SUPERVISOR_TOKEN"]
MQTT = {
    "host": "core-mosquitto",
    "port": 1883,
    "ssl": False,
    "protocol": "3.1.1",
    "username": "addons",
    "password": os.environ["MQTT_PASSWORD"],
    "addon": "core_mosquitto",
}
INFO = {"supervisor": "2026.08.0", "homeassistant": "2026.8.3", "timezone": "UTC", "state": "running"}
SELF = {
    "name": "Camera Herald",
    "slug": "local_camera_herald",
    "hostname": "local-camera-herald",
    "version": "0.1.0",
    "state": "started",
}
ANSWERS = {"/services/mqtt": MQTT, "/info": INFO, "/addons/self/info": SELF, "/supervisor/ping": {}}


class Supervisor(BaseHTTPRequestHandler):
    """One request to the Supervisor's API."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer like the Supervisor: first the token, then the path."""
        token = self.headers.get("X-Supervisor-Token") or self.headers.get("Authorization", "").rpartition(" ")[2]
        if self.path != "/supervisor/ping" and token != TOKEN:
            status = (403, "Forbidden") if token else (401, "Unauthorized")
            self.answer(status[0], "text/plain; charset=utf-8", f"{status[0]}: {status[1]}")
        elif self.path in ANSWERS:
            body = json.dumps({"result": "ok", "data": ANSWERS[self.path]}, separators=(",", ":"))
            self.answer(200, "application/json; charset=utf-8", body)
        else:
            self.answer(403, "text/plain; charset=utf-8", "403: Forbidden")

    def answer(self, status: int, kind: str, text: str) -> None:
        """Send one answer with its length, so that the connection can stay open."""
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer(("0.0.0.0", 80), Supervisor).serve_forever()
