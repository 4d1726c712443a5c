"""Shapes bounce with their restitution: the share of speed that is left after an impact.

On the ground that is the mean of shape and ground, as PhysX combines materials by default.
"""

import math

import numpy as np
import pytest
import torch

from mjgym import gymapi
from mjgym.restitution import LEAST, damping_ratio
from tests.mjgym.models import BALL
from tests.mjgym.scenes import make_world, transform, unwrap

RADIUS = 0.1
SPEED = 3.0  # at the first touch [m/s]


def bouncing(folder, shapes, ground=0.0, dt=1 / 60, **kw):
    """Balls, one an environment, that come down at 3 m/s; not prepared yet. None leaves an asset's value."""
    params = gymapi.PlaneParams()
    params.normal, params.restitution = gymapi.Vec3(0.0, 0.0, 1.0), ground
    world = make_world(
        folder, BALL, num_envs=len(shapes), pose=transform(z=RADIUS), prepare=False, dt=dt, gravity=0.0, **kw
    )
    world.gym.add_ground(world.sim, params)
    for env, restitution in zip(world.envs, shapes, strict=True):
        if restitution is not None:
            give(world, env, restitution)
    return world


def give(world, env, restitution):
    props = world.gym.get_actor_rigid_shape_properties(env, 0)
    props[0].restitution = restitution
    world.gym.set_actor_rigid_shape_properties(env, 0, props)
    assert world.gym.get_actor_rigid_shape_properties(env, 0)[0].restitution == pytest.approx(restitution)


def kept(world):
    """Throw the balls at the ground, without gravity; the share of their speed after 0.3 s."""
    roots = world.tensor("actor_root_state")
    roots[:, 2] = RADIUS
    roots[:, 7:13] = torch.tensor([0.0, 0.0, -SPEED, 0.0, 0.0, 0.0])
    world.gym.set_actor_root_state_tensor(world.sim, unwrap(roots))
    world.simulate(round(0.3 / world.sim.params.dt))
    world.refresh("actor_root_state")
    return (roots[:, 9] / SPEED).tolist()


@pytest.mark.parametrize("damping", [0.1, 0.5, 0.9])
def test_damping_ratio_is_that_of_a_spring_that_does_not_pull(damping):
    # x'' = -x - 2 ζ x' from x = 0 at speed 1, until the force is no longer a push.
    x, v, step = 0.0, 1.0, 1e-5
    while x + 2 * damping * v > 0:
        v -= (x + 2 * damping * v) * step
        x += v * step
    assert damping_ratio(np.array([-v]))[0] == pytest.approx(damping, abs=1e-3)


def test_the_ends_of_the_scale():
    assert damping_ratio(np.array([1.0, LEAST, 0.0])) == pytest.approx([0.0, 1.0, 1.0], abs=1e-5)


@pytest.mark.parametrize("dt", [1 / 60, 1 / 120])
def test_a_ball_keeps_the_share_that_it_and_the_ground_say(tmp_path, dt):
    shares = (0.2, 0.4, 0.6, 0.8, 1.0)
    world = bouncing(tmp_path, shares, ground=0.6, dt=dt).prepare()
    assert kept(world) == pytest.approx([(share + 0.6) / 2 for share in shares], abs=0.06)


def test_the_ground_alone_makes_plain_balls_bounce(tmp_path):
    assert kept(bouncing(tmp_path, [None, None], ground=1.0).prepare()) == pytest.approx([0.5, 0.5], abs=0.06)


def test_an_asset_passes_its_restitution_on(tmp_path):
    def springy(gym, asset):
        props = gym.get_asset_rigid_shape_properties(asset)
        props[0].restitution = 1.0
        gym.set_asset_rigid_shape_properties(asset, props)

    world = bouncing(tmp_path, [None, 0.0], ground=0.6, on_asset=springy).prepare()
    assert kept(world) == pytest.approx([0.8, 0.3], abs=0.06)


def test_it_changes_after_prepare_sim_in_one_environment(tmp_path):
    world = bouncing(tmp_path, [None] * 3).prepare()
    plain = kept(world)
    give(world, world.envs[1], 1.0)
    assert kept(world) == pytest.approx([plain[0], 0.5, plain[2]], abs=0.06)
    give(world, world.envs[1], 0.0)
    assert kept(world) == plain


def test_values_out_of_range_count_as_the_nearest(tmp_path):
    above, one, below, zero = kept(bouncing(tmp_path, [1.7, 1.0, -0.2, 0.0], ground=1.0).prepare())
    assert (above, below) == (one, zero)
    assert one == pytest.approx(1.0, abs=0.06)


def test_a_ball_that_is_dropped_rises_less_each_time_and_all_but_comes_to_rest(tmp_path):
    world = bouncing(tmp_path, [0.6], ground=0.6)
    world.sim.params.gravity = gymapi.Vec3(0.0, 0.0, -9.81)
    roots = world.prepare().tensor("actor_root_state")
    roots[:, 2] = 1.0 + RADIUS
    world.gym.set_actor_root_state_tensor(world.sim, unwrap(roots))
    heights = []
    for _ in range(round(6.0 * 60)):
        world.simulate()
        world.refresh("actor_root_state")
        heights.append(float(roots[0, 2]))
    h = np.array(heights)
    peaks = h[1:-1][(h[1:-1] > h[:-2]) & (h[1:-1] >= h[2:])] - RADIUS
    assert math.sqrt(peaks[0]) == pytest.approx(0.6, abs=0.05)  # of a metre: the speed's share, squared
    assert (np.diff(peaks[peaks > 1e-3]) < 0).all()
    assert np.ptp(h[-60:]) < 2e-3  # it trembles: a step of free fall is as fast as the smallest bounces
    assert h[-1] == pytest.approx(RADIUS, abs=2e-3)


def test_two_shapes_bounce_as_the_harder_damped_one_does_on_the_ground(tmp_path):
    # Decided: contacts of MuJoCo have no mean of two stiffnesses and dampings.
    for own, expected in (((1.0, 1.0), 0.5), ((1.0, 0.8), 0.4), ((1.0, 0.0), 0.5)):
        world = make_world(tmp_path, BALL, num_envs=1, prepare=False, gravity=0.0, dt=1 / 120)
        world.gym.create_actor(world.envs[0], world.assets[0], transform(z=5.0), "other", 0, 0, 0)
        for handle, restitution in enumerate(own):
            props = world.gym.get_actor_rigid_shape_properties(world.envs[0], handle)
            props[0].restitution = restitution
            world.gym.set_actor_rigid_shape_properties(world.envs[0], handle, props)
        roots = world.prepare().tensor("actor_root_state")
        roots[:, 0:3] = torch.tensor([[0.0, 0.0, 5.0], [2 * RADIUS, 0.0, 5.0]])
        roots[:, 7] = torch.tensor([1.0, -1.0])
        world.gym.set_actor_root_state_tensor(world.sim, unwrap(roots))
        world.simulate(36)
        world.refresh("actor_root_state")
        assert roots[:, 7].tolist() == pytest.approx([-expected, expected], abs=0.05)
