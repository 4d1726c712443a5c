import torch
from torch import tensor

from learning.rollouts.value_heads import ValueHead, ValueHeads

CPU = torch.device("cpu")


def test_one_head_ends_with_the_episode():
    heads = ValueHeads([ValueHead(0.9)], CPU)
    flags = tensor([[True, False]])
    assert heads.gamma == 0.9
    assert heads.ends(flags).tolist() == [[[True], [False]]]


def test_some_returns_outlive_the_episode():
    heads = ValueHeads([ValueHead(0.5), ValueHead(0.25, episodic=False)], CPU)
    assert heads.gamma.tolist() == [0.5, 0.25]
    assert heads.ends(tensor([[True, False]])).tolist() == [[[True, False], [False, False]]]
