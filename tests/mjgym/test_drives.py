import math

import numpy as np
import pytest
import torch

from mjgym import gymapi
from tests.mjgym.models import HINGE, HINGE_INERTIA, SLIDER
from tests.mjgym.scenes import ids, make_world, options, unwrap, with_dofs

FIXED = options(fix_base_link=True)
PLAIN_SLIDER = SLIDER.format(joint="", actuator="")


def slider(tmp_path, xml=PLAIN_SLIDER, setup=None, **kw):
    return make_world(tmp_path, xml, asset_options=options(fix_base_link=True), setup=setup, **kw)


def test_effort_accelerates_by_torque_over_inertia(tmp_path):
    world = make_world(tmp_path, HINGE, asset_options=FIXED, gravity=0.0, dt=0.001, substeps=1)
    dof = world.tensor("dof_state")
    world.gym.set_dof_actuation_force_tensor(world.sim, unwrap(torch.tensor([0.5, -1.0])))
    world.simulate()
    world.refresh("dof_state")
    torch.testing.assert_close(dof[:, 1], torch.tensor([0.5, -1.0]) / HINGE_INERTIA * 0.001)


def test_effort_is_held_until_replaced_and_indexed_setter_touches_listed_actors(tmp_path):
    world = slider(tmp_path, setup=with_dofs(driveMode=gymapi.DOF_MODE_EFFORT), num_envs=3)
    gym, dof = world.gym, world.tensor("dof_state")
    gym.set_dof_actuation_force_tensor_indexed(world.sim, unwrap(torch.tensor([2.0, 2.0, 2.0])), ids(2, 0), 2)
    world.simulate(2)
    world.refresh("dof_state")
    # Mass 2 kg, force 2 N, two steps of 0.01 s.
    torch.testing.assert_close(dof[:, 1], torch.tensor([0.02, 0.0, 0.02]))


def test_effort_limit_clamps_what_is_applied(tmp_path):
    setup = with_dofs(driveMode=gymapi.DOF_MODE_EFFORT, effort=1.0)
    world = slider(tmp_path, setup=setup)
    dof = world.tensor("dof_state")
    world.gym.set_dof_actuation_force_tensor(world.sim, unwrap(torch.tensor([0.5, 50.0])))
    world.simulate()
    world.refresh("dof_state")
    torch.testing.assert_close(dof[:, 1], torch.tensor([0.5, 1.0]) / 2.0 * 0.01)


def test_position_drive_settles_where_spring_and_load_balance(tmp_path):
    # Gravity along z does no work on x, so the target itself is the steady state.
    world = slider(tmp_path, setup=with_dofs(driveMode=gymapi.DOF_MODE_POS, stiffness=200.0, damping=40.0))
    dof = world.tensor("dof_state")
    world.gym.set_dof_position_target_tensor(world.sim, unwrap(torch.tensor([0.3, -0.2])))
    world.simulate(400)
    world.refresh("dof_state")
    torch.testing.assert_close(dof, torch.tensor([[0.3, 0.0], [-0.2, 0.0]]), atol=1e-5, rtol=0)


def test_position_drive_carries_a_load_with_the_right_sag(tmp_path):
    world = make_world(
        tmp_path, HINGE, asset_options=FIXED, gravity=-10.0,
        setup=with_dofs(driveMode=gymapi.DOF_MODE_POS, stiffness=100.0, damping=10.0),
    )  # fmt: skip
    dof = world.tensor("dof_state")
    world.simulate(500)
    world.refresh("dof_state")
    angle = float(dof[0, 0])
    # kp angle = m g l cos(angle): 1.5 kg, 10 m/s^2, 0.2 m.
    assert angle == pytest.approx(1.5 * 10.0 * 0.2 * math.cos(angle) / 100.0, rel=1e-5)


@pytest.mark.parametrize(("stiffness", "damping"), [(1000.0, 0.0), (1e6, 100.0)])
def test_stiff_drives_stay_bounded_because_both_gains_are_implicit(tmp_path, stiffness, damping):
    setup = with_dofs(driveMode=gymapi.DOF_MODE_POS, stiffness=stiffness, damping=damping)
    world = slider(tmp_path, setup=setup, dt=1 / 60, substeps=2)
    dof = world.tensor("dof_state")
    world.gym.set_dof_position_target_tensor(world.sim, unwrap(torch.tensor([0.5, 0.5])))
    world.simulate(600)
    world.refresh("dof_state")
    torch.testing.assert_close(dof[:, 0], torch.tensor([0.5, 0.5]), atol=1e-3, rtol=0)


