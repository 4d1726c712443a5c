"""What domain randomization changes after prepare_sim has its effect, in that environment and in no other.

IsaacGymEnvs randomizes with these calls: get the properties of an actor, change them, set them.
"""

import math

import pytest
import torch

from mjgym import gymapi
from tests.mjgym.models import BOX, HINGE, SLIDER
from tests.mjgym.scenes import make_world, options, transform, unwrap, with_dofs

PLAIN_SLIDER = SLIDER.format(joint="", actuator="")
MASS = 2.0  # of the slider's cart and of the box [kg]
NUM_ENVS = 3


def sliders(tmp_path, xml=PLAIN_SLIDER, **dofs):
    fixed = options(fix_base_link=True)
    return make_world(tmp_path, xml, num_envs=NUM_ENVS, asset_options=fixed, setup=with_dofs(**dofs))


def randomize_dofs(world, field, values):
    """Give each environment's DOFs another value; None leaves an environment as it is."""
    for env, value in zip(world.envs, values, strict=True):
        if value is not None:
            props = world.gym.get_actor_dof_properties(env, 0)
            props[field][:] = value
            world.gym.set_actor_dof_properties(env, 0, props)
            assert world.gym.get_actor_dof_properties(env, 0)[field][0] == pytest.approx(value)


def push(world, force, steps=1):
    """Push all carts with one force [N] for some steps of 0.01 s; return the DOF states."""
    dof = world.tensor("dof_state")
    world.gym.set_dof_actuation_force_tensor(world.sim, unwrap(torch.full((NUM_ENVS,), force)))
    world.simulate(steps)
    world.refresh("dof_state")
    return dof


def boxes_on_ice(tmp_path, speed=2.0):
    """Boxes that slide along x over a plane without friction of its own."""
    world = make_world(
        tmp_path, BOX, num_envs=NUM_ENVS, pose=transform(z=0.1), prepare=False, dt=1 / 60, gravity=-9.81
    )
    plane = gymapi.PlaneParams()
    plane.normal = gymapi.Vec3(0.0, 0.0, 1.0)
    plane.static_friction = plane.dynamic_friction = 0.0
    world.gym.add_ground(world.sim, plane)
    world.prepare()
    roots = world.tensor("actor_root_state")
    roots[:, 7] = speed
    world.gym.set_actor_root_state_tensor(world.sim, unwrap(roots))
    return world, roots


def test_friction_of_shapes(tmp_path):
    world, roots = boxes_on_ice(tmp_path)
    frictions = (0.0, 0.2, 0.4)
    for env, friction in zip(world.envs, frictions, strict=True):
        props = world.gym.get_actor_rigid_shape_properties(env, 0)
        props[0].friction = friction
        world.gym.set_actor_rigid_shape_properties(env, 0, props)
    world.simulate(90)
    world.refresh("actor_root_state")
    # 1.5 s at 2 m/s without friction; else the braking distance v^2 / (2 mu g).
    expected = [3.0, 4.0 / (2 * 0.2 * 9.81), 4.0 / (2 * 0.4 * 9.81)]
    assert roots[:, 0].tolist() == pytest.approx(expected, rel=0.05)


def test_mass_of_bodies(tmp_path):
    world = sliders(tmp_path, driveMode=gymapi.DOF_MODE_EFFORT)
    for env, scale in zip(world.envs, (1.0, 0.5, 1.5), strict=True):
        props = world.gym.get_actor_rigid_body_properties(env, 0)
        props[1].mass *= scale
        world.gym.set_actor_rigid_body_properties(env, 0, props, recomputeInertia=True)
    dof = push(world, 6.0)
    expected = [6.0 / (MASS * scale) * 0.01 for scale in (1.0, 0.5, 1.5)]
    assert dof[:, 1].tolist() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("recompute", "spins"), [(True, [1.0, 2.0]), (False, [1.0, 1.0])])
def test_inertia_follows_the_mass_where_it_is_recomputed(tmp_path, recompute, spins):
    world = make_world(tmp_path, BOX, num_envs=2, gravity=0.0)
    props = world.gym.get_actor_rigid_body_properties(world.envs[1], 0)
    inertia = props[0].inertia.z.z  # a cube of 2 kg and 0.2 m: 2 * 0.2^2 / 6
    assert inertia == pytest.approx(2.0 * 0.2**2 / 6)
    props[0].mass = 1.0
    world.gym.set_actor_rigid_body_properties(world.envs[1], 0, props, recomputeInertia=recompute)
    torques = torch.tensor([0.0, 0.0, 0.1]).repeat(2, 1)
    world.gym.apply_rigid_body_force_tensors(world.sim, None, unwrap(torques), gymapi.ENV_SPACE)
    roots = world.tensor("actor_root_state")
    world.simulate()
    world.refresh("actor_root_state")
    # dt is 0.01 s.
    assert roots[:, 12].tolist() == pytest.approx([0.1 / inertia * 0.01 * spin for spin in spins], rel=1e-5)


