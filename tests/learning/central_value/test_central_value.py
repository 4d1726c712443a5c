"""Central critics and recurrent policies in discrete agents: values, learning, exact resumption."""

import pytest
import torch

from learning.agents.a2c_discrete import DiscreteA2CAgent
from learning.typed_config import ConfigError
from tests.learning.central_value.toy_memory import BUTTONS, CueEnv, critic_config, cue_params
from tests.learning.checkpoints.test_training_state import differences
from tests.learning.toy_discrete_env import ButtonsEnv, button_params

KINDS = {"plain critic": (False, True), "recurrent": (True, False), "recurrent, critic": (True, True)}


def make_agent(is_recurrent=False, has_critic=True, **config):
    torch.manual_seed(0)
    return DiscreteA2CAgent("run", cue_params(is_recurrent, has_critic, vec_env=CueEnv(16), **config))


def play(agent):
    agent.obs = agent.env_reset()
    agent.set_eval()
    return agent.collect()


@pytest.mark.parametrize("is_recurrent", [False, True])
def test_values_are_the_central_critics_of_what_the_policy_cannot_see(is_recurrent):
    agent = make_agent(is_recurrent)
    play(agent)
    buffer = agent.experience_buffer
    assert buffer["states"].shape == (8, 16, BUTTONS + 1)
    assert torch.equal(buffer["states"][0, :, :BUTTONS], buffer["obses"][0])  # the cue, in the first step
    assert not buffer["obses"][1].any() and buffer["states"][1, :, :BUTTONS].any()
    values = agent.central_value.get_values(buffer["states"].flatten(0, 1))
    torch.testing.assert_close(buffer["values"].flatten(0, 1), values)


@pytest.mark.parametrize("is_recurrent", [False, True])
def test_time_outs_are_valued_by_the_states_that_they_ended_in(is_recurrent):
    agent = make_agent(is_recurrent)
    play(agent)
    buffer = agent.experience_buffer
    assert buffer["time_outs"].any() and (buffer["dones"] & ~buffer["time_outs"]).any()
    final = agent.central_value.get_values(buffer["final_states"].flatten(0, 1)).view(8, 16, 1)
    failed = (buffer["dones"] & ~buffer["time_outs"]).unsqueeze(-1)
    torch.testing.assert_close(agent.next_values(), torch.where(failed, 0.0, final))


def test_a_recurrent_policy_values_what_an_episode_ended_in_by_its_memory():
    agent = make_agent(True, has_critic=False, zero_rnn_on_done=True)
    play(agent)
    buffer, network = agent.experience_buffer, agent.model
    state = network.get_default_rnn_state()
    for step in range(8):
        values = network.eval_critic(buffer["obses"][step], state)
        torch.testing.assert_close(buffer["values"][step], values)
        with torch.no_grad():
            state = network({"is_train": False, "obs": buffer["obses"][step], "rnn_states": state})[
                "rnn_states"
            ]
            after = network.eval_critic(buffer["final_obses"][step], state)
        torch.testing.assert_close(buffer["final_values"][step], after)
        dones, time_outs = buffer["dones"][step], buffer["time_outs"][step].unsqueeze(1)
        expected = torch.where(dones.unsqueeze(1) & ~time_outs, 0.0, after)
        torch.testing.assert_close(agent.next_values()[step], expected)
        state = tuple(torch.where(dones.view(1, -1, 1), 0.0, part) for part in state)


def test_the_first_pass_over_sequences_sees_the_rollouts_policy():
    agent = make_agent(True, minibatch_size=128, mini_epochs=1)
    agent.obs = agent.env_reset()
    for _ in range(2):  # the second rollout begins in the middle of memories
        agent.train_epoch()
        assert abs(agent.losses.harvest()["kl"]) < 1e-7


@pytest.mark.parametrize(("is_recurrent", "most"), [(False, 2.4), (True, 4.0)])
def test_memory_is_what_the_task_needs(is_recurrent, most):
    agent = make_agent(is_recurrent, max_epochs=25)
    agent.train()
    assert (0.85 if is_recurrent else 0.7) * most < agent.episodes.mean_reward <= most


def test_the_critic_learns_and_its_loss_is_logged():
    agent = make_agent()
    before = {name: value.clone() for name, value in agent.central_value.model.state_dict().items()}
    play(agent)
    agent.train_epoch()
    figures = agent.losses.harvest()
    assert figures["cval_loss"] > 0.0 and "kl" in figures
    after = agent.central_value.model.state_dict()
    moved = {name for name, value in after.items() if not torch.equal(value, before[name])}
    assert {"a2c_network.value.weight", "value_mean_std.count", "running_mean_std.count"} <= moved
    assert agent.model.value_mean_std.count == 1.0  # returns go through the critic's normaliser


def test_a_frozen_critic_stays_as_it_is():
    agent = make_agent(central_value_config=critic_config(freeze_critic=True))
    weight = agent.central_value.model.a2c_network.value.weight.clone()
    agent.obs = agent.env_reset()
    agent.train_epoch()
    assert "cval_loss" not in agent.losses.harvest()
    assert torch.equal(weight, agent.central_value.model.a2c_network.value.weight)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_resumed_run_goes_on_bit_by_bit(kind):
    def train(agent, epochs):
        agent.config.max_epochs = epochs
        agent.train()
        return agent.get_full_state_weights()

    config = {"horizon_length": 6, "seq_length": 3, "minibatch_size": 24}  # rollouts end within episodes
    if kind[1]:
        config["central_value_config"] = critic_config(minibatch_size=48, lr_schedule="linear")
    whole = train(make_agent(*kind, **config, max_epochs=4), 4)
    half = train(make_agent(*kind, **config, max_epochs=4), 2)
    torch.manual_seed(12345)
    resumed = make_agent(*kind, **config, max_epochs=4)
    resumed.set_full_state_weights(half)
    assert set(differences(whole, train(resumed, 4))) == {".total_time"}
    assert ("assymetric_vf_optimizer" in whole) is kind[1]
    assert ("recurrent" in whole["workers"][0]["own"]) is kind[0]


def test_states_and_minibatches_have_to_fit():
    critic = {"central_value_config": critic_config()}
    with pytest.raises(ConfigError, match="ButtonsEnv gives no states"):
        DiscreteA2CAgent("run", button_params(vec_env=ButtonsEnv(16), **critic))
    with pytest.raises(
        ConfigError, match=r"central_value_config\.minibatch_size=48: does not divide .* = 128"
    ):
        make_agent(central_value_config=critic_config(minibatch_size=48))
    with pytest.raises(ConfigError, match=r"central_value_config\.network\.rnn: the central critic sees"):
        make_agent(central_value_config=critic_config(network={"name": "toy_gru", "central_value": True}))
