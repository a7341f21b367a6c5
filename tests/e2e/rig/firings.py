"""How often event entities fire, by Home Assistant's own stream of state changes."""

import contextlib
import json
import threading
import time

import websocket

from .api import ApiError
from .wait import until

NOTHING_FIRED = ("unavailable", "unknown", None)


class Firings:
    """Listens from now on, also after a restart of Home Assistant. `events` are the attributes of each firing, in their order.

    An entity fires when its time or its attributes are others than at its last firing: what it shows again after it was unavailable,
    or after a restart, is no firing.
    """

    def __init__(self, api):
        self.events = []
        self._api = api
        self._last = {}
        self._closed = False
        self._socket = None
        self._listening = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()
        assert self._listening.wait(30), "Home Assistant does not tell what changes"
        # What fired before is not ours.
        self.events.clear()

    def ids(self, camera):
        """The ids of the events that fired for one camera, in their order."""
        return [event.get("event_id") for event in list(self.events) if event.get("camera_id") == camera]

    def are(self, camera, ids, seconds=20, calm=1.5):
        """Waits until exactly these fired, and sees that no more come."""
        until(lambda: f"{camera} fired {self.ids(camera)}, not {ids}", lambda: len(self.ids(camera)) >= len(ids), seconds)
        time.sleep(calm)
        assert self.ids(camera) == ids, f"{camera} fired {self.ids(camera)}, not {ids}"

    def again(self):
        """After Home Assistant was started anew: waits until it is listened to."""
        assert self._listening.wait(60), "Home Assistant does not tell what changes"

    def close(self):
        """Listens no more."""
        self._closed = True
        if self._socket:
            self._socket.close()

    def _listen(self):
        while not self._closed:
            with contextlib.suppress(ApiError, OSError, websocket.WebSocketException, ValueError):
                self._follow()
            self._listening.clear()
            time.sleep(0.2)

    def _follow(self):
        with contextlib.closing(self._api.socket()) as socket:
            self._socket = socket
            socket.settimeout(None)
            for number, command in ((1, {"type": "subscribe_events", "event_type": "state_changed"}), (2, {"type": "get_states"})):
                socket.send(json.dumps({"id": number, **command}))
            while True:
                message = json.loads(socket.recv())
                if message["type"] == "event":
                    self._note(message["event"]["data"]["new_state"])
                elif message["type"] == "result" and message["id"] == 2:
                    for state in message["result"]:
                        self._note(state)
                    self._listening.set()

    def _note(self, state):
        if not state or not state["entity_id"].startswith("event.") or state["state"] in NOTHING_FIRED:
            return
        fired = (state["state"], state["attributes"].get("event_id"), state["attributes"].get("number"))
        if self._last.get(state["entity_id"]) != fired:
            self._last[state["entity_id"]] = fired
            self.events.append(state["attributes"])


@contextlib.contextmanager
def listening(api):
    """The firings for a while."""
    firings = Firings(api)
    try:
        yield firings
    finally:
        firings.close()
