"""How well a policy imitates its clips: pose errors of episodes played in an instance of the task of its own.

Episodes start at phases spread evenly over the clips and last a fixed time; one that falls is scored up to
its fall. `docs/amp_evaluation.md` says what the figures mean and how to recompute them.
"""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from tasks.amp.pose_error import ROOT, pose_errors

STEPS_PER_CHECK = 30  # of asking, at the price of waiting for the device, whether all episodes have ended

Policy = Callable[[dict[str, Tensor]], Tensor]
"""{"obs": (num_envs, num_obs)} → actions (num_envs, num_actions)."""


class MotionTask(Protocol):
    """What an evaluation asks of a task."""

    auto_reset: bool  # whether `step` starts a new episode where one ended
    control_dt: float  # [s]
    body_pos: Tensor  # (num_envs, B, 3) of now, world [m]
    terminate_buf: Tensor  # (num_envs,) bool: fell in the last step
    motion_lib: Any  # tasks.amp.motion_lib.MotionLib
    character: Any  # tasks.amp.character.Character

    def reset_to(self, motion_ids: Tensor, times: Tensor) -> dict[str, Tensor]:
        """Start all environments at times [s] of clips."""
        ...

    def step(self, actions: Tensor) -> tuple[dict[str, Tensor], Any, Any, Any]:
        """Advance all environments by one control step."""
        ...

    def close(self) -> None:
        """Free the simulation."""
        ...


@dataclass
class Rollout:
    """What n episodes did over at most T frames, and what the clips do; frame 0 is what they start in."""

    body_pos: Tensor
    """(n, T, B, 3) world [m]; NaN after an episode's end"""
    ref_body_pos: Tensor
    """(n, T, B, 3) of the clips; NaN likewise"""
    length: Tensor
    """(n,) int64 frames up to the end, the fall's among them"""
    fell: Tensor
    """(n,) bool"""


class MotionEvaluation:
    """Plays this worker's share of the evaluation's episodes and scores them.

    Args:
        make_task: builds a task with the given number of environments; called at the first `run`.
        num_episodes: over all workers.
        rank: of this worker, which plays the episodes rank, rank + world_size, …
        world_size: number of workers.
        seconds: how long an episode lasts unless it falls [s].
    """

    def __init__(
        self,
        make_task: Callable[[int], MotionTask],
        num_episodes: int,
        rank: int = 0,
        world_size: int = 1,
        seconds: float = 20.0,
    ) -> None:
        self._make_task, self._seconds = make_task, seconds
        self._num_episodes, self._share = num_episodes, slice(rank, None, world_size)
        self._num_own = len(range(num_episodes)[self._share])
        self._task: MotionTask | None = None
        self._rollout: Rollout | None = None

    @torch.no_grad()
    def run(self, policy: Policy) -> dict[str, Tensor]:
        """Play and score; random generators are left as they were.

        Returns:
            A figure an episode, float32 on the CPU, (episodes of this worker,): `pose_error` [m], `fell`
            (0 or 1), `speed` and `clip_speed` [m/s], `length` [control steps].
        """
        if self._num_own == 0:
            return {name: torch.zeros(0) for name in ("pose_error", "fell", "speed", "clip_speed", "length")}
        with _random_state_kept():
            task = self._task = self._task or self._make_task(self._num_own)
            self._motion_ids, self._times = self._starts(task.motion_lib)
            self._rollout = play(task, policy, self._motion_ids, self._times, self._seconds)
        return score(self._rollout, task.control_dt)

    def dump(self, path: str | Path) -> None:
        """Write what the last `run` scored, this worker's episodes, as .npz without pickled objects.

        Raises:
            ValueError: a path that cannot be written.
            RuntimeError: nothing was scored yet.
        """
        target = check_dump_path(path)
        if self._task is None or self._rollout is None:
            raise RuntimeError(f"nothing to write to {target}: no episode was played yet (call run first)")
        task, rollout = self._task, self._rollout
        ids = self._motion_ids.tolist()
        _save_npz(
            target,
            body_pos=rollout.body_pos.cpu().numpy(),
            ref_body_pos=rollout.ref_body_pos.cpu().numpy(),
            length=rollout.length.cpu().numpy(),
            fell=rollout.fell.cpu().numpy(),
            fps=np.float64(1.0 / task.control_dt),
            body_names=np.array(task.character.body_names),
            motion=np.array([task.motion_lib.names[i] for i in ids]),
            phase=(self._times / task.motion_lib.durations[self._motion_ids]).cpu().numpy(),
        )

    def close(self) -> None:
        """Free the task and what was played."""
        if self._task is not None:
            self._task.close()
        self._task = self._rollout = None

    def _starts(self, motion_lib: Any) -> tuple[Tensor, Tensor]:
        ids, phases = spread_starts(motion_lib.weights.cpu(), self._num_episodes)
        durations = motion_lib.durations
        ids = ids[self._share].to(durations.device)
        return ids, phases[self._share].to(durations) * durations[ids]


