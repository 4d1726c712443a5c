"""Three hinges about x, y and z at one point as one spherical joint: a block with a limb."""

import math
from pathlib import Path

import mujoco
import numpy as np
import pytest
import torch

from mjgym import gymapi, gymtorch
from mjgym.spherical import exp_map_of_quat, quat_of_exp_map

ASSETS = Path(__file__).resolve().parents[2] / "assets"


LIMB = """
<mujoco model="limb">
  <worldbody>
    <body name="upper" pos="0 0 1">
      <freejoint/>
      <geom type="box" size="0.1 0.1 0.1" mass="5"/>
      <body name="lower" pos="0 0 -0.2">
        {joints}
        <geom type="capsule" size="0.03" fromto="0 0 0 0 0 -0.3" mass="1" contype="0" conaffinity="0"/>
        <body name="end" pos="0 0 -0.3">
          <joint name="wrist" axis="0 1 0" stiffness="30" damping="3" armature="0.01"/>
          <geom type="sphere" size="0.04" mass="0.2" contype="0" conaffinity="0"/>
        </body>
      </body>
    </body>
  </worldbody>
</mujoco>
"""
AXES = {"x": "1 0 0", "y": "0 1 0", "z": "0 0 1"}


def write_limb(folder, order="xyz", offset="0 0 0"):
    """Write a model of one block with a limb, whose last hinge in ``order`` sits at ``offset``."""
    joints = [
        f'<joint name="{axis}" axis="{AXES[axis]}" stiffness="40" damping="4" armature="0.0{i + 1}" '
        f'pos="{offset if i == 2 else "0 0 0"}"/>'
        for i, axis in enumerate(order)
    ]
    (folder / "limb.xml").write_text(LIMB.format(joints="".join(joints)))
    return folder


def make_limbs(folder, mode=gymapi.DOF_MODE_POS, num_envs=2, num_actors=2, engine="mujoco"):
    """Two limbs in every environment: DOFs x, y, z, wrist of one and then of the other; no gravity."""
    gym = gymapi.acquire_gym()
    params = gymapi.SimParams()
    params.dt, params.substeps, params.up_axis = 1.0 / 60.0, 2, gymapi.UP_AXIS_Z
    params.gravity = gymapi.Vec3(0, 0, 0)
    sim = gym.create_sim(0, -1, gymapi.SIM_PHYSX, params)
    sim.engine = engine
    asset = gym.load_asset(sim, str(folder), "limb.xml", gymapi.AssetOptions())
    for i in range(num_envs):
        env = gym.create_env(sim, gymapi.Vec3(-1, -1, 0), gymapi.Vec3(1, 1, 2), 1)
        for k in range(num_actors):
            actor = gym.create_actor(env, asset, gymapi.Transform(p=gymapi.Vec3(0, 2 * k, 1)), "", i, 1, 0)
            gym.enable_actor_dof_force_sensors(env, actor)
            props = gym.get_actor_dof_properties(env, actor)
            props["driveMode"].fill(mode)
            gym.set_actor_dof_properties(env, actor, props)
    gym.prepare_sim(sim)
    dofs = gymtorch.wrap_tensor(gym.acquire_dof_state_tensor(sim)).view(num_envs, num_actors, 4, 2)
    return gym, sim, dofs


def set_dofs(gym, sim, dofs):
    gym.set_dof_state_tensor(sim, gymtorch.unwrap_tensor(dofs.view(-1, 2)))


@pytest.mark.parametrize("angle", [0.0, 1e-7, 0.5, 3.0, math.pi - 1e-6])
def test_exponential_maps_and_quaternions_are_inverse(angle):
    axis = torch.tensor([2.0, -1.0, 2.0], dtype=torch.float64) / 3.0
    quat = quat_of_exp_map(angle * axis)
    torch.testing.assert_close(quat[0], torch.tensor(math.cos(angle / 2), dtype=torch.float64))
    for sign in (1.0, -1.0):  # both quaternions of one rotation
        exp_map = torch.stack(exp_map_of_quat(*sign * quat))
        torch.testing.assert_close(exp_map, angle * axis, atol=1e-9, rtol=0)


@pytest.mark.parametrize("order", ["xzy", "zyx", "yxz"])
def test_other_orders_stay_hinges(tmp_path, order):
    gym, sim, _ = make_limbs(write_limb(tmp_path, order), num_envs=1, num_actors=1)
    assert (gym.get_env_model_data(sim, 0)[0].jnt_type[1:] == mujoco.mjtJoint.mjJNT_HINGE).all()


