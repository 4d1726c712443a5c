"""Sampling clips on the device: between frames, over the wrap, beyond the ends; and the clips that ship."""

import math

import pytest
import torch

from tasks.amp.character import HUMANOID_MJCF, Character, forward_kinematics
from tasks.amp.ground import ShapePoints, lowest_heights
from tasks.amp.motion import MotionError, close_loop, load_motion, save_motion
from tasks.amp.motion_lib import MOTIONS, MotionLib, load_motion_lib
from tasks.amp.rotations import yaw_quat
from tests.tasks.amp.skeletons import about, arm, arm_motion
from tests.tasks.test_no_host_sync import HostSyncs

SHIPPED = sorted(str(path.relative_to(MOTIONS).with_suffix("")) for path in MOTIONS.rglob("*.npz"))
ELBOW = 3


def library(*motions, weights=None):
    return MotionLib(motions, weights or [1.0] * len(motions), arm())


def state_at(lib, *times):
    return lib.state(torch.zeros(len(times), dtype=torch.long), torch.tensor(times))


def assert_near(actual, expected, atol=1e-5):
    torch.testing.assert_close(actual, torch.tensor(expected), atol=atol, rtol=0)


def walking(loop="wrap"):
    """0.2 m along x every 0.1 s, four steps; the elbow swings there and back."""
    return arm_motion([0.0, 0.2, 0.4, 0.2, 0.0], [[0.2 * i, 0.0, 1.0] for i in range(5)], loop=loop)


def circling():
    """A quarter of a circle of radius 2 m around (0, 0), in 0.9 s, facing along it."""
    angles = [math.radians(10.0 * i) for i in range(10)]
    path = [[2.0 * math.cos(angle), 2.0 * math.sin(angle), 1.0] for angle in angles]
    return arm_motion([0.0] * 10, path, [angle + math.pi / 2 for angle in angles], loop="wrap")


def test_a_hinge_that_turns_at_a_constant_rate():
    lib = library(arm_motion([0.0, 0.1, 0.2, 0.3, 0.4]))
    state = state_at(lib, 0.0, 0.05, 0.2, 0.33, 0.4)
    assert_near(state.dof_pos[:, ELBOW], [0.0, 0.05, 0.2, 0.33, 0.4])
    assert_near(state.dof_vel, [[0.0, 0.0, 0.0, 1.0]] * 5)
    assert_near(state.root_vel, [[0.0, 0.0, 0.0]] * 5)


def test_a_hinge_that_goes_round_and_round_has_no_seam():
    step = 2 * math.pi / 9
    lib = library(arm_motion([step * i for i in range(10)], loop="wrap"))
    assert_near(state_at(lib, 0.0, 0.45, 0.9, 1.7).dof_vel[:, ELBOW], [10.0 * step] * 4, atol=1e-4)


def test_the_root_goes_on_over_three_wraps_and_backwards():
    state = state_at(library(walking()), -0.5, -0.05, 0.0, 0.35, 0.45, 0.8, 1.27)
    assert_near(state.root_pos[:, 0], [-1.0, -0.1, 0.0, 0.7, 0.9, 1.6, 2.54])
    assert_near(state.root_pos[:, 1:], [[0.0, 1.0]] * 7)
    assert_near(state.root_vel, [[2.0, 0.0, 0.0]] * 7, atol=1e-4)
    assert_near(state.dof_pos[:, ELBOW], [0.2, 0.1, 0.0, 0.1, 0.1, 0.0, 0.14])


def test_velocities_are_central_differences_over_the_wrap():
    # The elbow turns back at frame 2 and at the wrap: at rest there, 2 rad/s between.
    assert_near(state_at(library(walking()), 0.0, 0.1, 0.2, 0.3, 0.4).dof_vel[:, ELBOW], [0, 2.0, 0, -2.0, 0])


def test_half_way_across_the_wrap_of_a_closed_clip():
    # Three frames; the closing one lies half a step (0.2 rad) from the last: middle 0.1 rad.
    lib = library(close_loop(arm_motion([0.0, 0.4, 0.2])))
    assert float(lib.durations[0]) == pytest.approx(0.3)
    assert_near(state_at(lib, 0.25, -0.05, 0.55).dof_pos[:, ELBOW], [0.1, 0.1, 0.1])


