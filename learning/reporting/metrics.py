"""Where the figures of an epoch go: TensorBoard, metrics.jsonl, and a `Progress` object for observers."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


@dataclass(frozen=True)
class EpochTimes:
    """Seconds that the parts of one epoch took in this worker."""

    step: float
    """In `vec_env.step` alone."""
    play: float
    """Rollout: steps and inference."""
    update: float
    """Returns, minibatches and normalisers."""

    @property
    def total(self) -> float:
        """The whole epoch."""
        return self.play + self.update


@dataclass(frozen=True)
class Progress:
    """One epoch's figures, over all workers; what a console shows and a line of metrics.jsonl holds."""

    epoch: int
    """Epochs trained."""
    frame: int
    """Environment steps so far."""
    wall_time: float
    """Seconds of training so far, earlier parts of a resumed run included."""
    epoch_frames: int
    """Environment steps in this epoch."""
    times: EpochTimes
    """Seconds in this epoch, by part."""
    reward: float | None
    """Mean episode reward; None before an episode has ended."""
    shaped_reward: float | None
    """Mean episode reward after shaping."""
    episode_length: float | None
    """Mean episode length, control steps."""
    best_reward: float | None
    """Best score that was saved; None before that."""
    learning_rate: float
    """Learning rate after this epoch."""
    losses: Mapping[str, float]
    """Mean losses by their TensorBoard names (a_loss, c_loss, entropy, bounds_loss, …)."""
    e_clip: float | None = None
    """Clip range of the probability ratio; None for agents that have none."""
    kl: float | None = None
    """Mean KL divergence from the rollout's policy over the epoch's minibatches, nats; None without one."""
    episode: Mapping[str, float] = field(default_factory=dict)
    """Means of the environment's `extras['episode']`."""
    extra: Mapping[str, float] = field(default_factory=dict)
    """What a subclass adds, by full TensorBoard tag."""
    max_epochs: int | None = None
    """Epoch limit."""
    max_frames: int | None = None
    """Frame limit."""
    seconds_left: float | None = None
    """Estimate of what is left to the nearest limit; None without a limit."""

    @property
    def fps(self) -> float:
        """Environment steps a second, everything included."""
        return self.epoch_frames / max(self.times.total, 1e-9)

    @property
    def play_fps(self) -> float:
        """Environment steps a second in the rollout (physics and inference)."""
        return self.epoch_frames / max(self.times.play, 1e-9)

    @property
    def step_fps(self) -> float:
        """Environment steps a second in `vec_env.step`."""
        return self.epoch_frames / max(self.times.step, 1e-9)

    def as_line(self) -> dict[str, Any]:
        """Return the line of metrics.jsonl, JSON values only."""
        line: dict[str, Any] = {
            "epoch": self.epoch,
            "frame": self.frame,
            "wall_time": round(self.wall_time, 3),
            "fps": round(self.fps, 1),
            "reward": self.reward,
            "episode_length": self.episode_length,
            **self.losses,
            "lr": self.learning_rate,
            **({} if self.kl is None else {"kl": self.kl}),
            "step_time": round(self.times.step, 4),
            "play_time": round(self.times.play, 4),
            "update_time": round(self.times.update, 4),
            **{f"Episode/{key}": value for key, value in self.episode.items()},
            **self.extra,
        }
        return {key: _json_value(value) for key, value in line.items()}


def estimate_seconds_left(
    elapsed: float, epoch: int, frame: int, max_epochs: int | None, max_frames: int | None
) -> float | None:
    """Return the seconds to the nearer of two limits at the pace so far, or None without a limit.

    Args:
        elapsed: seconds that `epoch` epochs and `frame` frames took.
        epoch: epochs behind.
        frame: frames behind.
        max_epochs: epoch limit.
        max_frames: frame limit.
    """
    shares = [done / limit for done, limit in ((epoch, max_epochs), (frame, max_frames)) if limit]
    share = max(shares, default=0.0)
    return elapsed * max(0.0, 1.0 / share - 1.0) if share > 0 else None


