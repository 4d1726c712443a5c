"""Writing PNG files, so that pictures need no image library."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Final

import numpy as np

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_GREY, _RGB, _RGBA = 0, 2, 6


def png_path(path: str | Path) -> Path:
    """Return a file's path after checking that its name says PNG.

    Raises:
        ValueError: if it does not.
    """
    if Path(path).suffix.lower() != ".png":
        raise ValueError(f"picture {str(path)!r}: the format is PNG, so the name must end in .png")
    return Path(path)


def write_png(path: str | Path, pixels: np.ndarray) -> None:
    """Write a picture, the top row first.

    Args:
        path: the file, whose name ends in .png.
        pixels: uint8 (height, width, 3) or (height, width, 4), or shades of grey, uint16 (height, width).

    Raises:
        ValueError: if the file's name ends otherwise.
    """
    height, width = pixels.shape[:2]
    kind = _GREY if pixels.ndim == 2 else {3: _RGB, 4: _RGBA}[pixels.shape[2]]
    rows = np.ascontiguousarray(pixels.astype(pixels.dtype.newbyteorder(">"))).reshape(height, -1)
    unfiltered = np.zeros((height, 1), dtype=np.uint8)  # each row begins with the number of its filter: none
    data = np.hstack((unfiltered, rows.view(np.uint8)))
    header = struct.pack(">IIBBBBB", width, height, 8 * pixels.dtype.itemsize, kind, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(data.tobytes())), (b"IEND", b""))
    png_path(path).write_bytes(_SIGNATURE + b"".join(_chunk(*part) for part in parts))


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
