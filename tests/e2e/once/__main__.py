"""`python -m once [--rounds N] [--seed N]`: that many kills and that many cut links, on each version."""

import argparse
import pathlib
import random
import secrets
import sys
import tempfile
import time

from rig.home import BROKER_WENT, Home, House
from rig.versions import versions

from .rounds import cuts, kills


def main():
    arguments = argparse.ArgumentParser(prog="tests/e2e/run once")
    arguments.add_argument("--rounds", type=int, default=200)
    arguments.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    chosen = arguments.parse_args()
    for version in versions():
        _on(version, chosen.rounds, chosen.seed)


def _on(version, rounds, seed):
    house = House(version, pathlib.Path(tempfile.mkdtemp(prefix="e2e-")))
    began = time.monotonic()

    def say(text):
        print(f"{version} {time.monotonic() - began:6.1f} s  {text}", flush=True)

    try:
        for part in (kills, cuts):
            home = Home(house, part.__name__)
            home.excuse(*BROKER_WENT)
            say(f"{part.__name__}, seed {seed}")
            _play(home, part, rounds, random.Random(seed), say)
    finally:
        house.close()


def _play(home, part, rounds, dice, say):
    try:
        say(part(home, rounds, dice, say))
        home.leave()
    except AssertionError as error:
        say(f"FAILED: {error}")
        sys.exit(home.report())
    finally:
        for app in home.apps:
            app.kill()


if __name__ == "__main__":
    main()
