"""Plot the learning curves of one or more runs: `python -m tools.curves runs/A runs/B --out ant.png`.

The x axis is wall-clock time (or frames with `--x frame`), the y axis the mean episode reward of
`metrics.jsonl`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

SECONDS_A_MINUTE = 60.0
X_AXES = {"minutes": "wall clock [min]", "frame": "frames [million]"}


def read_metrics(run: Path) -> list[dict[str, Any]]:
    """The epochs of a run, one dictionary each.

    Raises:
        FileNotFoundError: `run` has no metrics.jsonl; the message names the directory.
    """
    path = run / "metrics.jsonl"
    if not path.is_file():
        raise FileNotFoundError(f"{run} is no run directory: it has no metrics.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]


def curve(metrics: list[dict[str, Any]], x: str, y: str) -> tuple[list[float], list[float]]:
    """The points of one curve; epochs without a value (no episode has ended yet) are left out."""
    points = [row for row in metrics if row.get(y) is not None]
    if x == "minutes":
        return [row["wall_time"] / SECONDS_A_MINUTE for row in points], [row[y] for row in points]
    return [row["frame"] / 1e6 for row in points], [row[y] for row in points]


def plot(
    runs: list[Path], out: Path, x: str = "minutes", y: str = "reward", goal: float | None = None
) -> None:
    """Draw one curve a run into `out` (PNG or SVG, by its suffix); `goal` is a dashed line."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(6.4, 3.6), dpi=120, layout="constrained")
    for run in runs:
        axes.plot(*curve(read_metrics(run), x, y), label=run.name, linewidth=1.5)
    if goal is not None:
        axes.axhline(goal, linestyle="--", color="0.5", linewidth=1.0)
    axes.set(xlabel=X_AXES[x], ylabel="mean episode reward" if y == "reward" else y)
    axes.grid(alpha=0.3)
    axes.legend()
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out)
    plt.close(figure)


def main() -> None:
    """Read the command line and plot."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path, help="run directories")
    parser.add_argument("--out", type=Path, required=True, help="image to write")
    parser.add_argument("--x", choices=list(X_AXES), default="minutes")
    parser.add_argument("--y", default="reward", help="key of metrics.jsonl")
    parser.add_argument("--goal", type=float, help="draw a dashed line at this value")
    args = parser.parse_args()
    try:
        plot(args.runs, args.out, args.x, args.y, args.goal)
    except FileNotFoundError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
