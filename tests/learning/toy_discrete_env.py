"""A small discrete environment in torch alone: press the button that is lit."""

import torch
from gymnasium import spaces

from learning import vecenv
from tests.learning.network_params import network_params
from tests.learning.toy_env import toy_params

CHOICES = (3, 2)


class ButtonsEnv:
    """Shows one lit button a choice; pressing it gives 1 point a choice. An episode has ten steps.

    With `masked` the last button of every choice may not be pressed, and is never lit.
    """

    def __init__(self, num_envs=16, choices=CHOICES[:1], masked=False, episode_length=10):
        self.num_envs, self.choices, self.masked = num_envs, choices, masked
        self.device = torch.device("cpu")
        self.episode_length = episode_length
        self.observation_space = spaces.Box(0.0, 1.0, (sum(choices),))
        several = len(choices) > 1
        self.action_space = spaces.MultiDiscrete(choices) if several else spaces.Discrete(choices[0])
        self.progress = torch.zeros(num_envs, dtype=torch.long)
        self.lit = torch.zeros(num_envs, len(choices), dtype=torch.long)

    def reset(self):
        self.progress.zero_()
        return self._light()

    def step(self, actions):
        self.last_actions = actions
        rewards = (actions.view(self.num_envs, -1) == self.lit).float().sum(dim=1)
        self.progress += 1
        time_outs = self.progress >= self.episode_length
        self.progress[time_outs] = 0
        obs = self._light()
        extras = {"time_outs": time_outs, "terminate": torch.zeros_like(time_outs), "final_obs": obs}
        return obs, rewards, time_outs, extras

    def get_action_masks(self):
        masks = [torch.arange(num) < num - 1 for num in self.choices]
        return torch.cat(masks).expand(self.num_envs, -1)

    def get_env_state(self):
        return {"lit": self.lit.clone(), "progress": self.progress.clone()}

    def set_env_state(self, state):
        self.lit, self.progress = state["lit"].clone(), state["progress"].clone()

    def close(self):
        pass

    def _light(self):
        pressable = torch.tensor([num - int(self.masked) for num in self.choices])
        self.lit = (torch.rand(self.num_envs, len(self.choices)) * pressable).long()
        columns = [
            torch.nn.functional.one_hot(lit, num)
            for lit, num in zip(self.lit.unbind(1), self.choices, strict=True)
        ]
        return {"obs": torch.cat(columns, dim=1).float()}


def button_params(choices=CHOICES[:1], **config):
    """`train.params` that learns to press the lit buttons."""
    several = len(choices) > 1
    kind = "multi_discrete" if several else "discrete"
    params = toy_params(**{"clip_value": False, "learning_rate": 1e-2, "kl_threshold": 0.05, **config})
    network = {**network_params(mlp={"units": [16]}), "space": {kind: {}}}
    return {
        **params,
        "algo": {"name": "a2c_discrete"},
        "model": {"name": "multi_discrete_a2c" if several else "discrete_a2c"},
        "network": network,
    }


vecenv.register("buttons", ButtonsEnv, override=True)