def test_hinges_at_different_points_stay_hinges(tmp_path):
    gym, sim, _ = make_limbs(write_limb(tmp_path, offset="0 0 0.01"), num_envs=1, num_actors=1)
    assert (gym.get_env_model_data(sim, 0)[0].jnt_type[1:] == mujoco.mjtJoint.mjJNT_HINGE).all()


@pytest.mark.parametrize("model", ["ant", "humanoid"])
def test_models_without_such_hinges_are_not_touched(model):
    gym = gymapi.acquire_gym()
    sim = gym.create_sim(0, -1, gymapi.SIM_PHYSX, gymapi.SimParams())
    env = gym.create_env(sim, gymapi.Vec3(-1, -1, 0), gymapi.Vec3(1, 1, 2), 1)
    asset = gym.load_asset(sim, str(ASSETS), f"mjcf/{model}.xml", gymapi.AssetOptions())
    gym.create_actor(env, asset, gymapi.Transform(), model, 0, 0, 0)
    gym.prepare_sim(sim)
    assert not (gym.get_env_model_data(sim, 0)[0].jnt_type == mujoco.mjtJoint.mjJNT_BALL).any()


def test_properties_stay_those_of_the_three_hinges(tmp_path):
    gym, sim, _ = make_limbs(write_limb(tmp_path))
    model, _ = gym.get_env_model_data(sim, 0)
    ball = model.joint("1/x")
    np.testing.assert_allclose(ball.armature, [0.01, 0.02, 0.03])
    props = gym.get_actor_dof_properties(gym.get_env(sim, 0), 1)
    np.testing.assert_allclose(props["stiffness"], [40, 40, 40, 30])
    np.testing.assert_allclose(props["armature"], [0.01, 0.02, 0.03, 0.01])
    # The drive's damping acts together with its stiffness over a substep: 4 + 40/120.
    np.testing.assert_allclose(
        -model.actuator_biasprm[4:8, 1:3].T, [[40] * 3 + [30], [4 + 1 / 3] * 3 + [3.25]]
    )


def test_dof_positions_are_the_lengths_that_the_drives_feel(tmp_path):
    """MuJoCo's own exponential map, for rotations of any angle and either sign of their quaternion."""
    gym, sim, dofs = make_limbs(write_limb(tmp_path), num_envs=64)
    qpos = sim.running.engine.state("qpos")
    quat = torch.randn(64, 4, dtype=qpos.dtype, generator=torch.manual_seed(3))
    qpos[:, 7:11] = quat / quat.norm(dim=-1, keepdim=True)
    gym.refresh_dof_state_tensor(sim)
    for env in range(64):
        _, data = gym.get_env_model_data(sim, env)
        np.testing.assert_allclose(dofs[env, 0, :3, 0], data.actuator_length[:3], atol=1e-6)
    assert dofs[:, 0, :3, 0].norm(dim=-1).max() <= math.pi + 1e-6
    assert (qpos[:, 7] < -0.5).any() and (qpos[:, 7] > 0.5).any()


@pytest.mark.parametrize("angle", [0.0, 1e-6, 1e-3, 3.0, math.pi - 1e-3])
def test_angles_survive_the_round_trip_through_float32(tmp_path, angle):
    gym, sim, dofs = make_limbs(write_limb(tmp_path), num_envs=1)
    wanted = angle * torch.tensor([2.0, -1.0, 2.0]) / 3.0
    dofs.zero_()
    dofs[0, 1, :3, 0] = wanted
    set_dofs(gym, sim, dofs)
    dofs.fill_(math.nan)
    gym.refresh_dof_state_tensor(sim)
    torch.testing.assert_close(dofs[0, 1, :3, 0], wanted, atol=1e-12, rtol=4e-7)


def test_actors_of_one_environment_keep_their_own_dofs(tmp_path):
    gym, sim, dofs = make_limbs(write_limb(tmp_path))
    wanted = 0.1 * torch.arange(1, 33, dtype=torch.float32).view(2, 2, 4, 2)
    dofs.copy_(wanted)
    dofs[..., :3, 0] *= 0.5  # at most pi
    wanted = dofs.clone()
    set_dofs(gym, sim, dofs)
    gym.refresh_dof_state_tensor(sim)
    torch.testing.assert_close(dofs, wanted, atol=1e-6, rtol=1e-6)
    second_of_first_env = torch.tensor([1], dtype=torch.int32)
    dofs.zero_()
    gym.set_dof_state_tensor_indexed(
        sim, gymtorch.unwrap_tensor(dofs.view(-1, 2)), gymtorch.unwrap_tensor(second_of_first_env), 1
    )
    gym.refresh_dof_state_tensor(sim)
    wanted[0, 1] = 0.0
    torch.testing.assert_close(dofs, wanted, atol=1e-6, rtol=1e-6)


