"""HumanoidAMP: its states are the clips', and what the discriminator sees is neither early nor late."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from isaacgym import gymtorch
from scipy.spatial.transform import Rotation

import tasks
from tasks.amp.character import Character
from tasks.amp.ground import lowest_heights
from tasks.amp.motion import Motion, load_motion, save_motion
from tasks.humanoid_amp import bound_exp_maps_, fallen_by_contact, pd_action
from tests.tasks.task_configs import SIM

MODEL = "mjcf/amp_humanoid.xml"
CONTROL_DT = 1.0 / 30.0
HALF = math.sqrt(0.5)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A clip in the air, one second long, that turns, drifts and swings every joint."""
    character = Character.from_mjcf(f"assets/{MODEL}")
    frames, bodies = 31, character.num_bodies
    phase = np.linspace(0.0, 1.0, frames)[:, None, None]
    swing = 0.4 * np.sin(2.0 * math.pi * (phase + np.arange(bodies)[:, None] / bodies + np.arange(3) / 5.0))
    for joint in character.joints:
        width = joint.dof.stop - joint.dof.start
        if width == 1:
            swing[:, joint.body] = (0.8 + swing[:, joint.body, :1]) * np.asarray(joint.axis)
            if "arm" in character.body_names[joint.body]:
                swing[:, joint.body] *= -1.0  # elbows bend the other way
        elif width == 0:
            swing[:, joint.body] = 0.0
    swing[:, 0] = np.linspace([0.1, 0.2, 0.5], [0.1, 0.2, 1.5], frames)
    rot = Rotation.from_rotvec(swing.reshape(-1, 3)).as_quat().reshape(frames, bodies, 4)
    root = np.linspace([1.0, 2.0, 1.5], [2.0, 1.5, 1.6], frames)
    motion = Motion(
        name="swing",
        fps=30.0,
        loop="clamp",
        body_names=character.body_names,
        root_pos=root.astype(np.float32),
        local_rot=rot.astype(np.float32),
        source="made by a test",
    )
    path = tmp_path_factory.mktemp("motions") / "swing.npz"
    save_motion(motion, path)
    return str(path)


@pytest.fixture
def make(clip):
    made = []

    def _make(num_envs=3, name="HumanoidAMP", **env):
        env = {"asset": {"assetRoot": "assets", "assetFileName": MODEL}, "motion_file": clip, **env}
        cfg = {"name": name, "env": {"numEnvs": num_envs, **env}, "sim": SIM | {"dt": CONTROL_DT / 2}}
        made.append(tasks.create(name, cfg, sim_device="cpu", rl_device="cpu"))
        return made[-1]

    yield _make
    for task in made:
        task.close()


def at(task, *times):
    """Start the environments at times of the clip; returns the observations."""
    return task.reset_to(torch.zeros(len(times), dtype=torch.long), torch.tensor(times))["obs"]


def clip_frames(task, *times):
    """The features of the clip at these times, (n, numAMPObsSteps, 105)."""
    return task.starts.of_clips(torch.zeros(len(times), dtype=torch.long), torch.tensor(times)).frames


def no_actions(task):
    return torch.zeros(task.num_envs, task.num_actions)


def test_sizes(make):
    task = make(numAMPObsSteps=4)
    assert task.observation_space.shape == (105,) and task.action_space.shape == (28,)
    assert task.amp_observation_space.shape == (420,)
    assert task.fetch_amp_obs_demo(7).shape == (7, 420)
    assert task.control_dt == pytest.approx(CONTROL_DT)
    widths = {name: span.stop - span.start for name, span in task.features.blocks.slices.items()}
    assert list(widths.values()) == [1, 6, 3, 3, 52, 28, 12]


def test_the_simulation_is_observed_as_the_clip_is(make):
    task = make()
    observed = at(task, 0.2, 0.5, 0.83)
    assert torch.allclose(observed, clip_frames(task, 0.2, 0.5, 0.83)[:, 0], atol=1e-3)


