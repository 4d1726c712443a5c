"""Curiosity finds what chance does not."""

import torch

from learning.agents.a2c_discrete import DiscreteA2CAgent
from tests.learning.curiosity.toy_lock_env import LockEnv, lock_params


def train(rnd):
    torch.manual_seed(0)
    env = LockEnv()
    agent = DiscreteA2CAgent("run", lock_params(vec_env=env, rnd_config=rnd, max_epochs=25))
    agent.train()
    return env.deepest, agent.episodes.mean_reward


def test_curiosity_opens_the_lock():
    rnd = {"learning_rate": 1e-3, "value": "separate", "episodic": False, "gamma": 0.95}
    deepest, reward = train(rnd)
    assert deepest == 12 and reward > 0.9


def test_chance_does_not():
    deepest, reward = train(None)  # 25,600 presses, each digit deeper a third as often
    assert deepest < 10 and reward == 0.0
