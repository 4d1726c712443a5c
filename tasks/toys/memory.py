"""Memory: say at the end what was shown at the start. Blind to the past, nobody beats chance."""

from __future__ import annotations

import numpy as np
from gymnasium import spaces

from tasks.toys.base import ToyVectorEnv, one_hot


class MemoryEnv(ToyVectorEnv):
    """A cue is shown in the first observation, then nothing, then the question which it was.

    | observation | meaning |
    |---|---|
    | 0 … num_cues - 1 | the cue, one-hot, in the first observation; else 0 |
    | num_cues | 1 in the last observation: answer now |

    The action is a cue. The reward is 1 for the right answer to the question and 0 for all else; the answer
    ends the episode, after `delay + 2` steps. With four cues a policy without memory gets 0.25, one with
    memory 1.

    Args:
        num_envs: environments.
        delay: observations that show nothing.
        num_cues: cues.
    """

    def __init__(self, num_envs: int = 1, delay: int = 8, num_cues: int = 4) -> None:
        observation_space = spaces.Box(0.0, 1.0, (num_cues + 1,), dtype=np.float32)
        super().__init__(num_envs, observation_space, spaces.Discrete(num_cues), max_episode_steps=None)
        self.delay, self.num_cues = delay, num_cues
        self.cues = np.zeros(num_envs, dtype=np.int64)

    def begin(self, rows: np.ndarray) -> None:
        """Draw a cue."""
        self.cues[rows] = self.np_random.integers(self.num_cues, size=int(rows.sum()))

    def advance(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Judge the answers where the question was shown."""
        answered = self.steps == self.delay + 2
        return answered & (actions == self.cues), answered

    def observe(self) -> np.ndarray:
        """The cue at first, the question at last: (num_envs, num_cues + 1)."""
        obs = np.zeros((self.num_envs, self.num_cues + 1), dtype=np.float32)
        obs[:, :-1] = one_hot(self.cues, self.num_cues) * (self.steps == 0)[:, None]
        obs[:, -1] = self.steps == self.delay + 1
        return obs
