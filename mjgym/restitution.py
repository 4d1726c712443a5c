"""Restitution: how much of its speed a shape keeps when it hits something.

MuJoCo's contacts are springs with dampers. One that is damped by the share ζ = cos φ of what is critical, and
pushes but never pulls, sends a mass back with exp(-2 φ / tan φ) of its speed: from 1 without a damper down to
exp(-2) at critical damping. That is what a contact without restitution has, so less cannot be asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import mujoco
import numpy as np

from mjgym.assets.asset import Asset
from mjgym.structs.properties import RigidShapeProperties

if TYPE_CHECKING:
    from mjgym.compile import ActorLayout
    from mjgym.properties import Entry

LEAST: Final = float(np.exp(-2.0))
"""Restitution of a critically damped contact."""

_PERIOD: Final = 0.02
"""Time constant of MuJoCo's own contacts [s], in which no fewer than two steps may lie."""
_PHI: Final = np.linspace(1e-6, np.pi / 2, 10_000)
_LOGARITHM: Final = -2.0 * _PHI / np.tan(_PHI)  # of the restitution, rising with φ


def bounce_entries(
    model: mujoco.MjModel,
    layout: ActorLayout,
    props: Sequence[RigidShapeProperties],
    asset: Asset,
    ground: float,
) -> list[Entry]:
    """Return the model entries that make an actor's shapes bounce.

    On the ground a shape bounces with the mean of its own and the ground's restitution, as in PhysX. Where
    two shapes meet, MuJoCo takes the harder damped one; a shape without restitution leaves it to the other.

    Args:
        model: gives the length of a step.
        layout: the actor's place in the model.
        props: one for each collision shape; restitution beyond 0 to 1 counts as 0 or 1.
        asset: the actor's asset, whose file says how shapes without restitution touch.
        ground: restitution of the ground.
    """
    own = np.clip([prop.restitution for prop in props], 0.0, 1.0)
    mean = (own + np.clip(ground, 0.0, 1.0)) / 2
    period = max(_PERIOD, 2.0 * model.opt.timestep)
    # Negative numbers are stiffness and damping for a mass of 1 kg.
    springs = np.stack([np.full_like(mean, -1.0 / period**2), -2.0 * damping_ratio(mean) / period], axis=-1)
    touch = np.where((mean > LEAST)[:, None], springs, asset.model.geom_solref[asset.shape_geoms])
    return [("geom_solref", (np.array(layout.geoms, dtype=int),), touch)]


def damping_ratio(restitution: np.ndarray) -> np.ndarray:
    """Return the share ζ of critical damping at which contacts have a restitution between `LEAST` and 1."""
    return np.cos(np.interp(np.log(np.maximum(restitution, LEAST)), _LOGARITHM, _PHI))
