"""Random faults in random order, with Home Assistant: after each settling everything is true again, and nothing else is there."""
