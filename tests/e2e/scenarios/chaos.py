"""Random faults in random order; `tests/e2e/run chaos` walks further."""

import pytest

from chaos.walk import walk

SEED, STEPS = 4, 6


@pytest.mark.newest_only
def a_short_walk_through_random_faults_ends_well(home):
    """After each handful of faults everything is true again, in Home Assistant and on the broker."""
    walk(home, SEED, STEPS, print)
