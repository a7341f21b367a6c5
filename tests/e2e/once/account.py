"""What the program has accepted, and what is to fire for it."""

import collections
import contextlib
import threading
import time

import requests

from rig.wait import until


class Account:
    """Events by camera, in the order of their acceptance."""

    def __init__(self):
        self.accepted = collections.defaultdict(list)

    def post(self, app, camera, event_id, **fields):
        """Posts one event until it has an answer: one without it may have been accepted or not, and then is a duplicate."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            with contextlib.suppress(requests.RequestException, OSError):
                status = app.post(camera, {"event_id": event_id, "smart_detection_type": "person", **fields})
                if status in (200, 202):
                    self.accepted[camera].append(event_id)
                    return
                assert status in (429, 503), f"{event_id} was answered with {status}"
            time.sleep(0.02)
        raise AssertionError(f"the door stays shut for {event_id}")

    def next_one(self):
        """Waits until one more is accepted."""
        before = self.total()
        until("no event is accepted", lambda: self.total() > before, 30, 0.001)

    def total(self):
        """How many were accepted."""
        return sum(map(len, self.accepted.values()))

    def missing(self, firings):
        """Whether some are still to fire."""
        return any(set(ids) - set(firings.ids(camera)) for camera, ids in self.accepted.items())

    def difference(self, firings):
        """What did not fire exactly once and in order, as a text."""
        wrong = []
        for camera, ids in self.accepted.items():
            fired = firings.ids(camera)
            if fired != ids:
                missing = [id for id in ids if id not in fired]
                twice = [id for id, times in collections.Counter(fired).items() if times > 1]
                wrong.append(f"{camera}: missing {missing[:10]}, more than once {twice[:10]}, {len(ids)} accepted, {len(fired)} fired")
        return "; ".join(wrong)


class Sender:
    """Posts to one camera all the time, one event after the other, until it is stopped."""

    def __init__(self, account, app, camera, every):
        self._stopped = threading.Event()
        self._fault = None
        self._thread = threading.Thread(target=self._run, args=(account, app, camera, every), daemon=True)
        self._thread.start()

    def stop(self):
        """Returns when the last one has its answer."""
        self._stopped.set()
        self._thread.join(90)
        assert not self._fault, self._fault

    def _run(self, account, app, camera, every):
        number = 0
        try:
            while not self._stopped.wait(every):
                number += 1
                account.post(app, camera, f"{camera}-{number}")
        except AssertionError as fault:
            self._fault = fault
