"""The user does something to our devices in Home Assistant."""

from rig.home import DEVICE_DELETED


def a_device_that_the_user_deletes_stays_away_until_it_is_asked_for(home):
    """The program does not fight; the button brings the device back."""
    home.excuse(*DEVICE_DELETED)
    app = home.app([{"name": "Loft", "id": "loft"}, {"name": "Hall", "id": "hall"}])
    loft, hall, bridge = home.camera("Loft", "loft", probed=False), home.camera("Hall", "hall", probed=False), home.bridge(0)
    for device in (loft, hall, bridge):
        device.is_well()
    home.api.delete_device(home.api.mqtt_devices()["camera_herald_loft"])
    loft.is_gone()
    home.holds(["hall"])
    # An announcement for another reason does not bring it back.
    app.reload([{"name": "Loft", "id": "loft"}, {"name": "Great hall", "id": "hall"}])
    hall.named("Great hall")
    hall.is_well()
    loft.is_gone()
    home.holds(["hall"])
    home.api.press(bridge.entity_id("announce"))
    loft.is_well()
    home.holds(["hall", "loft"])


def a_new_start_brings_a_deleted_device_back(home):
    """Who wants it to stay away switches the camera off in the options."""
    home.excuse(*DEVICE_DELETED)
    app = home.app([{"name": "Nook", "id": "nook"}])
    nook = home.camera("Nook", "nook", probed=False)
    nook.is_well()
    home.api.delete_device(home.api.mqtt_devices()["camera_herald_nook"])
    nook.is_gone()
    app.restart()
    nook.is_well()
    home.holds(["nook"])
