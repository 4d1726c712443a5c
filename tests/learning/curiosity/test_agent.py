"""Agents with curiosity: what they are rewarded for, what their values are of, and how they go on."""

import pytest
import torch

from learning.agents.a2c_continuous import A2CAgent
from learning.agents.a2c_discrete import DiscreteA2CAgent
from learning.checkpoints.checkpoint import load_checkpoint
from learning.maths.returns import compute_gae
from learning.players.player import PpoPlayerContinuous
from learning.torch_runner import Runner
from tests.learning.checkpoints.test_training_state import differences, train
from tests.learning.toy_discrete_env import button_params
from tests.learning.toy_env import ToyVecEnv, toy_params

SEPARATE = {"value": "separate", "gamma": 0.5, "episodic": False}


def play(rnd, **config):
    """Return an agent that has played one rollout, with time-outs and failures, and the rollout."""
    torch.manual_seed(0)
    env = ToyVecEnv(16, episode_length=3, limit=1.0)
    agent = A2CAgent("run", toy_params(vec_env=env, rnd_config=rnd, **config))
    agent.obs = agent.env_reset()
    agent.set_eval()
    return agent, agent.play_steps()


def intrinsic(agent):
    """Return the intrinsic rewards (T, N, 1) of what steps really led to."""
    with torch.no_grad():
        return agent.curiosity.errors(agent.experience_buffer["final_obses"].flatten(0, 1)).view(8, 16, 1)


@pytest.mark.parametrize("value_bootstrap", [True, False])
def test_the_sum_of_both_rewards_is_learned_from(value_bootstrap):
    agent, batch = play({"normalize_reward": False, "scale_value": 2.0}, value_bootstrap=value_bootstrap)
    buffer, config = agent.experience_buffer, agent.config
    assert buffer["dones"].any()
    rewards = buffer["rewards"] + 2.0 * intrinsic(agent)
    expected = compute_gae(
        rewards, buffer["values"], buffer["dones"], agent.next_values(), config.gamma, config.tau
    )
    torch.testing.assert_close(batch["advantages"], expected.flatten(0, 1))


@pytest.mark.parametrize("episodic", [True, False])
def test_each_value_head_has_its_reward_its_discount_and_its_end(episodic):
    rnd = {**SEPARATE, "episodic": episodic, "normalize_reward": False, "scale_value": 3.0}
    agent, batch = play(rnd)
    buffer, tau = agent.experience_buffer, agent.config.tau
    dones, values = buffer["dones"], buffer["values"]
    failed = dones & ~buffer["time_outs"]
    assert failed.any() and buffer["time_outs"].any()
    with torch.no_grad():
        of_last = agent.get_values(agent.obs["obs"])
        of_final = agent.get_values(buffer["final_obses"].flatten(0, 1)).view(8, 16, 2)
    until_the_end = torch.where(failed.unsqueeze(-1), 0.0, of_final)
    into_the_next = torch.cat([values[1:], of_last.unsqueeze(0)])
    following = [until_the_end[..., 0], (until_the_end if episodic else into_the_next)[..., 1]]
    torch.testing.assert_close(agent.next_values(), torch.stack(following, dim=-1))
    ends = [dones, dones & episodic]
    rewards = [buffer["rewards"][..., 0], intrinsic(agent)[..., 0]]
    expected = [
        compute_gae(rewards[i], values[..., i], ends[i], following[i], (0.95, 0.5)[i], tau) for i in (0, 1)
    ]
    returns = torch.stack(expected, dim=-1) + values
    torch.testing.assert_close(batch["returns"], returns.flatten(0, 1))
    expected[1] = 3.0 * expected[1]  # the weight is the advantage's, so that it moves no value
    torch.testing.assert_close(batch["advantages"], torch.stack(expected, dim=-1).flatten(0, 1))


def test_both_heads_learn_as_one_alone_would():
    agent, batch = play(SEPARATE)
    agent.prepare_dataset(batch)
    minibatch = agent.dataset[0]
    res_dict = agent.model(agent.model_inputs(minibatch))
    loss, figures = agent.calc_losses(minibatch, res_dict)
    rest = figures["a_loss"] + 1e-4 * figures["bounds_loss"]
    assert minibatch["returns"].shape == (32, 2) and minibatch["advantages"].shape == (32,)
    torch.testing.assert_close(loss, rest + 0.5 * 2.0 * (2.0 * figures["c_loss"]))  # critic_coef is 2


def test_episodes_are_counted_by_the_tasks_rewards():
    agent, _ = play({"scale_value": 1000.0})
    agent.episodes.harvest(agent.distributed)
    assert 0.0 < agent.episodes.mean_reward < 3.0  # at most three steps of at most 1


