"""A program's way to the broker that can break when it hurts most: after a message, before its acknowledgement."""

import contextlib
import socket
import threading
import time

from .process import HOST


class Link:
    """A port that leads to the broker. The program takes it for the broker: it has its password, too."""

    def __init__(self, broker):
        self._broker = broker
        self._listener = socket.create_server((HOST, 0))
        self.port = self._listener.getsockname()[1]
        self._armed = None
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def password(self):
        """The broker's."""
        return self._broker.password

    def cut_after(self, text, seconds):
        """The next message that holds this text still goes to the broker; what the broker answers is lost, and so many seconds later both
        sides lose the connection. Returns what is set then."""
        cut = threading.Event()
        self._armed = (text.encode(), seconds, cut)
        return cut

    def close(self):
        """Takes nobody in any more."""
        self._listener.close()

    def _accept(self):
        while True:
            try:
                program, _ = self._listener.accept()
                broker = socket.create_connection((HOST, self._broker.port), 5)
            except OSError:
                if self._listener.fileno() < 0:
                    return
                program.close()
                continue
            broker.settimeout(None)
            deaf = threading.Event()
            threading.Thread(target=self._carry_up, args=(program, broker, deaf), daemon=True).start()
            threading.Thread(target=_carry_down, args=(broker, program, deaf), daemon=True).start()

    def _carry_up(self, program, broker, deaf):
        before = b""
        with contextlib.suppress(OSError):
            while data := program.recv(65_536):
                armed = self._armed
                # A topic may lie across two reads.
                if armed and armed[0] in before + data:
                    self._armed = None
                    deaf.set()
                    threading.Thread(target=_cut, args=(program, broker, *armed[1:]), daemon=True).start()
                before = data[-256:]
                broker.sendall(data)
        _end(program, broker)


def _carry_down(broker, program, deaf):
    with contextlib.suppress(OSError):
        while data := broker.recv(65_536):
            if not deaf.is_set():
                program.sendall(data)
    _end(program, broker)


def _cut(program, broker, seconds, cut):
    time.sleep(seconds)
    _end(program, broker)
    cut.set()


def _end(*ends):
    for end in ends:
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