def test_whole_states_bring_spherical_joints_back_bit_for_bit(tmp_path):
    gym, sim, dofs = make_limbs(write_limb(tmp_path))
    dofs[..., 0], dofs[..., 1] = 0.7, 2.0
    set_dofs(gym, sim, dofs)
    gym.simulate(sim)
    state = gym.get_sim_state(sim)
    results = []
    for _ in range(2):
        gym.set_sim_state(sim, state)
        gym.simulate(sim)
        gym.refresh_dof_state_tensor(sim)
        results.append(dofs.clone())
    assert torch.equal(results[0], results[1])


def test_an_effort_turns_the_child_about_its_own_axis(tmp_path):
    """Effort about y on a limb that is turned by a quarter about z: it starts to spin about its own y."""
    gym, sim, dofs = make_limbs(write_limb(tmp_path), mode=gymapi.DOF_MODE_EFFORT, num_envs=1, num_actors=1)
    dofs.zero_()
    dofs[0, 0, 2, 0] = math.pi / 2
    set_dofs(gym, sim, dofs)
    effort = torch.tensor([[0.0, 5.0, 40.0 * math.pi / 2, 0.0]])  # z: what holds the passive spring
    gym.set_dof_actuation_force_tensor(sim, gymtorch.unwrap_tensor(effort))
    gym.simulate(sim)
    gym.refresh_dof_state_tensor(sim)
    spin = dofs[0, 0, :3, 1]
    assert spin[1] > 0.5 and abs(float(spin[0])) < 0.05 * spin[1]


def test_without_a_drive_stiffness_is_a_spring_to_zero(tmp_path):
    gym, sim, dofs = make_limbs(write_limb(tmp_path), mode=gymapi.DOF_MODE_NONE, num_envs=1, num_actors=1)
    dofs.zero_()
    dofs[0, 0, :3, 0] = torch.tensor([0.5, -0.4, 0.6])
    set_dofs(gym, sim, dofs)
    forces = gymtorch.wrap_tensor(gym.acquire_dof_force_tensor(sim)).view(4)
    gym.refresh_dof_force_tensor(sim)
    torch.testing.assert_close(forces, torch.tensor([-20.0, 16.0, -24.0, 0.0]), atol=1e-4, rtol=0)
    for _ in range(120):
        gym.simulate(sim)
    gym.refresh_dof_state_tensor(sim)
    assert dofs[..., 0].abs().max() < 1e-3


def test_dof_forces_are_what_the_drive_exerts(tmp_path):
    gym, sim, dofs = make_limbs(write_limb(tmp_path), num_envs=1, num_actors=1)
    forces = gymtorch.wrap_tensor(gym.acquire_dof_force_tensor(sim)).view(4)
    targets = torch.tensor([[0.3, -0.2, 0.1, 0.5]])
    gym.set_dof_position_target_tensor(sim, gymtorch.unwrap_tensor(targets))
    gym.simulate(sim)
    gym.refresh_dof_state_tensor(sim)
    gym.refresh_dof_force_tensor(sim)
    position, velocity = dofs[0, 0].unbind(-1)
    kp, kd = torch.tensor([40.0, 40.0, 40.0, 30.0]), torch.tensor([4.0, 4.0, 4.0, 3.0])
    torch.testing.assert_close(forces, kp * (targets[0] - position) - kd * velocity, atol=1e-4, rtol=0)


@pytest.mark.warp
@pytest.mark.slow
def test_warp_agrees_with_the_cpu_engine(tmp_path):
    pytest.importorskip("mujoco_warp", reason="the warp extra is not installed")
    results = []
    for engine in ("mujoco", "mujoco_warp"):
        gym, sim, dofs = make_limbs(write_limb(tmp_path), engine=engine)
        dofs.copy_(torch.randn(dofs.shape, generator=torch.manual_seed(5)) * 0.6)
        set_dofs(gym, sim, dofs)
        targets = torch.randn(2, 8, generator=torch.manual_seed(6)) * 0.7
        gym.set_dof_position_target_tensor(sim, gymtorch.unwrap_tensor(targets))
        for _ in range(4):
            gym.simulate(sim)
        gym.refresh_dof_state_tensor(sim)
        results.append(dofs.clone())
    assert results[0].abs().max() > 0.1
    torch.testing.assert_close(results[0], results[1], atol=1e-4, rtol=0)