def spread_starts(weights: Tensor, num_episodes: int) -> tuple[Tensor, Tensor]:
    """Where episodes start: clips in proportion to their weights, phases evenly within each clip.

    Args:
        weights: (M,) of the clips.
        num_episodes: E.

    Returns:
        Clips, (E,) int64, in rising order, and phases, (E,) float64 in [0, 1): k / n for the k-th of the n
        episodes of a clip.
    """
    shares = (weights.double() / weights.double().sum()).cumsum(0)[:-1]
    centres = (torch.arange(num_episodes, dtype=torch.float64) + 0.5) / num_episodes
    ids = torch.searchsorted(shares, centres, right=True)
    counts = torch.bincount(ids, minlength=len(weights))
    firsts = counts.cumsum(0) - counts
    return ids, (torch.arange(num_episodes) - firsts[ids]).double() / counts[ids]


def play(task: MotionTask, policy: Policy, motion_ids: Tensor, times: Tensor, seconds: float) -> Rollout:
    """Start at times (n,) [s] of clips (n,) and let the policy act until all have fallen or time is over.

    Environments whose episode has ended go on stepping; nothing of it counts.
    """
    task.auto_reset = False
    obs = task.reset_to(motion_ids, times)
    n, steps = len(motion_ids), round(seconds / task.control_dt)
    body_pos = task.body_pos.new_empty(steps + 1, *task.body_pos.shape)
    body_pos[0] = task.body_pos
    alive = torch.ones(n, dtype=torch.bool, device=body_pos.device)
    length = torch.ones(n, dtype=torch.long, device=body_pos.device)
    for step in range(1, steps + 1):
        obs = task.step(policy(obs))[0]
        body_pos[step] = task.body_pos
        length += alive
        alive &= ~task.terminate_buf
        if step % STEPS_PER_CHECK == 0 and not alive.any():
            break
    ref_body_pos = unroll(task.motion_lib, motion_ids, times, steps + 1, task.control_dt)
    ended = torch.arange(steps + 1, device=length.device) >= length.unsqueeze(-1)  # (n, T)
    body_pos = body_pos.transpose(0, 1).contiguous()
    body_pos[ended] = ref_body_pos[ended] = torch.nan
    return Rollout(body_pos, ref_body_pos, length, ~alive)


def unroll(motion_lib: Any, motion_ids: Tensor, times: Tensor, num_frames: int, frame_dt: float) -> Tensor:
    """Body positions (n, num_frames, B, 3) [m] of clips (n,) from times (n,) on, every `frame_dt` [s]."""
    all_times = times.unsqueeze(-1) + frame_dt * torch.arange(num_frames, device=times.device)
    body_pos = motion_lib.body_positions(motion_ids.repeat_interleave(num_frames), all_times.flatten())
    return body_pos.view(len(times), num_frames, *body_pos.shape[1:])


def score(rollout: Rollout, control_dt: float) -> dict[str, Tensor]:
    """Figures of `MotionEvaluation.run`."""
    length = rollout.length
    return {
        "pose_error": pose_errors(rollout.body_pos, rollout.ref_body_pos, length).float(),
        "fell": rollout.fell.float().cpu(),
        "speed": planar_speeds(rollout.body_pos, length, control_dt).cpu(),
        "clip_speed": planar_speeds(rollout.ref_body_pos, length, control_dt).cpu(),
        "length": (length - 1).float().cpu(),
    }


def planar_speeds(body_pos: Tensor, length: Tensor, control_dt: float) -> Tensor:
    """Net planar displacement of the root over time, (n,) [m/s]; a path's length would count swaying too.

    Args:
        body_pos: (n, T, B, 3) [m].
        length: (n,) frames that count, at least two.
        control_dt: between frames [s].
    """
    root = body_pos[:, :, ROOT, :2]
    last = root[torch.arange(len(root), device=root.device), length - 1]
    return (last - root[:, 0]).norm(dim=-1) / ((length - 1) * control_dt)


@contextmanager
def _random_state_kept() -> Iterator[None]:
    """Give PyTorch's, NumPy's and Python's generators back as they were."""
    python_state, numpy_state = random.getstate(), np.random.get_state()
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    try:
        with torch.random.fork_rng(devices):
            yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)


def check_dump_path(path: str | Path) -> Path:
    """Check that a dump can be written, before hours go into what it should hold.

    Raises:
        ValueError: the path does not end in .npz, is a directory, or its directory is missing or read-only.
    """
    target = Path(path)
    rule = None
    if target.suffix != ".npz":
        rule = "must end in .npz"
    elif target.is_dir():
        rule = "is a directory; name a file in it"
    elif not target.parent.is_dir():
        rule = f"{target.parent} is no directory; create it first"
    else:
        try:
            with tempfile.TemporaryFile(dir=target.parent):
                pass
        except OSError as error:
            rule = f"{target.parent} cannot be written to ({error.strerror}); choose another directory"
    if rule is not None:
        raise ValueError(f"dump_rollouts={str(path)!r}: {rule}")
    return target


def _save_npz(target: Path, **arrays: Any) -> None:
    """Write beside the target and rename, so that no reader ever finds half a file."""
    temporary = target.with_name(f"{target.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            np.savez_compressed(file, **arrays)
        temporary.replace(target)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()
