"""Assets of one body and one shape."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import mujoco

from mjgym.assets.asset import Asset
from mjgym.assets.finish import finish_asset
from mjgym.structs.assets import AssetOptions


def box_asset(width: float, height: float, depth: float, options: AssetOptions) -> Asset:
    """Make a box of the given sizes along x, y and z [m]."""
    return _single_shape("box", mujoco.mjtGeom.mjGEOM_BOX, (width / 2, height / 2, depth / 2), options)


def sphere_asset(radius: float, options: AssetOptions) -> Asset:
    """Make a sphere of the given radius [m]."""
    return _single_shape("sphere", mujoco.mjtGeom.mjGEOM_SPHERE, (radius, 0, 0), options)


def capsule_asset(radius: float, length: float, options: AssetOptions) -> Asset:
    """Make a capsule along x: radius and length of its cylinder [m]."""
    along_x = (0.5**0.5, 0.0, 0.5**0.5, 0.0)
    return _single_shape("capsule", mujoco.mjtGeom.mjGEOM_CAPSULE, (radius, length / 2, 0), options, along_x)


def _single_shape(
    name: str,
    kind: mujoco.mjtGeom,
    size: Sequence[float],
    options: AssetOptions,
    quat: Sequence[float] = (1, 0, 0, 0),
) -> Asset:
    if not all(part > 0 for part in size[: 2 if name == "capsule" else 1 if name == "sphere" else 3]):
        raise ValueError(f"create_{name}: half sizes {tuple(size)} must be positive")
    spec = mujoco.MjSpec()
    spec.modelname = name
    root = spec.worldbody.add_body(name=name)
    root.add_geom(type=kind, size=size, quat=quat, density=options.density)
    return finish_asset(spec, root, Path(f"<{name}>"), options)
