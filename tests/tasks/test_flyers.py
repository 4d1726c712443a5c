"""Quadcopter and Ingenuity: formulas of IsaacGymEnvs' tasks worked out by hand, and how the craft fly."""

import math

import pytest
import torch

import tasks
from tasks.flyer import flight_rewards, observe_flight
from tests.tasks.task_configs import task_config

TARGETS = torch.tensor([[0.0, 0.0, 1.0]])
UPRIGHT = (0.0, 0.0, 0.0, 1.0)
ON_ITS_SIDE = (math.sqrt(0.5), 0.0, 0.0, math.sqrt(0.5))  # about x: its own z axis is -y of the world


@pytest.fixture
def make():
    made = []
    torch.manual_seed(0)

    def _make(name, num_envs=2, **env):
        task = tasks.create(name, task_config(name, num_envs, **env), sim_device="cpu", rl_device="cpu")
        made.append(task)
        task.reset()
        return task

    yield _make
    for task in made:
        task.close()


def root(pos=(0.0, 0.0, 1.0), quat=UPRIGHT, lin=(0.0, 0.0, 0.0), ang=(0.0, 0.0, 0.0)):
    return torch.tensor([[*pos, *quat, *lin, *ang]])


def put(task, **state):
    """Every craft into one state, with its DOFs at zero."""
    task.root_states[:] = root(**state)
    task.dof_pos[:] = task.dof_vel[:] = 0.0
    task.set_states(torch.arange(task.num_envs))


def flown(task, actions, steps):
    """Root states after so many steps of the same actions."""
    for _ in range(steps):
        task.pre_physics_step(actions.expand(task.num_envs, -1))
        task.gym.simulate(task.sim)
        task.refresh_tensors()
    return task.root_states[0]


# -------------------------------------------------------------------- formulas


def test_observation_by_hand():
    seen = observe_flight(root((3.0, -6.0, 4.0), ON_ITS_SIDE, (2.0, 0.0, -4.0), (0.0, math.pi, 0.0)), TARGETS)
    assert seen["to_target"][0].tolist() == pytest.approx([-1.0, 2.0, -1.0])
    assert seen["rotation"][0].tolist() == pytest.approx(ON_ITS_SIDE)
    assert seen["lin_vel"][0].tolist() == [1.0, 0.0, -2.0]
    assert seen["ang_vel"][0].tolist() == pytest.approx([0.0, 1.0, 0.0])


@pytest.mark.parametrize(("weight", "best"), [(1.0, 3.0), (5.0, 7.0)])
def test_the_best_reward_is_to_stand_upright_and_still_at_the_target(weight, best):
    assert sum(flight_rewards(root(), TARGETS, weight).values()).item() == pytest.approx(best)


def test_rewards_by_hand():
    state = root((0.0, 2.0, 1.0), ON_ITS_SIDE, ang=(5.0, 5.0, 3.0))
    terms = flight_rewards(state, TARGETS, upright_weight=5.0)
    assert {name: term.item() for name, term in terms.items()} == pytest.approx(
        {"near": 1 / 5, "upright": 1 / 5 * 5 / 2, "no_spin": 1 / 5 * 1 / 10}
    )


@pytest.mark.parametrize(
    ("name", "far", "low"), [("Quadcopter", (2.2, 2.2, 1.0), 0.29), ("Ingenuity", (5.8, 5.8, 1.0), 0.49)]
)
def test_an_episode_ends_far_from_the_target_or_near_the_ground(make, name, far, low):
    task = make(name, num_envs=3)
    task.targets[:] = TARGETS
    task.root_states[:, 0:3] = torch.tensor([(0.5, 0.0, 0.51), far, (0.0, 0.0, low)])
    assert task.compute_terminated().tolist() == [False, True, True]


# -------------------------------------------------------------------- starts


def test_starts_of_the_quadcopter_fill_their_ranges(make):
    task = make("Quadcopter", num_envs=256)
    pos, rest = task.root_states[:, 0:3], task.root_states[:, 3:]
    for axis, (lower, upper) in enumerate([(-1.5, 1.5), (-1.5, 1.5), (0.8, 2.5)]):
        assert lower <= pos[:, axis].min() < lower + 0.1 and upper - 0.1 < pos[:, axis].max() <= upper
    assert (rest == root()[:, 3:]).all() and (task.dof_vel == 0.0).all()
    assert 0.19 < task.dof_pos.abs().max() <= 0.2
    assert torch.equal(task.tilt_targets, task.dof_pos)


def test_starts_of_ingenuity_have_targets_of_their_own_and_turning_blades(make):
    task = make("Ingenuity", num_envs=256)
    for axis, (lower, upper) in enumerate([(-5.0, 5.0), (-5.0, 5.0), (1.0, 2.0)]):
        drawn = task.targets[:, axis]
        assert lower <= drawn.min() < lower + 0.2 and upper - 0.2 < drawn.max() <= upper
    assert torch.equal(task.dof_vel, torch.tensor([-50.0, 50.0]).expand(256, 2))
    above = torch.tensor([0.0, 0.0, 0.4])
    torch.testing.assert_close(task.marker_states[:, 0:3], task.targets + above)


