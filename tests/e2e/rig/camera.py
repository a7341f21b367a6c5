"""Cameras: one that serves JPEG pictures over HTTP and can be switched off or freeze, and a real RTSP server."""

import io
import itertools
import json
import pathlib
import subprocess

from PIL import Image, ImageDraw

from .process import HOST, Process, free_port
from .server import Server
from .wait import until

RTSP_SERVER = pathlib.Path(__file__).resolve().parents[2] / "data" / "rtsp_server.py"


def picture(step, size=(320, 180)):
    """A scene with a bar at a place that depends on the step; the same bytes for the same step."""
    image = Image.linear_gradient("L").resize(size).convert("RGB")
    left = step * 40 % size[0]
    ImageDraw.Draw(image).rectangle((left, 20, left + 60, size[1] - 20), fill=(230, 200, 40))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=85)
    return out.getvalue()


class SnapshotCamera:
    """It keeps its port while it is off. `served` are the pictures that it has sent, the newest last."""

    def __init__(self):
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}/snap.jpg"
        self.frozen = False
        self.served = []
        self._steps = itertools.count()
        self._last = picture(next(self._steps))
        self._server = None
        self.turn_on()

    def is_on(self):
        """Whether it answers."""
        return self._server is not None

    def turn_on(self):
        """Answers from now on."""
        self._server = Server(self.port, lambda _path, _headers: (200, "image/jpeg", self.shoot()))

    def turn_off(self):
        """Its port is closed."""
        if self._server:
            self._server.close()
            self._server = None

    def shoot(self):
        """The next picture, or the last one again while it is frozen."""
        if not self.frozen:
            self._last = picture(next(self._steps))
        self.served.append(self._last)
        return self._last


class RtspCamera:
    """The RTSP server of the integration tests, with a moving picture in H.264."""

    def __init__(self, folder):
        files = [str(folder / "certificate.pem"), str(folder / "key.pem")]
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
        command += ["-subj", "/CN=localhost", "-out", files[0], "-keyout", files[1]]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._process = Process("the RTSP server", folder / "rtsp.log")
        # Debian's own Python is the one that has GStreamer.
        self._process.start(["/usr/bin/python3", str(RTSP_SERVER), *files])
        doors = until(lambda: f"no RTSP server:\n{self._process.tail()}", self._doors, 20)
        self.url = f"rtsp://{HOST}:{doors['open']}/h264"

    def stop(self):
        """Its port is closed."""
        self._process.kill()

    def _doors(self):
        lines = [line for line in self._process.text().splitlines() if line.startswith("{")]
        return json.loads(lines[0]) if lines else None
