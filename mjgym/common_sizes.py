"""Making the models of different assets equal in size, so that environments may hold any of them.

Every model gets the meshes and materials of all assets, as many geoms on a body as any asset has there, and
no short cuts for bodies that happen to be simple.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import mujoco
import numpy as np

from mjgym.assets.asset import Asset
from mjgym.scene import Env

NO_ONES_BIT: Final = -(1 << 31)
"""A collision type that no actor and no ground answers to."""


class CommonSizes:
    """What the models of a simulation's different environments have in common.

    Args:
        envs: one environment of each kind; their actors have the same bodies, handle by handle.
    """

    def __init__(self, envs: Sequence[Env]) -> None:
        actors = range(len(envs[0].actors))
        # By identity: equal assets are not told from one another.
        self._assets = [{id(a): a for a in (env.actors[handle].asset for env in envs)} for handle in actors]
        self._geoms = [
            np.max([a.model.body_geomnum for a in group.values()], axis=0) for group in self._assets
        ]

    def begin(self, spec: mujoco.MjSpec) -> None:
        """Put the meshes, materials and textures of all assets into an empty scene."""
        # The trees that the collision's middle phase descends cannot differ between environments.
        spec.option.disableflags |= mujoco.mjtDisableBit.mjDSBL_MIDPHASE
        for handle, assets in enumerate(self._assets):
            for number, asset in enumerate(assets.values()):
                bag = asset.spec.copy()
                bag.delete(bag.worldbody.first_body())
                spec.attach(bag, prefix=_bag_prefix(handle, number), frame=spec.worldbody.add_frame())

    def conform(self, child: mujoco.MjSpec, handle: int, asset: Asset) -> None:
        """Bring an actor's own copy of its asset to the common sizes, before it is attached."""
        _let_all_collide(child)
        _fill_up(child, self._geoms[handle] - asset.model.body_geomnum)
        _turn_inertial_frames(child, asset.model)

    def share(self, spec: mujoco.MjSpec, handle: int, asset: Asset) -> None:
        """Let an attached actor use the meshes, materials and textures that `begin` added, not its own."""
        own = f"{handle}/"
        shared = _bag_prefix(handle, list(self._assets[handle]).index(id(asset)))
        for geom in spec.geoms:
            for kind in ("meshname", "material", "hfieldname"):
                name = getattr(geom, kind)
                if name.startswith(own):
                    setattr(geom, kind, shared + name.removeprefix(own))
        for element in (*spec.meshes, *spec.materials, *spec.textures, *spec.hfields):
            if element.name.startswith(own):
                spec.delete(element)


def _bag_prefix(handle: int, number: int) -> str:
    return f"#{handle}-{number}/"


def _let_all_collide(child: mujoco.MjSpec) -> None:
    """Compile all shapes as such that collide, with nothing: what is for show here may touch elsewhere."""
    for geom in child.geoms:
        if not geom.contype and not geom.conaffinity:
            geom.contype = NO_ONES_BIT


def _fill_up(child: mujoco.MjSpec, missing: np.ndarray) -> None:
    """Give each body so many geoms more, which touch nothing, weigh nothing and are not seen."""
    for body, number in enumerate(missing):
        for _ in range(number):
            child.bodies[body].add_geom(
                type=mujoco.mjtGeom.mjGEOM_SPHERE, size=(1e-3, 0, 0), mass=0.0, rgba=(0, 0, 0, 0),
                contype=NO_ONES_BIT, conaffinity=0,
            )  # fmt: skip


def _turn_inertial_frames(child: mujoco.MjSpec, model: mujoco.MjModel) -> None:
    """Name the principal axes of each body's inertia in another order: y, -x, z. The physics is the same.

    MuJoCo stores fewer numbers for a body whose inertial frame is its own.
    """
    quarter_turn = np.array([math.sqrt(0.5), 0.0, 0.0, math.sqrt(0.5)])
    for body in range(1, model.nbody):
        turned = np.zeros(4)
        mujoco.mju_mulQuat(turned, model.body_iquat[body], quarter_turn)
        moments = model.body_inertia[body]
        inertial = child.bodies[body]
        inertial.explicitinertial = True
        inertial.mass, inertial.ipos, inertial.iquat = model.body_mass[body], model.body_ipos[body], turned
        inertial.inertia = (moments[1], moments[0], moments[2])
        inertial.fullinertia[0] = np.nan  # not given
        inertial.ialt.type = mujoco.mjtOrientation.mjORIENTATION_QUAT
