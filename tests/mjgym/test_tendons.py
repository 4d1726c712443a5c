"""Tendons of MJCF files: what is known of them, and what their springs, dampers and limits do."""

import pytest
import torch

from mjgym import gymapi
from tests.mjgym.models import LIMBS
from tests.mjgym.scenes import make_world, options, unwrap, with_dofs

# Two carts of 2 kg and a finger of no account, as coupled as the finger joints of a shadow hand are.
CARTS = """<mujoco model="carts"><worldbody><body name="base">
  <geom size="0.02" mass="1" contype="0" conaffinity="0"/>
  <body name="a"><joint name="A" type="slide" axis="1 0 0"/>
    <geom size="0.1" mass="2" contype="0" conaffinity="0"/></body>
  <body name="b"><joint name="B" type="slide" axis="1 0 0"/>
    <geom size="0.1" mass="2" contype="0" conaffinity="0"/></body></body></worldbody>
  <tendon>
    <fixed name="free"><joint joint="B" coef="1"/></fixed>
    <fixed name="pair" limited="true" range="-0.001 0.001" damping="0.2">
      <joint joint="A" coef="0.02"/><joint joint="B" coef="-0.02"/></fixed>
  </tendon></mujoco>"""
PAIR = 1
FIXED = options(fix_base_link=True)


def carts(tmp_path, setup=None, **kw):
    def both(gym, env, handle, asset):
        with_dofs(driveMode=gymapi.DOF_MODE_EFFORT, damping=5.0)(gym, env, handle, asset)
        if setup is not None:
            setup(gym, env, handle, asset)

    kw.setdefault("asset_options", FIXED)
    return make_world(tmp_path, CARTS, setup=both, gravity=0.0, **kw)


def changed(props, **values):
    for name, value in values.items():
        setattr(props[PAIR], name, value)
    return props


def setting(**values):
    def setup(gym, env, handle, asset):
        props = changed(gym.get_actor_tendon_properties(env, handle), **values)
        assert gym.set_actor_tendon_properties(env, handle, props)

    return setup


def gap_at_rest(world, force=0.0, steps=800):
    """Return A - B of each environment at rest [m]; A is pushed by ``force`` [N] and B by the opposite."""
    dofs = world.tensor("dof_state").view(2, 2, 2)
    world.gym.set_dof_actuation_force_tensor(world.sim, unwrap(torch.tensor([force, -force] * 2)))
    world.simulate(steps)
    world.refresh("dof_state")
    assert float(dofs[..., 1].abs().max()) < 1e-4
    return dofs[:, 0, 0] - dofs[:, 1, 0]


def test_asset_tells_of_its_tendons(tmp_path):
    world = carts(
        tmp_path, prepare=False, asset_options=options(fix_base_link=True, tendon_limit_stiffness=7.0)
    )
    gym, asset = world.gym, world.assets[0]
    assert gym.get_asset_tendon_count(asset) == 2
    assert [gym.get_asset_tendon_name(asset, i) for i in range(2)] == ["free", "pair"]
    assert (gym.find_asset_tendon_index(asset, "pair"), gym.find_asset_tendon_index(asset, "none")) == (1, -1)
    free, pair = gym.get_asset_tendon_properties(asset)
    assert (free.num_joints, free.is_fixed_limited, free.type) == (1, False, gymapi.TENDON_FIXED)
    assert (pair.num_joints, pair.num_attachments, pair.is_fixed_limited) == (2, 0, True)
    assert (pair.fixed_lower_limit, pair.fixed_upper_limit) == (-0.001, 0.001)
    # The stiffness of limits is the option's: files cannot say it.
    assert (pair.stiffness, pair.damping, pair.limit_stiffness) == (0.0, 0.2, 7.0)
    assert [gym.get_asset_fixed_tendon_joint_name(asset, PAIR, i) for i in range(2)] == ["A", "B"]
    assert gym.get_asset_fixed_tendon_joint_coefficients(asset, PAIR) == [0.02, -0.02]
    env = world.envs[0]
    assert (gym.get_actor_tendon_count(env, 0), gym.get_actor_tendon_name(env, 0, PAIR)) == (2, "pair")
    assert gym.find_actor_tendon_index(env, 0, "pair") == PAIR
    assert gym.get_actor_fixed_tendon_joint_name(env, 0, PAIR, 1) == "B"
    assert gym.find_actor_fixed_tendon_joint_index(env, 0, PAIR, "B") == 1
    assert gym.get_actor_fixed_tendon_joint_coefficients(env, 0, PAIR) == [0.02, -0.02]
    assert gym.get_actor_tendon_offset(env, 0, PAIR) == 0.0


