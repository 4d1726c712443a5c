"""The AMP humanoid in mjgym: eight spherical joints among 28 DOFs, driven by position targets."""

import math
from pathlib import Path

import mujoco
import numpy as np
import pytest
import torch

from mjgym import gymapi, gymtorch

ASSETS = Path(__file__).resolve().parents[2] / "assets"
CHARACTER = "mjcf/amp_humanoid.xml"


def make_sim(num_envs=2, *, spherical=True, gravity=False, fixed=True):
    gym = gymapi.acquire_gym()
    params = gymapi.SimParams()
    params.dt, params.substeps, params.up_axis = 1.0 / 60.0, 2, gymapi.UP_AXIS_Z
    params.gravity = gymapi.Vec3(0, 0, -9.81 if gravity else 0)
    sim = gym.create_sim(0, -1, gymapi.SIM_PHYSX, params)
    options = gymapi.AssetOptions()
    options.hinges_as_spherical, options.fix_base_link = spherical, fixed
    asset = gym.load_asset(sim, str(ASSETS), CHARACTER, options)
    for i in range(num_envs):
        env = gym.create_env(sim, gymapi.Vec3(-1, -1, 0), gymapi.Vec3(1, 1, 2), 1)
        pose = gymapi.Transform(p=gymapi.Vec3(0, 0, 2))
        actor = gym.create_actor(env, asset, pose, "character", i, 1, 0)
        props = gym.get_actor_dof_properties(env, actor)
        props["driveMode"].fill(gymapi.DOF_MODE_POS)
        gym.set_actor_dof_properties(env, actor, props)
    gym.prepare_sim(sim)
    dofs = gymtorch.wrap_tensor(gym.acquire_dof_state_tensor(sim)).view(num_envs, -1, 2)
    return gym, sim, asset, dofs


def settle(gym, sim, dofs, targets, steps=240):
    gym.set_dof_position_target_tensor(sim, gymtorch.unwrap_tensor(targets))
    for _ in range(steps):
        gym.simulate(sim)
    gym.refresh_dof_state_tensor(sim)
    return dofs[..., 0]


def test_eight_spherical_joints_keep_28_dofs_and_their_names():
    gym, sim, asset, dofs = make_sim()
    model, _ = gym.get_env_model_data(sim, 0)
    assert np.count_nonzero(model.jnt_type == mujoco.mjtJoint.mjJNT_BALL) == 8
    assert (model.nq, model.nv, model.nu) == (8 * 4 + 4, 28, 28)
    assert gym.get_asset_dof_count(asset) == 28
    assert gym.get_asset_dof_names(asset)[:4] == ["abdomen_x", "abdomen_y", "abdomen_z", "neck_x"]
    assert dofs.shape == (2, 28, 2)


def test_without_the_option_hinges_stay():
    gym, sim, _, _ = make_sim(spherical=False)
    model, _ = gym.get_env_model_data(sim, 0)
    assert (model.nq, model.nv, model.nu) == (28, 28, 28)


def test_states_are_set_and_read_as_exponential_maps():
    gym, sim, _, dofs = make_sim(3)
    wanted = torch.randn(3, 28, 2, generator=torch.manual_seed(0)) * 0.5
    dofs.copy_(wanted)
    gym.set_dof_state_tensor(sim, gymtorch.unwrap_tensor(dofs.view(-1, 2)))
    dofs.zero_()
    gym.refresh_dof_state_tensor(sim)
    torch.testing.assert_close(dofs, wanted, atol=1e-6, rtol=0)

    changed = torch.tensor([1], dtype=torch.int32)
    dofs[1, 0:3, 0] = torch.tensor([0.0, 0.0, math.pi / 2])  # abdomen: a quarter turn about z
    gym.set_dof_state_tensor_indexed(
        sim, gymtorch.unwrap_tensor(dofs.view(-1, 2)), gymtorch.unwrap_tensor(changed), 1
    )
    gym.refresh_dof_state_tensor(sim)
    torch.testing.assert_close(dofs[0], wanted[0], atol=1e-6, rtol=0)
    _, data = gym.get_env_model_data(sim, 1)
    half = math.sqrt(0.5)
    np.testing.assert_allclose(data.joint("0/abdomen_x").qpos, [half, 0, 0, half], atol=1e-6)


