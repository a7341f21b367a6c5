"""`python -m chaos [--steps N] [--seed N]`: one walk on the newest Home Assistant."""

import argparse
import pathlib
import secrets
import sys
import tempfile
import time

from rig.home import Home, House
from rig.versions import versions

from .walk import walk


def main():
    arguments = argparse.ArgumentParser(prog="tests/e2e/run chaos")
    arguments.add_argument("--steps", type=int, default=50)
    arguments.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    chosen = arguments.parse_args()
    version = versions()[0]
    house = House(version, pathlib.Path(tempfile.mkdtemp(prefix="e2e-")))
    home = Home(house, "chaos")
    began = time.monotonic()

    def say(text):
        print(f"{time.monotonic() - began:6.1f} s  {text}", flush=True)

    try:
        say(f"seed {chosen.seed}, {chosen.steps} steps, Home Assistant {version}")
        walk(home, chosen.seed, chosen.steps, say)
        assert not home.problems(), "Home Assistant's log:\n" + "\n".join(home.problems())
        say("all went well")
    except AssertionError as error:
        say(f"FAILED, seed {chosen.seed}: {error}")
        sys.exit(home.report())
    finally:
        for app in home.apps:
            app.kill()
        house.close()


if __name__ == "__main__":
    main()
