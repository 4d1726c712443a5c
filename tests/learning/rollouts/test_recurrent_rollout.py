"""A recurrent policy's state through a rollout, and the sequences that an update takes."""

import pytest
import torch

from learning.rollouts.dataset import PPODataset
from learning.rollouts.recurrent_rollout import RecurrentRollout, forget
from learning.typed_config import ConfigError

CPU = torch.device("cpu")


def rollout_of(forgets=True, num_envs=3, horizon=4, seq_length=2):
    states = (torch.zeros(1, num_envs, 2), torch.zeros(1, num_envs, 2))
    return RecurrentRollout(states, horizon, num_envs, seq_length, forgets)


def test_states_of_ended_episodes_are_forgotten():
    state = torch.ones(2, 3, 4)
    kept = forget((state,), torch.tensor([False, True, False]))[0]
    assert kept[:, 1].sum() == 0 and kept[:, [0, 2]].sum() == 16
    assert state.sum() == 24


@pytest.mark.parametrize("forgets", [True, False])
def test_sequences_lie_in_one_piece_and_start_from_their_states(forgets):
    """Environment n at step t shows 10 n + t; its state before step t is t, unless an episode ended."""
    rollout = rollout_of(forgets)
    ended_after = {1: torch.tensor([False, True, False])}
    for step in range(4):
        rollout.before_step(step)
        state = torch.full((1, 3, 2), step + 1.0)
        rollout.after_step((state, -state), ended_after.get(step, torch.zeros(3, dtype=torch.bool)))
    seen = (10 * torch.arange(3) + torch.arange(4).unsqueeze(1)).flatten()  # (horizon * num_envs,)
    batch = rollout.as_sequences({"obses": seen})
    assert batch["obses"].tolist() == [0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23]
    second = 0.0 if forgets else 2.0
    first = [0.0, 2.0, 0.0, second, 0.0, 2.0]
    assert batch["rnn_states/0"][:, 0, 0].tolist() == first
    assert batch["rnn_states/1"][:, 0, 1].tolist() == [-value for value in first]


def test_what_a_model_takes():
    rollout = rollout_of()
    batch = rollout.as_sequences({"episode_starts": torch.zeros(12, dtype=torch.bool)})
    inputs = rollout.model_inputs({name: value[:4] for name, value in batch.items()})
    assert [state.shape for state in inputs["rnn_states"]] == [(1, 4, 2), (1, 4, 2)]
    assert inputs["seq_length"] == 2 and inputs["dones"].shape == (4,)
    assert rollout_of(forgets=False).model_inputs(batch)["dones"] is None


def test_a_reset_begins_anew():
    rollout = rollout_of()
    rollout.after_step((torch.ones(1, 3, 2), torch.ones(1, 3, 2)), torch.zeros(3, dtype=torch.bool))
    assert not rollout.starts_episode.any()
    rollout.restart()
    assert rollout.starts_episode.all() and rollout.states[0].sum() == 0


def test_state_goes_on():
    rollout, other = rollout_of(), rollout_of()
    rollout.after_step((torch.ones(1, 3, 2), torch.rand(1, 3, 2)), torch.tensor([True, False, False]))
    other.load_state_dict(rollout.state_dict())
    assert torch.equal(other.states[1], rollout.states[1])
    assert torch.equal(other.starts_episode, rollout.starts_episode)


def test_sequences_have_to_fill_the_rollout():
    with pytest.raises(ConfigError, match=r"seq_length=3: does not divide horizon_length=4; try 2"):
        rollout_of(seq_length=3)


@pytest.mark.parametrize("shuffle", [True, False])
def test_minibatches_are_made_of_whole_sequences(shuffle):
    torch.manual_seed(0)
    dataset = PPODataset(12, 4, CPU, shuffle, seq_length=2)
    steps = torch.arange(12)
    dataset.update_values_dict({"obs": steps, "rnn_states/0": torch.arange(6).view(6, 1, 1)})
    dataset.apply_permutation()
    assert len(dataset) == 3
    pairs, starts = [], []
    for index in range(3):
        minibatch = dataset[index]
        pairs += minibatch["obs"].view(2, 2).tolist()
        starts += minibatch["rnn_states/0"].flatten().tolist()
    assert sorted(pairs) == [[2 * i, 2 * i + 1] for i in range(6)]
    assert [pair[0] // 2 for pair in pairs] == starts
    assert (starts == sorted(starts)) is not shuffle