def test_velocity_drive_reaches_its_target(tmp_path):
    setup = with_dofs(driveMode=gymapi.DOF_MODE_VEL, stiffness=500.0, damping=50.0)
    world = slider(tmp_path, setup=setup)
    dof = world.tensor("dof_state")
    world.gym.set_dof_velocity_target_tensor(world.sim, unwrap(torch.tensor([0.4, -0.4])))
    world.simulate(300)
    world.refresh("dof_state")
    torch.testing.assert_close(dof[:, 1], torch.tensor([0.4, -0.4]), atol=1e-5, rtol=0)


def test_dofs_answer_only_to_their_own_mode(tmp_path):
    def setup(gym, env, handle, asset):
        props = gym.get_actor_dof_properties(env, handle)
        mode = (gymapi.DOF_MODE_NONE, gymapi.DOF_MODE_EFFORT)[env.index]
        props["driveMode"], props["stiffness"] = mode, 0.0
        gym.set_actor_dof_properties(env, handle, props)

    world = slider(tmp_path, setup=setup)
    dof = world.tensor("dof_state")
    world.gym.set_dof_actuation_force_tensor(world.sim, unwrap(torch.tensor([2.0, 2.0])))
    world.gym.set_dof_position_target_tensor(world.sim, unwrap(torch.tensor([1.0, 1.0])))
    world.simulate()
    world.refresh("dof_state")
    torch.testing.assert_close(dof[:, 1], torch.tensor([0.0, 0.01]))


def test_joint_stiffness_is_a_spring_without_a_drive_and_a_gain_with_one(tmp_path):
    xml = SLIDER.format(joint='stiffness="50" damping="5"', actuator="")

    def setup(gym, env, handle, asset):
        props = gym.get_actor_dof_properties(env, handle)
        assert (props["stiffness"][0], props["damping"][0]) == (50.0, 5.0)
        props["driveMode"] = (gymapi.DOF_MODE_EFFORT, gymapi.DOF_MODE_POS)[env.index]
        gym.set_actor_dof_properties(env, handle, props)

    world = slider(tmp_path, xml, setup=setup)
    gym, dof = world.gym, world.tensor("dof_state")
    gym.set_dof_position_target_tensor(world.sim, unwrap(torch.tensor([0.2, 0.2])))
    gym.set_dof_actuation_force_tensor(world.sim, unwrap(torch.tensor([5.0, 5.0])))
    world.simulate(1500)
    world.refresh("dof_state")
    # EFFORT: the spring holds 5 N at 5 / 50 m. POS: the target, whatever the effort.
    torch.testing.assert_close(dof[:, 0], torch.tensor([0.1, 0.2]), atol=1e-4, rtol=0)


def sensed(**values):
    def setup(gym, env, handle, asset):
        with_dofs(**values)(gym, env, handle, asset)
        gym.enable_actor_dof_force_sensors(env, handle)

    return setup


def test_dof_forces_are_actuation_and_springs_of_the_state(tmp_path):
    xml = SLIDER.format(joint='stiffness="50" springref="0.3"', actuator="")
    setup = sensed(driveMode=gymapi.DOF_MODE_EFFORT, effort=4.0)
    world = slider(tmp_path, xml, setup=setup, dt=1e-5, substeps=1)
    forces, dof = world.tensor("dof_force"), world.tensor("dof_state")
    assert forces.shape == (2,)
    dof[:, 0] = torch.tensor([0.1, -0.1])
    world.gym.set_dof_state_tensor(world.sim, unwrap(dof))
    world.gym.set_dof_actuation_force_tensor(world.sim, unwrap(torch.tensor([3.0, 9.0])))
    world.simulate()
    world.refresh("dof_force")
    torch.testing.assert_close(forces, torch.tensor([3.0 + 50 * 0.2, 4.0 + 50 * 0.4]), atol=1e-4, rtol=0)


