"""Whether backups hold what they should, seen as the Supervisor makes them: while the app runs, and events come.

    python3 benches/backups.py whole --rounds 100
    python3 benches/backups.py torn --rounds 50

Needs the debug build (`cargo build`; another one by `CAMERA_HERALD`), ffmpeg, mosquitto, 2 GB in `TMPDIR`, and 10 to 20 minutes. Both fill a database
with 350 pictures of 0.7 MB (7 cameras keep 50 each: 250 MB), and send one more each second as long as they run.

whole  What config.yaml asks for: backup_pre, a tar of the data dir in random order without backup_exclude, backup_post. In each restored copy,
       after a start, are every event that was answered 202 before backup_pre and the newest of their pictures; `integrity_check` is ok.
torn   What 0.1.0 asked for: no backup_pre, and the live files in a tar that takes some seconds. In each copy, after a start, is every row that
       SQLite can read of it before, with its log or without: event, picture, ledger.
"""

import argparse
import concurrent.futures
import contextlib
import hashlib
import itertools
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import tarfile
import tempfile
import threading
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[1]
PROGRAM = os.environ.get("CAMERA_HERALD", str(ROOT / "target/debug/camera-herald"))
CAMERAS = [f"camera_{n}" for n in range(7)]
PICTURES_EACH = 50
PICTURE_BYTES = 700_000
# A picture that was deleted by a bound of the history is not lost.
PICTURES_IN_ALL = 256 * 1024 * 1024
# Of each camera: the older ones go while a backup is made.
SURELY_KEPT = 40
# 0.1.0's `backup_exclude`.
OLD_EXCLUDES = ["*.db-shm"]


def excludes():
    """`backup_exclude` of config.yaml."""
    lines = (ROOT / "config.yaml").read_text().split("backup_exclude:\n", 1)[1].splitlines()
    return [line.strip("- \"") for line in itertools.takewhile(lambda line: line.startswith("  - "), lines)]


def free_port():
    """A port of this machine that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class Herald:
    """The program on a data dir."""

    def __init__(self, folder, broker_port):
        self.folder = folder
        self.door = f"127.0.0.1:{free_port()}"
        options = {"cameras": [{"name": name, "id": name} for name in CAMERAS], "mqtt": {"host": "127.0.0.1", "port": broker_port}}
        folder.mkdir(exist_ok=True)
        (folder / "options.json").write_text(json.dumps(options))

    def start(self):
        """Starts it and waits until it has its database."""
        log = self.folder.with_suffix(".log")
        environment = {
            "PATH": os.environ["PATH"],
            "HERALD_DATA_DIR": str(self.folder),
            "HERALD_INGRESS_LISTEN": "127.0.0.1:0",
            "HERALD_EVENTS_LISTEN": self.door,
        }
        with log.open("wb") as output:
            self.process = subprocess.Popen([PROGRAM, "run"], env=environment, stdout=output, stderr=output)
        deadline = time.monotonic() + 180
        while b"Camera Herald has started" not in log.read_bytes():
            assert time.monotonic() < deadline and self.process.poll() is None, f"it does not start: {log.read_text()}"
            time.sleep(0.05)

    def stop(self):
        """An orderly stop."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(30) == 0, "it does not stop in order"


class Sender:
    """Sends events with pictures, and remembers what was answered 202: id, camera and the picture's hash, in this order."""

    def __init__(self, herald, jpeg):
        self.herald, self.jpeg = herald, jpeg
        self.accepted = []
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._over = threading.Event()

    def send(self):
        """One event."""
        number = next(self._numbers)
        camera, event_id = CAMERAS[number % len(CAMERAS)], f"event-{number}"
        picture = self._picture()
        event = json.dumps({"event_id": event_id, "smart_detection_type": "person"}).encode()
        part = b'--b\r\nContent-Disposition: form-data; name="%s"; filename="%s"\r\nContent-Type: %s\r\n\r\n%s\r\n'
        body = part % (b"event", b"e", b"application/json", event) + part % (b"picture", b"p", b"image/jpeg", picture) + b"--b--\r\n"
        token = (self.herald.folder / "event_token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "multipart/form-data; boundary=b"}
        address = f"http://{self.herald.door}/api/v1/cameras/{camera}/events"
        with urllib.request.urlopen(urllib.request.Request(address, body, headers), timeout=60) as answer:
            assert answer.status == 202, answer.status
        with self._lock:
            self.accepted.append((event_id, camera, hashlib.sha256(picture).hexdigest()))

    def _picture(self):
        """One that no other event has: the rest of its bytes are comments."""
        comments, left = b"", PICTURE_BYTES - len(self.jpeg)
        while left > 4:
            size = min(left - 4, 60_000)
            comments += b"\xff\xfe" + (size + 2).to_bytes(2, "big") + os.urandom(size)
            left -= size + 4
        return self.jpeg[:2] + comments + self.jpeg[2:]

    def go_on(self):
        """One each second until [stop]."""
        while not self._over.wait(1):
            # The door refuses while its answer is not sure; such an event is sent again or not, but was not promised.
            with contextlib.suppress(urllib.error.HTTPError):
                self.send()

    def stop(self):
        """Enough."""
        self._over.set()


def noise():
    """A JPEG of 0.67 MB that needs no fitting."""
    source = "nullsrc=s=1280x720,format=yuvj420p,geq=lum='random(1)*255':cb=128:cr=128"
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, "-frames:v", "1", "-q:v", "2", "-f", "mjpeg", "-"]
    return subprocess.run(command, check=True, capture_output=True).stdout


