"""What can go wrong, and how often it does: what takes long to see the end of is rarer."""

import time

FEWEST, MOST = 2, 6


def broker_killed(world, _random):
    world.home.broker.kill()


def broker_stopped(world, _random):
    world.home.broker.stop()


def broker_emptied(world, _random):
    world.home.broker.stop()
    world.home.broker.start(emptied=True)


def broker_restarted(world, _random):
    world.home.broker.restart()


def broker_stands_still(world, random):
    if world.home.broker.runs():
        world.home.broker.pause()
        time.sleep(random.uniform(0.05, 4))
        world.home.broker.resume()


def new_password(world, _random):
    if world.home.broker.runs():
        world.home.broker.change_password(f"password-{world.next_serial()}")


def supervisor_down(world, _random):
    world.supervisor.stop()


def supervisor_not_ready(world, _random):
    world.supervisor.answer = world.supervisor.NOT_READY


def no_service(world, _random):
    world.supervisor.answer = world.supervisor.NO_SERVICE


def home_assistant_stopped(world, _random):
    world.home.home_assistant.stop()


def home_assistant_killed(world, _random):
    # It writes its registries after ten seconds; what was removed later would be back, which is between it and its disk.
    time.sleep(11)
    world.home.home_assistant.kill()


def camera_turns(world, _random):
    if world.camera.is_on():
        world.camera.turn_off()
    else:
        world.camera.turn_on()


def camera_freezes(world, _random):
    world.camera.frozen = not world.camera.frozen


def camera_added(world, _random):
    if len(world.pushes) < MOST:
        number = world.next_serial()
        world.pushes[f"push_{number}"] = {"name": f"Push {number}", "id": f"push_{number}"}
        world.app.reload(world.options())


def camera_removed(world, random):
    if len(world.pushes) > FEWEST:
        id = random.choice(sorted(world.pushes))
        del world.pushes[id]
        world.went_away(id)
        world.app.reload(world.options())


def camera_renamed(world, random):
    world.pushes[random.choice(sorted(world.pushes))]["name"] = f"Renamed {world.next_serial()}"
    world.app.reload(world.options())


def camera_disabled(world, random):
    options = world.pushes[random.choice(sorted(world.pushes))]
    options["enabled"] = not options.get("enabled", True)
    world.went_away(options["id"])
    world.app.reload(world.options())


def events(world, random):
    for _ in range(random.randint(1, 10)):
        world.post(random.choice(sorted(world.pushes)))


def app_killed(world, _random):
    world.app.kill()
    world.app.start()


def app_restarted(world, _random):
    world.app.restart()


WEIGHTS = {
    broker_killed: 6, broker_stopped: 5, broker_emptied: 7, broker_restarted: 5, broker_stands_still: 5, new_password: 5,
    supervisor_down: 5, supervisor_not_ready: 4, no_service: 3, home_assistant_stopped: 5, home_assistant_killed: 5,
    camera_turns: 3, camera_freezes: 2, camera_added: 6, camera_removed: 6, camera_renamed: 4, camera_disabled: 5, events: 9,
    app_killed: 7, app_restarted: 4,
}  # fmt: skip


def any_fault(random):
    """One of them, by its weight."""
    return random.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