def test_position_targets_are_exponential_maps():
    gym, sim, asset, dofs = make_sim(1)
    targets = torch.zeros(1, 28)
    names = gym.get_asset_dof_names(asset)
    shoulder, knee = names.index("right_shoulder_x"), names.index("left_knee")
    targets[0, shoulder : shoulder + 3] = torch.tensor([0.6, -1.0, 0.8])
    targets[0, knee] = 1.0
    torch.testing.assert_close(settle(gym, sim, dofs, targets), targets, atol=2e-3, rtol=0)


def test_velocity_is_the_childs_angular_velocity_in_its_own_axes():
    gym, sim, _, dofs = make_sim(1)
    dofs.zero_()
    dofs[0, 0:3, 0] = torch.tensor([0.0, 0.0, math.pi / 2])
    dofs[0, 0:3, 1] = torch.tensor([1.0, 0.0, 0.0])
    gym.set_dof_state_tensor(sim, gymtorch.unwrap_tensor(dofs.view(-1, 2)))
    bodies = gymtorch.wrap_tensor(gym.acquire_rigid_body_state_tensor(sim)).view(15, 13)
    gym.refresh_rigid_body_state_tensor(sim)
    torso = bodies[1]  # turned by a quarter about z, its x-axis is the world's y
    torch.testing.assert_close(torso[10:13], torch.tensor([0.0, 1.0, 0.0]), atol=1e-6, rtol=0)


def test_motion_about_one_axis_equals_a_hinges():
    """About x alone a spherical joint and three hinges are the same machine."""
    results = []
    for spherical in (True, False):
        gym, sim, asset, dofs = make_sim(1, spherical=spherical)
        targets = torch.zeros(1, 28)
        targets[0, gym.get_asset_dof_names(asset).index("neck_x")] = 0.4
        results.append(settle(gym, sim, dofs, targets, steps=6).clone())
    torch.testing.assert_close(results[0], results[1], atol=1e-5, rtol=0)
    assert results[0].abs().max() > 0.05


def test_effort_limits_bound_each_axis():
    gym, sim, asset, dofs = make_sim(1)
    env = gym.get_env(sim, 0)
    props = gym.get_actor_dof_properties(env, 0)
    props["effort"][0:3] = 5.0
    gym.set_actor_dof_properties(env, 0, props)
    targets = torch.zeros(1, 28)
    targets[0, 0] = 1.0  # 600 N m/rad: far more than allowed
    gym.set_dof_position_target_tensor(sim, gymtorch.unwrap_tensor(targets))
    gym.simulate(sim)
    _, data = gym.get_env_model_data(sim, 0)
    assert abs(data.actuator("0/abdomen_x#x").force[0]) == pytest.approx(5.0)


def test_violent_targets_stay_finite():
    """Fresh targets up to 2 rad on every axis, 30 times a second. Beyond that, see docs/mjgym.md."""
    gym, sim, _, dofs = make_sim(16, gravity=True, fixed=False)
    generator = torch.manual_seed(1)
    for _ in range(60):
        targets = (2.0 * torch.rand(16, 28, generator=generator) - 1.0) * 2.0
        gym.set_dof_position_target_tensor(sim, gymtorch.unwrap_tensor(targets))
        gym.simulate(sim)
        gym.simulate(sim)
    gym.refresh_dof_state_tensor(sim)
    assert torch.isfinite(dofs).all()
    assert dofs[..., 1].abs().max() < 100.0
    assert int(gym.get_sim_warnings(sim).sum()) == 0
