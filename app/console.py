"""What the user sees: a live display of training on a terminal, plain lines elsewhere, and a summary."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from learning.reporting.observer import AlgoObserver

if TYPE_CHECKING:
    from learning.reporting.metrics import Progress


SPOKEN = ("learning.amp.agent", "learning.amp.players")
"""Loggers whose information is for the user: what an evaluation measured."""


class ConsoleObserver(AlgoObserver):
    """Shows how training goes; on every worker but the main one it is never called.

    Args:
        title: what is trained, for the first line of the display.
        run_dir: the run directory, for the summary; None if nothing is written.
        play_command: what to type to see the trained policy, for the summary.
        console: where to write; the standard output if None.
    """

    def __init__(
        self, title: str, run_dir: Path | None, play_command: str, console: Console | None = None
    ) -> None:
        self._title = title
        self._run_dir = run_dir
        self._play_command = play_command
        self._console = console or Console(highlight=False)
        self._live: Live | None = None

    def on_progress(self, progress: Progress) -> None:
        """Show an epoch."""
        if not self._console.is_terminal:
            self._console.print(progress_line(progress), soft_wrap=True)
            return
        if self._live is None:
            self._live = Live(console=self._console, auto_refresh=False)
            self._live.start()
        self._live.update(progress_panel(self._title, progress), refresh=True)

    def on_finish(self, result: dict[str, Any]) -> None:
        """Show how training ended and how to see the result."""
        self.close()
        is_test = result.get("mode") == "test"
        lines = [test_summary(result), *measured(result)] if is_test else [summary(result)]
        if self._run_dir:
            lines.append(f"run directory: {self._run_dir}")
        if not is_test:
            lines.append(f"play it:       {self._play_command}")
        self._console.print("\n".join(lines), soft_wrap=True)

    def close(self) -> None:
        """Leave the terminal as it was; harmless when called again."""
        if self._live is not None:
            self._live.stop()
            self._live = None


class StderrHandler(logging.StreamHandler[IO[str]]):
    """Logs to whatever `sys.stderr` is at the time, so that lines appear above a live display."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> IO[str]:  # type: ignore[override]
        """The standard error of the moment."""
        return sys.stderr


class LineFormatter(logging.Formatter):
    """Says how serious a line is, unless it is plain information."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        prefix = "" if record.levelno <= logging.INFO else f"{record.levelname}: "
        return prefix + super().format(record)


def configure_logging(is_main: bool) -> None:
    """Let warnings and what `SPOKEN` says be seen, of the main worker; of the others errors alone."""
    handler = StderrHandler()
    handler.setFormatter(LineFormatter("%(message)s"))
    logging.basicConfig(level=logging.WARNING if is_main else logging.ERROR, handlers=[handler], force=True)
    for name in SPOKEN:
        logging.getLogger(name).setLevel(logging.INFO if is_main else logging.ERROR)


def progress_line(progress: Progress) -> str:
    """Return one epoch as one line."""
    return "  ".join(f"{name} {value}" for name, value in figures(progress))


def figures(progress: Progress) -> list[tuple[str, str]]:
    """Return what is shown of an epoch: names and values."""
    limit = f"/{progress.max_epochs}" if progress.max_epochs else ""
    left = duration(progress.seconds_left) if progress.seconds_left is not None else "-"
    return [
        ("epoch", f"{progress.epoch}{limit}"),
        ("frames", f"{progress.frame:,}"),
        ("fps", f"{progress.fps:,.0f}"),
        ("reward", number(progress.reward)),
        ("episode length", number(progress.episode_length)),
        ("left", left),
    ]


def progress_panel(title: str, progress: Progress) -> Group:
    """Return the live display of an epoch."""
    table = Table.grid(padding=(0, 3))
    names, values = zip(*figures(progress), strict=True)
    table.add_row(*(Text(name, style="dim") for name in names))
    table.add_row(*(Text(value, style="bold") for value in values))
    share = (progress.epoch, progress.max_epochs) if progress.max_epochs else (0, None)
    bar = ProgressBar(total=share[1], completed=share[0], width=72)
    return Group(Text(title, style="bold cyan"), table, bar)


def summary(result: dict[str, Any]) -> str:
    """Return the end of training as one line."""
    reward, best = number(result.get("reward")), number(result.get("best_reward"))
    if result.get("best_pose_error") is not None:  # then the best is no reward
        best = f"pose error {result['best_pose_error']:.3f} m, {result['best_fall_rate']:.0%} falls"
    return (
        f"{result.get('exit_reason', 'finished')}: {result.get('epochs', 0)} epochs, "
        f"{result.get('frames', 0):,} frames in {duration(result.get('seconds') or 0.0)}, "
        f"reward {reward}, best {best}"
    )


def test_summary(result: dict[str, Any]) -> str:
    """Return the end of a play as one line."""
    return (
        f"{result.get('episodes', 0)} episodes in {duration(result.get('seconds') or 0.0)}: mean reward "
        f"{number(result.get('reward'))}, mean episode length {number(result.get('episode_length'))}"
    )


def measured(result: dict[str, Any]) -> list[str]:
    """Return a line of what the task measured in a play beside the terms of its reward, or none."""
    figures = {name: value for name, value in result.get("episode", {}).items() if "reward/" not in name}
    return [", ".join(f"{name} {value:.3f}" for name, value in figures.items())] if figures else []


def number(value: float | None) -> str:
    """Return a figure with two decimals, a dash where there is none."""
    return "-" if value is None else f"{value:.2f}"


def duration(seconds: float) -> str:
    """Return seconds as h:mm:ss."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}"
