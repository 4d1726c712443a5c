"""Look at, convert and draw motion clips: `python -m tools.motion info|convert|render FILE`.

    python -m tools.motion info assets/motions/*.npz
    python -m tools.motion convert clip.bvh --fps 30 --lift -o assets/motions/clip.npz
    python -m tools.motion render walk -o walk.mp4

A FILE is a path, or the name of a clip under assets/motions. docs/motions.md describes formats and options.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import logging
import sys
import zipfile
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

import numpy as np
from rich.console import Console

from mjgym.rendering import RenderingUnavailableError
from tasks.amp.character import HUMANOID_MJCF, REPOSITORY, Character
from tasks.amp.ground import ShapePoints
from tasks.amp.motion import LOOPS, Motion, MotionError, close_loop, load_motion, save_motion
from tools.motion_edit import lift_above_ground, lowest_points, resample
from tools.motion_facts import measure, table

MOTIONS = REPOSITORY / "assets" / "motions"
OURS = "gaitway"
READERS = ("deepmimic", "poselib", "mimickit", "amass", "bvh")
"""Modules of `tools.motion_readers`."""
FORMAT_OF_SUFFIX = {".txt": "deepmimic", ".npy": "poselib", ".pkl": "mimickit", ".bvh": "bvh"}
ERROR_STATUS = 2


def detect_format(path: Path) -> str:
    """Tell a file's format from its suffix, and an `.npz` file's from what it holds.

    Raises:
        MotionError: there is no such file, or its suffix is of no known format.
    """
    if not path.is_file():
        near = get_close_matches(str(path), _shipped(), n=3)
        hint = f"; assets/motions has {', '.join(near)}" if near else ""
        raise MotionError(f"{path}: there is no such file{hint}")
    if path.suffix == ".npz":
        try:
            with zipfile.ZipFile(path) as archive:
                return "amass" if "poses.npy" in archive.namelist() else OURS
        except (OSError, zipfile.BadZipFile) as error:
            raise MotionError(f"{path}: is no .npz file ({error})") from None
    if path.suffix not in FORMAT_OF_SUFFIX:
        known = ", ".join((".npz", *FORMAT_OF_SUFFIX))
        raise MotionError(
            f"{path}: a file ending in {path.suffix!r} is of no known format; known are {known}"
        )
    return FORMAT_OF_SUFFIX[path.suffix]


def read_motion(
    path: Path,
    character: Character,
    file_format: str | None = None,
    scale: float | None = None,
    joint_map: Path | None = None,
) -> Motion:
    """Read a clip of any known format for a character.

    Args:
        path: the file.
        character: whose clip it becomes.
        file_format: "gaitway" or one of `READERS`; found out if None.
        scale: metres a unit of length, for BVH.
        joint_map: a YAML file with the names of joints, for BVH.

    Raises:
        MotionError: the file cannot be read as that.
    """
    file_format = file_format or detect_format(path)
    options = {"scale": scale, "joint_map": joint_map} if file_format == "bvh" else {}
    if not options and (scale is not None or joint_map is not None):
        raise MotionError(f"{path}: --scale and --map are for BVH files; this one is {file_format}")
    if file_format == OURS:
        return _ours(path, character)
    try:
        reader = importlib.import_module(f"tools.motion_readers.{file_format}")
    except ModuleNotFoundError as error:
        raise MotionError(f"{path}: needs {error.name}; pip install -e '.[motion]'") from None
    return reader.read(path, character, **options)


def _ours(path: Path, character: Character) -> Motion:
    motion = load_motion(path)
    if motion.body_names != character.body_names:
        raise MotionError(
            f"{path}: its bodies are {', '.join(motion.body_names)}; those of {character.name} are "
            f"{', '.join(character.body_names)}"
        )
    return motion


def _shipped() -> list[str]:
    """Names of the clips under assets/motions."""
    return sorted(str(path.relative_to(MOTIONS).with_suffix("")) for path in MOTIONS.rglob("*.npz"))


def find(name: str) -> Path:
    """Return the path that a command line's FILE means."""
    shipped = MOTIONS / f"{name}.npz"
    return shipped if not Path(name).exists() and shipped.is_file() else Path(name)


def convert(motion: Motion, args: argparse.Namespace, character: Character) -> tuple[Motion, list[str]]:
    """Do to a clip what the command line asks for, and say what was done."""
    done = []
    if args.start is not None or args.end is not None:
        motion = _cut(motion, args.start or 0.0, args.end)
        done.append(f"cut to {motion.duration:.2f} s")
    if args.loop:
        motion = dataclasses.replace(motion, loop=args.loop)
        done.append(f"loop {args.loop}")
    if motion.loop == "wrap" and args.close:
        before = motion.num_frames
        motion = close_loop(motion, args.closing_time, args.turning)
        done.append(f"closed the loop, {motion.num_frames - before} frames added")
    if args.fps is not None and args.fps != motion.fps:
        before_fps, motion = motion.fps, _at_rate(motion, args.fps)
        done.append(f"sampled at {motion.fps:.4g} instead of {before_fps:.4g} frames a second")
    if args.lift:
        shapes = ShapePoints.from_mjcf(HUMANOID_MJCF, character)
        depth = -float(lowest_points(motion, character, shapes).min())
        motion = lift_above_ground(motion, character, shapes)
        done.append(f"lifted out of the ground by up to {max(0.0, depth):.3f} m")
    if args.source:
        motion = dataclasses.replace(motion, source=args.source)
    return motion, done


