"""Every task: sizes, finite steps, resets within the step, exact save and restore."""

import pytest
import torch
from isaacgym import gymtorch

import tasks
from tests.tasks.task_configs import SIZES, task_config

ALL = sorted(SIZES)


@pytest.fixture(params=ALL)
def name(request):
    return request.param


@pytest.fixture
def make():
    made = []
    torch.manual_seed(0)  # a start of Ingenuity can, rarely, lie too far from its target

    def _make(name, **kwargs):
        task = tasks.create(name, task_config(name, **kwargs), sim_device="cpu", rl_device="cpu")
        made.append(task)
        return task

    yield _make
    for task in made:
        task.close()


def random_actions(task):
    return torch.rand(task.num_envs, task.num_actions) * 2 - 1


def test_sizes_and_finite_steps(name, make):
    task = make(name)
    obs = task.reset()["obs"]
    assert obs.shape == (2, SIZES[name][0]) and task.action_space.shape == (SIZES[name][1],)
    assert task.observation_space.shape == obs.shape[1:]
    for _ in range(5):
        obs, rewards, dones, extras = task.step(random_actions(task))
        assert torch.isfinite(obs["obs"]).all() and torch.isfinite(rewards).all()
        assert dones.dtype == torch.bool and rewards.shape == dones.shape == (2,)
        terms = [t.item() for name, t in extras["episode"].items() if name.startswith("reward/")]
        assert rewards.mean().item() == pytest.approx(sum(terms), abs=1e-5)


def test_time_out_resets_within_the_step_and_hands_out_the_final_observation(name, make):
    task = make(name, episodeLength=3)
    task.reset()
    task.step(random_actions(task))
    obs, _, dones, extras = task.step(random_actions(task))  # progress 2 = episodeLength - 1
    assert dones.all() and extras["time_outs"].all() and not extras["terminate"].any()
    assert (task.progress_buf == 0).all()
    assert not torch.equal(extras["final_obs"]["obs"], obs["obs"])
    fresh = task.compute_observations()
    assert torch.equal(obs["obs"], fresh)


def test_a_reset_leaves_nothing_stale_that_is_observed(name, make):
    task = make(name, episodeLength=3)
    task.reset()
    for _ in range(2):
        obs, _, dones, _ = task.step(random_actions(task))
    assert dones.all()
    states = [getattr(task, name) for name in ("root_states", "dof_state") if hasattr(task, name)]
    seen = [tensor.clone() for tensor in states]
    task.refresh_tensors()
    for before, after in zip(seen, states, strict=True):
        assert torch.allclose(before, after, atol=1e-5)
    assert torch.equal(obs["obs"], task.compute_observations(torch.arange(task.num_envs)))


def test_environments_that_go_on_are_untouched_by_the_others_reset(name, make):
    task = make(name, num_envs=3, episodeLength=100)
    task.reset()
    task.progress_buf[1] = 98
    obs, _, dones, extras = task.step(random_actions(task))
    assert dones.tolist() == [False, True, False]
    assert torch.equal(obs["obs"][[0, 2]], extras["final_obs"]["obs"][[0, 2]])
    assert not torch.equal(obs["obs"][1], extras["final_obs"]["obs"][1])
    assert task.progress_buf.tolist() == [1, 0, 1]


def test_saved_state_goes_on_bit_for_bit(name, make):
    task, twin = make(name), make(name)
    torch.manual_seed(0)
    task.reset()
    actions = [random_actions(task) for _ in range(8)]
    for action in actions[:3]:
        task.step(action)
    state = task.get_env_state()
    twin.set_env_state(state)
    for action in actions[3:]:
        rng = torch.get_rng_state()
        obs, rewards, _, _ = task.step(action)
        torch.set_rng_state(rng)
        twin_obs, twin_rewards, _, _ = twin.step(action)
        assert torch.equal(obs["obs"], twin_obs["obs"]) and torch.equal(rewards, twin_rewards)


