"""A walk through random faults."""

import random as randomness

from .faults import any_fault
from .world import World


def walk(home, seed, steps, say):
    """Takes that many random faults, some at once, and settles after each handful. Raises AssertionError with the way there."""
    random = randomness.Random(seed)
    world = World(home)
    story = [f"seed {seed}"]
    try:
        say(f"settled after {world.settle():.1f} s")
        while steps > 0:
            handful = min(random.randint(1, 4), steps)
            steps -= handful
            for _ in range(handful):
                fault = any_fault(random)
                story.append(fault.__name__)
                fault(world, random)
            took = world.settle()
            say(f"{', '.join(story[-handful:])}: all true again after {took:.1f} s; {steps} steps to go")
            story.append("settled")
    except AssertionError as error:
        raise AssertionError(f"the way here: {', '.join(story[:1] + story[-30:])}\n{error}") from error
    finally:
        world.close()