@pytest.mark.parametrize("mode", [gymapi.DOF_MODE_EFFORT, gymapi.DOF_MODE_POS, gymapi.DOF_MODE_VEL])
def test_dof_force_is_what_changed_the_momentum_in_the_last_substep(tmp_path, mode):
    setup = sensed(driveMode=mode, stiffness=300.0, damping=20.0)
    world = slider(tmp_path, setup=setup, dt=0.01, substeps=1)
    gym, forces, dof = world.gym, world.tensor("dof_force"), world.tensor("dof_state")
    gym.set_dof_actuation_force_tensor(world.sim, unwrap(torch.tensor([7.0, -2.0])))
    gym.set_dof_position_target_tensor(world.sim, unwrap(torch.tensor([0.2, -0.1])))
    gym.set_dof_velocity_target_tensor(world.sim, unwrap(torch.tensor([0.5, 0.3])))
    world.simulate(3)
    world.refresh("dof_state")
    before = dof[:, 1].clone()
    world.simulate()
    world.refresh("dof_state", "dof_force")
    torch.testing.assert_close(forces, 2.0 * (dof[:, 1] - before) / 0.01, atol=1e-3, rtol=1e-4)


def test_dof_forces_are_zero_unless_enabled(tmp_path):
    world = slider(tmp_path, setup=with_dofs(driveMode=gymapi.DOF_MODE_EFFORT))
    forces = world.tensor("dof_force")
    world.gym.set_dof_actuation_force_tensor(world.sim, unwrap(torch.tensor([3.0, 3.0])))
    world.simulate()
    world.refresh("dof_force")
    assert forces.tolist() == [0.0, 0.0]


def test_dof_forces_are_enabled_by_actor_and_later_too(tmp_path):
    def setup(gym, env, handle, asset):
        with_dofs(driveMode=gymapi.DOF_MODE_EFFORT)(gym, env, handle, asset)
        if env.index == 1:
            gym.enable_actor_dof_force_sensors(env, handle)

    world = slider(tmp_path, setup=setup, num_envs=3)
    forces = world.tensor("dof_force")
    world.gym.set_dof_actuation_force_tensor(world.sim, unwrap(torch.tensor([3.0, 4.0, 5.0])))
    world.simulate()
    world.refresh("dof_force")
    assert forces.tolist() == [0.0, 4.0, 0.0]
    world.gym.enable_actor_dof_force_sensors(world.envs[2], 0)
    world.refresh("dof_force")
    assert forces.tolist() == [0.0, 4.0, 5.0]


def test_properties_changed_after_prepare_sim_hold_in_that_environment_alone(tmp_path):
    world = slider(tmp_path, setup=with_dofs(driveMode=gymapi.DOF_MODE_EFFORT))
    dof = world.tensor("dof_state")
    with_dofs(driveMode=gymapi.DOF_MODE_POS, stiffness=200.0, damping=40.0)(world.gym, world.envs[1], 0, None)
    world.gym.set_dof_position_target_tensor(world.sim, unwrap(torch.tensor([0.3, 0.3])))
    world.simulate(300)
    world.refresh("dof_state")
    torch.testing.assert_close(dof[:, 0], torch.tensor([0.0, 0.3]), atol=1e-4, rtol=0)


def test_limits_of_dof_properties_hold(tmp_path):
    setup = with_dofs(driveMode=gymapi.DOF_MODE_EFFORT, hasLimits=True, lower=-0.1, upper=0.1)
    world = slider(tmp_path, setup=setup)
    dof = world.tensor("dof_state")
    world.gym.set_dof_actuation_force_tensor(world.sim, unwrap(torch.tensor([5.0, -5.0])))
    world.simulate(300)
    world.refresh("dof_state")
    torch.testing.assert_close(dof[:, 0], torch.tensor([0.1, -0.1]), atol=5e-3, rtol=0)


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [("stiffness", -1.0, "stiffness = -1.0 must be 0 or more"), ("driveMode", 9, "driveMode = 9"),
     ("damping", np.nan, "damping = nan"), ("lower", 5.0, "exceeds upper")],
)  # fmt: skip
def test_bad_dof_properties_are_refused_by_name(tmp_path, field, value, text):
    xml = SLIDER.format(joint='range="-1 1"', actuator="")
    world = slider(tmp_path, xml, prepare=False)
    props = world.gym.get_actor_dof_properties(world.envs[0], 0)
    props[field] = value
    with pytest.raises(ValueError, match=text) as caught:
        world.gym.set_actor_dof_properties(world.envs[0], 0, props)
    assert "'x'" in str(caught.value)