def test_state_of_other_sizes_is_refused(name, make):
    small, large = make(name), make(name, num_envs=3)
    small.reset()
    with pytest.raises(ValueError, match="buffer 'obs' is"):
        large.set_env_state(small.get_env_state())


def test_actions_are_clamped(make):
    task = make("Cartpole")
    task.reset()
    task.step(torch.full((2, 1), 7.0))
    assert task.actions.tolist() == [[1.0], [1.0]]


def test_random_start_spreads_the_ages(make):
    task = make("Cartpole", num_envs=64, randomizeStart=True)
    task.reset()
    assert task.progress_buf.min() >= 0 and task.progress_buf.max() < 500
    assert len(task.progress_buf.unique()) > 32


@pytest.mark.parametrize(("name", "height", "cost"), [("Ant", 0.2, -2.0), ("Humanoid", 0.5, -1.0)])
def test_a_fall_costs_deathcost_and_ends_the_episode(make, name, height, cost):
    task = make(name)
    task.reset()
    task.step(torch.zeros(2, task.num_actions))
    task.root_states[0, 2] = height
    task.update_state()
    task._observe()
    task.terminate_buf[:] = task.compute_terminated()
    task._reward(torch.ones(2, dtype=torch.bool))
    assert task.terminate_buf.tolist() == [True, False]
    assert task.rew_buf[0].item() == cost and task.rew_buf[1].item() > 0.0


@pytest.mark.parametrize("num_envs", [1, 2])
def test_progress_is_the_speed_from_step_to_step(make, num_envs):
    task = make("Ant", num_envs=num_envs)
    task.reset()
    for _ in range(3):
        before = task.root_states[:, 0].clone()
        task.step(random_actions(task))
        speed = (task.root_states[:, 0] - before) / task.dt
        assert speed.abs().min() > 1e-3
        assert torch.allclose(task.progress, speed, rtol=1e-3, atol=1e-4)


def test_diverged_physics_ends_the_episode_without_reward(make):
    task = make("Ant", num_envs=3)
    task.reset()
    task.dof_vel[1] = 1e12  # MuJoCo finds this bad and puts the environment back
    ids = gymtorch.unwrap_tensor(torch.tensor([1], dtype=torch.int32))
    task.gym.set_dof_state_tensor_indexed(task.sim, gymtorch.unwrap_tensor(task.dof_state), ids, 1)
    obs, rewards, dones, extras = task.step(random_actions(task))
    assert dones.tolist() == extras["terminate"].tolist() == [False, True, False]
    assert rewards[1].item() == 0.0 and (rewards[[0, 2]] != 0.0).all()
    assert torch.isfinite(obs["obs"]).all()
    _, _, dones, _ = task.step(random_actions(task))
    assert not dones.any()


def test_cartpole_reward_by_hand(make):
    from tasks.cartpole import cartpole_rewards

    dof_pos = torch.tensor([[0.5, 0.2], [3.5, 0.0]])
    dof_vel = torch.tensor([[-2.0, 4.0], [0.0, 0.0]])
    total = sum(cartpole_rewards(dof_pos, dof_vel, torch.tensor([False, True])).values())
    assert total.tolist() == pytest.approx([1 - 0.04 - 0.02 - 0.02, -2.0])


def test_humanoid_limit_cost_by_hand(make):
    task = make("Humanoid")
    task.reset()
    task.dof_pos_scaled = torch.zeros(2, 21)
    knee = task.effort_ratio.argsort(descending=True)[2].item()
    task.dof_pos_scaled[0, knee] = -0.99  # half way between 0.98 and the limit
    expected = 0.25 * 0.5 * task.effort_ratio[knee].item()
    assert task.joints_at_limit_cost().tolist() == pytest.approx([expected, 0.0], abs=1e-5)


def test_motor_efforts_stand_in_dof_order(make):
    task = make("Humanoid")
    efforts = task.motor_efforts.tolist()
    # abdomen z, y, x; right hip x, z, y; knee; ankle y, x
    assert efforts[:9] == [67.5, 67.5, 67.5, 45.0, 45.0, 135.0, 90.0, 22.5, 22.5]
