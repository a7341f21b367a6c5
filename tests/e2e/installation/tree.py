"""A small Debian with the Pythons that this machine lacks, made by debootstrap. Needs root on Debian."""

import os
import pathlib
import re
import shutil
import subprocess

from .place import Missing, cache

SUITE = "forky"
PYTHONS = ("3.13", "3.14")
PACKAGES = [f"python{python}{part}" for python in PYTHONS for part in ("", "-venv", "-dev")]
PACKAGES += ["gcc", "g++", "make", "pkg-config", "libffi-dev", "libssl-dev", "ca-certificates"]
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"


def _obstacle():
    if os.geteuid() != 0:
        return "it takes root to make a Debian tree with one"
    if not shutil.which("debootstrap"):
        return "debootstrap would bring one: apt-get install debootstrap"
    probe = subprocess.run(["unshare", "--mount", "true"], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if probe.returncode:
        return "this machine does not let us mount inside of a Debian tree"
    return None


def _mirror():
    """The mirror that apt uses."""
    sources = [*pathlib.Path("/etc/apt/sources.list.d").glob("*.sources"), pathlib.Path("/etc/apt/sources.list")]
    for source in sources:
        text = source.read_text() if source.exists() else ""
        found = re.search(r"^(?:URIs:|deb(?: \[[^]]*\])?)\s+(https?://\S+)", text, re.MULTILINE)
        if found:
            return found[1]
    raise Missing("apt names no mirror of Debian here")


def ready(python, say):
    """The folder of the tree, which has that Python; made if need be. Raises Missing when it cannot be made."""
    tree = cache() / "tree"
    whole = tree / ".whole"
    if python not in PYTHONS:
        raise Missing(f"Python {python} is missing, and the Debian tree has {' and '.join(PYTHONS)} only")
    obstacle = _obstacle()
    if obstacle:
        raise Missing(f"Python {python} is missing; {obstacle}. Or install python{python} (pyenv does, too).")
    if not whole.exists():
        say(f"a Debian tree with Python {' and '.join(PYTHONS)}, about a minute")
        subprocess.run(["rm", "-rf", "--one-file-system", tree], check=True)
        _debootstrap(tree)
        whole.touch()
    for file in ("/etc/resolv.conf", "/etc/hosts", CERTIFICATES):
        if pathlib.Path(file).exists():
            shutil.copyfile(file, f"{tree}{file}")
    return tree


def _debootstrap(tree):
    log = cache() / "debootstrap.log"
    command = ["debootstrap", "--variant=minbase", "--keyring=/usr/share/keyrings/debian-archive-keyring.gpg"]
    # An older debootstrap does not know the suite's name; the script of sid fits all.
    command += [f"--include={','.join(PACKAGES)}", SUITE, str(tree), _mirror(), "/usr/share/debootstrap/scripts/sid"]
    with log.open("w") as out:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, check=False)
    if done.returncode:
        raise Missing(f"debootstrap failed:\n{log.read_text()[-2000:]}")
