"""Run an Isaac Gym script on MuJoCo: `python -m mjgym [--engine ENGINE] [--fps N] SCRIPT [ARGS...]`.

A script that asks for a GPU where there is none runs on the CPU.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import runpy
import sys

import torch

from mjgym.devices import CudaOnCpu
from mjgym.install import ENGINES, install


def main(argv: list[str] | None = None) -> None:
    """Install the finder and run the script as `__main__`, with its own arguments and folder."""
    parser = argparse.ArgumentParser(prog="python -m mjgym", description=__doc__)
    parser.add_argument("--engine", default=ENGINES[0], help=f"physics engine: {' or '.join(ENGINES)}")
    parser.add_argument("--fps", type=float, help="let sync_frame_time pass N times a second", metavar="N")
    parser.add_argument("script", help="the script to run")
    parser.add_argument("args", nargs=argparse.REMAINDER, help="the script's own arguments")
    options = parser.parse_args(argv)
    if not os.path.isfile(options.script):
        parser.error(f"script {options.script!r} does not exist")
    try:
        install(options.engine, options.fps)
    except ValueError as error:
        parser.error(str(error))
    sys.argv = [options.script, *options.args]
    sys.path.insert(0, os.path.dirname(os.path.abspath(options.script)))
    with contextlib.nullcontext() if torch.cuda.is_available() else CudaOnCpu():
        runpy.run_path(options.script, run_name="__main__")


if __name__ == "__main__":
    main()