def test_a_turning_clip_goes_on_turning():
    times = [0.0, 0.4, 0.9, 1.3, 3.6, 7.3, -0.5, -0.9]
    state = state_at(library(circling()), *times)
    angles = torch.tensor(times) / 0.9 * (math.pi / 2)
    expected = torch.stack((2.0 * torch.cos(angles), 2.0 * torch.sin(angles), torch.ones(8)), dim=-1)
    torch.testing.assert_close(state.root_pos, expected, atol=1e-5, rtol=0)
    signs = torch.sign((state.root_rot * yaw_quat(angles + math.pi / 2)).sum(-1, keepdim=True))
    torch.testing.assert_close(signs * state.root_rot, yaw_quat(angles + math.pi / 2), atol=1e-5, rtol=0)
    # central differences of a circle: chord of 20° over 0.2 s, along the tangent
    speed = 2.0 * 2.0 * math.sin(math.radians(10.0)) / 0.2
    tangent = torch.stack((-torch.sin(angles), torch.cos(angles), torch.zeros(8)), dim=-1)
    torch.testing.assert_close(state.root_vel, speed * tangent, atol=1e-4, rtol=0)
    assert_near(state.root_ang_vel, [[0.0, 0.0, math.radians(100.0)]] * 8, atol=1e-4)


def test_a_little_heading_gained_over_a_cycle_is_taken_out_evenly():
    path = [[0.2 * i, 0.0, 1.0] for i in range(5)]
    drifting = arm_motion([0.0] * 5, path, [math.radians(0.4 * i) for i in range(5)], loop="wrap")  # 1.6°
    state = state_at(library(drifting), 0.0, 0.3, 0.4 * 50 + 0.1)
    assert_near(state.root_rot, [[0.0, 0.0, 0.0, 1.0]] * 3)
    assert_near(state.root_ang_vel, [[0.0, 0.0, 0.0]] * 3, atol=1e-4)
    assert_near(state.root_pos, [[0.0, 0.0, 1.0], [0.6, 0.0, 1.0], [0.8 * 50 + 0.2, 0.0, 1.0]], atol=1e-4)


def test_a_clip_that_does_not_wrap_holds_its_ends_at_rest():
    state = state_at(library(walking("clamp")), -1.0, -1e-3, 0.0, 0.4, 0.41, 9.0)
    assert_near(state.root_pos[:, 0], [0.0, 0.0, 0.0, 0.8, 0.8, 0.8])
    assert_near(state.root_vel[:, 0], [0.0, 0.0, 2.0, 2.0, 0.0, 0.0], atol=1e-4)
    assert_near(state.dof_vel[:, ELBOW], [0.0, 0.0, 2.0, -2.0, 0.0, 0.0], atol=1e-4)


def test_joint_velocities_are_in_the_childs_frame():
    # Tipped a quarter turn about x, then turning about its own z at 1 rad/s: in the parent's frame that is
    # about -y.
    tipped = [[*_product(about("x", math.pi / 2), about("z", 0.1 * i))] for i in range(4)]
    state = state_at(library(arm_motion([0.0] * 4, shoulder=tipped)), 0.0, 0.15)
    assert_near(state.dof_vel, [[0.0, 0.0, 1.0, 0.0]] * 2, atol=1e-4)


def test_the_roots_angular_velocity_is_in_world_axes():
    motion = arm_motion([0.0] * 4)
    rot = motion.local_rot.copy()
    rot[:, 0] = [_product(about("z", 0.1 * i), about("x", math.pi / 2)) for i in range(4)]
    lib = library(type(motion)("m", 10.0, "clamp", motion.body_names, motion.root_pos, rot))
    assert_near(state_at(lib, 0.1).root_ang_vel, [[0.0, 0.0, 1.0]], atol=1e-4)


def _product(a, b):
    from tasks.amp.rotations import quat_mul

    return quat_mul(torch.tensor(a), torch.tensor(b)).tolist()


def test_clips_of_different_rates_and_lengths_lie_side_by_side():
    slow = arm_motion([0.0, 0.1, 0.2], fps=5.0, name="slow")
    still = arm_motion([1.0, 1.0], fps=30.0, loop="wrap", name="still")
    lib = library(walking(), slow, still)
    assert lib.names == ["arm", "slow", "still"] and lib.num_motions == 3
    assert_near(lib.durations, [0.4, 0.4, 1 / 30])
    state = lib.state(torch.tensor([2, 1, 0, 1]), torch.tensor([5.0, 0.3, 0.1, 0.4]))
    assert_near(state.dof_pos[:, ELBOW], [1.0, 0.15, 0.2, 0.2])
    assert_near(state.dof_vel[:, ELBOW], [0.0, 0.5, 2.0, 0.5], atol=1e-4)