def test_actors_have_copies_of_the_assets_properties(tmp_path):
    def on_asset(gym, asset):
        props = changed(gym.get_asset_tendon_properties(asset), limit_stiffness=30.0, damping=0.1)
        assert gym.set_asset_tendon_properties(asset, props)
        props[PAIR].damping = 9.0

    world = carts(tmp_path, setting(limit_stiffness=60.0), on_asset=on_asset)
    gym = world.gym
    assert gym.get_asset_tendon_properties(world.assets[0])[PAIR].limit_stiffness == 30.0
    found = gym.get_actor_tendon_properties(world.envs[0], 0)[PAIR]
    assert (found.limit_stiffness, found.damping) == (60.0, 0.1)


@pytest.mark.parametrize("stiffness", [30.0, 1e6])
def test_limit_gives_way_like_a_spring_of_limit_stiffness(tmp_path, stiffness):
    # PhysX divides the tendon's force by the coefficient: 30 (0.02 x - 0.001) / 0.02 = 3.
    world = carts(tmp_path, setting(limit_stiffness=stiffness))
    gap = gap_at_rest(world, force=3.0)
    torch.testing.assert_close(gap, torch.full((2,), 0.05 + 3.0 / stiffness), atol=2e-5, rtol=1e-4)


def test_limits_are_free_inside_and_hold_to_both_sides(tmp_path):
    world = carts(tmp_path, setting(limit_stiffness=1e4, fixed_lower_limit=-0.004))
    torch.testing.assert_close(gap_at_rest(world, force=-3.0), torch.full((2,), -0.2003), atol=2e-5, rtol=0)
    torch.testing.assert_close(gap_at_rest(world, force=3.0), torch.full((2,), 0.0503), atol=2e-5, rtol=0)


def test_spring_pulls_to_its_rest_length_and_offset_shifts_it(tmp_path):
    def setup(gym, env, handle, asset):
        setting(stiffness=40.0, fixed_spring_rest_length=0.004, is_fixed_limited=False)(
            gym, env, handle, asset
        )
        if env.index == 1:
            gym.set_actor_tendon_offset(env, handle, PAIR, 0.001)

    world = carts(tmp_path, setup)
    # Length + offset = 0.004, where length = 0.02 (A - B).
    torch.testing.assert_close(gap_at_rest(world), torch.tensor([0.2, 0.15]), atol=1e-4, rtol=0)
    assert world.gym.get_actor_tendon_offset(world.envs[1], 0, PAIR) == 0.001


def test_damping_slows_the_joints_against_each_other(tmp_path):
    world = carts(tmp_path, setting(damping=20.0, is_fixed_limited=False))
    dofs = world.tensor("dof_state").view(2, 2, 2)
    world.gym.set_dof_actuation_force_tensor(world.sim, unwrap(torch.tensor([3.0, -3.0] * 2)))
    world.simulate(400)
    world.refresh("dof_state")
    # 3 N against 20 (v_A - v_B) of the tendon and 5 v_A of the joint, v_B = -v_A.
    torch.testing.assert_close(dofs[0, :, 1], torch.tensor([3 / 45, -3 / 45]), atol=1e-5, rtol=0)


