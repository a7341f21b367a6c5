"""One house for each version of Home Assistant, shared by the scenarios; each scenario finds it empty and leaves it so."""

import pathlib
import tempfile

import pytest

from rig.camera import RtspCamera, SnapshotCamera
from rig.home import Home, House
from rig.versions import versions


def pytest_generate_tests(metafunc):
    """All scenarios on all versions, the newest first. Each version is one group, which one worker plays in order."""
    if "house" in metafunc.fixturenames:
        only = metafunc.definition.get_closest_marker("newest_only")
        chosen = versions()[:1] if only else versions()
        grouped = [pytest.param(version, marks=pytest.mark.xdist_group(version), id=version) for version in chosen]
        metafunc.parametrize("house", grouped, indirect=True, scope="session")


def pytest_collection_modifyitems(items):
    """What strains Home Assistant most comes last."""
    items.sort(key=lambda item: item.get_closest_marker("newest_only") is not None)


@pytest.fixture(scope="session")
def house(request):
    """Broker and Home Assistant of one version."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="e2e-"))
    made = House(request.param, folder)
    yield made
    made.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Lets the fixture know how the scenario went, and adds the logs to a failure."""
    outcome = yield
    report = outcome.get_result()
    home = item.funcargs.get("home")
    if report.when == "call":
        item.went_well = report.passed
    if report.failed and home:
        report.sections.append(("logs", home.report()))


def pytest_terminal_summary(terminalreporter):
    """What was measured."""
    for report in terminalreporter.getreports("passed"):
        for what, value in report.user_properties if report.when == "call" else []:
            terminalreporter.write_line(f"{report.nodeid.rpartition('::')[2]}: {what}: {value}")


@pytest.fixture
def home(house, request):
    """The house during one scenario."""
    entered = Home(house, request.node.originalname)
    yield entered
    if getattr(request.node, "went_well", False):
        entered.leave()
    else:
        entered.break_off()


@pytest.fixture
def snapshot_camera():
    """A camera that serves pictures over HTTP."""
    camera = SnapshotCamera()
    yield camera
    camera.turn_off()


@pytest.fixture
def rtsp_camera(tmp_path):
    """GStreamer's RTSP server."""
    camera = RtspCamera(tmp_path)
    yield camera
    camera.stop()


def pytest_pycollect_makeitem(collector, obj):
    """What a scenario file imports is none of its scenarios."""
    module = getattr(collector, "module", None)
    imported = module is not None and callable(obj) and obj.__module__ != module.__name__
    return [] if imported else None
