"""Where one version of Home Assistant lives, and how a command is run there.

A place is a virtual environment, either of this machine's own Python or inside of a Debian tree with a newer one. The tree's
mounts live in a namespace of the command that needs them and end with it: nothing of this machine stays mounted inside.
"""

import dataclasses
import json
import os
import pathlib
import subprocess

# `exec` all the way down, so that the process keeps the pid by which we end it.
IN_TREE = """
tree=$1; shared=$2; shift 2
mkdir -p "$tree$shared"
mount --bind /proc "$tree/proc" && mount --bind /dev "$tree/dev" && mount --bind "$shared" "$tree$shared" &&
exec chroot "$tree" env -i PATH=/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8 HOME=/tmp TZ=UTC "$@"
"""


class Missing(Exception):
    """This machine lacks something; the text says what, and what to do."""


def cache():
    """The folder that is kept between runs."""
    own = os.environ.get("CAMERA_HERALD_E2E_CACHE")
    home = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(own) if own else pathlib.Path(home) / "camera-herald-e2e"


@dataclasses.dataclass(frozen=True)
class Place:
    """`venv` and `python` are paths as a command in that place sees them; `tree` is empty on the machine itself."""

    version: str
    tree: str
    venv: str
    python: str

    @property
    def outside(self):
        """The virtual environment as this machine sees it."""
        return pathlib.Path(self.tree + self.venv)

    def command(self, arguments, shared="/tmp"):
        """The arguments that run a command there; the folder `shared` has the same path inside and outside."""
        if not self.tree:
            return ["env", "TZ=UTC", *arguments]
        inside = ["sh", "-c", IN_TREE, "sh", self.tree, str(shared), *arguments]
        return ["unshare", "--mount", "--propagation", "private", *inside]

    def run(self, arguments, shared="/tmp", **how):
        """Runs a command there to its end and returns what it printed."""
        done = subprocess.run(
            self.command(arguments, shared), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, **how
        )
        if done.returncode:
            raise Missing(f"{' '.join(arguments[:4])} … ended with {done.returncode}:\n{(done.stderr or done.stdout)[-3000:]}")
        return done.stdout

    def write(self, facts):
        """Remembers a finished installation, with what the start has to know about this version."""
        record(self.version).write_text(json.dumps({**dataclasses.asdict(self), "facts": facts}, indent=1))


def record(version):
    """The file that says that a version is installed."""
    return cache() / f"home-assistant-{version}.json"


def installed(version):
    """The place of an installed version and its facts; None when it is not there, or no longer whole."""
    try:
        known = json.loads(record(version).read_text())
    except (OSError, ValueError):
        return None
    facts = known.pop("facts")
    place = Place(**known)
    return (place, facts) if (place.outside / "bin" / "hass").exists() else None