def test_ingenuitys_target_moves_every_500_steps(make):
    task = make("Ingenuity")
    before = task.targets.clone()
    task.progress_buf[:] = torch.tensor([498, 499])  # a step ends with one more
    put(task)
    task.step(torch.zeros(2, 6))
    assert torch.equal(task.targets[0], before[0]) and not torch.equal(task.targets[1], before[1])
    task.gym.refresh_actor_root_state_tensor(task.sim)
    assert task.marker_states[1, 0:2].tolist() == pytest.approx(task.targets[1, 0:2].tolist())


# -------------------------------------------------------------------- flight


def test_thrust_and_tilt_change_at_their_rates_within_their_limits(make):
    task = make("Quadcopter")
    task.thrusts[:], task.tilt_targets[:] = 0.0, 0.0
    actions = torch.tensor([0.25, -0.25] * 4 + [0.25, -0.25, 1.0, 1.0])
    task.pre_physics_step(actions.expand(2, -1))
    turn = 0.25 * 8 * math.pi * 0.01
    assert task.tilt_targets[0].tolist() == pytest.approx([turn, -turn] * 4)
    assert task.thrusts[0].tolist() == pytest.approx([0.25 * 200 * 0.01, 0.0, 2.0, 2.0])
    for _ in range(20):
        task.pre_physics_step(actions.expand(2, -1))
    assert task.tilt_targets[0].tolist() == pytest.approx([math.pi / 6, -math.pi / 6] * 4)
    assert task.thrusts[0].tolist() == pytest.approx([2.0, 0.0, 2.0, 2.0])


def test_stiff_drives_on_light_arms_follow_within_a_step_and_stay(make):
    """Stiffness 1000, damping 0, on bodies of a gram, at the task's own step of 0.01 s."""
    task = make("Quadcopter")
    put(task)
    task.tilt_targets[:] = 0.4
    for _ in range(100):
        flown(task, torch.zeros(12), 1)
        assert (task.dof_pos - 0.4).abs().max() < 0.01
    assert task.dof_vel.abs().max() < 0.1
    assert (task.gym.get_sim_warnings(task.sim) == 0).all()


def quadcopter_mass():
    """Of the figures' cylinders and balls [kg]."""
    chassis = math.pi * 0.1**2 * 0.03 * 50
    ball = 4 / 3 * math.pi * 0.01**3 * 200
    rotor = math.pi * 0.04**2 * 0.01 * 1000
    return chassis + 4 * (ball + rotor)


def test_a_quadcopter_whose_rotors_bear_its_weight_hangs_still(make):
    task = make("Quadcopter")
    put(task)
    task.tilt_targets[:], task.thrusts[:] = 0.0, quadcopter_mass() * 9.81 / 4
    state = flown(task, torch.zeros(12), 50)
    assert state[0:3].tolist() == pytest.approx([0.0, 0.0, 1.0], abs=1e-3)
    assert state[7:13].abs().max() < 5e-3


def test_thrust_turns_with_the_craft(make):
    """Applied in LOCAL_SPACE: on its side, a craft is pushed along the world's -y, and falls."""
    task = make("Quadcopter")
    put(task, quat=ON_ITS_SIDE)
    task.tilt_targets[:], task.thrusts[:] = 0.0, 0.5
    velocity = flown(task, torch.zeros(12), 1)[7:10]
    expected = [0.0, -4 * 0.5 / quadcopter_mass() * 0.01, -9.81 * 0.01]
    assert velocity.tolist() == pytest.approx(expected, abs=1e-3)


def test_forces_on_ingenuitys_rotors_by_hand():
    from tasks.ingenuity import rotor_forces

    actions = torch.tensor([[[0.1, -0.7, 0.5], [0.0, 1.0, -1.0]]])
    expected = torch.tensor([[[1.0, -2.0, 10.0], [0.0, -4.0, -20.0]]])
    torch.testing.assert_close(rotor_forces(actions, dt=0.01), expected)


def test_ingenuity_whose_rotors_bear_its_weight_on_mars_hangs_still(make):
    task = make("Ingenuity")
    put(task)
    blades = 2 * 0.3 * 0.024 * 0.002 * 10
    mass = 0.12**3 * 50 + 2 * math.pi * 0.15**2 * 0.01 * 1000 + blades
    lift = mass * 3.721 / 2 / 20.0
    state = flown(task, torch.tensor([0.0, 0.0, lift, 0.0, 0.0, lift]), 50)
    assert state[0:3].tolist() == pytest.approx([0.0, 0.0, 1.0], abs=1e-3)
    assert state[7:13].abs().max() < 5e-3


def test_ingenuitys_blades_turn_on(make):
    task = make("Ingenuity")
    flown(task, torch.zeros(6), 10)
    assert task.dof_vel[0].tolist() == pytest.approx([-50.0, 50.0], rel=1e-3)
