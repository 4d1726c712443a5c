"""The viewer's window: what it is given to show, with a stand-in for MuJoCo's viewer, and once for real."""

import os
import subprocess
import sys
from types import SimpleNamespace

import mujoco
import numpy as np
import pytest

from mjgym import gymapi, gymutil
from mjgym.window import has_display
from tests.mjgym.models import BOX
from tests.mjgym.scenes import make_world, transform

LINE = mujoco.mjtGeom.mjGEOM_LINE


def vec(*parts):
    return gymapi.Vec3(*parts)


@pytest.fixture
def watched(tmp_path, opened, clock):
    """Four boxes, their environments 2 m apart, and a window that has shown them once."""
    world = make_world(tmp_path, BOX, num_envs=4, gravity=0.0, ground=True)
    window = world.gym.create_viewer(world.sim, gymapi.CameraProperties())
    world.gym.draw_viewer(window, world.sim, True)
    yield SimpleNamespace(world=world, gym=world.gym, sim=world.sim, window=window, viewer=opened[0])
    world.gym.destroy_sim(world.sim)


def draw_again(watched, clock):
    clock.now += 1.0
    watched.gym.draw_viewer(watched.window, watched.sim, True)


def test_there_is_no_window_without_a_display(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("mjgym.gym.viewer_calls.has_display", lambda: False)
    world = make_world(tmp_path, BOX)
    assert world.gym.create_viewer(world.sim, gymapi.CameraProperties()) is None
    assert [record.message for record in caplog.records if "no display" in record.message] != []
    world.gym.draw_viewer(None, world.sim, True)
    assert world.gym.query_viewer_action_events(None) == []
    assert world.gym.query_viewer_has_closed(None) is False


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is always a display, or mjpython tells")
def test_a_display_is_one_that_can_be_drawn_on(monkeypatch):
    assert not has_display()  # tests are run without
    monkeypatch.setenv("DISPLAY", ":no such display")
    assert not has_display()


def test_it_opens_with_the_first_picture_of_a_running_simulation(tmp_path, opened):
    world = make_world(tmp_path, BOX, prepare=False)
    window = world.gym.create_viewer(world.sim, gymapi.CameraProperties())
    assert window is not None
    world.gym.draw_viewer(window, world.sim, True)
    assert opened == [] and not world.gym.query_viewer_has_closed(window)
    world.gym.simulate(world.sim)
    world.gym.step_graphics(world.sim)
    world.gym.draw_viewer(window, world.sim, True)
    assert len(opened) == len(opened[0].pictures) == 1


def test_it_shows_all_environments_at_their_origins(watched):
    places = [geom.pos.round(6).tolist() for geom in watched.viewer.shapes()]
    assert sorted(places) == [[0, 2, 1], [2, 0, 1], [2, 2, 1]]  # and the first is its model and data
    box = watched.viewer.model.geom_type == mujoco.mjtGeom.mjGEOM_BOX
    np.testing.assert_allclose(watched.viewer.pictures[0][box], [[0, 0, 1]])


def test_it_shows_the_state_of_the_moment(watched, clock):
    watched.world.state("qpos")[2, 0:3] = watched.world.state("qpos").new_tensor([0.25, 0.0, 3.0])
    watched.world.state("qpos")[0, 2] = 4.0
    draw_again(watched, clock)
    assert [0.25, 2.0, 3.0] in [geom.pos.round(6).tolist() for geom in watched.viewer.shapes()]
    assert len(watched.viewer.shapes()) == 3
    np.testing.assert_allclose(watched.viewer.pictures[-1][-1], [0, 0, 4])


def test_it_shows_the_environments_nearest_to_the_camera(watched, clock, monkeypatch):
    monkeypatch.setattr("mjgym.graphics.MOST_SHAPES", watched.viewer.model.ngeom)
    watched.gym.viewer_camera_look_at(watched.window, None, vec(3, 0, 1), vec(0, 0, 1))
    draw_again(watched, clock)
    assert [geom.pos.round(6).tolist() for geom in watched.viewer.shapes()] == [[2, 0, 1]]


def test_a_second_has_at_most_30_pictures(watched, clock):
    watched.gym.draw_viewer(watched.window, watched.sim, True)
    clock.now += 0.02
    watched.gym.draw_viewer(watched.window, watched.sim, True)
    assert len(watched.viewer.pictures) == 1
    clock.now += 0.02
    watched.gym.draw_viewer(watched.window, watched.sim, True)
    assert len(watched.viewer.pictures) == 2


def test_pictures_leave_time_for_the_simulation(watched, clock):
    sync = watched.viewer.sync
    watched.viewer.sync = lambda: (sync(), clock.sleep(0.1))
    draw_again(watched, clock)
    clock.now += 0.29
    watched.gym.draw_viewer(watched.window, watched.sim, True)
    assert len(watched.viewer.pictures) == 2
    clock.now += 0.02  # three times as long as the picture took
    watched.gym.draw_viewer(watched.window, watched.sim, True)
    assert len(watched.viewer.pictures) == 3


def test_the_camera_looks_from_a_point_at_another(watched, clock):
    env = watched.world.envs[1]  # at (2, 0, 0)
    watched.gym.viewer_camera_look_at(watched.window, env, vec(-3, -4, 1), vec(0, 0, 1))
    draw_again(watched, clock)
    cam = watched.viewer.cam
    assert cam.type == mujoco.mjtCamera.mjCAMERA_FREE and cam.distance == pytest.approx(5.0)
    np.testing.assert_allclose(cam.lookat, [2, 0, 1])
    # MuJoCo's documentation: at azimuth 0 a free camera looks along x, at a negative elevation down.
    np.testing.assert_allclose([cam.azimuth, cam.elevation], [np.degrees(np.arctan2(4, 3)), 0.0])
    watched.gym.viewer_camera_look_at(watched.window, None, vec(0, -1, 2), vec(0, 0, 1))
    draw_again(watched, clock)
    np.testing.assert_allclose([cam.azimuth, cam.elevation], [90.0, -45.0])
    with pytest.raises(ValueError, match="cannot look at the point"):
        watched.gym.viewer_camera_look_at(watched.window, None, vec(1, 2, 3), vec(1, 2, 3))


def test_the_camera_is_where_the_mouse_left_it(watched, clock):
    watched.gym.viewer_camera_look_at(watched.window, None, vec(-3, 0, 1), vec(0, 0, 1))
    draw_again(watched, clock)
    watched.viewer.cam.azimuth, watched.viewer.cam.distance = 90.0, 5.0
    pose = watched.gym.get_viewer_camera_transform(watched.window, watched.world.envs[1])
    np.testing.assert_allclose(pose.p.as_tuple(), [-2, -5, 1], atol=1e-6)
    along_x = pose.r.rotate(vec(1, 0, 0))
    np.testing.assert_allclose(along_x.as_tuple(), [0, 1, 0], atol=1e-6)


def test_the_mouse_turns_a_camera_that_a_script_moves(watched, clock):
    watched.gym.viewer_camera_look_at(watched.window, None, vec(-3, 0, 1), vec(0, 0, 1))
    draw_again(watched, clock)
    watched.gym.viewer_camera_look_at(watched.window, None, vec(-2, 0, 1), vec(1, 0, 1))  # follows by 1 m
    watched.viewer.cam.azimuth += 90.0
    draw_again(watched, clock)
    np.testing.assert_allclose(watched.viewer.cam.lookat, [1, 0, 1])
    assert watched.viewer.cam.azimuth == pytest.approx(90.0)


def test_keys_are_reported_once_and_then_let_go(watched):
    gym, window = watched.gym, watched.window
    gym.subscribe_viewer_keyboard_event(window, gymapi.KEY_R, "reset")
    gym.subscribe_viewer_keyboard_event(window, gymapi.KEY_UP, "faster")
    for key in (82, 65, 265):  # GLFW's codes of R, A and the arrow up
        watched.viewer.press(key)

    def events():
        return [(event.action, event.value) for event in gym.query_viewer_action_events(window)]

    assert events() == [("reset", 1.0), ("faster", 1.0)]
    assert events() == [("reset", 0.0), ("faster", 0.0)]
    assert events() == []


def test_a_closed_window_stays_closed(watched, clock):
    watched.viewer.running = False
    assert watched.gym.query_viewer_has_closed(watched.window) is True
    draw_again(watched, clock)
    assert len(watched.viewer.pictures) == 1


def test_the_window_goes_with_its_viewer_or_simulation(watched, opened, clock):
    watched.gym.destroy_viewer(watched.window)
    assert not watched.viewer.running and watched.gym.query_viewer_has_closed(watched.window)
    window = watched.gym.create_viewer(watched.sim, gymapi.CameraProperties())
    watched.gym.draw_viewer(window, watched.sim, True)
    assert opened[1].running
    watched.gym.destroy_sim(watched.sim)
    assert not opened[1].running


def test_lines_are_drawn_until_they_are_cleared(watched, clock):
    gym, window, viewer = watched.gym, watched.window, watched.viewer
    gym.add_lines(window, watched.world.envs[1], 1, [0, 0, 1, 0, 0, 3], [0.25, 0.5, 0.75])
    gym.add_lines(window, None, 2, [[0, 0, 0, 4, 0, 0], [1, 1, 1, 1, 1, 2]], [[1, 0, 0], [0, 1, 0]])
    draw_again(watched, clock)
    first, second, third = viewer.shapes(LINE)
    np.testing.assert_allclose(first.pos, [2, 0, 1])  # the origin of its environment is added
    np.testing.assert_allclose(first.mat[:, 2] * first.size[2], [0, 0, 2], atol=1e-6)
    np.testing.assert_allclose(first.rgba, [0.25, 0.5, 0.75, 1.0])
    np.testing.assert_allclose(second.mat[:, 2] * second.size[2], [4, 0, 0], atol=1e-6)
    np.testing.assert_allclose(third.rgba, [0, 1, 0, 1])
    gym.clear_lines(window)
    gymutil.draw_lines(gymutil.WireframeBoxGeometry(), gym, window, watched.world.envs[0], transform())
    draw_again(watched, clock)
    assert len(viewer.shapes(LINE)) == 12  # the edges of a box


def test_lines_must_be_given_by_numbers_that_fit(watched):
    with pytest.raises(ValueError, match="2 lines need 12 numbers as end points, not 6"):
        watched.gym.add_lines(watched.window, None, 2, np.zeros((1, 6)), np.zeros((2, 3)))


def test_so_many_lines_and_no_more(watched, clock, monkeypatch):
    monkeypatch.setattr("mjgym.window.MOST_LINES", 3)
    ends = np.ones((2, 6)) * np.arange(6)
    assert watched.gym.add_lines(watched.window, None, 2, ends, [1, 1, 1]) is True
    assert watched.gym.add_lines(watched.window, None, 2, ends, [1, 1, 1]) is False
    draw_again(watched, clock)
    assert len(watched.viewer.shapes(LINE)) == 3


def test_simulated_time_does_not_run_ahead_of_the_clock(watched, clock):
    watched.gym.sync_frame_time(watched.sim)
    watched.world.simulate(5)  # of 0.01 s
    clock.now += 0.02
    watched.gym.sync_frame_time(watched.sim)
    assert clock.slept == [pytest.approx(0.03)]


def test_a_simulation_that_was_held_up_does_not_hurry_afterwards(watched, clock):
    watched.gym.sync_frame_time(watched.sim)
    clock.now += 60.0
    watched.world.simulate()
    watched.gym.sync_frame_time(watched.sim)
    watched.world.simulate()
    watched.gym.sync_frame_time(watched.sim)
    assert clock.slept == [pytest.approx(0.01)]


def test_without_a_window_nobody_waits(tmp_path, clock):
    world = make_world(tmp_path, BOX)
    world.gym.sync_frame_time(world.sim)
    world.simulate(3)
    world.gym.sync_frame_time(world.sim)
    assert clock.slept == []


SCRIPT = """
from isaacgym import gymapi
gym = gymapi.acquire_gym()
sim = gym.create_sim(0, 0, gymapi.SIM_PHYSX, gymapi.SimParams())
box = gym.create_box(sim, 1, 1, 1)
for _ in range(4):
    env = gym.create_env(sim, gymapi.Vec3(-1, -1, -1), gymapi.Vec3(1, 1, 1), 2)
    gym.create_actor(env, box, gymapi.Transform(), "box", 0, 0)
viewer = gym.create_viewer(sim, gymapi.CameraProperties())
gym.viewer_camera_look_at(viewer, None, gymapi.Vec3(5, 5, 5), gymapi.Vec3(0, 0, 0))
for _ in range(60):
    gym.simulate(sim)
    gym.draw_viewer(viewer, sim, True)
    gym.sync_frame_time(sim)
place = gym.get_viewer_camera_transform(viewer, None).p
print("closed", gym.query_viewer_has_closed(viewer), round(place.x, 3))
"""


@pytest.mark.skipif("GAITWAY_TEST_DISPLAY" not in os.environ, reason="no display")
def test_a_real_window_opens_and_the_script_ends_well_with_it(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    name, value = os.environ["GAITWAY_TEST_DISPLAY"].split("=", 1)
    command = [sys.executable, "-m", "mjgym", str(tmp_path / "script.py")]
    done = subprocess.run(
        command, env={**os.environ, name: value}, text=True, capture_output=True, timeout=90
    )
    assert (done.returncode, done.stdout) == (0, "closed False 5.0\n"), done.stderr
