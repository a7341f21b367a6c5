"""Finds a Python of this machine that a version of Home Assistant can use."""

import os
import pathlib
import shutil
import subprocess

from .place import Missing

# What the versions from each one on are made for, the best first; the newest first.
WANTED = [((2026, 3), ["3.14"]), ((2025, 2), ["3.13"]), ((2024, 11), ["3.12", "3.13"])]
# Some of them ask for this or newer.
LEAST = {"3.13": (3, 13, 2), "3.14": (3, 14, 2)}


def wanted(version):
    """The Pythons for a version of Home Assistant, as `3.12`."""
    release = tuple(map(int, version.split(".")[:2]))
    for since, pythons in WANTED:
        if release >= since:
            return pythons
    raise Missing(f"Camera Herald needs Home Assistant 2024.11 or newer, which {version} is not")


def _candidates(python):
    found = shutil.which(f"python{python}")
    if found:
        yield found
    pyenv = pathlib.Path(os.environ.get("PYENV_ROOT") or pathlib.Path.home() / ".pyenv") / "versions"
    for folder in sorted(pyenv.glob(f"{python}.*"), reverse=True):
        yield str(folder / "bin" / "python")


def _works(path, python):
    """A shim may be there without its Python, and Debian's Python without the module for virtual environments."""
    code = "import sys, ensurepip, venv; print(*sys.version_info[:3])"
    done = subprocess.run([path, "-c", code], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        return False
    version = tuple(map(int, done.stdout.split()))
    return version >= LEAST.get(python, (3,)) and f"{version[0]}.{version[1]}" == python


def on_this_machine(version):
    """The path of a fitting Python on PATH or of pyenv, or None."""
    for python in wanted(version):
        for path in _candidates(python):
            if _works(path, python):
                return path
    return None
