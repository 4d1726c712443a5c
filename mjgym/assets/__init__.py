"""Assets: MJCF and URDF files, and simple shapes, as Isaac Gym reads them."""

from __future__ import annotations

from mjgym.assets.asset import Asset
from mjgym.assets.load import load_asset
from mjgym.assets.xml_files import AssetError

__all__ = ["Asset", "AssetError", "load_asset"]
