"""Waiting for a condition with a deadline; never for luck."""

import time


def until(what, check, seconds=20.0, every=0.1):
    """Calls `check` until it returns something true, and returns that. `what` may be a function that says what is wrong."""
    end = time.monotonic() + seconds
    while True:
        found = check()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds:.0f} s: {what() if callable(what) else what}")
        time.sleep(every)
