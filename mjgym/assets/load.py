"""Choosing the reader of an asset file by its kind."""

from __future__ import annotations

from pathlib import Path

from mjgym.assets.asset import Asset
from mjgym.assets.mjcf import load_mjcf
from mjgym.assets.xml_files import AssetError, parse_xml
from mjgym.structs.assets import AssetOptions


def load_asset(root_path: str, file_path: str, options: AssetOptions | None = None) -> Asset:
    """Load an actor from an MJCF (``<mujoco>``) or URDF (``<robot>``) file.

    Args:
        root_path: folder that ``file_path`` and, in URDFs, ``package://`` start from.
        file_path: the file, relative to ``root_path``.
        options: Isaac Gym's asset options; its defaults if None.

    Raises:
        FileNotFoundError: if there is no such file.
        AssetError: naming file and element, if the file cannot be read as an actor.
    """
    path = Path(root_path) / file_path
    chosen = options if options is not None else AssetOptions()
    root = parse_xml(path)
    if root.tag == "mujoco":
        return load_mjcf(path, chosen)
    if root.tag == "robot":
        from mjgym.assets.urdf import load_urdf

        return load_urdf(path, Path(root_path), chosen)
    raise AssetError(
        f"{path}: the outermost element is <{root.tag}>; an asset is <mujoco> (MJCF) or <robot> (URDF)"
    )