def test_key_bodies_are_where_the_physics_has_them(make):
    task = make()
    bodies = gymtorch.wrap_tensor(task.gym.acquire_rigid_body_state_tensor(task.sim)).view(3, 15, 13)
    at(task, 0.2, 0.5, 0.83)
    task.gym.refresh_rigid_body_state_tensor(task.sim)
    assert torch.allclose(task.body_pos, bodies[..., 0:3], atol=1e-5)
    sign = (task.body_rot * bodies[..., 3:7]).sum(-1, keepdim=True).sign()
    assert torch.allclose(task.body_rot, sign * bodies[..., 3:7], atol=1e-5)


def test_velocities_are_those_of_the_body_frames(make):
    """Angular velocities of children from DOF velocities in their own frames equal the physics' figures."""
    task = make()
    bodies = gymtorch.wrap_tensor(task.gym.acquire_rigid_body_state_tensor(task.sim)).view(3, 15, 13)
    at(task, 0.2, 0.5, 0.83)
    task.gym.refresh_rigid_body_state_tensor(task.sim)
    torso = next(joint for joint in task.character.joints if joint.body == 1)
    rotation = Rotation.from_quat(bodies[:, 1, 3:7].numpy())
    relative = torch.from_numpy(rotation.apply(task.dof_vel[:, torso.dof].numpy())).float()
    assert torch.allclose(bodies[:, 0, 10:13] + relative, bodies[:, 1, 10:13], atol=1e-4)


def test_the_motion_so_far_is_filled_from_the_clip(make):
    task = make(numAMPObsSteps=3)
    at(task, 0.3, 0.5, 0.7)
    before = [clip_frames(task, *(t - k * CONTROL_DT for t in (0.3, 0.5, 0.7)))[:, 0] for k in range(2)]
    _, _, _, extras = task.step(no_actions(task))
    amp_obs = extras["amp_obs"].view(3, 3, 105)
    assert torch.allclose(amp_obs[:, 0], extras["final_obs"]["obs"])
    assert torch.allclose(amp_obs[:, 1], before[0], atol=1e-4)
    assert torch.allclose(amp_obs[:, 2], before[1], atol=1e-4)


def test_frames_move_back_a_step_at_a_time(make):
    task = make(numAMPObsSteps=3)
    at(task, 0.3, 0.5, 0.7)
    seen = [task.step(no_actions(task))[3]["amp_obs"].view(3, 3, 105).clone() for _ in range(3)]
    assert torch.equal(seen[2][:, 1], seen[1][:, 0]) and torch.equal(seen[2][:, 2], seen[0][:, 0])


def test_what_the_discriminator_sees_is_taken_before_the_reset(make):
    task = make(episodeLength=4)
    at(task, 0.3, 0.5, 0.7)
    for _ in range(3):
        obs, _, dones, extras = task.step(no_actions(task))
    assert dones.all() and extras["time_outs"].all()
    newest = extras["amp_obs"].view(3, 2, 105)[:, 0]
    assert torch.equal(newest, extras["final_obs"]["obs"]) and not torch.allclose(newest, obs["obs"])
    kept = task.state_buffers()["amp_history"][:, 0]
    assert torch.allclose(kept, obs["obs"], atol=1e-3)  # the next step's second frame


def test_demos_are_frames_of_the_clip_newest_first(make, monkeypatch):
    task = make(numAMPObsSteps=3)
    times = torch.tensor([0.4, 0.6])
    monkeypatch.setattr(task.motion_lib, "sample_times", lambda ids, history: times)
    demo = task.fetch_amp_obs_demo(2).view(2, 3, 105)
    for k in range(3):
        newest = clip_frames(task, *(times - k * CONTROL_DT).tolist())[:, 0]
        assert torch.allclose(demo[:, k], newest, atol=1e-5)


def test_default_start_is_a_t_pose_at_rest(make):
    task = make(stateInit="Default", numAMPObsSteps=3)
    obs = task.reset()["obs"]
    hands = task.body_pos[0, [5, 8]]
    assert hands[0, 1] < -0.6 and hands[1, 1] > 0.6 and (hands[:, 2] - 1.37).abs().max() < 0.01
    assert task.root_states[:, 2].tolist() == pytest.approx([0.89] * 3)
    motion = task.state_buffers()["amp_history"]
    assert torch.equal(motion[:, 0], motion[:, 2])
    assert torch.allclose(motion[:, 0], obs, atol=1e-4)


