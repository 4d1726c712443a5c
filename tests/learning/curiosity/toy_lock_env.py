"""A combination lock in torch alone: chance does not open it."""

import torch
from gymnasium import spaces

from learning import vecenv
from tests.learning.toy_discrete_env import button_params

BUTTONS = 3


class LockEnv:
    """Pressing the right button leads one digit on, a wrong one back to the start.

    The last digit gives the only reward there is, 1, and ends the episode, as do `episode_length` steps. The
    observation is the digit, one-hot.
    """

    def __init__(self, num_envs=64, digits=12, episode_length=24):
        self.num_envs, self.digits, self.episode_length = num_envs, digits, episode_length
        self.device = torch.device("cpu")
        self.observation_space = spaces.Box(0.0, 1.0, (digits + 1,))
        self.action_space = spaces.Discrete(BUTTONS)
        self.code = (torch.arange(digits + 1) * 7 // 3) % BUTTONS
        self.place = torch.zeros(num_envs, dtype=torch.long)
        self.progress = torch.zeros(num_envs, dtype=torch.long)
        self.deepest = 0

    def reset(self):
        self.place.zero_()
        self.progress.zero_()
        return self._observe()

    def step(self, actions):
        self.place = torch.where(actions == self.code[self.place], self.place + 1, 0)
        self.progress += 1
        self.deepest = max(self.deepest, int(self.place.max()))
        terminate = self.place == self.digits
        time_outs = (self.progress >= self.episode_length) & ~terminate
        dones, final_obs = terminate | time_outs, self._observe()
        self.place[dones] = self.progress[dones] = 0
        extras = {"time_outs": time_outs, "terminate": terminate, "final_obs": final_obs}
        return self._observe(), terminate.float(), dones, extras

    def get_env_state(self):
        return {"place": self.place.clone(), "progress": self.progress.clone()}

    def set_env_state(self, state):
        self.place, self.progress = state["place"].clone(), state["progress"].clone()

    def close(self):
        pass

    def _observe(self):
        return {"obs": torch.nn.functional.one_hot(self.place, self.digits + 1).float()}


def lock_params(**config):
    """`train.params` that tries to open the lock."""
    sizes = {"num_actors": 64, "horizon_length": 16, "minibatch_size": 256, "mini_epochs": 4}
    config = {"gamma": 0.98, "normalize_input": False, "entropy_coef": 0.005, **sizes, **config}
    return button_params(env_name="lock", lr_schedule=None, learning_rate=3e-3, **config)


vecenv.register("lock", LockEnv, override=True)
