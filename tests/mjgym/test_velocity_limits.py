"""Nothing is faster at the end of a step than its limit: DOFs, axes of spherical joints, floating bases.

Isaac Gym: "velocity" of DOF properties is the largest velocity of a DOF, which URDF files give, and
`AssetOptions.max_linear_velocity` and `max_angular_velocity` bound bodies.
"""

import math

import pytest
import torch

from mjgym import gymapi
from tests.mjgym.models import BALL, BOX, HINGE, SLIDER, URDF_ARM
from tests.mjgym.scenes import make_world, options, transform, unwrap, with_dofs

PLAIN_SLIDER = SLIDER.format(joint="", actuator="")
SHOULDER = """<mujoco model="shoulder"><worldbody><body name="base">
  <geom size="0.02" mass="1" contype="0" conaffinity="0"/>
  <body name="arm"><joint name="x" axis="1 0 0"/><joint name="y" axis="0 1 0"/><joint name="z" axis="0 0 1"/>
    <geom size="0.1" mass="2"/></body></body></worldbody></mujoco>"""
FIXED = options(fix_base_link=True)


def pushed(world, *efforts, steps=1):
    """Apply efforts, the same in each environment, for some steps; return the DOF states."""
    dof = world.tensor("dof_state")
    world.gym.set_dof_actuation_force_tensor(world.sim, unwrap(torch.tensor(efforts * len(world.envs))))
    world.simulate(steps)
    world.refresh("dof_state")
    return dof


@pytest.mark.parametrize("effort", [8.0, -8.0])
def test_a_dof_gains_speed_up_to_its_limit(tmp_path, effort):
    # 4 m/s² for steps of 0.01 s: 0.04 m/s more a step, until 0.1 m/s.
    setup = with_dofs(driveMode=gymapi.DOF_MODE_EFFORT, velocity=0.1)
    world = make_world(tmp_path, PLAIN_SLIDER, asset_options=FIXED, setup=setup)
    sign = math.copysign(1.0, effort)
    assert pushed(world, effort, steps=2)[0, 1].item() == pytest.approx(0.08 * sign)
    dof = pushed(world, effort, steps=1)
    assert dof[0, 1].item() == pytest.approx(0.1 * sign)
    before = dof[0, 0].item()
    dof = pushed(world, effort, steps=1)
    assert dof[0].tolist() == pytest.approx([before + 0.1 * sign * 0.01, 0.1 * sign])


def test_a_driven_dof_keeps_to_its_limit(tmp_path):
    setup = with_dofs(driveMode=gymapi.DOF_MODE_POS, stiffness=1e4, damping=100.0, velocity=0.5)
    world = make_world(tmp_path, PLAIN_SLIDER, asset_options=FIXED, setup=setup)
    dof = world.tensor("dof_state")
    world.gym.set_dof_position_target_tensor(world.sim, unwrap(torch.tensor([1.0, 1.0])))
    for _ in range(100):
        world.simulate()
        world.refresh("dof_state")
        assert dof[:, 1].max() <= 0.5
    assert dof[0, 0].item() == pytest.approx(0.5)  # a second at 0.5 m/s


def test_a_limit_that_is_changed_later_holds_in_its_environment_alone(tmp_path):
    setup = with_dofs(driveMode=gymapi.DOF_MODE_EFFORT, velocity=0.1)
    world = make_world(tmp_path, PLAIN_SLIDER, asset_options=FIXED, setup=setup)
    saved = world.gym.get_sim_state(world.sim)
    props = world.gym.get_actor_dof_properties(world.envs[1], 0)
    props["velocity"] = 0.05
    world.gym.set_actor_dof_properties(world.envs[1], 0, props)
    assert pushed(world, 100.0)[:, 1].tolist() == pytest.approx([0.1, 0.05])
    world.gym.set_sim_state(world.sim, saved)
    assert pushed(world, 100.0)[:, 1].tolist() == pytest.approx([0.1, 0.1])


def test_a_state_that_was_saved_without_limits_keeps_those_of_the_actors(tmp_path):
    setup = with_dofs(driveMode=gymapi.DOF_MODE_EFFORT, velocity=0.1)
    world = make_world(tmp_path, PLAIN_SLIDER, asset_options=FIXED, setup=setup)
    saved = world.gym.get_sim_state(world.sim)
    del saved["velocity_limits"]
    world.gym.set_sim_state(world.sim, saved)
    assert pushed(world, 100.0)[:, 1].tolist() == pytest.approx([0.1, 0.1])


