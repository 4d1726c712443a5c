"""SAC on the common rollout: what goes into the replay buffer, warm-up, updates, the normaliser."""

import json
import math

import pytest
import torch
from gymnasium import spaces

from learning.maths.running_mean_std import moments_of
from learning.sac.agent import SACAgent
from learning.sac.replay import Transitions
from learning.torch_runner import Runner
from tests.learning.agents.test_a2c_base import WaitsForDevice
from tests.learning.sac_toy import CountingVecEnv, sac_params
from tests.learning.toy_env import ToyVecEnv


def make_agent(env=None, **config):
    torch.manual_seed(0)
    env = env or ToyVecEnv(16)
    return SACAgent("run", sac_params(vec_env=env, num_actors=env.num_envs, **config))


def epoch(agent):
    agent.obs = agent.obs or agent.env_reset()
    agent.update_epoch()
    agent.train_epoch()
    return agent.losses.harvest()


def rows(agent):
    """All transitions in the replay buffer."""
    samples = agent.replay.state_dict()["samples"]
    obs, actions, rewards, next_obs, terminated = samples.split(agent.replay._widths, dim=1)
    return Transitions(obs, actions, rewards.squeeze(1), next_obs, terminated.squeeze(1))


# ---------------------------------------------------------------- replay


@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("value_bootstrap", [True, False])
def test_no_transition_crosses_episodes(steps, value_bootstrap):
    env = CountingVecEnv(4, length=5)
    agent = make_agent(env, num_steps_per_episode=steps, value_bootstrap=value_bootstrap, num_warmup_steps=99)
    for _ in range(12):
        epoch(agent)
    kept = rows(agent)
    assert len(kept.obs) == 12 * steps * 4 and kept.obs[:, 1].max() >= 1
    assert torch.equal(kept.next_obs[:, :2], kept.obs[:, :2])  # the same environment and episode
    assert torch.equal(kept.next_obs[:, 2], kept.obs[:, 2] + 1)  # one step later, also at an episode's end
    assert torch.equal(kept.rewards, kept.next_obs[:, 2])
    taken = torch.stack(env.actions)
    assert torch.equal(kept.actions, taken.flatten(0, 1))


def test_time_outs_bootstrap_from_their_final_observation_and_failures_do_not():
    agent = make_agent(CountingVecEnv(4, length=5), num_warmup_steps=99)
    for _ in range(10):
        epoch(agent)
    kept = rows(agent)
    is_odd = kept.obs[:, 0] % 2 == 1
    assert torch.equal(kept.terminated == 1.0, is_odd & (kept.next_obs[:, 2] == 4))
    by_time = ~is_odd & (kept.next_obs[:, 2] == 5)
    assert by_time.sum() == 8 and kept.terminated[by_time].sum() == 0


def test_without_bootstrap_a_time_out_is_a_failure():
    agent = make_agent(CountingVecEnv(4, length=5), num_warmup_steps=99, value_bootstrap=False)
    for _ in range(10):
        epoch(agent)
    kept = rows(agent)
    last = torch.where(kept.obs[:, 0] % 2 == 1, 4.0, 5.0)
    assert torch.equal(kept.terminated == 1.0, kept.next_obs[:, 2] == last)


def test_the_value_after_a_failure_counts_nothing():
    agent = make_agent(init_alpha=0.5)
    with torch.no_grad():  # whatever is seen, the targets say 100 and the critics 3
        for critic, bias in (
            (agent.model.sac_network.critic, 3.0),
            (agent.model.sac_network.critic_target, 100.0),
        ):
            for item in critic.parameters():
                item.zero_()
            critic.Q1[-1].bias.fill_(bias)
            critic.Q2[-1].bias.fill_(bias)
    obs, actions = torch.randn(5, 4), torch.zeros(5, 2)
    batch = Transitions(obs, actions, torch.full((5,), 2.0), obs, torch.ones(5))
    assert agent.update_critic(obs, obs, batch)["c1_loss"].item() == pytest.approx((3.0 - 2.0) ** 2)
    alive = Transitions(obs, actions, torch.full((5,), 2.0), obs, torch.zeros(5))
    assert agent.update_critic(obs, obs, alive)["c1_loss"].item() > 80.0**2


def test_rewards_are_shaped_for_learning_and_counted_as_they_were():
    agent = make_agent(
        CountingVecEnv(4, length=5),
        num_warmup_steps=99,
        reward_shaper={"scale_value": 0.5, "shift_value": 1.0},
    )
    for _ in range(10):
        epoch(agent)
    agent.episodes.harvest(agent.distributed)
    kept = rows(agent)
    torch.testing.assert_close(kept.rewards, 0.5 * (kept.next_obs[:, 2] + 1.0))
    # In 20 steps each even environment ended 4 episodes of 1 + … + 5, each odd one 5 of 1 + … + 4.
    assert agent.episodes.count == 18
    assert agent.episodes.mean_reward == pytest.approx((8 * 15 + 10 * 10) / 18)
    assert agent.episodes.mean_length == pytest.approx((8 * 5 + 10 * 4) / 18)


