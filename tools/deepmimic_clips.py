"""Make the clips that ship from DeepMimic's, as PyBullet distributes them.

    pip download --no-deps --no-binary :all: pybullet==3.2.7
    python -m tools.deepmimic_clips pybullet-3.2.7.tar.gz

Takes PyBullet's sdist or wheel, or a directory with its `motions` in it. Writes assets/motions/*.npz,
and prints the table that assets/motions/README.md shows. A clip wraps where its file says so, and turns where
`tasks.amp.motion.close_loop` finds that it does.
"""

from __future__ import annotations

import argparse
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
import torch

from tasks.amp.character import HUMANOID_MJCF, REPOSITORY, Character
from tasks.amp.ground import ShapePoints
from tasks.amp.motion import Motion, MotionError, close_loop, save_motion, seam_angle
from tasks.amp.motion_lib import MotionLib
from tasks.amp.rotations import turn_between
from tools.motion_edit import lift_above_ground
from tools.motion_readers import deepmimic

MOTIONS = REPOSITORY / "assets" / "motions"
NUM_CLIPS = 20
ERROR_STATUS = 2
CLOSING_TIMES = {"cartwheel": 0.067, "crawl": 0.117, "dance_b": 0.033, "spinkick": 0.133}
"""Time to close [s] for clips where `close_loop` by itself would cross the seam faster than the fastest joint
moves in 19 frames of 20, or throw an arm back by 58° (spinkick). walk keeps one frame: so it has the length
and the speed that are known of it."""


def clip_name(path: PurePosixPath) -> str | None:
    """Return the name under assets/motions of a file of PyBullet, None if it is no clip of the humanoid."""
    if path.suffix != ".txt":
        return None
    if path.parent.name == "motions" and path.stem.startswith("humanoid3d_"):
        return path.stem.removeprefix("humanoid3d_")
    return f"walker/{path.stem}" if path.parts[-3:-1] == ("motions", "walker") else None


def read_texts(source: Path) -> dict[str, bytes]:
    """Return the clips' files by `clip_name`, in its order.

    Raises:
        MotionError: the source is none, or does not hold every clip.
    """
    try:
        named = ((clip_name(PurePosixPath(path)), content) for path, content in _files(source))
        found = {name: content() for name, content in named if name}
    except (OSError, tarfile.TarError, zipfile.BadZipFile) as error:
        raise MotionError(f"{source}: is no sdist, wheel or directory of PyBullet ({error})") from None
    if len(found) != NUM_CLIPS:
        raise MotionError(f"{source}: holds {len(found)} clips of DeepMimic's humanoid, not {NUM_CLIPS}")
    return dict(sorted(found.items(), key=lambda item: ("/" in item[0], item[0])))


def _files(source: Path) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Yield the path of every file in an archive or a directory, and what reads it."""
    if source.is_dir():
        for path in source.resolve().rglob("*.txt"):
            yield path.as_posix(), path.read_bytes
    elif zipfile.is_zipfile(source):
        with zipfile.ZipFile(source) as wheel:
            for name in wheel.namelist():
                yield name, partial(wheel.read, name)
    else:
        with tarfile.open(source) as sdist:
            for member in sdist:
                if file := sdist.extractfile(member):
                    yield member.name, file.read


def convert(motion: Motion, character: Character, shapes: ShapePoints) -> Motion:
    """Close a clip that wraps and lift it out of the ground."""
    if motion.loop == "wrap":
        motion = close_loop(motion, CLOSING_TIMES.get(motion.name))
    return lift_above_ground(motion, character, shapes)


def table_row(name: str, recorded: Motion, motion: Motion, character: Character) -> str:
    """Return a clip's line of the table: frames, rate, length, loop, closing, step, turn, speed, lift."""
    speed = float(MotionLib([motion], [1.0], character).mean_speed(torch.tensor([0])))
    wraps, closing = motion.loop == "wrap", motion.num_frames - recorded.num_frames
    step = motion.root_pos[-1] - motion.root_pos[0]
    both = min(recorded.num_frames, motion.num_frames - wraps)
    lift = (motion.root_pos[:both, 2] - recorded.root_pos[:both, 2]).max()
    seam = f"{closing / motion.fps:.3f} ({np.degrees(seam_angle(recorded)):.0f}°)" if closing else "–"
    turn = np.degrees(float(turn_between(*torch.from_numpy(motion.local_rot[[0, -1], 0]))))
    cells = (
        f"`{name}`",
        str(motion.num_frames),
        f"{motion.fps:g}",
        f"{motion.duration:.3f}",
        motion.loop,
        seam if wraps else "",
        f"{step[0]:z.2f}, {step[1]:z.2f}",
        f"{turn:z.0f}°" if wraps else "",
        f"{speed:.2f}",
        f"{100 * lift:.1f}",
    )
    return "| " + " | ".join(cells).replace("-", "−") + " |"


def read(name: str, text: bytes, character: Character) -> Motion:
    """Read a clip from its file's content."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, f"{PurePosixPath(name).name}.txt")
        path.write_bytes(text)
        return deepmimic.read(path, character)


def write_all(source: Path, out: Path) -> None:
    """Convert every clip of `source` into `out`, and print the table.

    Raises:
        MotionError: the source is none, or a clip of it cannot be used.
    """
    character = Character.from_mjcf(HUMANOID_MJCF)
    shapes = ShapePoints.from_mjcf(HUMANOID_MJCF, character)
    for name, text in read_texts(source).items():
        recorded = read(name, text, character)
        motion = convert(recorded, character, shapes)
        path = out / f"{name}.npz"
        path.parent.mkdir(parents=True, exist_ok=True)
        save_motion(motion, path)
        print(table_row(name, recorded, motion, character))


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, convert every clip, and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.deepmimic_clips",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("source", type=Path, help="PyBullet's sdist or wheel, or a directory with its clips")
    parser.add_argument("-o", "--out", type=Path, default=MOTIONS, help="directory to write to")
    args = parser.parse_args(arguments)
    try:
        write_all(args.source, args.out)
    except (MotionError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return ERROR_STATUS
    return 0


if __name__ == "__main__":
    sys.exit(main())
