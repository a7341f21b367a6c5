"""Two installations on one broker."""


def two_apps_with_different_bases_do_not_touch_each_other(home):
    """Both have a camera of the same name and id; each has its own device, and what one does leaves the other alone."""
    home.app([{"name": "Twin", "id": "twin"}])
    first, first_bridge = home.camera("Twin", "twin", probed=False), home.bridge(0)
    first.is_well()
    other = home.app([{"name": "Twin", "id": "twin"}], base="annex")
    second = home.camera("Twin", "twin", probed=False, node="annex", suffix="_2")
    second_bridge = home.bridge(0, "Camera Herald annex", node="annex")
    for device in (first, second, first_bridge, second_bridge):
        device.is_well()
    home.holds(["twin"], and_also={"annex": ["twin"]})
    other.stop()
    second.is_unavailable()
    first.is_well()
    other.retract()
    second.is_gone()
    first.is_well()
    home.holds(["twin"])
    other.start()
    second.is_well()
    home.holds(["twin"], and_also={"annex": ["twin"]})
