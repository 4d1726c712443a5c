"""Joints, frames, names and ranges of single things."""

import math

import numpy as np
import pytest

from mjgym import gymapi
from tests.mjgym.models import LIMBS, URDF_ARM
from tests.mjgym.scenes import make_world, options, transform, with_dofs

FIXED = options(fix_base_link=True)

# A body on two hinges at one point, about x and then y: the first turns the second's axis, not the other way.
GIMBAL = """<mujoco model="gimbal"><worldbody><body name="base"><geom size="0.05" mass="1"/>
  <body name="cup" pos="0 0 1"><joint name="x" axis="1 0 0" pos="0 0 0.5"/>
    <joint name="y" axis="0 1 0" pos="0 0 0.5"/>
    <geom size="0.1" mass="1"/></body></body></worldbody></mujoco>"""

# The same as a spherical joint: three hinges about x, y and z.
BALL_JOINT = GIMBAL.replace(
    '<joint name="y" axis="0 1 0" pos="0 0 0.5"/>',
    '<joint name="y" axis="0 1 0" pos="0 0 0.5"/><joint name="z" axis="0 0 1" pos="0 0 0.5"/>',
)


def urdf_arm(tmp_path, **kw):
    return make_world(tmp_path, URDF_ARM, asset_options=FIXED, gravity=0.0, name="arm.urdf", **kw)


def two_actors(tmp_path):
    world = urdf_arm(tmp_path, prepare=False)
    for env in world.envs:
        world.gym.create_actor(env, world.assets[0], transform(5.0), "other", env.index, 1)
    return world.prepare()


def test_joints_of_an_asset(tmp_path):
    """URDF children are sorted by the names of their joints; fixed joints count where they stay."""
    world = urdf_arm(tmp_path)
    gym, asset = world.gym, world.assets[0]
    names = [gym.get_asset_joint_name(asset, i) for i in range(gym.get_asset_joint_count(asset))]
    assert names == ["a_slide", "z_shoulder", "wrist"]
    kinds = [gym.get_joint_type_string(gym.get_asset_joint_type(asset, i)) for i in range(3)]
    assert kinds == ["Prismatic", "Revolute", "Fixed"]
    turns = [gym.get_dof_type_string(gym.get_asset_dof_type(asset, i)) for i in range(2)]
    assert turns == ["Translation", "Rotation"]
    assert gym.get_dof_type_string(gymapi.DOF_INVALID) == "Invalid"
    assert gym.find_asset_joint_index(asset, "wrist") == 2
    assert gym.find_asset_joint_index(asset, "ankle") == -1
    with pytest.raises(IndexError, match="get_asset_joint_name: joint 3 does not exist; there are 3"):
        gym.get_asset_joint_type(asset, 3)


def test_joints_and_bodies_by_name_and_handle(tmp_path):
    world = two_actors(tmp_path)
    gym, env = world.gym, world.envs[1]
    assert (gym.get_env_joint_count(env), gym.get_sim_joint_count(world.sim)) == (6, 12)
    assert gym.get_actor_joint_handle(env, 1, 1) == 4
    assert gym.find_actor_joint_handle(env, 1, "wrist") == gym.get_joint_handle(env, "other", "wrist") == 5
    domains = [gymapi.DOMAIN_ACTOR, gymapi.DOMAIN_ENV, gymapi.DOMAIN_SIM]
    assert [gym.find_actor_joint_index(env, 1, "z_shoulder", domain) for domain in domains] == [1, 4, 10]
    assert [gym.get_actor_joint_index(env, 0, 2, domain) for domain in domains] == [2, 2, 8]
    assert gym.get_joint_handle(env, "nobody", "wrist") == -1
    assert gym.find_actor_joint_handle(env, 0, "ankle") == -1
    assert gym.get_joint_name(env, 5) == "wrist"
    assert gym.get_rigid_handle(env, "other", "tool") == 7
    assert gym.get_rigid_handle(env, "other", "hammer") == gym.get_rigid_handle(env, "nobody", "tool") == -1
    assert gym.get_rigid_name(env, 7) == "tool"
    with pytest.raises(IndexError, match="get_joint_name: joint 6 does not exist; environment 1 has 6"):
        gym.get_joint_name(env, 6)


