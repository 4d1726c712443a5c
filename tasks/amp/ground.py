"""How near a character's shapes come to the ground, from body poses alone.

On flat ground a body touches exactly when the lowest point of its shapes is not above it; no contact forces
are needed. Spheres are a point with a radius, capsules two, boxes eight points without one.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import torch
from torch import Tensor

from tasks.amp.character import Character, read_root_body, walk


class ShapePoints(NamedTuple):
    """Points of all collision shapes, in the frames of their bodies."""

    position: Tensor
    """(B, k, 3) the points of each body [m]; the first one is repeated where there are fewer than k"""
    radius: Tensor
    """(B, k, 1) [m]"""

    @classmethod
    def from_mjcf(cls, path: str | Path, character: Character) -> ShapePoints:
        """Read the shapes of an MJCF file: spheres and boxes by `pos` and `size`, capsules by `fromto`.

        Raises:
            ValueError: a body has no shape, or one of another kind.
        """
        points: list[list[tuple[list[float], float]]] = []
        for element, _ in walk(read_root_body(Path(path))):
            points.append([point for geom in element.findall("geom") for point in _points(geom, path)])
            if not points[-1]:
                raise ValueError(
                    f"{path}: body {element.get('name')!r} has no shape that could touch the ground"
                )
        device = character.offsets.device
        most = max(len(of_body) for of_body in points)
        padded = [of_body + of_body[:1] * (most - len(of_body)) for of_body in points]
        positions = [[position for position, _ in of_body] for of_body in padded]
        radii = [[[radius] for _, radius in of_body] for of_body in padded]
        return cls(torch.tensor(positions, device=device), torch.tensor(radii, device=device))


def lowest_heights(points: ShapePoints, body_pos: Tensor, body_rot: Tensor) -> Tensor:
    """Return the height of the lowest point of each body's shapes, (n, B) [m].

    Args:
        points: the shapes.
        body_pos: (n, B, 3) world positions.
        body_rot: (n, B, 4) world rotations.
    """
    x, y, z, w = (component.T for component in body_rot.unbind(-1))  # (B, n)
    # The world's z-axis in the frames of the bodies: the last rows of their rotation matrices, (B, 3, n).
    z_axis = torch.stack((2.0 * (x * z - w * y), 2.0 * (y * z + w * x), 1.0 - 2.0 * (x * x + y * y)), dim=1)
    above_body = torch.baddbmm(-points.radius, points.position, z_axis)  # (B, k, n)
    return body_pos[..., 2] + above_body.amin(dim=1).T


def _points(geom: ElementTree.Element, path: str | Path) -> list[tuple[list[float], float]]:
    kind = geom.get("type", "sphere")
    size = [float(part) for part in geom.get("size", "0").split()]
    if kind == "capsule" and geom.get("fromto"):
        ends = [float(part) for part in geom.get("fromto", "").split()]
        return [(ends[:3], size[0]), (ends[3:], size[0])]
    position = [float(part) for part in geom.get("pos", "0 0 0").split()]
    if kind == "sphere":
        return [(position, size[0])]
    if kind == "box" and not geom.get("quat"):
        corners = product((-1.0, 1.0), repeat=3)
        return [
            ([p + s * e for p, s, e in zip(position, corner, size, strict=True)], 0.0) for corner in corners
        ]
    raise ValueError(
        f"{path}: geom {geom.get('name')!r} is a {kind}; known are spheres, unturned boxes and "
        f"capsules with fromto"
    )
