"""A small deterministic environment in torch alone: push a point to the origin of a line, per action
dimension."""

import torch
from gymnasium import spaces

from learning import vecenv
from tests.learning.network_params import network_params


class ToyVecEnv:
    """Points x with velocity v on lines; the action pushes, the reward is 1 - |x|.

    An episode fails where |x| > `limit`, and ends by time after `episode_length` steps. Starts are drawn from
    torch's global generator. All returned tensors are live buffers, as those of a task.
    """

    def __init__(self, num_envs=16, num_obs=4, num_actions=2, episode_length=20, limit=2.0, noise=0.0):
        self.num_envs, self.num_obs, self.num_actions = num_envs, num_obs, num_actions
        self.device = torch.device("cpu")
        self.episode_length, self.limit = episode_length, limit
        self.observation_space = spaces.Box(-float("inf"), float("inf"), (num_obs,))
        self.action_space = spaces.Box(-1.0, 1.0, (num_actions,))
        self.x = torch.zeros(num_envs, num_actions)
        self.v = torch.zeros(num_envs, num_actions)
        self.progress = torch.zeros(num_envs, dtype=torch.long)
        self.obs_buf = torch.zeros(num_envs, num_obs)
        self.final_obs = torch.zeros(num_envs, num_obs)
        self.is_closed = False
        self.resets = 0

    def reset(self):
        self.resets += 1
        self._restart(torch.ones(self.num_envs, dtype=torch.bool))
        self._observe(self.obs_buf)
        return {"obs": self.obs_buf}

    def step(self, actions):
        self.last_actions = actions
        self.v = 0.9 * self.v + 0.1 * actions
        self.x = self.x + self.v
        self.progress += 1
        error = self.x.abs().mean(dim=1)
        terminate = self.x.abs().amax(dim=1) > self.limit
        time_outs = (self.progress >= self.episode_length) & ~terminate
        dones = terminate | time_outs
        self._observe(self.final_obs)
        self._restart(dones)
        self._observe(self.obs_buf)
        extras = {
            "time_outs": time_outs,
            "terminate": terminate,
            "final_obs": {"obs": self.final_obs},
            "episode": {"reward/near": (1.0 - error).mean()},
        }
        return {"obs": self.obs_buf}, 1.0 - error, dones, extras

    def get_env_state(self):
        return {"x": self.x.clone(), "v": self.v.clone(), "progress": self.progress.clone()}

    def set_env_state(self, state):
        self.x, self.v, self.progress = state["x"].clone(), state["v"].clone(), state["progress"].clone()

    def close(self):
        self.is_closed = True

    def _observe(self, out):
        out.zero_()
        out[:, : self.num_actions] = self.x
        out[:, self.num_actions : 2 * self.num_actions] = self.v

    def _restart(self, mask):
        starts = torch.rand(self.num_envs, self.num_actions) * 2.0 - 1.0
        self.x = torch.where(mask.unsqueeze(1), starts, self.x)
        self.v = torch.where(mask.unsqueeze(1), torch.zeros(()), self.v)
        self.progress = torch.where(mask, 0, self.progress)


def toy_params(**config):
    """`train.params` that trains a small policy on the toy environment."""
    env_config = config.pop("env_config", {})
    return {
        "seed": config.pop("seed", 7),
        "algo": {"name": "a2c_continuous"},
        "model": {"name": "continuous_a2c_logstd"},
        "network": network_params(
            mlp={"units": [16, 16]}, continuous={"sigma_init": {"name": "const_initializer", "val": -0.5}}
        ),
        "config": {
            "name": "Toy",
            "env_name": "toy",
            "env_config": env_config,
            "num_actors": 16,
            "horizon_length": 8,
            "minibatch_size": 32,
            "mini_epochs": 2,
            "learning_rate": 1e-3,
            "lr_schedule": "adaptive",
            "kl_threshold": 0.008,
            "gamma": 0.95,
            "tau": 0.95,
            "e_clip": 0.2,
            "clip_value": True,
            "critic_coef": 2,
            "entropy_coef": 0.0,
            "grad_norm": 1.0,
            "truncate_grads": True,
            "normalize_input": True,
            "normalize_value": True,
            "normalize_advantage": True,
            "bounds_loss_coef": 1e-4,
            "max_epochs": 4,
            **config,
        },
    }


vecenv.register("toy", ToyVecEnv, override=True)