def test_clips_are_drawn_by_weight_and_times_within_them():
    torch.manual_seed(0)
    lib = library(walking(), walking(), arm_motion([0.0] * 21), weights=[3.0, 0.0, 1.0])
    assert_near(lib.weights, [0.75, 0.0, 0.25])
    ids = lib.sample_motions(4000)
    counts = torch.bincount(ids, minlength=3)
    assert counts[1] == 0 and abs(int(counts[0]) - 3000) < 150
    times = lib.sample_times(ids, history=0.1)
    assert bool((times <= lib.durations[ids]).all())
    assert float(times[ids == 0].min()) < 0.05  # it wraps: before its start it was walking too
    assert float(times[ids == 2].min()) >= 0.1 and float(times[ids == 2].max()) > 1.9


def test_the_mean_pose_counts_a_closing_frame_once():
    lib = library(walking(), arm_motion([1.0, 1.0, 5.0 - 4.0]), weights=[1.0, 3.0])
    # (0 + 0.2 + 0.4 + 0.2) / 4 = 0.2, a quarter of it and three quarters of 1
    assert_near(lib.mean_dof_pos(), [0.0, 0.0, 0.0, 0.8])


def test_the_mean_pose_counts_every_frame_of_a_clip_that_does_not_wrap():
    assert_near(library(arm_motion([0.0, 0.3, 0.9])).mean_dof_pos(), [0.0, 0.0, 0.0, 0.4])


def test_speed_is_a_cycles_step_or_a_paths_length_by_time():
    there_and_back = [[0.0, 0.0, 1.0], [0.3, 0.4, 1.0], [0.0, 0.0, 5.0]]
    lib = library(walking(), arm_motion([0.0] * 3, there_and_back))
    assert_near(lib.mean_speed(torch.tensor([1, 0, 1])), [5.0, 2.0, 5.0])


def test_body_positions_are_those_of_forward_kinematics():
    lib = library(walking())
    ids, times = torch.zeros(2, dtype=torch.long), torch.tensor([0.2, 0.4])
    hands = lib.body_positions(ids, times, torch.tensor([3, 0]))
    down = [0.4 + 1.0 + 0.5 * math.cos(0.4), 0.0, 2.0 - 0.5 * math.sin(0.4)]
    assert_near(hands, [[down, [0.4, 0.0, 1.0]], [[0.8 + 1.5, 0.0, 2.0], [0.8, 0.0, 1.0]]])
    assert lib.body_positions(ids, times).shape == (2, 4, 3)


def test_no_environments_have_no_states():
    lib = library(walking())
    state = lib.state(torch.zeros(0, dtype=torch.long), torch.zeros(0))
    assert state.dof_pos.shape == (0, 4) and lib.sample_times(torch.zeros(0, dtype=torch.long)).shape == (0,)


def test_sampling_never_waits_for_the_device():
    lib = library(walking(), circling(), walking("clamp"))
    with HostSyncs() as mode:
        ids = lib.sample_motions(16)
        lib.body_positions(ids, lib.sample_times(ids))
        lib.mean_speed(ids)
    assert mode.found == []


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_states_on_the_gpu_are_those_on_the_processor():
    motions, weights = [walking(), circling(), walking("clamp")], [1.0, 1.0, 1.0]
    ids, times = torch.tensor([0, 1, 2, 1]), torch.tensor([0.93, -2.0, 0.3, 5.0])
    here = MotionLib(motions, weights, arm())
    there = MotionLib(motions, weights, arm(), "cuda")
    drawn = there.sample_motions(8)
    assert there.sample_times(drawn).is_cuda and there.mean_dof_pos().is_cuda
    for name, values in vars(there.state(ids.cuda(), times.cuda())).items():
        torch.testing.assert_close(values.cpu(), vars(here.state(ids, times))[name], atol=1e-5, rtol=0)
    bodies = there.body_positions(ids.cuda(), times.cuda())
    torch.testing.assert_close(bodies.cpu(), here.body_positions(ids, times), atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("weights", "message"),
    [([1.0], "2 motions and 1 weights"), ([0.0, 0.0], "some"), ([2.0, -1.0], "negative")],
)
def test_weights_that_make_no_sense_are_refused(weights, message):
    with pytest.raises(MotionError, match=message):
        library(walking(), walking(), weights=weights)


def test_a_clip_of_another_character_is_refused():
    with pytest.raises(MotionError, match="motion 'walk' moves the bodies pelvis, torso"):
        library(load_motion(MOTIONS / "walk.npz"))


