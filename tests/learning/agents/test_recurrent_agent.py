"""Policies with memory: an update sees what the rollout saw, and they learn what needs remembering."""

import pytest
import torch

from learning.agents.a2c_continuous import A2CAgent
from learning.agents.a2c_discrete import DiscreteA2CAgent
from learning.players.player import PpoPlayerDiscrete
from learning.typed_config import ConfigError
from tests.learning.toy_discrete_env import ButtonsEnv, button_params
from tests.learning.toy_env import ToyVecEnv, toy_params

LSTM = {"name": "lstm", "units": 8, "layers": 1}


class RecallEnv(ButtonsEnv):
    """Shows a lit button in an episode's first step alone; it has to be pressed in the third, the last."""

    def __init__(self, num_envs=16):
        super().__init__(num_envs, (2,), episode_length=3)

    def step(self, actions):
        is_last = self.progress == self.episode_length - 1
        obs, rewards, dones, extras = super().step(actions)
        return obs, rewards * is_last, dones, extras

    def _light(self):
        lit = (torch.rand(self.num_envs, 1) * 2).long()
        starts = (self.progress == 0).unsqueeze(1)
        self.lit = torch.where(starts, lit, self.lit)
        return {"obs": torch.nn.functional.one_hot(self.lit[:, 0], 2).float() * starts}


def recall_params(**config):
    params = button_params((2,), vec_env=RecallEnv(), horizon_length=12, minibatch_size=96, **config)
    network = {**params["network"], "mlp": {"units": [16], "activation": "elu"}, "rnn": LSTM}
    return {**params, "network": network}


def continuous_agent(rnn=LSTM, **config):
    torch.manual_seed(0)
    params = toy_params(vec_env=ToyVecEnv(16, episode_length=5), mini_epochs=1, **config)
    params["network"] = {**params["network"], "rnn": rnn}
    return A2CAgent("run", params)


def rollout(agent):
    agent.obs = agent.env_reset()
    agent.set_eval()
    return agent.collect()


@pytest.mark.parametrize("rnn", [LSTM, {**LSTM, "name": "gru", "before_mlp": True, "layer_norm": True}])
def test_an_update_sees_the_policy_of_the_rollout(rnn):
    """With episodes that end inside sequences, every likelihood and value comes out as it was recorded."""
    agent = continuous_agent(rnn)
    for _ in range(2):  # the second rollout starts in the middle of episodes
        batch = rollout(agent) if not agent.obs else agent.collect()
    assert batch["episode_starts"].view(16, 8)[:, 1:].any()
    agent.set_train()
    agent.prepare_dataset(batch)
    agent.dataset.apply_permutation()
    for index in range(len(agent.dataset)):
        minibatch = agent.dataset[index]
        res_dict = agent.model(agent.model_inputs(minibatch))
        torch.testing.assert_close(res_dict["prev_neglogp"], minibatch["old_logp_actions"])
        torch.testing.assert_close(res_dict["mus"], minibatch["mu"])


def test_a_time_out_is_valued_with_what_was_remembered():
    agent = continuous_agent()
    rollout(agent)
    buffer = agent.experience_buffer
    ended = buffer["time_outs"].unsqueeze(-1)
    assert ended.any()
    following = agent.next_values()
    torch.testing.assert_close(following[ended], buffer["final_values"][ended])
    inside = ~buffer["dones"][:-1].unsqueeze(-1)
    torch.testing.assert_close(following[:-1][inside], buffer["values"][1:][inside])


def test_it_remembers_what_it_saw(tmp_path):
    torch.manual_seed(0)
    agent = DiscreteA2CAgent("run", recall_params(max_epochs=40, train_dir=str(tmp_path)))
    agent.train()
    assert agent.episodes.mean_reward > 0.9  # guessing gives 0.5
    player = PpoPlayerDiscrete(recall_params())
    player.restore(str(tmp_path / "nn" / "last.pth"))
    assert player.run()["reward"] == 1.0


def test_a_resumed_run_goes_on_bit_by_bit():
    def train(agent, epochs):
        agent.config.max_epochs = epochs
        agent.train()
        return agent.get_full_state_weights()

    whole, half = train(continuous_agent(), 4), train(continuous_agent(), 2)
    resumed = continuous_agent()
    resumed.set_full_state_weights(half)
    rest = train(resumed, 4)
    for name, value in whole["model"].items():
        assert torch.equal(value, rest["model"][name]), name


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"seq_length": 3}, r"seq_length=3: does not divide minibatch_size of a worker=32; try 2"),
        ({"seq_length": 16, "minibatch_size": 64}, r"seq_length=16: does not divide horizon_length=8; try 8"),
    ],
)
def test_sequences_have_to_fit(config, message):
    with pytest.raises(ConfigError, match=message):
        continuous_agent(**config)