def test_start_begins_with_the_first_frame(make):
    task = make(stateInit="Start")
    assert torch.allclose(task.reset()["obs"], clip_frames(task, 0.0, 0.0, 0.0)[:, 0], atol=1e-3)


def test_a_start_under_the_ground_is_raised_until_it_touches(make, clip, tmp_path):
    motion = load_motion(clip)
    sunk = replace(motion, root_pos=motion.root_pos - np.array([0.0, 0.0, 1.2], dtype=np.float32))
    save_motion(sunk, tmp_path / "sunk.npz")
    task = make(motion_file=str(tmp_path / "sunk.npz"))
    at(task, 0.1, 0.4, 0.7)
    lowest = lowest_heights(task.shape_points, task.body_pos, task.body_rot).amin(dim=-1)
    assert torch.allclose(lowest, torch.zeros(3), atol=1e-5)


def test_random_starts_differ_and_hybrid_mixes(make):
    torch.manual_seed(0)
    task = make(num_envs=8)
    assert len(task.reset()["obs"][:, 0].unique()) == 8
    task = make(num_envs=32, stateInit="Hybrid", hybridInitProb=0.25)
    task.reset()
    default = (task.root_states[:, 2] - 0.89).abs() < 1e-6
    assert 16 <= default.sum() <= 30
    assert (task.root_states[~default, 2] >= 1.5).all()


def test_position_targets_by_hand():
    lower, upper = torch.tensor([-1.0, math.radians(-160), 0.0]), torch.tensor([2.0, 0.0, math.radians(160)])
    offset, scale = pd_action(lower, upper, torch.tensor([True, False, False]))
    assert offset.tolist() == pytest.approx([0.0, -1.39626, 1.39626], abs=1e-4)
    assert scale.tolist() == pytest.approx([math.pi, 1.95477, 1.95477], abs=1e-4)


def test_actions_are_targets_around_the_clips_mean_pose(make):
    task = make(pdOffset="motion", pdScale=0.5)
    task.reset()
    task.step(torch.full((3, 28), 0.5))
    expected = task.motion_lib.mean_dof_pos() + 0.25
    assert torch.allclose(task.targets, expected.expand(3, 28), atol=1e-6)


def test_exponential_maps_are_shortened_to_half_a_turn_about_their_own_axis():
    # a hinge, then a spherical joint: 4 rad about (0.6, 0, 0.8), 2 rad, and none
    targets = torch.tensor([[5.0, 2.4, 0.0, 3.2], [5.0, 0.0, 2.0, 0.0], [5.0, 0.0, 0.0, 0.0]])
    expected = targets.clone()
    expected[0, 1:] = math.pi * torch.tensor([0.6, 0.0, 0.8])
    same_exp_map = torch.block_diag(torch.zeros(1, 1), torch.ones(3, 3))
    assert torch.allclose(bound_exp_maps_(targets, same_exp_map), expected)


def test_targets_of_spherical_joints_stay_within_half_a_turn(make):
    task = make(pdScale=4.0)
    task.reset()
    task.step(torch.ones(3, 28))
    abdomen, elbow = task.dof_names.index("abdomen_y"), task.dof_names.index("right_elbow")
    # 4 rad about each axis: half a turn about their diagonal
    assert task.targets[0, abdomen].item() == pytest.approx(math.pi / math.sqrt(3.0))
    assert task.targets[0, elbow].item() == pytest.approx(4.0 - math.radians(80.0))


def test_held_targets_are_reached(make):
    """The drives pull towards the target: in the air, an elbow's error shrinks."""
    task = make(pdOffset="motion", pdScale=0.5, stateInit="Start", enableEarlyTermination=False)
    task.reset()
    before = (task.dof_pos - task.motion_lib.mean_dof_pos()).norm(dim=-1)
    for _ in range(8):
        task.step(no_actions(task))
    assert ((task.dof_pos - task.motion_lib.mean_dof_pos()).norm(dim=-1) < 0.3 * before).all()


