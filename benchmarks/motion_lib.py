"""How long it takes to sample states of reference clips, as a reset and the demonstrations of AMP do.

    python benchmarks/motion_lib.py                              walk and a turn, 4,096 states, on the CPU
    python benchmarks/motion_lib.py --motions walk my.yaml --device cuda
    python benchmarks/motion_lib.py --quick                      a smoke run, whose numbers mean nothing

Prints one JSON object with the milliseconds of a call, median and least of several, for each motion file:

- `draw`: clips by weight, and times within them.
- `state`: the states at these times: root, DOF positions and velocities, rotations.
- `body_positions`: the same and the positions of all bodies, by forward kinematics.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import benchmarks  # noqa: E402, F401, I001  (before torch)
import torch  # noqa: E402

from benchmarks.common import machine, rounded  # noqa: E402
from tasks.amp.character import HUMANOID_MJCF, Character  # noqa: E402
from tasks.amp.motion_lib import MotionLib, load_motion_lib  # noqa: E402


def main(argv: list[str] | None = None) -> None:
    """Measure what the command line asks for, and print it as JSON."""
    args = parse(argv)
    torch.set_num_threads(args.threads)
    character = Character.from_mjcf(HUMANOID_MJCF)
    measured = [
        {"motion_file": name}
        | measure(load_motion_lib(name, character, args.device), args.states, args.calls)
        for name in args.motions
    ]
    report = {"machine": machine(), "device": args.device, "states": args.states, "measured": measured}
    print(json.dumps(rounded(report), indent=2))


def measure(motion_lib: MotionLib, states: int, calls: int) -> dict[str, Any]:
    """Time each kind of call `calls` times: {kind: {median_ms, least_ms}}."""
    ids = motion_lib.sample_motions(states)
    times = motion_lib.sample_times(ids)
    kinds: dict[str, Callable[[], object]] = {
        "draw": lambda: motion_lib.sample_times(motion_lib.sample_motions(states)),
        "state": lambda: motion_lib.state(ids, times),
        "body_positions": lambda: motion_lib.body_positions(ids, times),
    }
    result = {}
    for kind, call in kinds.items():
        spent = clocked(call, calls, motion_lib.device)
        result[kind] = {"median_ms": 1e3 * statistics.median(spent), "least_ms": 1e3 * min(spent)}
    return result


def clocked(call: Callable[[], object], calls: int, device: torch.device) -> list[float]:
    """Seconds of each call, after one that does not count; a GPU is done before the clock stops."""
    seconds = []
    for _ in range(calls + 1):
        start = time.perf_counter()
        call()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        seconds.append(time.perf_counter() - start)
    return seconds[1:]


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--motions", nargs="+", default=["walk", "walker/turn_left0"], help="motion files")
    parser.add_argument("--states", type=int, default=4096, help="states a call")
    parser.add_argument("--calls", type=int, default=200, help="calls of each kind")
    parser.add_argument("--device", default="cpu", help="where the library lies")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="threads of torch")
    parser.add_argument("--quick", action="store_true", help="few states and calls, to see that it runs")
    args = parser.parse_args(argv)
    if args.quick:
        args.states, args.calls = 16, 2
    return args


if __name__ == "__main__":
    main()