class MetricsWriter:
    """Writes TensorBoard events and metrics.jsonl; without a directory it writes nothing.

    Args:
        run_dir: run directory, or None.
        resume_epoch: epoch that training goes on from; later lines of an earlier part of the run, which was
            killed after its last checkpoint, are dropped.
        resume_frame: the same in frames, for TensorBoard.
    """

    def __init__(self, run_dir: Path | None, resume_epoch: int = 0, resume_frame: int = 0) -> None:
        self._jsonl: Path | None = None
        self.writer: SummaryWriter | None = None
        if run_dir is None:
            return
        # Takes over a second to import: only who writes pays for it.
        from torch.utils.tensorboard import SummaryWriter

        run_dir.mkdir(parents=True, exist_ok=True)
        self._jsonl = run_dir / "metrics.jsonl"
        truncate_jsonl(self._jsonl, resume_epoch)
        purge_step = resume_frame + 1 if resume_epoch else None
        self.writer = SummaryWriter(str(run_dir / "summaries"), purge_step=purge_step, flush_secs=30)

    def add_scalar(self, tag: str, value: float, step: float) -> None:
        """Write one TensorBoard figure; `step` is frames, epochs or seconds."""
        if self.writer is not None:
            self.writer.add_scalar(tag, value, int(step))

    def write(self, progress: Progress) -> None:
        """Write an epoch."""
        if self.writer is None or self._jsonl is None:
            return
        for tag, value in tensorboard_scalars(progress).items():
            self.add_scalar(tag, value, progress.frame)
        axes = {"step": progress.frame, "iter": progress.epoch, "time": progress.wall_time}
        for tag, value in episode_scalars(progress).items():
            for axis, step in axes.items():
                self.add_scalar(f"{tag}/{axis}", value, step)
        with self._jsonl.open("a") as file:
            file.write(json.dumps(progress.as_line()) + "\n")

    def close(self) -> None:
        """Write out what is buffered."""
        if self.writer is not None:
            self.writer.close()


def tensorboard_scalars(progress: Progress) -> dict[str, float]:
    """Return the figures that are drawn over frames, by RL Games' tags."""
    optional = {"info/e_clip": progress.e_clip, "info/kl": progress.kl}
    return {
        "performance/step_inference_rl_update_fps": progress.fps,
        "performance/step_inference_fps": progress.play_fps,
        "performance/step_fps": progress.step_fps,
        "performance/rl_update_time": progress.times.update,
        "performance/step_inference_time": progress.times.play,
        "performance/step_time": progress.times.step,
        **{f"losses/{name}": value for name, value in progress.losses.items()},
        "info/last_lr": progress.learning_rate,
        "info/lr_mul": 1.0,
        **{tag: value for tag, value in optional.items() if value is not None},
        "info/epochs": float(progress.epoch),
        **{f"Episode/{key}": value for key, value in progress.episode.items()},
        **progress.extra,
    }


def episode_scalars(progress: Progress) -> dict[str, float]:
    """Return the figures that are drawn over frames, epochs and seconds."""
    figures = {
        "rewards": progress.reward,
        "shaped_rewards": progress.shaped_reward,
        "episode_lengths": progress.episode_length,
    }
    return {tag: value for tag, value in figures.items() if value is not None}


def truncate_jsonl(path: Path, last_epoch: int) -> None:
    """Drop the lines of epochs after `last_epoch`, and one that a killed process left half written."""
    if not path.exists():
        return
    kept = [line for line in path.read_text().splitlines() if _epoch_of(line) <= last_epoch]
    write_atomically(path, "".join(line + "\n" for line in kept).encode())


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a small JSON file in one piece; figures that are not finite become null."""
    plain = {key: _json_value(value) for key, value in content.items()}
    write_atomically(path, (json.dumps(plain, indent=2) + "\n").encode())


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file so that a reader, or a crash, sees either the old content or the new one."""
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _epoch_of(line: str) -> float:
    try:
        return float(json.loads(line)["epoch"])
    except (ValueError, KeyError, TypeError):
        return math.inf


def _json_value(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