def test_torques_are_motor_efforts(make):
    task = make(pdControl=False, powerScale=0.5)
    task.reset()
    task.step(torch.full((3, 28), 0.1))
    names = task.dof_names
    wanted = {"abdomen_x": 125, "neck_z": 20, "right_elbow": 60, "left_knee": 100, "left_ankle_y": 50}
    for name, effort in wanted.items():
        assert task.targets[0, names.index(name)].item() == pytest.approx(0.05 * effort)


def lay_down(task, env):
    """Lay one environment's character on its back with straight limbs, 1 cm deep in the ground."""
    task.dof_pos[env] = task.dof_vel[env] = 0.0
    task.root_states[env] = torch.tensor([0.0, 0.0, 2.0, 0.0, -HALF, 0.0, HALF] + [0.0] * 6)
    task.body_pos, task.body_rot, _ = task._describe(slice(None))
    lowest = lowest_heights(task.shape_points, task.body_pos, task.body_rot)[env].min()
    task.root_states[env, 2] -= lowest + 0.01
    ids = gymtorch.unwrap_tensor(torch.tensor([env], dtype=torch.int32))
    roots, dofs = gymtorch.unwrap_tensor(task.root_states), gymtorch.unwrap_tensor(task.dof_state)
    task.gym.set_actor_root_state_tensor_indexed(task.sim, roots, ids, 1)
    task.gym.set_dof_state_tensor_indexed(task.sim, dofs, ids, 1)


@pytest.mark.parametrize("rule", ["ground", "contact_force"])
def test_a_body_on_the_ground_ends_the_episode_after_its_first_step(make, rule):
    task = make(fallRule=rule)
    at(task, 0.2, 0.5, 0.8)
    lay_down(task, 1)
    assert not task.step(no_actions(task))[2].any()
    lay_down(task, 1)
    _, rewards, dones, extras = task.step(no_actions(task))
    assert dones.tolist() == extras["terminate"].tolist() == [False, True, False]
    assert rewards.tolist() == [1.0, 1.0, 1.0]


def test_listed_bodies_may_touch_and_termination_can_be_off(make):
    everything = list(Character.from_mjcf(f"assets/{MODEL}").body_names)
    for env in ({"contactBodies": everything}, {"enableEarlyTermination": False}):
        task = make(num_envs=1, **env)
        at(task, 0.2)
        for _ in range(2):
            lay_down(task, 0)
            assert not task.step(no_actions(task))[2].any()


@pytest.mark.parametrize("terminates", [True, False])
def test_an_episode_that_is_given_up_fails_with_the_next_step_and_no_other(make, terminates):
    task = make(enableEarlyTermination=terminates)
    task.step(no_actions(task))
    task.give_up(torch.tensor([False, True, False]))
    assert task.get_env_state()["buffers"]["given_up"].tolist() == [False, True, False]
    _, _, dones, extras = task.step(no_actions(task))
    assert dones.tolist() == extras["terminate"].tolist() == [False, True, False]
    assert not extras["time_outs"].any()
    assert not task.step(no_actions(task))[2].any()


def test_isaacgymenvs_rule_by_hand():
    forces = torch.zeros(4, 2, 3)
    forces[1:, 0] = torch.tensor([0.0, 0.0, -0.2])  # downwards: the norm counts
    forces[3, 0, 2] = -0.09
    heights = torch.tensor([[0.1, 0.1], [0.6, 0.6], [0.6, 0.4], [0.1, 0.1]])
    assert fallen_by_contact(forces, heights, 0.5).tolist() == [False, False, True, False]


def test_an_evaluation_plays_on_after_a_fall(make):
    task = make(episodeLength=10)
    task.auto_reset = False
    at(task, 0.2, 0.5, 0.8)
    for _ in range(2):
        lay_down(task, 1)
        _, _, dones, _ = task.step(no_actions(task))
    assert dones.tolist() == [False, True, False]
    assert task.progress_buf.tolist() == [2, 2, 2]


