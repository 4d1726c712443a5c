"""Episodes end that looked unlike the clips for so many steps in a row."""

import pytest
import torch

from learning.amp.style_termination import StyleTermination, StyleTerminationConfig

CPU = torch.device("cpu")


def test_steps_in_a_row_are_counted():
    termination = StyleTermination(StyleTerminationConfig(reward=0.1, steps=2), 3, CPU)
    dones = torch.zeros(3, dtype=torch.bool)
    #          always low, never low, low again after a good step
    rewards = [[0.05, 0.1, 0.0], [0.05, 0.1, 0.5], [0.05, 0.1, 0.0], [0.05, 0.1, 0.0]]
    ended = [termination.step(torch.tensor(row), dones).tolist() for row in rewards]
    assert ended == [[False] * 3, [True, False, False], [True, False, False], [True, False, True]]


def test_a_new_episode_counts_anew():
    termination = StyleTermination(StyleTerminationConfig(reward=0.1, steps=2), 1, CPU)
    low, ended, runs = torch.zeros(1), torch.tensor([True]), torch.tensor([False])
    assert [bool(termination.step(low, done)) for done in (runs, ended, runs, runs)] == [
        False,
        False,
        False,
        True,
    ]


def test_counts_go_on():
    one, other = (StyleTermination(StyleTerminationConfig(0.1, 2), 1, CPU) for _ in range(2))
    one.step(torch.zeros(1), torch.tensor([False]))
    other.load_state_dict(one.state_dict())
    assert bool(other.step(torch.zeros(1), torch.tensor([False])))


@pytest.mark.parametrize(("values", "rule"), [((0.0, 5), "greater than 0"), ((0.1, 0), "at least 1")])
def test_what_never_ends_is_refused(values, rule):
    with pytest.raises(ValueError, match=rule):
        StyleTerminationConfig(*values)
