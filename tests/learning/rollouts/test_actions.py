import numpy as np
import pytest
import torch
from gymnasium import spaces

from learning.rollouts.actions import ActionBox, ActionChoices
from learning.typed_config import ConfigError

CPU = torch.device("cpu")


def test_actions_are_clamped_and_scaled_to_the_space():
    space = spaces.Box(np.float32([-1, 0]), np.float32([1, 10]))
    box = ActionBox(space, True, CPU)
    assert box.actions_num == 2
    assert torch.equal(box(torch.tensor([[-3.0, -3.0], [0.5, 0.5]])), torch.tensor([[-1.0, 0.0], [0.5, 7.5]]))


def test_actions_pass_as_sampled_without_clipping():
    actions = torch.tensor([[3.0]])
    assert ActionBox(spaces.Box(-1, 1, (1,)), False, CPU)(actions) is actions
    assert ActionBox(spaces.Box(-1, 1, (1,)), True, CPU)(actions) == 1.0


def test_a_space_without_bounds_cannot_be_scaled_to():
    space = spaces.Box(-np.inf, np.inf, (1,))
    with pytest.raises(ConfigError, match="clip_actions=True"):
        ActionBox(space, True, CPU)
    ActionBox(space, False, CPU)


def test_discrete_actions_are_numbered_as_the_space_does():
    choices = ActionChoices(spaces.Discrete(3, start=-1))
    assert (choices.actions_num, choices.shape, choices.num_logits) == (3, (), 3)
    assert choices(torch.tensor([0, 2])).tolist() == [-1, 1]
    several = ActionChoices(spaces.MultiDiscrete([3, 2], start=[0, 5]))
    assert (several.actions_num, several.shape, several.num_logits) == ([3, 2], (2,), 5)
    assert several(torch.tensor([[1, 1]])).tolist() == [[1, 6]]


def test_spaces_that_do_not_fit_name_the_algorithm_that_does():
    with pytest.raises(ConfigError, match="a2c_discrete"):
        ActionBox(spaces.Discrete(3), True, CPU)
    with pytest.raises(ConfigError, match="a2c_continuous"):
        ActionChoices(spaces.Box(-1, 1, (1,)))