def test_a_full_replay_buffer_keeps_the_newest():
    agent = make_agent(CountingVecEnv(4, length=1000), replay_buffer_size=20, num_warmup_steps=99)
    for _ in range(7):  # 14 steps of 4 environments
        epoch(agent)
    assert sorted(rows(agent).next_obs[:, 2].tolist()) == sorted([10.0, 11.0, 12.0, 13.0, 14.0] * 4)


# ---------------------------------------------------------------- warm-up


@pytest.mark.parametrize("warm_up", [{"num_warmup_steps": 3}, {"num_warmup_frames": 70}])
def test_warm_up_is_exactly_as_long_as_asked(warm_up):
    agent = make_agent(**warm_up)
    calls = []
    agent.model.register_forward_hook(lambda *_: calls.append(agent.epoch_num))
    updates = []
    for _ in range(5):
        epoch(agent)
        updates.append(agent.num_updates)
    assert calls == [4, 4, 5, 5]  # two steps an epoch
    assert updates == [0, 0, 0, 4, 8]


def test_warm_up_draws_from_the_whole_action_space():
    space = spaces.Box(torch.tensor([-1.0, 0.0]).numpy(), torch.tensor([3.0, 0.5]).numpy())
    env = CountingVecEnv(2000, action_space=space)
    agent = make_agent(env, replay_buffer_size=5000, num_warmup_steps=1)
    epoch(agent)
    actions = rows(agent).actions
    low, high = actions.aminmax(dim=0)
    torch.testing.assert_close(low, torch.tensor([-1.0, 0.0]), atol=0.01, rtol=0)
    torch.testing.assert_close(high, torch.tensor([3.0, 0.5]), atol=0.01, rtol=0)
    torch.testing.assert_close(actions.mean(0), torch.tensor([1.0, 0.25]), atol=0.06, rtol=0)


def test_without_warm_up_the_first_epoch_learns():
    agent = make_agent(num_warmup_steps=0)
    epoch(agent)
    assert agent.num_updates == 4


# ---------------------------------------------------------------- updates


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"num_updates_per_step": 3}, [0, 6, 12, 18]),
        ({"utd_ratio": 0.1}, [0, 3, 6, 9]),  # 32 steps an epoch: 3.2, 6.4, 9.6, 12.8 in all
        ({"utd_ratio": 1 / 64}, [0, 1, 1, 2]),
    ],
)
def test_updates_an_epoch(config, expected):
    agent = make_agent(num_warmup_steps=1, **config)
    counts = []
    for _ in range(4):
        epoch(agent)
        counts.append(agent.num_updates)
    assert counts == expected


def test_the_actor_learns_every_policy_frequency_updates():
    agent = make_agent(policy_frequency=3, num_warmup_steps=1)
    epoch(agent)
    actor = [item.detach().clone() for item in agent._actor_parameters]
    learned = []
    for _ in range(6):
        figures = agent.update()
        learned.append("a_loss" in figures)
        changed = any(
            not torch.equal(old, new) for old, new in zip(actor, agent._actor_parameters, strict=True)
        )
        assert changed is any(learned)
    assert learned == [False, False, True, False, False, True]
    assert agent.actor_optimizer.state_dict()["state"][0]["step"] == 2
    assert agent.critic_optimizer.state_dict()["state"][0]["step"] == 6


def test_actor_and_critic_get_no_gradient_of_each_others_loss():
    agent = make_agent(num_warmup_steps=1)
    epoch(agent)
    batch = agent.replay.sample(32)
    agent.update_actor_and_alpha(batch.obs)
    assert all(item.grad is None for item in agent._critic_parameters)
    grads = [item.grad.clone() for item in agent._actor_parameters]
    agent.update_critic(batch.obs, batch.next_obs, batch)
    assert all(torch.equal(old, new.grad) for old, new in zip(grads, agent._actor_parameters, strict=True))
    assert all(item.grad is None for item in agent._target_parameters)


def test_critic_gradients_are_clipped_jointly():
    def norm(**config):
        agent = make_agent(num_warmup_steps=1, reward_shaper={"scale_value": 100.0}, **config)
        epoch(agent)
        agent.update()
        return torch.stack([item.grad.norm() for item in agent._critic_parameters]).norm().item()

    assert norm(critic_grad_clip=0.5) == pytest.approx(0.5, rel=1e-4)
    assert norm(critic_grad_clip=None) > 5.0
    assert norm(critic_grad_clip=0) > 5.0


def test_optimizers_have_their_own_rates_and_betas():
    agent = make_agent(
        actor_lr=1e-4, critic_lr=2e-4, alpha_lr=3e-4, actor_betas=[0.1, 0.2], critic_betas=[0.3, 0.4],
        alphas_betas=[0.5, 0.6],
    )  # fmt: skip
    groups = [optimizer.param_groups[0] for optimizer in agent._optimizers().values()]
    assert [group["lr"] for group in groups] == [1e-4, 2e-4, 3e-4]
    assert [group["betas"] for group in groups] == [(0.1, 0.2), (0.3, 0.4), (0.5, 0.6)]