def test_a_clip_is_named_by_a_name_a_path_or_a_list(tmp_path):
    save_motion(arm_motion([0.0, 0.1], name="near"), tmp_path / "near.npz")
    (tmp_path / "root").mkdir()
    save_motion(arm_motion([0.0, 0.1], name="far"), tmp_path / "root" / "far.npz")
    listing = tmp_path / "set.yaml"
    listing.write_text("motions:\n- {file: far, weight: 3}\n- {file: near.npz}\n")
    for motion_file, names in [
        ("far", ["far"]),
        ("far.npz", ["far"]),
        (str(tmp_path / "near.npz"), ["near"]),
        (str(listing), ["far", "near"]),
    ]:
        assert load_motion_lib(motion_file, arm(), root=tmp_path / "root").names == names
    assert_near(load_motion_lib(str(listing), arm(), root=tmp_path / "root").weights, [0.75, 0.25])


def test_a_clip_that_is_not_there_suggests_the_nearest(tmp_path):
    with pytest.raises(MotionError, match="motion_file=wlak: .* did you mean walk\\? Known are .*run"):
        load_motion_lib("wlak", arm())
    listing = tmp_path / "set.yaml"
    listing.write_text("motions: [{file: rnu}]")
    with pytest.raises(MotionError, match=r"set\.yaml: motion_file=rnu"):
        load_motion_lib(str(listing), arm())


@pytest.mark.parametrize(
    "text",
    [
        "motions: 3",
        "- walk",
        "",
        "motions: [walk]",
        "motions: [{weight: 1}]",
        "motions: [{file: walk, weight: x}]",
        "a: [",
    ],
)
def test_lists_that_are_none_are_refused(tmp_path, text):
    listing = tmp_path / "set.yaml"
    listing.write_text(text)
    with pytest.raises(MotionError, match="must hold 'motions:'"):
        load_motion_lib(str(listing), arm())


def test_a_list_that_is_empty_or_missing_is_refused(tmp_path):
    (tmp_path / "set.yaml").write_text("motions: []")
    with pytest.raises(MotionError, match="at least one"):
        load_motion_lib(str(tmp_path / "set.yaml"), arm())
    with pytest.raises(MotionError, match=r"none\.yaml"):
        load_motion_lib("none.yaml", arm())


def test_all_clips_ship():
    assert len([name for name in SHIPPED if "/" not in name]) == 15
    assert len([name for name in SHIPPED if name.startswith("walker/")]) == 5


@pytest.mark.parametrize("name", SHIPPED)
def test_a_clip_that_ships_repeats_without_a_jump_and_stays_above_the_ground(name):
    humanoid = Character.from_mjcf(HUMANOID_MJCF)
    lib = load_motion_lib(name, humanoid)
    motion = load_motion(MOTIONS / f"{name}.npz")
    assert "DeepMimic" in motion.source and "MIT" in motion.source
    times = torch.arange(-40, 40) * (lib.durations[0] / 17.0)
    state = lib.state(torch.zeros(80, dtype=torch.long), times)
    assert all(bool(torch.isfinite(values).all()) for values in vars(state).values())
    if motion.loop == "wrap":
        ends = lib.durations[0] * 3.0 + torch.tensor([-1e-4, 1e-4])
        bodies = lib.body_positions(torch.zeros(2, dtype=torch.long), ends)
        assert float((bodies[1] - bodies[0]).norm(dim=-1).max()) < 0.01  # 50 m/s at most, over 0.2 ms
    root_pos, local_rot = torch.from_numpy(motion.root_pos), torch.from_numpy(motion.local_rot)
    body_pos, body_rot = forward_kinematics(humanoid, root_pos, local_rot)
    shapes = ShapePoints.from_mjcf(HUMANOID_MJCF, humanoid)
    assert float(lowest_heights(shapes, body_pos, body_rot).min()) > -1e-5


@pytest.mark.parametrize(
    ("name", "duration", "speed"),
    [("walk", 1.3, 0.983), ("run", 25 / 30, 3.544), ("walker/0walk_forward", 1.3, 0.983)],
)
def test_walk_and_run_have_their_known_lengths_and_speeds(name, duration, speed):
    lib = load_motion_lib(name, Character.from_mjcf(HUMANOID_MJCF))
    assert float(lib.durations[0]) == pytest.approx(duration, abs=1e-5)
    assert float(lib.mean_speed(torch.tensor([0]))) == pytest.approx(speed, abs=1e-3)


def test_walk_goes_straight_for_twenty_seconds():
    lib = load_motion_lib("walk", Character.from_mjcf(HUMANOID_MJCF))
    state = lib.state(torch.zeros(2, dtype=torch.long), torch.tensor([0.0, 15 * 1.3]))
    step = state.root_pos[1] - state.root_pos[0]
    assert float(step[0]) == pytest.approx(15 * 1.3 * 0.983, abs=0.02)
    assert abs(float(step[1])) < 0.1 and abs(float(step[2])) < 1e-4
    torch.testing.assert_close(state.root_rot[1], state.root_rot[0], atol=1e-4, rtol=0)