def test_a_joint_that_moves_is_its_dof(tmp_path):
    world = two_actors(tmp_path)
    gym, env = world.gym, world.envs[0]
    states = np.array([(0.1, 0.2), (0.3, 0.4)], dtype=gymapi.DofState.dtype)
    gym.set_actor_dof_states(env, 1, states, gymapi.STATE_ALL)
    assert gym.get_joint_position(env, 4) == pytest.approx(0.3)
    assert gym.get_joint_velocity(env, 3) == pytest.approx(0.2)
    gym.set_joint_target_position(env, 4, 0.5)
    gym.set_joint_target_velocity(env, 3, -0.5)
    assert gym.get_actor_dof_position_targets(env, 1).tolist() == [0.0, 0.5]
    assert (gym.get_joint_target_position(env, 4), gym.get_joint_target_velocity(env, 3)) == (0.5, -0.5)
    with pytest.raises(ValueError, match="get_joint_position: joint 'wrist' is fixed"):
        gym.get_joint_position(env, 5)


def frame(world, dof):
    found = world.gym.get_dof_frame(world.envs[1], dof)
    return [*found.origin.as_tuple(), *found.axis.as_tuple()]


@pytest.mark.parametrize("prepare", [True, False])
def test_frames_of_dofs_are_where_they_act_now(tmp_path, prepare):
    world = make_world(tmp_path, GIMBAL, asset_options=FIXED, gravity=0.0, prepare=prepare)
    gym = world.gym
    assert frame(world, 0) == pytest.approx([0, 0, 2.5, 1, 0, 0], abs=1e-6)
    states = np.array([(math.pi / 2, 0.0), (0.0, 0.0)], dtype=gymapi.DofState.dtype)
    gym.set_actor_dof_states(world.envs[1], 0, states, gymapi.STATE_POS)
    # A quarter turn about x takes the second axis from y to z; both go on through the same point.
    assert frame(world, 0) == pytest.approx([0, 0, 2.5, 1, 0, 0], abs=1e-6)
    assert frame(world, 1) == pytest.approx([0, 0, 2.5, 0, 0, 1], abs=1e-6)
    states["pos"] = (0.0, math.pi / 2)
    gym.set_actor_dof_states(world.envs[1], 0, states, gymapi.STATE_POS)
    assert frame(world, 0) == pytest.approx([0, 0, 2.5, 1, 0, 0], abs=1e-6)
    rows = gym.get_actor_dof_frames(world.envs[1], 0)
    assert rows.dtype == gymapi.DofFrame.dtype
    np.testing.assert_allclose(rows["axis"][1].item(), (0, 1, 0), atol=1e-6)
    # After a step, too.
    world.simulate()
    assert frame(world, 1) == pytest.approx([0, 0, 2.5, 0, 1, 0], abs=1e-6)


def test_the_dofs_of_a_spherical_joint_act_about_the_bodys_axes(tmp_path):
    world = make_world(tmp_path, BALL_JOINT, asset_options=FIXED, gravity=0.0)
    turn = np.array([(0.0, 0.0), (0.0, 0.0), (math.pi / 2, 0.0)], dtype=gymapi.DofState.dtype)
    world.gym.set_actor_dof_states(world.envs[1], 0, turn, gymapi.STATE_POS)
    frames = world.gym.get_actor_dof_frames(world.envs[1], 0)
    axes = np.stack([frames["axis"][name] for name in "xyz"], axis=-1)
    np.testing.assert_allclose(axes, [[0, 1, 0], [-1, 0, 0], [0, 0, 1]], atol=1e-6)
    np.testing.assert_allclose(frames["origin"]["z"], [2.5] * 3, atol=1e-6)


