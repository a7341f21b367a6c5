"""The versions of Home Assistant that the scenarios are played with."""

import os


def versions():
    """As they stand in CAMERA_HERALD_E2E_VERSIONS, the newest first."""
    named = os.environ.get("CAMERA_HERALD_E2E_VERSIONS", "2024.11.3 2026.11.0").split()
    return sorted(set(named), key=lambda version: tuple(map(int, version.split("."))), reverse=True)