def test_the_temperature_falls_to_its_least_and_comes_back_at_once():
    agent = make_agent(num_warmup_steps=1, init_alpha=0.2, min_alpha=0.1, alpha_lr=0.2)
    epoch(agent)
    obs = agent.replay.sample(32).obs
    agent.target_entropy = -100.0  # far less than there is
    for _ in range(20):
        agent.update_actor_and_alpha(obs)
    assert agent.alpha.item() == pytest.approx(0.1)
    agent.target_entropy = 100.0
    agent.log_alpha_optimizer.state.clear()
    agent.update_actor_and_alpha(obs)
    assert agent.alpha.item() == pytest.approx(0.1 * math.exp(0.2), rel=1e-4)


def test_a_fixed_temperature_stays():
    agent = make_agent(num_warmup_steps=1, learnable_temperature=False, init_alpha=0.3)
    figures = [epoch(agent) for _ in range(3)]
    assert agent.alpha.item() == pytest.approx(0.3)
    assert "alpha_loss" not in figures[-1] and figures[-1]["info/alpha"].item() == pytest.approx(0.3)


def test_networks_in_16_bits_learn_in_32():
    agent = make_agent(num_warmup_steps=1, mixed_precision=True)
    figures = [epoch(agent) for _ in range(3)][-1]
    assert all(value.dtype == torch.float32 and torch.isfinite(value) for value in figures.values())
    assert all(item.dtype == torch.float32 for item in agent.model.state_dict().values() if item.ndim == 2)


def test_the_target_entropy_is_less_the_more_actions():
    assert make_agent(target_entropy_coef=0.5).target_entropy == -1.0


def test_rollout_and_update_never_wait_for_the_device():
    agent = make_agent(num_warmup_steps=1)
    epoch(agent)
    agent.update_epoch()
    with WaitsForDevice() as mode:
        batch = agent.play_steps()
        agent.learn(batch)
    assert agent.num_updates == 4
    assert mode.found == []


# ---------------------------------------------------------------- normaliser


def test_the_normaliser_counts_each_frame_once_and_stands_still_in_updates():
    agent = make_agent(num_warmup_steps=1)
    counts = []
    original = agent.update

    def watch():
        counts.append(agent.model.running_mean_std.count.item())
        return original()

    agent.update = watch
    seen = []
    for _ in range(3):
        epoch(agent)
        seen.append(agent.experience_buffer["obses"].clone())
    assert counts == [33.0] * 4 + [65.0] * 4
    streamed = moments_of(torch.cat(seen), (4,))
    normalizer = agent.model.running_mean_std
    assert normalizer.count == 1 + 96
    mean = streamed.mean * 96 / 97  # the normaliser began as one sample of mean 0 and variance 1
    var = (96 * (streamed.var + streamed.mean**2) + 1) / 97 - mean**2
    torch.testing.assert_close(normalizer.running_mean, mean)
    torch.testing.assert_close(normalizer.running_var, var)


def test_the_replay_buffer_holds_observations_as_they_were():
    agent = make_agent(CountingVecEnv(4, length=500), num_warmup_steps=1)
    for _ in range(4):
        epoch(agent)
    assert rows(agent).obs[:, 0].unique().tolist() == [0.0, 1.0, 2.0, 3.0]


# ---------------------------------------------------------------- a run


def test_what_a_run_writes(tmp_path):
    runner = Runner()
    runner.load(sac_params(train_dir=str(tmp_path), max_epochs=4, save_best_after=0))
    runner.run({"train": True})
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").open()]
    assert [line["frame"] for line in lines] == [32, 64, 96, 128]
    assert "c1_loss" not in lines[1]  # warm-up
    assert {"a_loss", "c1_loss", "c2_loss", "alpha_loss", "entropy", "info/alpha"} <= set(lines[3])
    assert lines[3]["lr"] == 1e-3 and "kl" not in lines[3]
    result = json.loads((tmp_path / "result.json").read_text())
    assert (result["epochs"], result["frames"], result["exit_reason"]) == (4, 128, "max_epochs")


def test_it_learns():
    agent = make_agent(
        ToyVecEnv(16, episode_length=20),
        network={"mlp": {"units": [32, 32]}},
        **{"num_steps_per_episode": 4, "num_warmup_frames": 640, "replay_buffer_size": 20_000},
        **{"batch_size": 128, "critic_lr": 3e-3, "actor_lr": 3e-3, "init_alpha": 0.05},
        max_epochs=None,
    )
    rewards = []
    for _ in range(60):
        epoch(agent)
        rewards.append(agent.experience_buffer["rewards"].mean().item())
    random, learned = sum(rewards[:10]) / 10, sum(rewards[-10:]) / 10
    assert learned > random + 0.2  # 1 is the most