def test_transforms_of_joints(tmp_path):
    world = make_world(tmp_path, GIMBAL, asset_options=FIXED, gravity=0.0)
    states = np.array([(math.pi / 2, 0.0), (0.0, 0.0)], dtype=gymapi.DofState.dtype)
    world.gym.set_actor_dof_states(world.envs[0], 0, states, gymapi.STATE_POS)
    place = world.gym.get_joint_transform(world.envs[0], 1)
    assert place.p.as_tuple() == pytest.approx((0, 0, 2.5), abs=1e-6)
    assert place.r.as_tuple() == pytest.approx((math.sqrt(0.5), 0, 0, math.sqrt(0.5)), abs=1e-6)
    # A fixed joint is where the body is that it holds: the tool 1.1 m above the base, which is at 1 m.
    arm = urdf_arm(tmp_path)
    rows = arm.gym.get_actor_joint_transforms(arm.envs[0], 0)
    assert rows.dtype == gymapi.Transform.dtype
    np.testing.assert_allclose(rows["p"]["z"], [1.0, 1.1, 2.1], atol=1e-6)
    np.testing.assert_allclose(rows["r"]["z"], [0, 0, math.sqrt(0.5)], atol=1e-6)


def test_ranges_of_shapes_and_actuators_of_an_actor(tmp_path):
    world = make_world(tmp_path, LIMBS)
    gym, env = world.gym, world.envs[0]
    ranges = gym.get_actor_rigid_body_shape_indices(env, 0)
    assert [(one.start, one.count) for one in ranges] == [(0, 1), (1, 1), (2, 1), (3, 1)]
    assert gym.get_asset_rigid_body_shape_indices(world.assets[0]) == ranges
    assert gym.get_actor_actuator_count(env, 0) == 2
    assert gym.get_actor_actuator_name(env, 0, 0) == "mc"
    assert gym.get_actor_actuator_joint_name(env, 0, 0) == "c"
    assert gym.find_actor_actuator_index(env, 0, "ma") == 1
    assert gym.find_actor_actuator_index(env, 0, "mb") == -1
    assert [one.motor_effort for one in gym.get_actor_actuator_properties(env, 0)] == [3.0, 5.0]


def test_an_asset_in_words(tmp_path, capsys):
    world = urdf_arm(tmp_path)
    world.gym.debug_print_asset(world.assets[0])
    text = capsys.readouterr().out
    assert "Asset 'arm': fixed base, 3 shapes" in text
    assert "  2: 'upper', mass 3 kg, 1 shapes" in text
    assert "  2: 'wrist'" in text
    assert "  1: 'z_shoulder', rotation, limits -1 to 2, stiffness 0, damping 0.5, effort 30" in text
    world.gym.debug_print_asset(world.assets[0], str(tmp_path / "asset.txt"))
    assert (tmp_path / "asset.txt").read_text() == text


def test_timers_tell_the_seconds_since_they_were_last_asked(tmp_path):
    world = make_world(tmp_path, LIMBS, setup=with_dofs(damping=0.1))
    gym, sim = world.gym, world.sim
    first, second = gym.create_performance_timers(sim), gym.create_performance_timers(sim)
    assert first != second
    world.simulate(3)
    spent = gym.get_performance_timers(sim, first)
    assert 0.0 < spent.physics_sim == spent.total_time <= gym.get_elapsed_time(sim)
    assert gym.get_performance_timers(sim, first).physics_sim == 0.0
    assert gym.get_performance_timers(sim, second).physics_sim == spent.physics_sim
    gym.destroy_performance_timers(sim, first)
    with pytest.raises(KeyError, match="get_performance_timers: there are no timers 0"):
        gym.get_performance_timers(sim, first)
    assert gym.get_sim_time(sim) == pytest.approx(0.03)