def test_curiosity_learns_beside_the_policy():
    agent, batch = play({"learning_rate": 1e-2})
    before = [parameter.clone() for parameter in agent.curiosity.network.parameters()]
    agent.set_train()
    agent.learn(batch)
    moved = [
        not torch.equal(old, new)
        for old, new in zip(before, agent.curiosity.network.parameters(), strict=True)
    ]
    assert moved == [False] * 4 + [True] * 6  # target: two layers; predictor: three
    figures = agent.losses.harvest()
    assert {"info/rnd_reward", "info/rnd_error", "info/rnd_loss", "info/rnd_weight"} <= set(figures)


@pytest.mark.parametrize("rnd", [{"update_proportion": 0.5}, SEPARATE], ids=["mixed", "separate"])
def test_a_resumed_run_ends_with_the_same_bits(tmp_path, rnd):
    config = {"rnd_config": rnd, "save_best_after": 0}
    straight = train(tmp_path / "a", max_epochs=4, **config)
    train(tmp_path / "b", max_epochs=2, **config)
    torch.manual_seed(12345)
    resumed = train(tmp_path / "b", tmp_path / "b" / "nn" / "last.pth", max_epochs=4, **config)
    assert {"rnd_model", "rnd_optimizer"} <= set(straight)
    assert set(differences(straight, resumed)) == {".total_time"}


def test_a_run_may_become_curious_and_cease_to_be(tmp_path):
    train(tmp_path, max_epochs=1)
    last = tmp_path / "nn" / "last.pth"
    assert "rnd_model" in train(tmp_path, last, max_epochs=2, rnd_config={})
    assert "rnd_model" not in train(tmp_path, last, max_epochs=3)


def test_a_policy_with_two_value_heads_plays(tmp_path):
    train(tmp_path, max_epochs=1, rnd_config=SEPARATE)
    best = load_checkpoint(tmp_path / "nn" / "Toy.pth")
    assert "rnd_model" not in best and best["model"]["a2c_network.value.weight"].shape == (2, 16)
    player = PpoPlayerContinuous(toy_params(vec_env=ToyVecEnv(16), rnd_config=SEPARATE))
    player.restore(str(tmp_path / "nn" / "Toy.pth"))
    assert player.run()["episodes"] == 16


def test_discrete_agents_are_curious_too():
    runner = Runner()
    runner.load(button_params(env_name="buttons", rnd_config=SEPARATE, max_epochs=2))
    agent = DiscreteA2CAgent("run", runner.params)
    agent.train()
    assert agent.curiosity.rollouts == 2 and agent.curiosity.obs_moments.count == 256


def test_recurrent_agents_are_curious_too():
    rnn = {"name": "gru", "units": 8, "layers": 1}
    torch.manual_seed(0)
    env = ToyVecEnv(16, episode_length=3)
    params = toy_params(vec_env=env, rnd_config={**SEPARATE, "normalize_reward": False}, max_epochs=2)
    agent = A2CAgent("run", {**params, "network": {**params["network"], "rnn": rnn}})
    agent.obs = agent.env_reset()
    agent.set_eval()
    agent.play_steps()
    buffer = agent.experience_buffer
    following, time_outs = agent.next_values(), buffer["time_outs"]
    torch.testing.assert_close(following[..., 0][time_outs], buffer["final_values"][..., 0][time_outs])
    torch.testing.assert_close(following[:-1, :, 1], buffer["values"][1:, :, 1])
    agent.train()
    assert agent.curiosity.rollouts == 3


class StatesEnv(ToyVecEnv):
    """Shows a critic what the policy sees, twice as large."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.state_space = self.observation_space

    def reset(self):
        return self._with_states(super().reset())

    def step(self, actions):
        obs, rewards, dones, extras = super().step(actions)
        extras["final_obs"] = self._with_states(extras["final_obs"])
        return self._with_states(obs), rewards, dones, extras

    def _with_states(self, obs):
        return {**obs, "states": 2.0 * obs["obs"]}


def test_a_central_critic_values_curiosity_too():
    network = {"name": "actor_critic", "central_value": True, "mlp": {"units": [8], "activation": "elu"}}
    central = {"network": network, "minibatch_size": 32, "mini_epochs": 1, "learning_rate": 1e-3}
    central |= {"clip_value": True, "normalize_input": True}
    torch.manual_seed(0)
    env = StatesEnv(16, episode_length=3)
    agent = A2CAgent(
        "run", toy_params(vec_env=env, rnd_config=SEPARATE, central_value_config=central, max_epochs=2)
    )
    agent.train()
    assert agent.central_value.get_values(env.reset()["states"]).shape == (16, 2)
    assert agent.next_values().shape == (8, 16, 2)