def archive(folder, tar, without, seconds):
    """A tar of the folder as the Supervisor makes it, in random order; copying takes about so long."""
    names = [name for name in os.listdir(folder) if not any(pathlib.PurePath(name).match(pattern) for pattern in without)]
    random.shuffle(names)
    pace = seconds / max(1, sum((folder / name).stat().st_size for name in names))
    with tarfile.open(tar, "w") as out:
        for name in names:
            path = folder / name
            with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
                entry = out.gettarinfo(arcname=name, fileobj=file)
                out.addfile(entry, Slowly(file, pace))
    return names


class Slowly:
    """A file that is read at a pace, in seconds for each byte. What is missing at its end, since somebody cut it, reads as zeros."""

    def __init__(self, file, pace):
        self.file, self.pace = file, pace

    def read(self, size):
        """As a file's."""
        time.sleep(size * self.pace)
        return self.file.read(size).ljust(size, b"\0")


def restore(tar, folder):
    """Into an empty folder."""
    folder.mkdir()
    with tarfile.open(tar) as backup:
        backup.extractall(folder, filter="data")
    tar.unlink()


def integrity(path):
    """What SQLite says of a file."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        try:
            return connection.execute("PRAGMA integrity_check(3)").fetchall()[0][0]
        except sqlite3.DatabaseError as error:
            return str(error)


def readable(path):
    """What can be read of a file, whatever its state: from the front, from the back, with its log and without."""
    found = {"events": {}, "pictures": {}, "ledger": {}}
    tables = {
        "events": ("row", "camera, event_id", "delivered, length(body)"),
        "pictures": ("row", "row, camera", "jpeg"),
        "ledger": ("topic", "topic", "hash"),
    }
    for address in [f"file:{path}?mode=rw", f"file:{path}?immutable=1"]:
        for (table, (order, key, value)), direction in itertools.product(tables.items(), ["ASC", "DESC"]):
            # A connection of its own: one that has met a fault may remember it.
            with contextlib.suppress(sqlite3.Error, UnicodeDecodeError), contextlib.closing(sqlite3.connect(address, uri=True)) as source:
                source.execute("PRAGMA wal_autocheckpoint = 0")
                width = key.count(",") + 1
                for row in source.execute(f"SELECT {key}, {value} FROM {table} NOT INDEXED ORDER BY {order} {direction}"):
                    content = hashlib.sha256(row[-1]).hexdigest() if table == "pictures" else row[width:]
                    found[table].setdefault(row[:width], set()).add(content)
    return found


def check_whole(tar, folder, promised):
    """What is missing or wrong in a restored backup."""
    restore(tar, folder)
    herald = Herald(folder, free_port())
    herald.start()
    herald.stop()
    faults = []
    database = folder / "herald.db"
    if (verdict := integrity(database)) != "ok":
        faults.append(verdict)
    if broken := list(folder.glob("herald.broken-*")):
        faults.append(f"it was mended: {broken}")
    with contextlib.closing(sqlite3.connect(database)) as connection:
        pictures = dict(connection.execute("SELECT event_id, jpeg FROM events LEFT JOIN pictures USING (row)"))
    lost = [event_id for event_id, *_ in promised if event_id not in pictures]
    if lost:
        faults.append(f"{len(lost)} events are missing: {lost[:5]}")
    newest = [event for camera in CAMERAS for event in [event for event in promised if event[1] == camera][-SURELY_KEPT:]]
    lost = [event_id for event_id, _, digest in newest if hashlib.sha256(pictures.get(event_id) or b"").hexdigest() != digest]
    if lost:
        faults.append(f"{len(lost)} pictures are missing: {lost[:5]}")
    shutil.rmtree(folder)
    return {"faults": faults, "events": len(pictures)}


def check_torn(tar, folder, _promised):
    """What was lost of a torn copy, though it could be read before the start."""
    restore(tar, folder)
    database = folder / "herald.db"
    # What SQLite makes of a log while reading must not be there at the start.
    looked_at = folder.with_suffix(".look")
    shutil.copytree(folder, looked_at)
    before = readable(looked_at / "herald.db")
    verdict = integrity(looked_at / "herald.db")
    shutil.rmtree(looked_at)
    herald = Herald(folder, free_port())
    herald.start()
    herald.stop()
    after = readable(database)
    faults = []
    for table in ("events", "ledger"):
        if lost := before[table].keys() - after[table].keys():
            faults.append(f"{len(lost)} of {len(before[table])} rows of {table} are lost: {sorted(lost)[:5]}")
    ids = {row for row, _ in after["pictures"]}
    beyond_bounds = (len(ids) + 1) * PICTURE_BYTES > PICTURES_IN_ALL
    lost = {row: camera for row, camera in before["pictures"].keys() - after["pictures"].keys()}
    for row, camera in sorted(lost.items()):
        newer = sum(other == camera and kept > row for kept, other in after["pictures"])
        if newer < PICTURES_EACH and not beyond_bounds:
            faults.append(f"the picture of row {row} is lost")
    changed = [key for key, contents in after["pictures"].items() if not contents <= before["pictures"].get(key, contents)]
    if changed:
        faults.append(f"{len(changed)} pictures are others than before: {changed[:5]}")
    mended = any(folder.glob("herald.broken-*"))
    now = integrity(database)
    if now != "ok":
        faults.append(f"after the start: {now}")
    if faults:
        shutil.copy(folder.with_suffix(".log"), folder.parent.parent / f"{folder.name}.failed.log")
    shutil.rmtree(folder)
    return {
        "faults": faults, "torn": verdict != "ok", "mended": mended, "events": len(after["events"]), "readable": len(before["events"]),
        "pictures": f"{len(after['pictures'])}/{len(before['pictures'])}",
    }


def command(*words):
    """A command of the program, as the Supervisor runs it."""
    begun = time.monotonic()
    subprocess.run([PROGRAM, *words], check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - begun


def rounds(kind, count, seconds, herald, sender, place, workers):
    """Backups one after the other; the copies are looked at meanwhile."""
    data = ["--data-dir", str(herald.folder)]
    check = check_whole if kind == "whole" else check_torn
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        checks = []
        for number in range(count):
            promised, tar, begun = list(sender.accepted), place / f"{number}.tar", time.monotonic()
            if kind == "whole":
                made = command("snapshot", *data)
                archive(herald.folder, tar, excludes(), seconds)
                command("snapshot", "--done", *data)
                left = [name for name in os.listdir(herald.folder) if "snapshot" in name or "linked" in name]
                assert not left, left
            else:
                made = 0
                archive(herald.folder, tar, OLD_EXCLUDES, seconds)
            took = time.monotonic() - begun
            checks.append(pool.submit(check, tar, place / f"restored-{number}", promised))
            # The disk holds only so many copies.
            concurrent.futures.wait(checks[: -workers or None])
            done = [check.result() for check in checks if check.done()]
            last = done[-1] if done else ""
            print(f"{number + 1}: {took:.1f} s (pre {made:.1f}), {len(promised)} promised; last looked at: {last}", flush=True)
        return [check.result() for check in checks]


def main():
    """Says what came out; ends with 1 when anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=["whole", "torn"])
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seconds", type=float, help="that copying takes at least (whole: 1, torn: 8)")
    parser.add_argument("--workers", type=int, default=2, help="copies that are looked at at a time")
    arguments = parser.parse_args()
    seconds = arguments.seconds if arguments.seconds is not None else {"whole": 1, "torn": 8}[arguments.kind]
    with contextlib.ExitStack() as stack:
        place = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        port = free_port()
        (place / "mosquitto.conf").write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
        broker = subprocess.Popen(["mosquitto", "-c", str(place / "mosquitto.conf")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        stack.callback(broker.terminate)
        herald = Herald(place / "data", port)
        herald.start()
        stack.callback(herald.process.terminate)
        sender = Sender(herald, noise())
        for _ in range(PICTURES_EACH * len(CAMERAS)):
            sender.send()
        print(f"{(herald.folder / 'herald.db').stat().st_size / 1e6:.0f} MB with {len(sender.accepted)} events", flush=True)
        thread = threading.Thread(target=sender.go_on)
        thread.start()
        stack.callback(sender.stop)
        results = rounds(arguments.kind, arguments.rounds, seconds, herald, sender, place, arguments.workers)
        sender.stop()
        herald.stop()
    faulty = [result for result in results if result["faults"]]
    print(f"{len(results) - len(faulty)} of {len(results)} without loss, {sum(bool(r.get('torn')) for r in results)} of them torn, "
          f"{sum(bool(r.get('mended')) for r in results)} mended")
    for result in faulty:
        print(result["faults"])
    raise SystemExit(bool(faulty))


if __name__ == "__main__":
    main()
