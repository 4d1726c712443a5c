"""A task from outside: points on a line that want to be at 0. It has no physics, so it starts at once."""

from dataclasses import dataclass

import numpy as np
import torch
from gymnasium import spaces

import tasks


@dataclass
class ToyEnvConfig:
    numEnvs: int = 8
    episodeLength: int = 10


class Toy:
    env_config_type = ToyEnvConfig
    num_obs, num_actions = 2, 1

    def __init__(self, cfg, rl_device, **_):
        self.num_envs = cfg["env"]["numEnvs"]
        self.length = cfg["env"]["episodeLength"]
        self.device = torch.device(rl_device)
        self.observation_space = spaces.Box(-np.inf, np.inf, (2,), np.float32)
        self.action_space = spaces.Box(-1.0, 1.0, (1,), np.float32)
        self.state = torch.rand(self.num_envs, 2)
        self.age = torch.zeros(self.num_envs, dtype=torch.long)

    def reset(self):
        return {"obs": self.state.clone()}

    def step(self, actions):
        self.state = self.state + 0.1 * actions
        self.age += 1
        final_obs = {"obs": self.state.clone()}
        rewards = -self.state[:, 0].abs()
        time_outs = self.age >= self.length
        self.state = torch.where(time_outs[:, None], torch.rand(self.num_envs, 2), self.state)
        self.age[time_outs] = 0
        extras = {
            "time_outs": time_outs,
            "terminate": torch.zeros_like(time_outs),
            "final_obs": final_obs,
        }
        return {"obs": self.state.clone()}, rewards, time_outs, extras

    def get_env_state(self):
        return {"state": self.state, "age": self.age}

    def set_env_state(self, saved):
        self.state, self.age = saved["state"].clone(), saved["age"].clone()

    def close(self):
        pass


if "Toy" not in tasks.names():
    tasks.register("Toy", Toy)
