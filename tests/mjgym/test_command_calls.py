"""Targets, efforts and forces for single things; the figures follow from F = m a over one step of 0.01 s."""

import math

import numpy as np
import pytest
import torch

from mjgym import gymapi
from tests.mjgym.models import BALL, BOX, SLIDER
from tests.mjgym.scenes import make_world, options, transform, unwrap, with_dofs

CART = SLIDER.format(joint="", actuator="")  # 2 kg
BOX_INERTIA = 2.0 * (0.2**2 + 0.2**2) / 12.0


def cart(tmp_path, mode, **kw):
    setup = with_dofs(driveMode=mode, stiffness=200.0, damping=40.0)
    return make_world(
        tmp_path, CART, asset_options=options(fix_base_link=True), gravity=0.0, setup=setup, **kw
    )


@pytest.mark.parametrize("prepare", [True, False])
def test_targets_are_those_of_the_tensors(tmp_path, prepare):
    world = cart(tmp_path, gymapi.DOF_MODE_POS, prepare=prepare)
    gym, env = world.gym, world.envs[1]
    assert gym.set_actor_dof_position_targets(env, 0, np.array([0.25]))
    assert gym.set_actor_dof_velocity_targets(env, 0, np.array([0.5], dtype=np.float32))
    targets = gym.get_actor_dof_position_targets(env, 0)
    assert (targets.dtype, targets.tolist()) == (np.float32, [0.25])
    assert gym.get_actor_dof_velocity_targets(env, 0).tolist() == [0.5]
    gym.set_dof_target_velocity(env, 0, 0.0)
    assert (gym.get_dof_target_position(env, 0), gym.get_dof_target_velocity(env, 0)) == (0.25, 0.0)
    targets[:] = 9.0  # a copy
    world.simulate(300)
    assert gym.get_dof_position(env, 0) == pytest.approx(0.25, abs=1e-3)
    assert gym.get_dof_position(world.envs[0], 0) == pytest.approx(0.0, abs=1e-6)
    gym.set_dof_position_target_tensor(world.sim, unwrap(torch.tensor([0.125, -0.5])))
    assert gym.get_dof_target_position(env, 0) == -0.5
    gym.set_dof_target_position(env, 0, 0.75)
    assert gym.get_dof_target_position(world.envs[0], 0) == 0.125
    world.simulate(300)
    positions = [gym.get_dof_position(each, 0) for each in world.envs]
    assert positions == pytest.approx([0.125, 0.75], abs=1e-3)


def test_a_velocity_target(tmp_path):
    world = cart(tmp_path, gymapi.DOF_MODE_VEL)
    world.gym.set_dof_target_velocity(world.envs[0], 0, -1.5)
    world.simulate(200)
    assert world.gym.get_dof_velocity(world.envs[0], 0) == pytest.approx(-1.5, abs=1e-3)
    assert world.gym.get_dof_velocity(world.envs[1], 0) == pytest.approx(0.0, abs=1e-6)


def free_cart(tmp_path, **kw):
    setup = with_dofs(driveMode=gymapi.DOF_MODE_EFFORT, stiffness=0.0, damping=0.0)
    return make_world(
        tmp_path, CART, asset_options=options(fix_base_link=True), gravity=0.0, setup=setup, **kw
    )


@pytest.mark.parametrize("prepare", [True, False])
@pytest.mark.parametrize("single", [True, False])
def test_an_effort_acts_in_the_next_step_alone(tmp_path, single, prepare):
    world = free_cart(tmp_path, prepare=prepare)
    gym, env = world.gym, world.envs[1]
    gym.apply_dof_effort(env, 0, 100.0)  # replaced by the next call
    if single:
        gym.apply_dof_effort(env, 0, 4.0)
    else:
        assert gym.apply_actor_dof_efforts(env, 0, [4.0])
    world.simulate()
    assert gym.get_dof_velocity(env, 0) == pytest.approx(4.0 / 2.0 * 0.01)
    world.simulate(5)
    assert gym.get_dof_velocity(env, 0) == pytest.approx(4.0 / 2.0 * 0.01)
    assert gym.get_dof_velocity(world.envs[0], 0) == 0.0


def test_an_effort_adds_to_that_of_the_tensor(tmp_path):
    world = free_cart(tmp_path)
    gym, env = world.gym, world.envs[1]
    gym.set_dof_actuation_force_tensor(world.sim, unwrap(torch.tensor([1.0, 1.0])))
    gym.apply_dof_effort(env, 0, 4.0)
    world.simulate()
    assert gym.get_dof_velocity(env, 0) == pytest.approx(5.0 / 2.0 * 0.01)
    world.simulate()
    assert gym.get_dof_velocity(env, 0) == pytest.approx(6.0 / 2.0 * 0.01)


def test_an_effort_that_is_still_to_act_is_part_of_the_saved_state(tmp_path):
    world = free_cart(tmp_path)
    world.gym.apply_dof_effort(world.envs[1], 0, 4.0)
    saved = world.gym.get_sim_state(world.sim)
    for _ in range(2):
        world.simulate(2)
        assert world.gym.get_dof_velocity(world.envs[1], 0) == pytest.approx(0.02)
        world.gym.set_sim_state(world.sim, saved)


def test_commands_are_checked(tmp_path):
    world = free_cart(tmp_path)
    with pytest.raises(ValueError, match="position_targets: 2 values were given; the actor has 1 DOFs"):
        world.gym.set_actor_dof_position_targets(world.envs[0], 0, [0.0, 1.0])
    with pytest.raises(TypeError, match="apply_dof_effort: values are <U4; they must be numbers"):
        world.gym.apply_dof_effort(world.envs[0], 0, "much")
    with pytest.raises(IndexError, match="DOF 1 does not exist; environment 0 has 1"):
        world.gym.set_dof_target_position(world.envs[0], 1, 0.0)


