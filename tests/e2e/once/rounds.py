"""Rounds of kills and of cut links, each with an account at its end."""

import contextlib
import json
import time

from rig.firings import listening
from rig.wait import until
from rig.watcher import watching

from .account import Account, Sender

# Within this the last event has fired. It is more than 17 s, for which Home Assistant is waited for after a lost link, and less than what
# makes an event too old to fire.
PATIENCE = 90
# Nothing fires after that.
CALM = 3
# Apps whose links are cut at once: each round takes as long as Home Assistant is waited for.
SIDE_BY_SIDE = 20


def kills(home, rounds, random, say):
    """Kills the program that often, at any moment, while events come. Returns what was counted."""
    cameras = [f"kill_{n}" for n in range(3)]
    app = home.app([{"name": f"Kill {n}", "id": camera} for n, camera in enumerate(cameras)])
    for camera in cameras:
        _is_shown(home, "camera_herald", camera)
    with _books(home) as books:
        senders = [Sender(books.account, app, camera, 0.15) for camera in cameras]
        for done in range(1, rounds + 1):
            time.sleep(random.uniform(0.02, 1.5))
            if random.random() < 0.5:
                # Amid an event: it may be on its way to the broker, or there, or marked as delivered.
                books.account.next_one()
                time.sleep(random.uniform(0, 0.02))
            app.kill()
            app.start()
            if done % 20 == 0:
                say(f"{done} kills: {books.counted()}")
        for sender in senders:
            sender.stop()
        books.balance(["camera_herald"])
        return f"{rounds} kills: {books.counted()}"


def cuts(home, rounds, random, say):
    """Cuts links between a detection and its acknowledgement, that many in all. Returns what was counted."""
    apps = {f"herald_{n}": _with_a_link(home, n) for n in range(min(SIDE_BY_SIDE, rounds))}
    for base, (camera, _app, _link) in apps.items():
        _is_shown(home, base, camera)
    with _books(home) as books:
        done, times = 0, 0
        while done < rounds:
            chosen = dict(list(apps.items())[: rounds - done])
            for cut in [_cut_amid_events(books.account, *parts, times, random) for parts in chosen.values()]:
                assert cut.wait(30), "no link was cut"
            done, times = done + len(chosen), times + 1
            books.balance(chosen, times)
            say(f"{done} links cut: {books.counted()}")
        return f"{rounds} links cut: {books.counted()}"


def _with_a_link(home, n):
    link, camera = home.link(), f"cut_{n}"
    return camera, home.app([{"name": f"Cut {n}", "id": camera}], base=f"herald_{n}", broker=link), link


def _is_shown(home, base, camera):
    """Waits until Home Assistant shows a camera: what comes before it has subscribed does not fire."""
    home.camera(camera.replace("_", " ").capitalize(), camera, probed=False, node=base).is_well()


def _cut_amid_events(account, camera, app, link, times, random):
    """Posts some events at once; the link breaks after the detection of one of them. Returns what is set then."""
    cut = link.cut_after(f"/camera/{camera}/detection", random.uniform(0.0, 0.3))
    for number in range(random.randint(1, 4)):
        account.post(app, camera, f"{camera}-{times}-{number}")
    return cut


@contextlib.contextmanager
def _books(home):
    with listening(home.api) as firings, watching(home.broker, "+/camera/+/detection", "+/bridge/state") as watcher:
        yield _Books(firings, watcher)


class _Books:
    """What was accepted, what was sent, and what fired for it."""

    def __init__(self, firings, watcher):
        self.account = Account()
        self._firings = firings
        self._watcher = watcher

    def balance(self, bases, reconnects=0):
        """Waits until the broker has acknowledged everything, after so many returns of each link; then each event has fired once."""

        def wrong():
            return self.account.difference(self._firings) or f"events wait: {[b for b in bases if not self._idle(b, reconnects)]}"

        def over():
            return all(self._idle(base, reconnects) for base in bases) and not self.account.missing(self._firings)

        until(wrong, over, PATIENCE)
        time.sleep(CALM)
        difference = self.account.difference(self._firings)
        assert not difference, difference

    def counted(self):
        """In words."""
        sent = sum(topic.endswith("/detection") for topic, _payload, _retained in list(self._watcher.messages))
        accepted, fired = self.account.total(), len(self._firings.events)
        return f"{accepted} events accepted, {sent} times sent, {fired} times fired"

    def _idle(self, base, reconnects):
        states = self._watcher.payloads(f"{base}/bridge/state")
        state = json.loads(states[-1]) if states else {}
        return state.get("outbox_depth") == 0 and state.get("reconnects", 0) >= reconnects
