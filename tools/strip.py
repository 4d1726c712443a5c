"""Lay frames of a video side by side: `python -m tools.strip runs/A/videos/step_0.mp4 --out strip.png`.

Several videos make a row each: a policy's and, below, its clip's (`python -m tools.motion render`).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import imageio.v2 as imageio
import numpy as np
from PIL import Image


def read_frames(video: Path, indices: list[int]) -> list[np.ndarray]:
    """The frames with these numbers, each (height, width, 3) uint8.

    Raises:
        ValueError: the video is shorter.
    """
    wanted = set(indices)
    frames = {i: frame for i, frame in enumerate(imageio.mimread(video, memtest=False)) if i in wanted}
    if missing := sorted(wanted - frames.keys()):
        raise ValueError(f"{video} has no frame {missing[0]}; take --start, --count and --every smaller")
    return [frames[i] for i in indices]


def strip(frames: list[np.ndarray], crop: float) -> np.ndarray:
    """Frames side by side, each cut to the middle `crop` (0 … 1) of its width."""
    width = frames[0].shape[1]
    margin = int(width * (1.0 - crop) / 2)
    return np.concatenate([frame[:, margin : width - margin] for frame in frames], axis=1)


def stack(rows: list[np.ndarray], height: int) -> np.ndarray:
    """Rows of equally many frames below each other, each row scaled to `height` pixels."""
    width = round(rows[0].shape[1] * height / rows[0].shape[0])
    scaled = [Image.fromarray(row).resize((width, height), Image.Resampling.LANCZOS) for row in rows]
    return np.concatenate([np.asarray(row) for row in scaled])


def main() -> None:
    """Read the command line and write the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("videos", type=Path, nargs="+", metavar="VIDEO")
    parser.add_argument("--out", type=Path, required=True, help="PNG to write")
    parser.add_argument("--start", type=int, default=[0], nargs="+", help="first frame, of all or of each")
    parser.add_argument("--count", type=int, default=5, help="number of frames")
    parser.add_argument("--every", type=int, default=6, help="frames from one to the next")
    parser.add_argument("--crop", type=float, default=0.5, help="middle part of each frame's width to keep")
    parser.add_argument("--height", type=int, default=240, help="of a row [pixel]")
    args = parser.parse_args()
    starts = args.start * len(args.videos) if len(args.start) == 1 else args.start
    if len(starts) != len(args.videos):
        parser.error(f"--start: {len(starts)} numbers for {len(args.videos)} videos; give one, or one each")
    rows = [
        strip(read_frames(video, [start + i * args.every for i in range(args.count)]), args.crop)
        for video, start in zip(args.videos, starts, strict=True)
    ]
    args.out.parent.mkdir(parents=True, exist_ok=True)
    imageio.imwrite(args.out, stack(rows, args.height))


if __name__ == "__main__":
    main()