def test_an_evaluation_has_an_instance_of_its_own(make):
    task = make(goal="heading", evalEpisodes=3, evalSeconds=0.2, numAMPObsSteps=3)
    task.reset()
    before = task.root_states.clone()
    evaluation = task.create_evaluation(rank=1, world_size=2)
    seen = []
    figures = evaluation.run(lambda obs: seen.append(obs["obs"].shape) or torch.zeros(len(obs["obs"]), 28))
    evaluation.close()
    assert seen == [(1, 108)] * 6 and figures["pose_error"].shape == (1,)  # the second of three episodes
    assert figures["length"].tolist() == [6.0] and figures["fell"].tolist() == [0.0]
    assert torch.equal(task.root_states, before) and task.auto_reset


@pytest.mark.parametrize(("goal", "columns"), [("heading", 3), ("location", 2)])
def test_a_goal_is_seen_by_the_policy_alone(make, goal, columns):
    task = make(goal=goal)
    assert task.reset()["obs"].shape == (3, 105 + columns) == (3, task.observation_space.shape[0])
    obs, rewards, _, extras = task.step(no_actions(task))
    assert extras["amp_obs"].shape == (3, 210) and task.fetch_amp_obs_demo(2).shape == (2, 210)
    assert torch.equal(extras["amp_obs"][:, 0:105], extras["final_obs"]["obs"][:, 0:105])
    assert (rewards > 0.0).all() and (rewards <= 1.0).all()
    assert torch.isfinite(obs["obs"]).all()


def test_the_reward_is_for_the_target_that_the_step_was_made_for(make):
    task = make(goal="heading", tarSpeedMin=1.0, tarSpeedMax=1.0, num_envs=1)
    at(task, 0.2)
    task.goal.steps_left[:] = 1  # the target changes after this step
    target, before = task.goal.targets.clone(), task.root_states[:, 0:2].clone()
    _, rewards, _, _ = task.step(no_actions(task))
    along = ((task.root_states[:, 0:2] - before) / CONTROL_DT * target[:, 0:2]).sum()
    assert rewards.item() == pytest.approx(math.exp(-0.25 * (1.0 - along.item()) ** 2), rel=1e-4)
    assert not torch.equal(task.goal.targets, target)


@pytest.mark.parametrize("key", ["contactBodies", "keyBodies"])
def test_unknown_bodies_are_refused(make, key):
    with pytest.raises(ValueError, match=f"task.env.{key}=.*'right_toe' is no body; known are pelvis"):
        make(**{key: ["right_toe"]})


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ({"numAMPObsSteps": 11}, "numAMPObsSteps=11: must lie between 2 and 10"),
        ({"hybridInitProb": 1.5}, "hybridInitProb=1.5: must lie between 0 and 1"),
        ({"pdScale": 0.0}, "pdScale=0.0: must be positive"),
        ({"goal": "strike"}, "goal=strike: must be one of none, heading, location"),
    ],
)
def test_wrong_values_are_refused(make, env, message):
    with pytest.raises(ValueError, match=message):
        make(**env)


@pytest.mark.parametrize(
    ("env", "local"),
    [
        ({"localRootObs": True}, True),
        ({}, False),
        ({"goal": "heading"}, True),  # its characters turn, the clips do not
        ({"goal": "heading", "localRootObs": False}, False),
    ],
)
def test_local_root_rotation_forgets_the_heading(make, env, local):
    task = make(num_envs=1, **env)
    turned = torch.tensor([[0.0, 0.0, math.sqrt(0.5), math.sqrt(0.5)]])  # faces y
    task.root_states[:, 3:7] = turned
    _, _, frame = task._describe(slice(None))
    tangent = frame[0, task.features.blocks["root_rotation"]][0:3]
    expected = torch.tensor([1.0, 0.0, 0.0] if local else [0.0, 1.0, 0.0])
    torch.testing.assert_close(tangent, expected, atol=1e-6, rtol=0)
