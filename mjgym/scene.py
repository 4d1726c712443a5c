"""What a script has created before the simulation is prepared: environments, actors, the ground.

These are plain records: thousands of identical environments must cost microseconds each.
"""

from __future__ import annotations

import copy
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mjgym.structs.params import SimParams
from mjgym.structs.properties import AttractorProperties, RigidBodyProperties, RigidShapeProperties

if TYPE_CHECKING:
    from mjgym.actor_view import Alone
    from mjgym.assets.asset import Asset
    from mjgym.cameras import Camera
    from mjgym.graphics import Graphics
    from mjgym.ground import Ground
    from mjgym.painter import Light
    from mjgym.simulation import Simulation
    from mjgym.tendons import Tendon
    from mjgym.window import Window

Pose = tuple[float, float, float, float, float, float, float]
"""Position x, y, z [m] and quaternion x, y, z, w."""


@dataclass(slots=True)
class Start:
    """What a script set of one actor before the simulation runs; None: zero, or as the model starts.

    Attributes:
        velocity: of the root, (6,): linear [m/s], then angular [rad/s], world axes.
        dof_states: (DOFs, 2): positions and velocities.
        efforts: of the first step, (DOFs,).
        positions: targets, (DOFs,).
        velocities: targets, (DOFs,).
    """

    velocity: np.ndarray | None = None
    dof_states: np.ndarray | None = None
    efforts: np.ndarray | None = None
    positions: np.ndarray | None = None
    velocities: np.ndarray | None = None


class Actor:
    """One instance of an asset in one environment."""

    __slots__ = (
        "asset", "name", "pose", "group", "filter", "segmentation_id", "dof_properties", "has_dof_forces",
        "body_properties", "shape_properties", "tendons", "scale", "colors", "segmentation_ids", "start",
    )  # fmt: skip

    def __init__(
        self, asset: Asset, name: str, pose: Pose, group: int, filter_: int, segmentation_id: int
    ) -> None:
        self.asset = asset
        self.name = name
        self.pose = pose
        self.group = group
        self.filter = filter_
        self.segmentation_id = segmentation_id
        # None stands for "as the asset says": copies are made only for actors that differ.
        self.dof_properties: np.ndarray | None = None
        self.body_properties: tuple[list[RigidBodyProperties], bool] | None = None  # and: recompute inertia
        self.shape_properties: list[RigidShapeProperties] | None = None
        self.tendons: list[Tendon] | None = None
        self.scale: float | None = None
        self.colors: dict[int, tuple[float, float, float]] | None = None
        self.segmentation_ids: dict[int, int] | None = None
        self.has_dof_forces = False
        self.start: Start | None = None


class Env:
    """One environment: its actors and attractors, where it is, and its cameras, None if destroyed."""

    __slots__ = ("sim", "index", "origin", "actors", "attractors", "cameras")

    def __init__(self, sim: Sim, index: int, origin: tuple[float, float, float]) -> None:
        self.sim = sim
        self.index = index
        self.origin = origin
        self.actors: list[Actor] = []
        self.cameras: list[Camera | None] = []
        self.attractors: list[AttractorProperties] = []

    @property
    def num_bodies(self) -> int:
        """Number of bodies of all actors."""
        return sum(actor.asset.num_bodies for actor in self.actors)

    def find_actor(self, name: str) -> int:
        """Return the handle of the actor called ``name``, or -1."""
        for handle, actor in enumerate(self.actors):
            if actor.name == name:
                return handle
        return -1


class Sim:
    """A simulation's handle: what it will hold, and once prepared, what runs.

    Attributes:
        params: the simulation's parameters.
        engine: name of the physics engine.
        device: device of its tensors.
        grounds: planes, height fields and meshes, in the order in which they were added.
        ground_restitution: the largest restitution of these.
        bounces: whether any ground or actor was ever given restitution; assets say so themselves.
        envs: the environments in the order of their creation.
        running: the prepared simulation, or None before ``prepare_sim`` and after ``destroy_sim``.
        destroyed: whether ``destroy_sim`` was called.
        lights: the lights that a script has set, by number.
        viewer: what ``create_viewer`` would show, and from where.
        window: the window that ``create_viewer`` returned.
        graphics: what draws, from the first picture on.
        alone: by asset, an actor in a world of its own, which shows states before ``prepare_sim``.
        created: when, in seconds of ``time.perf_counter``.
        seconds: how long ``simulate`` has taken so far.
        told_of_links: whether it was said that body states set roots alone.
        timers: what ``seconds`` was when each performance timer was last read.
    """

    def __init__(self, params: SimParams, engine: str, device: str) -> None:
        self.params = copy.deepcopy(params)
        self.engine = engine
        self.device = device
        self.grounds: list[Ground] = []
        self.ground_restitution = 0.0
        self.bounces = False
        self.envs: list[Env] = []
        self.running: Simulation | None = None
        self.destroyed = False
        self.lights: dict[int, Light] = {}
        self.viewer: Camera | None = None
        self.window: Window | None = None
        self.graphics: Graphics | None = None
        # DOF properties by asset and content: equal ones are one object.
        self.interned: dict[tuple[int, bytes], np.ndarray] = {}
        self.alone: dict[int, Alone] = {}
        self.created = time.perf_counter()
        self.seconds = 0.0
        self.timers: dict[int, float] = {}
        self.told_of_links = False

    def add_ground(self, ground: Ground, restitution: float) -> None:
        """Append ground."""
        self.grounds.append(ground)
        self.ground_restitution = max(self.ground_restitution, float(restitution))
        self.bounces |= restitution > 0.0

    def add_env(self, spacing: tuple[float, float, float], per_row: int) -> Env:
        """Append an environment to the grid; ``spacing`` is the size of one cell [m]."""
        index = len(self.envs)
        row, column = divmod(index, max(1, per_row))
        env = Env(self, index, (column * spacing[0], row * spacing[1], 0.0))
        self.envs.append(env)
        return env


def env_structure(env: Env) -> tuple[tuple[object, ...], ...]:
    """Return what makes two environments run on one compiled model.

    These are assets, filters, group relations, and what attractors pull at. Names, poses and property values
    are no part of it.
    """
    groups = [actor.group for actor in env.actors]
    actors = tuple((id(a.asset), a.filter, groups.index(a.group)) for a in env.actors)
    return actors + tuple((pull.rigid_handle, pull.axes) for pull in env.attractors)


def quat_between_z_and(normal: tuple[float, float, float]) -> tuple[float, float, float, float]:
    """Return the rotation (wxyz) that turns the z axis to a direction of any length.

    Raises:
        ValueError: if the direction is the zero vector.
    """
    length = math.sqrt(sum(part * part for part in normal))
    if length == 0.0:
        raise ValueError("PlaneParams.normal is (0, 0, 0): it must point away from the ground")
    x, y, z = (part / length for part in normal)
    if z < -0.999999:
        return (0.0, 1.0, 0.0, 0.0)
    # Half-way quaternion: (1 + z.n, z x n), normalised.
    norm = math.sqrt(2.0 * (1.0 + z))
    return ((1.0 + z) / norm, -y / norm, x / norm, 0.0)
