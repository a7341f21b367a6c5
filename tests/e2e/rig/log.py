"""Reads Home Assistant's log: what would a user find there because of us?"""

import re

ENTRY = re.compile(r"(\d{4}-\d\d-\d\d \S+) (\w+) \(([^)]*)\) \[([^]]*)\] (.*)")
BAD = ("WARNING", "ERROR", "CRITICAL")


def entries(text):
    """The log's entries as (level, logger, message), each with its traceback."""
    found = []
    for line in text.splitlines():
        entry = ENTRY.match(line)
        if entry:
            found.append([entry[2], entry[4], entry[5]])
        elif found:
            found[-1][2] += "\n" + line
    return found


def problems(text):
    """Warnings and errors of the MQTT integration, of a sensor or event of ours, or that name us."""
    bad = [entry for entry in entries(text) if entry[0] in BAD]
    ours = [e for e in bad if "mqtt" in e[1] or re.search("herald|mqtt", e[2], re.IGNORECASE)]
    return [f"{level} [{logger}] {message}" for level, logger, message in ours]