def test_stiffness_of_drives(tmp_path):
    fixed = options(fix_base_link=True)
    setup = with_dofs(driveMode=gymapi.DOF_MODE_POS, stiffness=100.0, damping=10.0)
    world = make_world(tmp_path, HINGE, num_envs=NUM_ENVS, asset_options=fixed, setup=setup)
    dof = world.tensor("dof_state")
    randomize_dofs(world, "stiffness", (None, 50.0, 150.0))
    world.simulate(500)
    world.refresh("dof_state")
    # kp angle = m g l cos(angle): 1.5 kg, 10 m/s^2, 0.2 m.
    for angle, stiffness in zip(dof[:, 0].tolist(), (100.0, 50.0, 150.0), strict=True):
        assert angle * stiffness == pytest.approx(1.5 * 10.0 * 0.2 * math.cos(angle), rel=1e-4)


@pytest.mark.parametrize("mode", [gymapi.DOF_MODE_EFFORT, gymapi.DOF_MODE_POS])
def test_damping_with_and_without_a_drive(tmp_path, mode):
    world = sliders(tmp_path, driveMode=mode, stiffness=0.0, damping=1.0)
    dof = world.tensor("dof_state")
    randomize_dofs(world, "damping", (None, 0.5, 3.0))
    dof[:, 1] = 1.0
    world.gym.set_dof_state_tensor(world.sim, unwrap(dof))
    world.simulate(100)
    world.refresh("dof_state")
    # Substeps of 5 ms, damping taken at their end: v' = v / (1 + h d / m); two hundred of them.
    expected = [(1 + 0.005 * damping / MASS) ** -200 for damping in (1.0, 0.5, 3.0)]
    assert dof[:, 1].tolist() == pytest.approx(expected, rel=1e-4)


def test_spring_of_a_joint_without_a_drive(tmp_path):
    xml = SLIDER.format(joint='stiffness="50" damping="20"', actuator="")
    world = sliders(tmp_path, xml, driveMode=gymapi.DOF_MODE_EFFORT)
    randomize_dofs(world, "stiffness", (None, 25.0, 100.0))
    dof = push(world, 5.0, steps=1000)
    assert dof[:, 0].tolist() == pytest.approx([5.0 / 50, 5.0 / 25, 5.0 / 100], abs=1e-4)


def test_limits_of_joints(tmp_path):
    world = sliders(tmp_path, driveMode=gymapi.DOF_MODE_EFFORT, hasLimits=True, lower=-0.1, upper=0.1)
    randomize_dofs(world, "upper", (None, 0.05, 0.2))
    assert push(world, 5.0, steps=300)[:, 0].tolist() == pytest.approx([0.1, 0.05, 0.2], abs=5e-3)
    randomize_dofs(world, "lower", (-0.3, None, -0.02))
    assert push(world, -5.0, steps=600)[:, 0].tolist() == pytest.approx([-0.3, -0.1, -0.02], abs=5e-3)


def test_armature_effort_limit_and_friction_of_joints(tmp_path):
    world = sliders(tmp_path, driveMode=gymapi.DOF_MODE_EFFORT)
    randomize_dofs(world, "armature", (None, 2.0, None))
    randomize_dofs(world, "effort", (None, None, 3.0))
    dof = push(world, 6.0)
    assert dof[:, 1].tolist() == pytest.approx(
        [6.0 / MASS * 0.01, 6.0 / (MASS + 2.0) * 0.01, 0.015], rel=1e-5
    )

    world = sliders(tmp_path, driveMode=gymapi.DOF_MODE_EFFORT)
    randomize_dofs(world, "friction", (None, 4.0, 8.0))
    dof = push(world, 6.0, steps=100)
    # 1 s at 6 N less the friction; 8 N of friction hold 6 N, but for a creep.
    assert dof[:, 1].tolist() == pytest.approx([3.0, 1.0, 0.0], abs=0.05)


def test_gravity_of_all_environments_through_the_parameters(tmp_path):
    world = make_world(tmp_path, BOX, num_envs=2, gravity=-10.0)
    roots = world.tensor("actor_root_state")
    world.simulate(5)
    params = world.gym.get_sim_params(world.sim)
    params.gravity = gymapi.Vec3(1.0, 0.0, -9.0)
    world.gym.set_sim_params(world.sim, params)
    world.simulate(5)
    world.refresh("actor_root_state")
    torch.testing.assert_close(roots[:, 7:10], torch.tensor([[0.05, 0.0, -0.95]] * 2))


def test_later_changes_leave_earlier_ones_and_other_environments_alone(tmp_path):
    world = sliders(tmp_path, driveMode=gymapi.DOF_MODE_EFFORT)
    props = world.gym.get_actor_rigid_body_properties(world.envs[1], 0)
    props[1].mass = 4.0
    world.gym.set_actor_rigid_body_properties(world.envs[1], 0, props)
    randomize_dofs(world, "armature", (None, 2.0, None))
    shapes = world.gym.get_actor_rigid_shape_properties(world.envs[1], 0)
    shapes[0].friction = 0.3
    world.gym.set_actor_rigid_shape_properties(world.envs[1], 0, shapes)
    world.gym.set_actor_rigid_body_properties(world.envs[2], 0, props)
    expected = [6.0 / 2.0 * 0.01, 6.0 / (4.0 + 2.0) * 0.01, 6.0 / 4.0 * 0.01]
    assert push(world, 6.0)[:, 1].tolist() == pytest.approx(expected, rel=1e-5)
