"""Actors of another size: shapes, places, masses, sensors; before and after the simulation is prepared."""

import math

import pytest
import torch

from tests.mjgym.models import BALL, HINGE, HINGE_INERTIA, LIMBS
from tests.mjgym.scenes import make_world, options, transform, write

SCALES = (1.0, 1.5)


def scaled(gym, env, handle, asset):
    assert gym.set_actor_scale(env, handle, SCALES[env.index])


def heights_at_rest(world):
    roots = world.tensor("actor_root_state")
    world.simulate(400)
    world.refresh("actor_root_state")
    return roots[:, 2]


def test_balls_of_two_sizes_rest_at_their_radii_and_press_with_their_weights(tmp_path):
    world = make_world(tmp_path, BALL, setup=scaled, ground=True, gravity=-10.0, pose=transform(z=0.2))
    contacts = world.tensor("net_contact_force")
    torch.testing.assert_close(heights_at_rest(world), torch.tensor([0.1, 0.15]), atol=2e-3, rtol=0)
    world.refresh("net_contact_force")
    weights = torch.tensor([20.0, 20.0 * 1.5**3])
    torch.testing.assert_close(contacts[:, 2], weights, atol=0.1, rtol=0)
    gym = world.gym
    assert [gym.get_actor_scale(env, 0) for env in world.envs] == [1.0, 1.5]
    ball = gym.get_actor_rigid_body_properties(world.envs[1], 0)[0]
    assert ball.mass == pytest.approx(2.0 * 1.5**3)
    assert ball.inertia.x.x == pytest.approx(0.4 * 2.0 * 1.5**3 * 0.15**2)


def test_first_environment_alone_may_be_scaled(tmp_path):
    def setup(gym, env, handle, asset):
        if env.index == 0:
            gym.set_actor_scale(env, handle, 2.0)

    world = make_world(tmp_path, BALL, setup=setup, ground=True, pose=transform(z=0.3))
    torch.testing.assert_close(heights_at_rest(world), torch.tensor([0.2, 0.1]), atol=2e-3, rtol=0)


def test_scale_set_later_replaces_the_one_before(tmp_path):
    world = make_world(tmp_path, BALL, setup=scaled, ground=True, pose=transform(z=0.3))
    world.gym.set_actor_scale(world.envs[0], 0, 2.0)
    world.gym.set_actor_scale(world.envs[1], 0, 1.0)
    torch.testing.assert_close(heights_at_rest(world), torch.tensor([0.2, 0.1]), atol=2e-3, rtol=0)


def test_bodies_move_away_from_the_root_and_joints_with_them(tmp_path):
    def both(gym, env, handle, asset):
        gym.set_actor_scale(env, handle, 2.0)

    world = make_world(tmp_path, LIMBS, setup=both, pose=transform(x=1.0, z=3.0))
    bodies = world.tensor("rigid_body_state").view(2, -1, 13)
    world.refresh("rigid_body_state")
    # left and tip are 0.2 m from their parents along y, right -0.2 m.
    expected = torch.tensor([[1.0, 0.0, 3.0], [1.0, 0.4, 3.0], [1.0, 0.8, 3.0], [1.0, -0.4, 3.0]])
    torch.testing.assert_close(bodies[1, :, 0:3], expected)


def test_scaled_rod_turns_with_the_fifth_power(tmp_path):
    world = make_world(tmp_path, HINGE, setup=scaled, asset_options=options(fix_base_link=True), gravity=0.0)
    mass = world.gym.acquire_mass_matrix_tensor(world.sim, "actor").torch
    world.gym.refresh_mass_matrix_tensors(world.sim)
    armature = 0.02  # a property of the DOF, which keeps its value
    turned = (HINGE_INERTIA - armature) * 1.5**5 + armature
    torch.testing.assert_close(mass.view(2), torch.tensor([HINGE_INERTIA, turned]))


def test_masses_set_before_are_scaled_and_those_set_after_are_taken_as_they_are(tmp_path):
    def setup(gym, env, handle, asset):
        props = gym.get_actor_rigid_body_properties(env, handle)
        props[0].mass = 5.0
        if env.index == 0:
            gym.set_actor_rigid_body_properties(env, handle, props)
        gym.set_actor_scale(env, handle, 2.0)
        if env.index == 1:
            gym.set_actor_rigid_body_properties(env, handle, props, True)

    world = make_world(tmp_path, BALL, setup=setup)
    mass = world.gym.acquire_mass_matrix_tensor(world.sim, "actor").torch
    world.gym.refresh_mass_matrix_tensors(world.sim)
    torch.testing.assert_close(mass[:, 0, 0], torch.tensor([40.0, 5.0]))
    # Inertia: 0.4 m r^2. The first kept the inertia of 2 kg when its mass was set.
    inertias = torch.tensor([0.4 * 2.0 * 0.1**2 * 2.0**5, 0.4 * 5.0 * 0.2**2])
    torch.testing.assert_close(mass[:, 5, 5], inertias)


def test_force_sensors_move_with_the_body(tmp_path):
    def on_asset(gym, asset):
        gym.create_asset_force_sensor(asset, 0, transform(x=0.1))

    world = make_world(
        tmp_path, BALL, setup=scaled, on_asset=on_asset, ground=True, gravity=-10.0, pose=transform(z=0.2)
    )
    sensors = world.tensor("force_sensor")
    world.simulate(400)
    world.refresh("force_sensor")
    # The ground pushes in the middle of the ball, which is 0.1 m (0.15 m) behind the sensor.
    weights = [20.0, 20.0 * 1.5**3]
    expected = torch.tensor([weights[0] * 0.1, weights[1] * 0.15])
    torch.testing.assert_close(sensors[:, 4], expected, rtol=1e-2, atol=0)


@pytest.mark.parametrize("scale", [0.0, -1.0, math.inf, math.nan])
def test_bad_scales_are_refused(tmp_path, scale):
    world = make_world(tmp_path, BALL, prepare=False)
    with pytest.raises(ValueError, match=f"scale = {scale} must be positive and finite"):
        world.gym.set_actor_scale(world.envs[0], 0, scale)


def test_collision_meshes_are_refused(tmp_path):
    write(tmp_path, "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 3 2\nf 1 2 4\nf 2 3 4\nf 1 4 3\n", "tetra.obj")
    xml = """<mujoco model="t"><asset><mesh name="m" file="tetra.obj"/></asset>
      <worldbody><body name="b"><freejoint/><geom type="mesh" mesh="m"/></body></worldbody></mujoco>"""
    world = make_world(tmp_path, xml, prepare=False)
    with pytest.raises(NotImplementedError, match="'t' has a collision mesh"):
        world.gym.set_actor_scale(world.envs[0], 0, 2.0)
    assert world.gym.set_actor_scale(world.envs[0], 0, 1.0)
