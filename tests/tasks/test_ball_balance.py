"""BallBalance: formulas of IsaacGymEnvs' task worked out by hand; a tray that stands on its pinned feet."""

import math

import pytest
import torch

import tasks
from tasks.ball_balance import TRAY_HEIGHT, ball_reward, leg_places, thrown_balls
from tests.tasks.task_configs import task_config


@pytest.fixture
def task():
    torch.manual_seed(0)
    built = tasks.create("BallBalance", task_config("BallBalance"), sim_device="cpu", rl_device="cpu")
    built.reset()
    yield built
    built.close()


def ball(pos, lin=(0.0, 0.0, 0.0)):
    return torch.tensor([[*pos, 0.0, 0.0, 0.0, 1.0, *lin, 0.0, 0.0, 0.0]])


def test_reward_by_hand():
    assert ball_reward(ball((0.0, 0.0, 0.7))).item() == 1.0
    assert ball_reward(ball((3.0, 4.0, 0.7), (0.0, 0.0, -3.0))).item() == pytest.approx(1 / 6 * 1 / 4)


def test_balls_are_thrown_inwards_the_faster_the_further_out():
    states = thrown_balls(512, "cpu")
    xy, v = states[:, 0:2], states[:, 7:10]
    distance = xy.norm(dim=-1)
    assert 0.001 <= distance.min() < 0.02 and 0.48 < distance.max() <= 0.5
    assert 1.0 <= states[:, 2].min() < 1.05 and 1.95 < states[:, 2].max() <= 2.0
    assert (v[:, 2] == -5.0).all() and (states[:, 3:7] == ball((0, 0, 0))[:, 3:7]).all()
    inwards = -(v[:, 0:2] * xy).sum(dim=-1) / distance
    torch.testing.assert_close(inwards, v[:, 0:2].norm(dim=-1), atol=1e-5, rtol=1e-5)
    assert (inwards <= (distance - 0.001) / 0.499 * 5.0 + 1e-5).all() and inwards.max() > 4.0


def test_observation_by_hand(task):
    """Knees are every second DOF; of each sensor the force along x, then torques, axis by axis."""
    task.dof_pos[:] = torch.arange(6.0)
    task.dof_vel[:] = torch.arange(6.0) + 10.0
    task.ball_states[:] = ball((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    task.sensors[:] = 20.0 * (torch.arange(3.0).view(3, 1) * 10.0 + torch.arange(6.0))
    expected = [1, 3, 5, 11, 13, 15, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    expected += [0, 10, 20, 3, 13, 23, 4, 14, 24, 5, 15, 25]
    assert task.compute_observations()[0].tolist() == pytest.approx(expected)


def test_an_episode_ends_when_the_ball_is_down(task):
    task.ball_states[:] = torch.cat([ball((0.0, 0.0, 0.149)), ball((0.0, 0.0, 0.151))])
    assert task.compute_terminated().tolist() == [True, False]


def test_knees_move_at_their_rate_within_their_limits(task):
    actions = torch.tensor([[0.5, -0.5, 0.0]] * 2)
    task.pre_physics_step(actions)
    assert task.targets[0].tolist() == pytest.approx([0, 0.1, 0, -0.1, 0, 0])
    for _ in range(30):
        task.pre_physics_step(actions)
    expected = [0, math.radians(90), 0, math.radians(-70), 0, 0]
    assert task.targets[0].tolist() == pytest.approx(expected)


def test_the_tray_stands_on_its_feet_and_bears_the_ball(task):
    """Feet of stiffness 5e7 and damping 5e3, knees of 4000 and 100, at the task's own step of 0.01 s."""
    task.ball_states[:] = ball((0.0, 0.0, TRAY_HEIGHT + 0.11))
    task.gym.set_actor_root_state_tensor(task.sim, task.gym.acquire_actor_root_state_tensor(task.sim))
    for _ in range(200):
        task.step(torch.zeros(2, 3))
    assert task.tray_states[0, 0:2].abs().max() < 1e-3
    assert task.tray_states[0, 2] == pytest.approx(TRAY_HEIGHT, abs=0.02)
    assert task.tray_states[0, 7:13].abs().max() < 0.01
    weight = 4 / 3 * math.pi * 0.1**3 * 200 * 9.81
    force, torque = task.sensors[0, :, 0:3], task.sensors[0, :, 3:6]
    assert force[:, 2].tolist() == pytest.approx([-weight] * 3, rel=0.02)
    # The ball in the middle presses at -p of a sensor at p: the torque there is -p x (0, 0, -weight).
    expected = [(y * weight, -x * weight, 0.0) for x, y in leg_places()]
    torch.testing.assert_close(torque, torch.tensor(expected), atol=0.05, rtol=0.02)


def test_feet_stay_where_they_are_pinned(task):
    bodies = task.gym.acquire_rigid_body_state_tensor(task.sim)
    from isaacgym import gymtorch
    from isaacgym.torch_utils import quat_rotate

    states = gymtorch.wrap_tensor(bodies).view(2, -1, 13)
    for step in range(100):
        task.step(torch.full((2, 3), math.sin(step / 5)))
    task.gym.refresh_rigid_body_state_tensor(task.sim)
    lower = states[0, [2, 4, 6]]
    feet = lower[:, 0:3] + quat_rotate(lower[:, 3:7], torch.tensor([[0.0, 0.0, 0.18]]).expand(3, -1))
    expected = [(x, y, 0.02) for x, y in leg_places()]
    torch.testing.assert_close(feet, torch.tensor(expected), atol=2e-3, rtol=0.0)
