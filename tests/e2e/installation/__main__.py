"""`python -m installation VERSION…`: installs the versions that are not there yet. Quiet when there is nothing to do."""

import fcntl
import sys

from .core import install
from .place import Missing, cache


def say(text):
    print(f"installing {text}", flush=True)


def main(versions):
    cache().mkdir(parents=True, exist_ok=True)
    with (cache() / "lock").open("w") as lock:
        # Two checkouts may be tested at once.
        fcntl.flock(lock, fcntl.LOCK_EX)
        for version in versions:
            install(version, say)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Missing as missing:
        sys.exit(f"Home Assistant cannot be installed here. {missing}")