def _cut(motion: Motion, start: float, end: float | None) -> Motion:
    first = round(start * motion.fps)
    last = motion.num_frames - 1 if end is None else min(round(end * motion.fps), motion.num_frames - 1)
    if not 0 <= first < last:
        raise MotionError(
            f"--start {start} --end {end}: leaves no two frames of {motion.name}, which lasts "
            f"{motion.duration:.2f} s"
        )
    frames = slice(first, last + 1)
    return dataclasses.replace(
        motion, loop="clamp", root_pos=motion.root_pos[frames], local_rot=motion.local_rot[frames]
    )


def _at_rate(motion: Motion, fps: float) -> Motion:
    """Sample a clip anew; one that wraps at the nearest rate that its closing frame fits into."""
    if not fps > 0:
        raise MotionError(f"--fps {fps}: must be positive")
    if motion.loop == "wrap":
        fps = max(1, round(motion.duration * fps)) / motion.duration
    times = np.arange(motion.num_frames) / motion.fps
    root_pos, local_rot = resample(times, motion.root_pos, motion.local_rot, fps)
    return dataclasses.replace(motion, fps=fps, root_pos=root_pos, local_rot=local_rot)


def run_info(args: argparse.Namespace, character: Character, console: Console) -> None:
    """Print a table of clips."""
    shapes = ShapePoints.from_mjcf(HUMANOID_MJCF, character)
    motions = [_read(args, name, character) for name in args.files]
    console.print(table(motions, [measure(motion, character, shapes) for motion in motions]))


def run_convert(args: argparse.Namespace, character: Character, console: Console) -> None:
    """Convert clips into our format, each as soon as it is read."""
    single = args.out.suffix == ".npz"
    if single and len(args.files) > 1:
        raise MotionError(f"-o {args.out}: {len(args.files)} files go into a directory, not into one file")
    for name in args.files:
        path = find(name)
        ours = (args.format or detect_format(path)) == OURS
        closes = args.close if args.close is not None else not ours
        motion = _read(args, name, character)
        options = argparse.Namespace(**vars(args) | {"close": closes})
        motion, done = convert(motion, options, character)
        out = args.out if single else args.out / f"{motion.name}.npz"
        out.parent.mkdir(parents=True, exist_ok=True)
        motion = dataclasses.replace(motion, name=out.stem)
        save_motion(motion, out)
        facts = f"{motion.num_frames} frames at {motion.fps:.4g} fps, {motion.duration:.2f} s, {motion.loop}"
        console.print(f"{path} -> {out}: {facts}" + "".join(f"; {step}" for step in done), soft_wrap=True)


def run_render(args: argparse.Namespace, character: Character, console: Console) -> None:
    """Draw a clip."""
    from tools.motion_view import write

    for option in ("frames", "repeats"):
        if getattr(args, option) < 1:
            raise MotionError(f"--{option} {getattr(args, option)}: must be at least 1")
    motion = _read(args, args.file, character)
    write(motion, character, args.out, args.frames, args.repeats, args.azimuth)
    console.print(f"wrote {args.out}", soft_wrap=True)


def _read(args: argparse.Namespace, name: str, character: Character) -> Motion:
    return read_motion(find(name), character, args.format, args.scale, args.map)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.motion", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    reading = argparse.ArgumentParser(add_help=False)
    reading.add_argument("--format", choices=(OURS, *READERS), help="of FILE, if its name does not tell")
    reading.add_argument("--scale", type=float, help="BVH: metres a unit of length; guessed if not given")
    reading.add_argument("--map", type=Path, help="BVH: YAML file that says which joint is which")

    info = commands.add_parser("info", parents=[reading], help="a table of clips")
    info.add_argument("files", nargs="+", metavar="FILE")
    info.set_defaults(run=run_info)

    _add_convert(commands.add_parser("convert", parents=[reading], help="write clips in our format"))

    render = commands.add_parser(
        "render", parents=[reading], help="draw a clip: a video or a strip of frames"
    )
    render.add_argument("file", metavar="FILE")
    render.add_argument("-o", "--out", type=Path, required=True, help="x.mp4, or x.png for a strip")
    render.add_argument("--frames", type=int, default=8, help="pictures in a strip, evenly spaced")
    render.add_argument("--repeats", type=int, default=1, help="a video shows the clip so often")
    render.add_argument("--azimuth", type=float, default=90.0, help="compass direction of the view [degree]")
    render.set_defaults(run=run_render)
    return parser


def _add_convert(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("-o", "--out", type=Path, required=True, help="an .npz file, or a directory")
    parser.add_argument("--start", type=float, help="leave out what comes before this time [s]")
    parser.add_argument("--end", type=float, help="leave out what comes after this time [s]")
    parser.add_argument("--fps", type=float, help="sample anew at this rate")
    parser.add_argument("--loop", choices=LOOPS, help="wrap: repeats; clamp: holds its ends")
    parser.add_argument(
        "--close",
        action=argparse.BooleanOptionalAction,
        help="let a clip that wraps end in its first pose again; done unless FILE is in our format",
    )
    parser.add_argument("--closing-time", type=float, help="time that closing takes [s]; fitted if not given")
    parser.add_argument(
        "--turning",
        action=argparse.BooleanOptionalAction,
        help="the heading that a cycle gains goes on in the next; found out if not given",
    )
    parser.add_argument(
        "--lift", action="store_true", help="raise the root where the body is under the ground"
    )
    parser.add_argument("--source", help="credit and licence, kept in the file")
    parser.set_defaults(run=run_convert)


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, do it, and return the exit status."""
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    logging.getLogger("tools").setLevel(logging.INFO)
    args = _parser().parse_args(arguments)
    try:
        args.run(args, Character.from_mjcf(HUMANOID_MJCF), Console(highlight=False))
    except (MotionError, RenderingUnavailableError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return ERROR_STATUS
    return 0


if __name__ == "__main__":
    sys.exit(main())
