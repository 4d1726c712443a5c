"""What tests of SAC share: a small `train.params`, and an environment whose observations say where they are
from."""

import torch
from gymnasium import spaces

from tests.learning import toy_env  # noqa: F401  registers "toy"


def sac_network_params(**changes):
    """The `network` block, written as RL Games' YAML files write it."""
    mlp = {"units": [8, 6], "activation": "relu", **changes.pop("mlp", {})}
    return {
        "name": "soft_actor_critic",
        "separate": True,
        "space": {"continuous": None},
        "mlp": {"initializer": {"name": "default"}, **mlp},
        "log_std_bounds": [-5, 2],
        **changes,
    }


def sac_params(**config):
    """`train.params` that trains a small policy on the toy environment."""
    network = config.pop("network", {})
    return {
        "seed": config.pop("seed", 7),
        "algo": {"name": "sac"},
        "model": {"name": "soft_actor_critic"},
        "network": sac_network_params(**network),
        "config": {
            "name": "Toy",
            "env_name": "toy",
            "num_actors": 16,
            "num_steps_per_episode": 2,
            "num_updates_per_step": 2,
            "num_warmup_steps": 2,
            "batch_size": 32,
            "replay_buffer_size": 1000,
            "init_alpha": 0.2,
            "learnable_temperature": True,
            "actor_lr": 1e-3,
            "critic_lr": 1e-3,
            "alpha_lr": 1e-3,
            "gamma": 0.95,
            "normalize_input": True,
            "max_epochs": 4,
            **config,
        },
    }


class CountingVecEnv:
    """Observations are (environment, episode, step of the episode, 0); all returned tensors are live buffers.

    Episodes of even environments end by time after `length` steps, those of odd ones fail after one less. The
    reward is the number of the step that it is for, from 1.
    """

    def __init__(self, num_envs=4, length=5, action_space=None):
        self.num_envs, self.length = num_envs, length
        self.device = torch.device("cpu")
        self.observation_space = spaces.Box(-float("inf"), float("inf"), (4,))
        self.action_space = action_space or spaces.Box(-1.0, 1.0, (2,))
        self.obs = torch.zeros(num_envs, 4)
        self.obs[:, 0] = torch.arange(num_envs)
        self.final_obs = torch.zeros(num_envs, 4)
        self.actions = []

    def reset(self):
        self.obs[:, 1:] = 0.0
        return {"obs": self.obs}

    def step(self, actions):
        self.actions.append(actions.clone())
        self.obs[:, 2] += 1.0
        rewards = self.obs[:, 2].clone()
        is_odd = self.obs[:, 0] % 2 == 1
        terminate = is_odd & (self.obs[:, 2] == self.length - 1)
        time_outs = ~is_odd & (self.obs[:, 2] == self.length)
        dones = terminate | time_outs
        self.final_obs.copy_(self.obs)
        self.obs[:, 1] += dones
        self.obs[:, 2] *= ~dones
        extras = {"time_outs": time_outs, "terminate": terminate, "final_obs": {"obs": self.final_obs}}
        return {"obs": self.obs}, rewards, dones, extras

    def get_env_state(self):
        return {"obs": self.obs.clone()}

    def set_env_state(self, state):
        self.obs.copy_(state["obs"])

    def close(self):
        pass
