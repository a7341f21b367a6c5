"""Home Assistant's REST and WebSocket API, as far as a user's browser would need it."""

import contextlib
import itertools
import json

import requests
import websocket

from .process import HOST


class ApiError(Exception):
    """Home Assistant does not answer, or refuses."""


class Api:
    """Speaks with one Home Assistant. `token` is set by the onboarding."""

    def __init__(self, port):
        self.address = f"{HOST}:{port}"
        self.token = None
        self._session = requests.Session()
        self._session.trust_env = False

    def request(self, method, path, token=None, **how):
        """One REST call; raises ApiError on anything but success."""
        token = token or self.token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            answer = self._session.request(method, f"http://{self.address}{path}", headers=headers, timeout=30, **how)
        except requests.RequestException as error:
            raise ApiError(f"{method} {path}: {error}") from error
        if not answer.ok:
            raise ApiError(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer

    def get(self, path):
        """One GET, from JSON."""
        return self.request("GET", path).json()

    def post(self, path, body=None, token=None):
        """One POST, from and to JSON."""
        return self.request("POST", path, token, json=body or {}).json()

    def ws(self, *commands, token=None):
        """WebSocket commands as (type, {fields}) on one connection; returns their results."""
        with contextlib.closing(self.socket(token)) as socket:
            return [self._command(socket, number, *command) for number, command in zip(itertools.count(1), commands)]

    def socket(self, token=None):
        """A WebSocket connection that is let in."""
        try:
            socket = websocket.create_connection(
                f"ws://{self.address}/api/websocket", timeout=30, http_no_proxy=[HOST], skip_utf8_validation=True
            )
            json.loads(socket.recv())
            socket.send(json.dumps({"type": "auth", "access_token": token or self.token}))
            answer = json.loads(socket.recv())
        except (OSError, websocket.WebSocketException) as error:
            raise ApiError(f"WebSocket: {error}") from error
        if answer["type"] != "auth_ok":
            raise ApiError(f"WebSocket: {answer}")
        return socket

    @staticmethod
    def _command(socket, number, kind, fields=None):
        socket.send(json.dumps({"id": number, "type": kind, **(fields or {})}))
        while True:
            answer = json.loads(socket.recv())
            if answer.get("id") == number and answer["type"] == "result":
                if not answer["success"]:
                    raise ApiError(f"{kind}: {answer['error']}")
                return answer["result"]

    def states(self):
        """Every state by its entity id."""
        return {state["entity_id"]: state for state in self.get("/api/states")}

    def mqtt_devices(self):
        """The devices that came over MQTT, by the identifier that their payload gave them."""
        (devices,) = self.ws(("config/device_registry/list",))
        return {value: device for device in devices for kind, value in device["identifiers"] if kind == "mqtt"}

    def mqtt_entities(self):
        """The registry's entries of MQTT's entities by unique id, the disabled ones too."""
        (entities,) = self.ws(("config/entity_registry/list",))
        return {entity["unique_id"]: entity for entity in entities if entity["platform"] == "mqtt"}

    def image(self, entity_id):
        """The bytes that an image entity shows; None when it shows nothing."""
        try:
            return self.request("GET", f"/api/image_proxy/{entity_id}").content
        except ApiError:
            return None

    def press(self, entity_id):
        """Presses a button as the user does."""
        self.post("/api/services/button/press", {"entity_id": entity_id})

    def rename(self, entity_id, new):
        """Gives an entity another id as the user does."""
        self.ws(("config/entity_registry/update", {"entity_id": entity_id, "new_entity_id": new}))

    def disable(self, entity_id):
        """Switches an entity off as the user does."""
        self.ws(("config/entity_registry/update", {"entity_id": entity_id, "disabled_by": "user"}))

    def enable(self, entity_id):
        """Switches an entity on as the user does; it is there when Home Assistant has reloaded its integration, after 30 s."""
        self.ws(("config/entity_registry/update", {"entity_id": entity_id, "disabled_by": None}))

    def mqtt_entry(self):
        """The id of the MQTT integration's entry."""
        (entries,) = self.ws(("config_entries/get",))
        return next(entry["entry_id"] for entry in entries if entry["domain"] == "mqtt")

    def delete_device(self, device):
        """Deletes a device as the user does on its page."""
        try:
            self.ws(("config/device_registry/remove", {"device_id": device["id"]}))
        except ApiError as error:
            if "unknown_command" not in str(error):
                raise
            fields = {"config_entry_id": self.mqtt_entry(), "device_id": device["id"]}
            self.ws(("config/device_registry/remove_config_entry", fields))
