"""Cameras die and come back, and the user changes them."""

import io

from PIL import Image

from rig.wait import until


def a_camera_that_goes_offline_keeps_its_history_and_comes_back(home, snapshot_camera):
    """What needs the camera is unavailable; the rest says why."""
    home.app([{"name": "Pond", "id": "pond", "snapshot": snapshot_camera.url, "check_seconds": 5}])
    pond, bridge = home.camera("Pond", "pond"), home.bridge(1)
    pond.is_well()
    bridge.is_well()
    snapshot_camera.turn_off()
    pond.is_unavailable(25, only_what_needs_the_camera=True, status="offline", connectivity="off")
    assert pond.state("status")["attributes"]["reason"] == "refused"
    bridge.is_well(cameras_online="0")
    home.holds(["pond"])
    snapshot_camera.turn_on()
    pond.is_well()
    bridge.is_well()
    assert home.api.image(pond.entity_id("snapshot")) in snapshot_camera.served
    home.holds(["pond"])


def a_real_stream_shows_its_picture_and_its_figures(home, rtsp_camera):
    """RTSP from a real server; the figures are off until the user wants them, and have their units then."""
    home.app([{"name": "Lane", "id": "lane", "stream": rtsp_camera.url, "check_seconds": 5}])
    lane = home.camera("Lane", "lane")
    lane.is_well(30)
    shown = until("no picture", lambda: home.api.image(lane.entity_id("snapshot")))
    assert Image.open(io.BytesIO(shown)).size == (640, 360)
    assert lane.state("status")["attributes"]["codec"] == "h264"
    for key in ("latency", "fps", "bitrate"):
        home.api.enable(lane.entity_id(key))
    lane.enabled("latency", "fps", "bitrate", fresh=_number)
    # Home Assistant reloads the integration half a minute after the user's click.
    lane.is_well(60)
    rtsp_camera.stop()
    lane.is_unavailable(30, only_what_needs_the_camera=True, status="offline", connectivity="off")
    home.holds(["lane"])


def _number(state):
    return float(state) > 0


def cameras_that_are_renamed_disabled_and_removed_look_so(home):
    """By a change of the options, without a restart. A new name keeps the entity ids, on which automations stand."""
    one, two, three = ({"name": name.title(), "id": name} for name in ("north", "east", "south"))
    app = home.app([one, two, three])
    north, east, south = (home.camera(o["name"], o["id"], probed=False) for o in (one, two, three))
    for device in (north, east, south):
        device.is_well()
    app.reload([{**one, "name": "North wall"}, {**two, "enabled": False}])
    south.is_gone()
    east.is_gone()
    north.named("North wall")
    north.is_well()
    home.holds(["north"])
    app.reload([{**one, "name": "North wall"}, two])
    east.is_well()
    north.is_well()
    home.holds(["north", "east"])
