"""Installs one version of Home Assistant Core into its place."""

import json
import pathlib
import shutil
import subprocess
import sys

from . import pythons, tree
from .place import Missing, Place, cache, installed

UV = f"{sys.prefix}/bin/uv"

# What came out after a version and breaks it: up to which release, and what is to be asked for.
BREAKS = [((2025, 1), "josepy<2")]
# What old versions pin and what, on a Python newer than them, would have to be compiled for a quarter of an hour.
NEWER = {"numpy==1.26.4": "numpy>=2.1"}

# Home Assistant installs what an integration needs when it first sets it up. We start it without, so everything that a bare
# start and MQTT can reach is installed now. Printed: the requirements, one a line.
REQUIREMENTS = """
import json, pathlib
import homeassistant
from homeassistant import bootstrap
components = pathlib.Path(homeassistant.__file__).parent / "components"
todo = set(bootstrap.DEFAULT_INTEGRATIONS) | set(bootstrap.CORE_INTEGRATIONS) | {"mqtt", "config", "api", "recorder", "isal"}
todo |= {path.stem for path in (components / "mqtt").glob("*.py")}
seen, needed = set(), set()
while todo:
    domain = todo.pop()
    manifest = components / domain / "manifest.json"
    if domain in seen or not manifest.is_file():
        continue
    seen.add(domain)
    facts = json.loads(manifest.read_text())
    needed |= set(facts.get("requirements", []))
    todo |= set(facts.get("dependencies", [])) | set(facts.get("after_dependencies", []))
print("\\n".join(sorted(needed)))
"""

# Newer versions keep the settings of their web server in .storage: what is in YAML would be taken back after five minutes.
FACTS = """
import json
facts = {"http_store": None}
try:
    from homeassistant.components.http import config
    facts["http_store"] = {"version": config.STORAGE_VERSION, "minor_version": config.STORAGE_MINOR_VERSION,
                           "default": config._DEFAULT_CONFIG}
except (ImportError, AttributeError):
    pass
print(json.dumps(facts, default=str))
"""


def install(version, say):
    """Makes sure that a version is installed, and returns its place."""
    known = installed(version)
    if known:
        return known[0]
    place = _place(version, say)
    say(f"Home Assistant {version} with {place.python}, one to three minutes")
    _packages(place)
    facts = json.loads(place.run([f"{place.venv}/bin/python", "-c", FACTS]).strip().splitlines()[-1])
    place.write(facts)
    return place


def _place(version, say):
    own = pythons.on_this_machine(version)
    if own:
        return Place(version, "", str(cache() / f"home-assistant-{version}"), own)
    python = next((p for p in pythons.wanted(version) if p in tree.PYTHONS), pythons.wanted(version)[0])
    root = tree.ready(python, say)
    shutil.copy(UV, root / "usr/local/bin/uv")
    return Place(version, str(root), f"/opt/home-assistant-{version}", f"/usr/bin/python{python}")


def _packages(place):
    uv = "/usr/local/bin/uv" if place.tree else UV
    inside = f"{place.venv}/bin/python"
    environment = ["env", "UV_LINK_MODE=copy", f"SSL_CERT_FILE={tree.CERTIFICATES}"] if place.tree else ["env"]
    pip = [*environment, uv, "pip", "install", "--quiet", "--python", inside]
    subprocess.run(["rm", "-rf", "--one-file-system", place.outside], check=True)
    place.run([*environment, uv, "venv", "--quiet", "--python", place.python, place.venv])
    release = tuple(map(int, place.version.split(".")[:2]))
    place.run([*pip, f"homeassistant=={place.version}", *(limit for last, limit in BREAKS if release <= last)])
    needed = place.run([inside, "-c", REQUIREMENTS]).split("\n")
    where = place.run([inside, "-c", "import homeassistant; print(homeassistant.__path__[0])"]).strip()
    pins = pathlib.Path(f"{place.tree}{where}/package_constraints.txt").read_text()
    for pin, newer in NEWER.items():
        pins = pins.replace(pin, newer)
    (place.outside / "pins.txt").write_text(pins)
    place.run([*pip, "--constraint", f"{place.venv}/pins.txt", *filter(None, needed)])
    if not (place.outside / "bin" / "hass").exists():
        raise Missing(f"homeassistant {place.version} was installed, but it has no command hass")