# ---- forces on bodies

QUARTER = gymapi.Quat.from_axis_angle(gymapi.Vec3(0, 0, 1), math.pi / 2)  # takes x to y


def floating_box(tmp_path, **kw):
    return make_world(tmp_path, BOX, pose=transform(0.0, 0.0, 1.0, QUARTER), gravity=0.0, **kw)


def velocity(world, env):
    linear = world.gym.get_rigid_linear_velocity(world.envs[env], 0).as_tuple()
    return [*linear, *world.gym.get_rigid_angular_velocity(world.envs[env], 0).as_tuple()]


@pytest.mark.parametrize("prepare", [True, False])
def test_forces_at_the_centre_of_mass_act_in_the_next_step_alone(tmp_path, prepare):
    world = floating_box(tmp_path, prepare=prepare)
    gym, env = world.gym, world.envs[1]
    gym.apply_body_forces(env, 0, gymapi.Vec3(3.0, 0, 0))
    gym.apply_body_forces(env, 0, gymapi.Vec3(1.0, 0, 0), gymapi.Vec3(0, 0, 0.5), gymapi.ENV_SPACE)
    world.simulate(4)
    expected = [4.0 / 2.0 * 0.01, 0, 0, 0, 0, 0.5 / BOX_INERTIA * 0.01]
    assert velocity(world, 1) == pytest.approx(expected, abs=1e-6)
    assert velocity(world, 0) == [0.0] * 6


def test_forces_in_the_bodys_own_axes(tmp_path):
    world = floating_box(tmp_path)
    force = gymapi.Vec3(4.0, 0, 0)
    world.gym.apply_body_forces(world.envs[0], 0, force=force, space=gymapi.LOCAL_SPACE)
    world.gym.apply_body_forces(world.envs[1], 0, torque=gymapi.Vec3(0.5, 0, 0), space=gymapi.LOCAL_SPACE)
    world.simulate()
    assert velocity(world, 0) == pytest.approx([0, 0.02, 0, 0, 0, 0], abs=1e-6)
    assert velocity(world, 1) == pytest.approx([0, 0, 0, 0, 0.5 / BOX_INERTIA * 0.01, 0], abs=1e-5)


# The same push in three spaces: 1 N upwards, 0.1 m along the world's x from the centre, which is along the
# body's -y. Environment 1 stands 2 m along x. The torque is (0.1, 0, 0) x (0, 0, 1) = (0, -0.1, 0) N m.
PLACES = [
    (gymapi.ENV_SPACE, (0.1, 0.0, 1.0)),
    (gymapi.GLOBAL_SPACE, (2.1, 0.0, 1.0)),
    (gymapi.LOCAL_SPACE, (0.0, -0.1, 0.0)),
]
PUSHED = [0, 0, 1.0 / 2.0 * 0.01, 0, -0.1 / BOX_INERTIA * 0.01, 0]


@pytest.mark.parametrize(("space", "place"), PLACES)
def test_a_force_at_a_point(tmp_path, space, place):
    world = floating_box(tmp_path)
    world.gym.apply_body_force_at_pos(world.envs[1], 0, gymapi.Vec3(0, 0, 1), gymapi.Vec3(*place), space)
    world.simulate()
    assert velocity(world, 1) == pytest.approx(PUSHED, abs=1e-5)
    assert velocity(world, 0) == [0.0] * 6


@pytest.mark.parametrize(("space", "place"), PLACES)
def test_forces_at_points_through_tensors(tmp_path, space, place):
    world = floating_box(tmp_path)
    forces = torch.tensor([[0.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    places = torch.tensor([[9.0, 9.0, 9.0], place])
    apply = world.gym.apply_rigid_body_force_at_pos_tensors
    assert apply(world.sim, unwrap(100.0 * forces), unwrap(places), space)  # replaced by the next call
    assert apply(world.sim, unwrap(forces), unwrap(places), space)
    world.simulate(2)
    assert velocity(world, 1) == pytest.approx(PUSHED, abs=1e-3)
    assert velocity(world, 0) == [0.0] * 6


def test_a_force_without_a_point_acts_at_the_centre_of_mass(tmp_path):
    world = floating_box(tmp_path)
    world.gym.apply_body_force_at_pos(world.envs[0], 0, gymapi.Vec3(2, 0, 0))
    forces = torch.tensor([[0.0, 0.0, 0.0], [2.0, 0.0, 0.0]])
    world.simulate()
    world.gym.apply_rigid_body_force_at_pos_tensors(world.sim, unwrap(forces))
    world.simulate()
    for env in range(2):
        assert velocity(world, env) == pytest.approx([0.01, 0, 0, 0, 0, 0], abs=1e-6)
    with pytest.raises(TypeError, match="forceTensor is None"):
        world.gym.apply_rigid_body_force_at_pos_tensors(world.sim, None)


def test_a_pushed_ball_presses_harder_on_the_ground_without_the_push_being_a_contact(tmp_path):
    world = make_world(tmp_path, BALL, pose=transform(z=0.1), ground=True)
    for _ in range(200):
        world.gym.apply_body_forces(world.envs[1], 0, gymapi.Vec3(0, 0, -5.0))
        world.simulate()
        forces = world.gym.get_rigid_contact_forces(world.sim)
    np.testing.assert_allclose(forces["z"], [20.0, 25.0], atol=2e-2)
