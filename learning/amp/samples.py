"""The motion windows that a discriminator learns from: the clips', the agent's old ones, their normaliser."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from learning.amp.config import AMPConfig
from learning.amp.motion_env import MotionEnv, amp_input_shape
from learning.distributed import Distributed
from learning.maths.running_mean_std import RunningMeanStd
from learning.rollouts.replay_buffer import ReplayBuffer, draw_rows, thin_rows

FETCHED_AT_ONCE = 4096  # windows; bounds the memory that filling the demo buffer takes


class AMPSamples:
    """Windows of this worker; the normaliser is the same on all.

    Args:
        env: gives windows of the clips.
        config: sizes, as totals of all workers where `world_share`.
        distributed: the workers.
        device: where windows live.
    """

    def __init__(
        self, env: MotionEnv, config: AMPConfig, distributed: Distributed, device: torch.device
    ) -> None:
        self._env, self._config = env, config
        self._distributed, self._device = distributed, device
        self._shares = distributed.world_size if config.world_share else 1
        shape = amp_input_shape(env)
        self.demo = ReplayBuffer(self.share(config.amp_obs_demo_buffer_size), shape, device)
        self.replay = ReplayBuffer(self.share(config.amp_replay_buffer_size), shape, device)
        self.normalizer = RunningMeanStd(shape).to(device) if config.normalize_amp_input else None
        self._fill_demo()

    def share(self, total: int) -> int:
        """Return this worker's part of a total, at least 1."""
        return max(1, total // self._shares)

    def _fetch_demo(self, num_samples: int) -> Tensor:
        return self._env.fetch_amp_obs_demo(num_samples).to(self._device)

    def _fill_demo(self) -> None:
        while not self.demo.is_full:
            self.demo.store(self._fetch_demo(min(FETCHED_AT_ONCE, self.demo.capacity - len(self.demo))))

    def refresh(self, amp_obs: Tensor) -> None:
        """Take new windows of the clips, and let the normaliser see them and as many of the agent's.

        All workers call this together.

        Args:
            amp_obs: windows of the rollout, (B, num_amp_obs).
        """
        fresh = self._fetch_demo(self.share(self._config.amp_batch_size))
        self.demo.store(fresh)
        if self.normalizer is not None:
            seen = torch.cat([draw_rows(amp_obs, len(fresh)), fresh])
            self.normalizer.update_from(seen, self._distributed)

    def normalize(self, amp_obs: Tensor) -> Tensor:
        """Return windows (…, num_amp_obs) as the discriminator sees them, without gradient."""
        if self.normalizer is None:
            return amp_obs
        with torch.no_grad():
            return self.normalizer(amp_obs)

    def draw(self, amp_obs: Tensor, num_agent: int, num_replay: int, num_demo: int) -> Tensor:
        """Draw normalised windows of the rollout, of the replay buffer and of the clips.

        Before there are old ones, the rollout's stand in for them.

        Args:
            amp_obs: windows of the rollout, (B, num_amp_obs).
            num_agent: of the rollout.
            num_replay: of the replay buffer.
            num_demo: of the clips.

        Returns:
            (num_agent + num_replay + num_demo, num_amp_obs), in this order.
        """
        replay = self.replay.sample(num_replay) if len(self.replay) else draw_rows(amp_obs, num_replay)
        parts = [draw_rows(amp_obs, num_agent), replay, self.demo.sample(num_demo)]
        return self.normalize(torch.cat(parts))

    def store(self, amp_obs: Tensor) -> None:
        """Put the rollout's windows (B, num_amp_obs) into the replay buffer; once it is full, a share."""
        share = self._config.amp_replay_keep_prob if self.replay.is_full else 1.0
        self.replay.store(thin_rows(amp_obs, share))

    def state_dict(self) -> dict[str, Any]:
        """Return both buffers."""
        return {"demo": self.demo.state_dict(), "replay": self.replay.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a state of `state_dict`."""
        self.demo.load_state_dict(state["demo"])
        self.replay.load_state_dict(state["replay"])
