"""Environments that do what their actions say, registered with Gymnasium as `Scripted*-v0`.

Actions: 0 goes on, 1 terminates, 2 truncates, 3 does both. The observation is (number of the episode, number
of the step), the reward 10 · episode + step.
"""

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

GO, TERMINATE, TRUNCATE, BOTH = range(4)
SPACE = spaces.Box(-np.inf, np.inf, (2,), np.float32)


class Scripted(gymnasium.Env):
    observation_space, action_space = SPACE, spaces.Discrete(4)

    def __init__(self, masks=False, handle=False):
        self.masks = masks
        self.episode, self.count = 0, 0
        self.drawn = 0.0
        if handle:
            self.handle = object()  # as a physics engine's

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.episode, self.count = self.episode + 1, 0
        self.drawn = float(self.np_random.random())
        return self._obs(), self._info()

    def step(self, action):
        self.count += 1
        reward = 10.0 * self.episode + self.count
        return self._obs(), reward, action in (1, 3), action in (2, 3), self._info()

    def _obs(self):
        return np.array([self.episode, self.count], np.float32)

    def _info(self):
        # what is allowed next: in an episode's first step 0 and 1, later everything
        return {"action_mask": np.array([1, 1, self.count, self.count], np.int8)} if self.masks else {}


class ScriptedVector(VectorEnv):
    """The same as a batch that resets in the next step, or only when asked."""

    metadata = {"autoreset_mode": AutoresetMode.NEXT_STEP}

    def __init__(self, num_envs, masks=False):
        self.num_envs, self.masks = num_envs, masks
        self.single_observation_space, self.single_action_space = SPACE, spaces.Discrete(4)
        self.observation_space = batch_space(SPACE, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.state = np.zeros((num_envs, 2), np.float32)
        self.ended = np.zeros(num_envs, bool)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        rows = (options or {}).get("reset_mask", np.ones(self.num_envs, bool))
        self._begin(rows)
        self.ended[rows] = False
        return self.state, self._info()

    def step(self, actions):
        late = self.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP
        begins = self.ended.copy() if late else np.zeros(self.num_envs, bool)
        assert late or not self.ended.any()
        self.state[:, 1] += 1
        rewards = 10.0 * self.state[:, 0] + self.state[:, 1]
        self._begin(begins)
        # What a reset's row says is noise: whoever believes it is wrong.
        terminated = np.where(begins, True, np.isin(actions, (1, 3)))
        truncated = np.where(begins, True, np.isin(actions, (2, 3)))
        self.ended = (terminated | truncated) & ~begins
        return self.state, np.where(begins, 99.0, rewards), terminated, truncated, self._info()

    def _begin(self, rows):
        self.state[rows] += [[1, 0]]
        self.state[rows, 1] = 0

    def _info(self):
        late = self.state[:, 1:] > 0
        mask = np.concatenate([np.ones((self.num_envs, 2), bool), late, late], axis=1)
        return {"action_mask": mask} if self.masks else {}


class OnRequestVector(ScriptedVector):
    metadata = {"autoreset_mode": AutoresetMode.DISABLED}


class SilentVector(ScriptedVector):
    metadata = {}


class ForgetfulVector(ScriptedVector):
    """Says that it resets within the step, and gives no final observations."""

    metadata = {"autoreset_mode": AutoresetMode.SAME_STEP}


def register():
    for name, entries in {
        "Scripted-v0": {"entry_point": Scripted},
        "ScriptedNextStep-v0": {"vector_entry_point": ScriptedVector},
        "ScriptedOnRequest-v0": {"vector_entry_point": OnRequestVector},
        "ScriptedForgetful-v0": {"vector_entry_point": ForgetfulVector},
        "ScriptedBoth-v0": {"entry_point": Scripted, "vector_entry_point": ScriptedVector},
    }.items():
        if name not in gymnasium.registry:
            gymnasium.register(name, max_episode_steps=None, **entries)