def test_changes_after_prepare_sim_hold_in_that_environment_alone(tmp_path):
    world = carts(tmp_path, setting(limit_stiffness=30.0))
    gym = world.gym
    props = changed(gym.get_actor_tendon_properties(world.envs[1], 0), limit_stiffness=60.0)
    gym.set_actor_tendon_properties(world.envs[1], 0, props)
    torch.testing.assert_close(gap_at_rest(world, 3.0), torch.tensor([0.15, 0.1]), atol=1e-4, rtol=0)
    # Heavier carts, the same springs.
    bodies = gym.get_actor_rigid_body_properties(world.envs[0], 0)
    bodies[1].mass = bodies[2].mass = 6.0
    gym.set_actor_rigid_body_properties(world.envs[0], 0, bodies)
    torch.testing.assert_close(gap_at_rest(world, 3.0, 1500), torch.tensor([0.15, 0.1]), atol=1e-4, rtol=0)


def test_coefficients_of_an_environment_of_its_own(tmp_path):
    def setup(gym, env, handle, asset):
        setting(limit_stiffness=1e6)(gym, env, handle, asset)
        if env.index == 1:
            gym.set_actor_fixed_tendon_joint_coefficients(env, handle, PAIR, [0.01, -0.01])

    world = carts(tmp_path, setup)
    torch.testing.assert_close(gap_at_rest(world, 3.0), torch.tensor([0.05, 0.1]), atol=1e-4, rtol=0)
    world.gym.set_asset_fixed_tendon_joint_coefficients(world.assets[0], PAIR, [1.0, 2.0])
    assert world.gym.get_asset_fixed_tendon_joint_coefficients(world.assets[0], PAIR) == [1.0, 2.0]


def test_hinges_that_a_tendon_pulls_are_no_spherical_joint(tmp_path):
    xml = """<mujoco model="wrist"><worldbody><body name="base"><geom size="0.05" mass="1"/>
      <body name="hand" pos="0.3 0 0"><joint name="x" axis="1 0 0"/><joint name="y" axis="0 1 0"/>
        <joint name="z" axis="0 0 1"/><geom size="0.05" mass="0.4"/></body></body></worldbody>
      <tendon><fixed><joint joint="x" coef="1"/></fixed></tendon></mujoco>"""
    world = make_world(tmp_path, xml, asset_options=FIXED)
    assert world.gym.get_asset_tendon_name(world.assets[0], 0) == "tendon_0"
    assert world.state("qpos").shape == (2, 3)


def test_an_asset_without_tendons_has_none(tmp_path):
    world = make_world(tmp_path, LIMBS, prepare=False)
    assert world.gym.get_asset_tendon_properties(world.assets[0]) == []
    with pytest.raises(IndexError, match="tendon 0 does not exist; there are 0"):
        world.gym.get_actor_tendon_offset(world.envs[0], 0, 0)


@pytest.mark.parametrize(("values", "text"), [
    ({"stiffness": -1.0}, "tendon 'pair': stiffness = -1.0 must be 0 or more"),
    ({"fixed_lower_limit": 2.0}, "tendon 'pair': fixed_lower_limit = 2.0 exceeds"),
])  # fmt: skip
def test_bad_values_are_refused(tmp_path, values, text):
    world = carts(tmp_path, prepare=False)
    props = changed(world.gym.get_asset_tendon_properties(world.assets[0]), **values)
    with pytest.raises(ValueError, match=text):
        world.gym.set_asset_tendon_properties(world.assets[0], props)
    with pytest.raises(ValueError, match="1 properties were given; there are 2 tendons"):
        world.gym.set_actor_tendon_properties(world.envs[0], 0, props[:1])
    with pytest.raises(ValueError, match="3 coefficients were given; tendon 'pair' has 2 joints"):
        world.gym.set_actor_fixed_tendon_joint_coefficients(world.envs[0], 0, PAIR, [1.0, 2.0, 3.0])
