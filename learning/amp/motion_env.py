"""What AMP asks of an environment beside stepping: motion windows, reference windows, and an evaluation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from gymnasium import spaces
from torch import Tensor

from learning.typed_config import ConfigError
from learning.vecenv import ObsDict, VecEnv

Policy = Callable[[ObsDict], Tensor]
"""Maps observations to actions for the environment, (num_envs, num_actions)."""


class MotionEvaluation(Protocol):
    """Plays a policy in environments of its own and measures how close its motion is to the clip."""

    def run(self, policy: Policy) -> dict[str, Tensor]:
        """Play this worker's share of the episodes.

        Returns:
            A figure an episode, (episodes,): `pose_error` [m], `fell` (0 or 1), `speed` and `clip_speed`
            [m/s], `length` [control steps].
        """
        ...

    def dump(self, path: str | Path) -> None:
        """Write what the last `run` scored as .npz."""
        ...

    def close(self) -> None:
        """Free the environments."""
        ...


@runtime_checkable
class MotionEnv(VecEnv, Protocol):
    """A vectorised environment with motion windows.

    `step` gives `extras["amp_obs"]`, (num_envs, num_amp_obs): the window that ends with this step, before any
    reset.
    """

    amp_observation_space: spaces.Box
    """Space of one motion window, shape (num_amp_obs,)."""

    def fetch_amp_obs_demo(self, num_samples: int) -> Tensor:
        """Draw windows from the reference clips.

        Returns:
            (num_samples, num_amp_obs), laid out like `extras["amp_obs"]`.
        """
        ...

    def give_up(self, mask: Tensor) -> None:
        """End the episodes of the environments in `mask`, (num_envs,) bool, as failed with the next step."""
        ...

    def create_evaluation(self, rank: int, world_size: int) -> MotionEvaluation:
        """Build the evaluation of this worker's share.

        Args:
            rank: this worker.
            world_size: number of workers.
        """
        ...


def amp_input_shape(env: Any) -> tuple[int, ...]:
    """Return the shape of one motion window, (num_amp_obs,).

    Raises:
        ConfigError: the environment has no motion windows.
    """
    if not hasattr(env, "amp_observation_space"):
        raise ConfigError(
            f"train.params.algo.name=amp_continuous: learns from motion windows, which {type(env).__name__} "
            "does not give; choose a task that does, as task=HumanoidAMP, or a train file without AMP"
        )
    return tuple(env.amp_observation_space.shape)
