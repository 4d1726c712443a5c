"""The motion so far: the last frames of every episode, kept so that a step has to write only its own."""

from __future__ import annotations

import torch
from torch import Tensor


class MotionHistory:
    """The last frames of every episode, newest first.

    What is shown is a window on a buffer twice as long. A new frame goes in front of it, and the window moves
    there; frames are copied only when it has arrived at the front, once in as many steps as it is long.

    Args:
        num_envs: environments.
        num_frames: frames that are shown.
        size: numbers of a frame.
        device: where they are.
    """

    def __init__(self, num_envs: int, num_frames: int, size: int, device: torch.device) -> None:
        self._num_frames = num_frames
        self._buffer = torch.zeros(num_envs, 2 * num_frames, size, device=device)
        self._newest = num_frames  # where the newest frame is
        self._begun: list[tuple[Tensor, Tensor]] = []

    @property
    def frames(self) -> Tensor:
        """The frames up to the last `push`, (num_envs, num_frames, size); a view, good until the next one."""
        return self._buffer[:, self._newest : self._newest + self._num_frames]

    def begin(self, env_ids: Tensor, frames: Tensor) -> None:
        """Begin episodes (k,) with the motion that led there, (k, num_frames, size).

        The next `push` goes on from it; until then `frames` shows the episodes that have ended.
        """
        self._begun.append((env_ids, frames))

    def so_far(self) -> Tensor:
        """What the next `push` goes on from, like `frames`, which shows it too from now on."""
        for env_ids, frames in self._begun:
            self.frames[env_ids] = frames
        self._begun.clear()
        return self.frames

    def push(self, frame: Tensor) -> None:
        """Put a frame of every episode, (num_envs, size), first."""
        kept = self.so_far()[:, :-1]
        if self._newest == 0:
            self._newest = self._buffer.shape[1] - kept.shape[1]
            self._buffer[:, self._newest :] = kept
        self._newest -= 1
        self._buffer[:, self._newest] = frame