def test_limits_of_files_hold_and_others_are_endless(tmp_path):
    arm = make_world(tmp_path, URDF_ARM, name="arm.urdf", asset_options=FIXED, num_envs=1, gravity=0.0)
    props = arm.gym.get_actor_dof_properties(arm.envs[0], 0)
    props["driveMode"] = gymapi.DOF_MODE_EFFORT
    props["effort"] = 1e6
    arm.gym.set_actor_dof_properties(arm.envs[0], 0, props)
    assert pushed(arm, 1e5, 1e5)[:, 1].tolist() == pytest.approx([1.0, 4.0])  # sorted: a_slide, z_shoulder
    hinge = make_world(tmp_path, HINGE, asset_options=FIXED, gravity=0.0)
    assert pushed(hinge, 1e4)[0, 1] > 900.0


def test_each_axis_of_a_spherical_joint_keeps_to_its_own_limit(tmp_path):
    setup = with_dofs(driveMode=gymapi.DOF_MODE_EFFORT, velocity=[1.0, 2.0, 3.0])
    world = make_world(tmp_path, SHOULDER, asset_options=FIXED, gravity=0.0, setup=setup, num_envs=1)
    assert pushed(world, 50.0, -50.0, 0.0)[:, 1].tolist() == pytest.approx([1.0, -2.0, 0.0], abs=0.1)


def test_bodies_and_contacts_agree_with_what_was_slowed_down(tmp_path):
    setup = with_dofs(driveMode=gymapi.DOF_MODE_EFFORT, velocity=0.5)
    slow = make_world(tmp_path, HINGE, asset_options=FIXED, gravity=0.0, setup=setup, ground=True)
    free = make_world(tmp_path, HINGE, asset_options=FIXED, gravity=0.0, ground=True)
    seen = {}
    for name, world in (("slow", slow), ("free", free)):
        bodies, forces = world.tensor("rigid_body_state"), world.tensor("net_contact_force")
        props = world.gym.get_actor_dof_properties(world.envs[1], 0)
        props["velocity"] = 1e4  # the second environment is never too fast
        world.gym.set_actor_dof_properties(world.envs[1], 0, props)
        pushed(world, 50.0)
        world.refresh("rigid_body_state", "net_contact_force")
        seen[name] = (bodies.clone(), forces.clone())
    bodies, forces = seen["slow"]
    assert bodies[1, 11].item() == pytest.approx(0.5)
    assert seen["free"][0][1, 11] > 4.0
    assert torch.equal(bodies[2:], seen["free"][0][2:])
    assert torch.equal(forces, seen["free"][1])


def test_a_base_falls_and_spins_up_to_the_limits_of_its_asset(tmp_path):
    slow = options(max_linear_velocity=0.5, max_angular_velocity=2.0)
    world = make_world(tmp_path, BALL, asset_options=slow, pose=transform(z=50.0))
    roots = world.tensor("actor_root_state")
    world.simulate(10)
    world.refresh("actor_root_state")
    assert roots[0, 7:10].tolist() == pytest.approx([0.0, 0.0, -0.5])
    roots[:, 7:13] = torch.tensor([0.0, 3.0, 4.0, 6.0, 0.0, -8.0])
    world.gym.set_actor_root_state_tensor(world.sim, unwrap(roots))
    world.simulate()
    world.refresh("actor_root_state")
    velocity = roots[0, 7:10]
    assert velocity.norm().item() == pytest.approx(0.5)
    # Gravity took 0.1 m/s; the direction stays.
    assert velocity[1] / velocity[2] == pytest.approx(3.0 / 3.9, rel=1e-4)
    assert roots[0, 10:13].tolist() == pytest.approx([1.2, 0.0, -1.6], rel=1e-4, abs=1e-6)


def test_bases_of_different_assets_have_limits_of_their_own(tmp_path):
    world = make_world(tmp_path, BOX, num_envs=1, prepare=False, pose=transform(z=50.0))
    slow = world.gym.load_asset(world.sim, str(tmp_path), "model.xml", options(max_linear_velocity=0.2))
    env = world.gym.create_env(world.sim, gymapi.Vec3(), gymapi.Vec3(), 2)
    world.gym.create_actor(env, slow, transform(z=50.0), "box", 1, 0, 0)
    world.prepare()
    roots = world.tensor("actor_root_state")
    world.simulate(10)
    world.refresh("actor_root_state")
    assert roots[:, 9].tolist() == pytest.approx([-1.0, -0.2])


def test_a_limit_below_zero_is_refused(tmp_path):
    with pytest.raises(ValueError, match="velocity = -1.0 must be 0 or more"):
        make_world(tmp_path, HINGE, asset_options=FIXED, setup=with_dofs(velocity=-1.0))
