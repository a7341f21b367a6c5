"""Looks at a broker as Home Assistant's account: what is retained, and what goes by."""

import contextlib
import queue
import secrets

import paho.mqtt.client as mqtt

from .broker import HOME_ASSISTANT
from .process import HOST
from .wait import until


class Watcher:
    """A client that subscribes to everything. Its `messages` are (topic, payload, retained), in order."""

    def __init__(self, broker, *filters):
        self.messages = []
        self._acknowledged = queue.Queue()
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=f"watcher{secrets.token_hex(6)}")
        self._client.username_pw_set(*HOME_ASSISTANT)
        self._client.on_message = self._take
        self._client.on_subscribe = lambda *_: self._acknowledged.put(True)
        self._client.on_connect = lambda *_: self._client.subscribe([(f, 1) for f in filters or ("#",)])
        self._client.connect(HOST, broker.port, keepalive=30)
        self._client.loop_start()
        self._acknowledged.get(timeout=10)

    def _take(self, _client, _userdata, message):
        self.messages.append((message.topic, message.payload, message.retain))

    def publish(self, topic, payload, retain=False, wait=True):
        """Publishes one message and, unless many are to go at once, waits for the broker's acknowledgement."""
        sent = self._client.publish(topic, payload, qos=1, retain=retain)
        if wait:
            sent.wait_for_publish(10)

    def payloads(self, topic):
        """What went by on one topic."""
        return [payload for at, payload, _retained in list(self.messages) if at == topic]

    def catch_up(self):
        """Waits until everything has come that the broker took before this call."""
        mark = f"e2e/mark/{secrets.token_hex(6)}"
        self._client.subscribe(mark, 1)
        self._acknowledged.get(timeout=10)
        self.publish(mark, b"")
        until("the broker does not send what is published", lambda: self.payloads(mark), 10, 0.01)
        self.messages = [message for message in self.messages if message[0] != mark]

    def close(self):
        """Says goodbye."""
        self._client.disconnect()
        self._client.loop_stop()


@contextlib.contextmanager
def watching(broker, *filters):
    """A watcher for a while."""
    watcher = Watcher(broker, *filters)
    try:
        yield watcher
    finally:
        watcher.close()


def retained(broker):
    """Every retained message on the broker, as {topic: payload}."""
    with watching(broker) as watcher:
        # The broker sends what it holds before what is published afterwards.
        watcher.catch_up()
        return {topic: payload for topic, payload, kept in watcher.messages if kept}
