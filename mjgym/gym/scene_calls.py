"""Calls that make environments and actors, and set the properties of actors."""

from __future__ import annotations

import copy
from typing import Final

import numpy as np

from mjgym.assets import Asset
from mjgym.gym.checks import actor_of, asset_of, building, item_of, segmentation_id_of
from mjgym.partly import partly
from mjgym.properties import check_dof_properties
from mjgym.property_writer import actor_dof_properties
from mjgym.scaling import check_scale, rescale
from mjgym.scene import Actor, Env, Sim
from mjgym.structs import MeshType, RigidBodyProperties, RigidShapeProperties, Transform, Vec3
from mjgym.structs.constants import RIGID_BODY_DISABLE_SIMULATION

_ONLY_PHYSX: Final = "does nothing: aggregates only speed up PhysX"


class SceneCalls:
    """Environments, actors, and the properties of one actor."""

    def create_env(self, sim: Sim, lower: Vec3, upper: Vec3, num_per_row: int) -> Env:
        """Append an environment to a grid of cells of size ``upper - lower`` [m], ``num_per_row`` in a row.

        Environments never touch: every one is a world of its own. Their origins matter for drawing, and for
        height fields and meshes of the ground, which lie in the world.
        """
        spacing = (upper.x - lower.x, upper.y - lower.y, upper.z - lower.z)
        return building(sim, "create_env").add_env(spacing, int(num_per_row))

    @partly("at most 30 in an environment, and group -1 touches these alone")
    def create_actor(
        self,
        env: Env,
        asset: Asset,
        pose: Transform,
        name: str = "",
        group: int = -1,
        filter: int = 0,
        segmentation_id: int = 0,
    ) -> int:
        """Place an actor in an environment and return its handle, which counts the environment's actors.

        Args:
            env: the environment.
            asset: what it is made of.
            pose: pose of the root in the environment, whatever pose the file gives the root.
            name: its name.
            group: actors touch only inside one group; group -1 touches all.
            filter: actors a and b touch only if ``a & b`` is 0, so 0 lets the actor touch itself and any
                other value does not; -1 keeps the contype and conaffinity of the MJCF file.
            segmentation_id: what segmentation images show where its bodies are.
        """
        building(env.sim, "create_actor")
        p, r = pose.p, pose.r
        placed = (p.x, p.y, p.z, r.x, r.y, r.z, r.w)
        asset_of(asset, "create_actor")
        segment = segmentation_id_of(segmentation_id, "create_actor")
        env.actors.append(Actor(asset, name, placed, int(group), int(filter), segment))
        return len(env.actors) - 1

    @partly(_ONLY_PHYSX)
    def begin_aggregate(self, env: Env, max_bodies: int, max_shapes: int, self_collisions: bool) -> bool:
        """Do nothing: aggregates only speed up PhysX."""
        return True

    @partly(_ONLY_PHYSX)
    def end_aggregate(self, env: Env) -> bool:
        """Do nothing: aggregates only speed up PhysX."""
        return True

    @partly(_ONLY_PHYSX)
    def create_aggregate(self, env: Env, actor_handles: list[int]) -> bool:
        """Do nothing: aggregates only speed up PhysX."""
        return True

    def enable_actor_dof_force_sensors(self, env: Env, actor_handle: int) -> None:
        """Have the DOF-force tensor show an actor's forces; without, it shows zeros."""
        actor_of(env, actor_handle, "enable_actor_dof_force_sensors").has_dof_forces = True
        if env.sim.running is not None:
            env.sim.running.dof_forces.enable(env.index, actor_handle)

    # ---- DOF properties

    def get_actor_dof_properties(self, env: Env, actor_handle: int) -> np.ndarray:
        """Return a copy of an actor's DOF properties, a structured array with a row for each DOF."""
        return actor_dof_properties(actor_of(env, actor_handle, "get_actor_dof_properties")).copy()

    def set_actor_dof_properties(self, env: Env, actor_handle: int, props: np.ndarray) -> bool:
        """Set an actor's DOF properties; after ``prepare_sim``, too, and in its environment alone.

        Raises:
            TypeError: if they are no array of DOF properties.
            ValueError: naming the DOF, if a value is out of range.
        """
        actor = actor_of(env, actor_handle, "set_actor_dof_properties")
        # Equal properties share one array, so that thousands of equal actors are told apart by identity.
        interned = env.sim.interned
        key = props.tobytes() if isinstance(props, np.ndarray) else b""
        known = interned.get((id(actor.asset), key))
        if known is None:
            known = check_dof_properties(props, actor.asset).copy()
            interned[(id(actor.asset), key)] = known
        if known is not actor.dof_properties:
            actor.dof_properties = known
            self._update(env, actor_handle)
        return True

    # ---- body properties

    def get_actor_rigid_body_properties(self, env: Env, actor_handle: int) -> list[RigidBodyProperties]:
        """Return copies of an actor's body properties."""
        actor = actor_of(env, actor_handle, "get_actor_rigid_body_properties")
        if actor.body_properties is None:
            return actor.asset.body_properties(actor.scale or 1.0)
        return copy.deepcopy(actor.body_properties[0])

    @partly("`invMass`, `invInertia` and the gyroscopic flag are ignored; no body can be left out")
    def set_actor_rigid_body_properties(
        self, env: Env, actor_handle: int, props: list[RigidBodyProperties], recomputeInertia: bool = False
    ) -> bool:
        """Set mass, centre of mass and inertia of an actor's bodies, and whether they feel gravity.

        Args:
            env: the environment.
            actor_handle: the actor.
            props: one for each body.
            recomputeInertia: scale the inertia with the mass instead of reading it from ``props``.

        Raises:
            ValueError: if their number is wrong or a mass is negative.
            NotImplementedError: if a body is not to be simulated.
        """
        call = "set_actor_rigid_body_properties"
        actor = actor_of(env, actor_handle, call)
        _check_count(call, len(props), actor.asset.num_bodies, "bodies")
        if any(prop.flags & RIGID_BODY_DISABLE_SIMULATION for prop in props):
            raise NotImplementedError(f"{call}: RIGID_BODY_DISABLE_SIMULATION is not built (docs/mjgym.md)")
        actor.body_properties = (copy.deepcopy(list(props)), recomputeInertia)
        self._update(env, actor_handle)
        return True

    def get_actor_scale(self, env: Env, actor_handle: int) -> float:
        """Return an actor's scale."""
        return actor_of(env, actor_handle, "get_actor_scale").scale or 1.0

    @partly("no collision meshes and no spatial tendons; limits of sliding DOFs stay")
    def set_actor_scale(self, env: Env, actor_handle: int, scale: float) -> bool:
        """Make an actor ``scale`` times as large as its asset, before ``prepare_sim`` or after it.

        Bodies, shapes, joints and force sensors move away from the root's origin, and densities stay: masses
        go with the third, inertias with the fifth power. DOF properties keep their values.

        Raises:
            ValueError: if the scale is not positive.
            NotImplementedError: if the actor has collision meshes or spatial tendons.
        """
        actor = actor_of(env, actor_handle, "set_actor_scale")
        rescale(actor, check_scale(actor.asset, scale, "set_actor_scale"))
        self._update(env, actor_handle)
        return True

    # ---- shape properties

    def get_actor_rigid_shape_properties(self, env: Env, actor_handle: int) -> list[RigidShapeProperties]:
        """Return copies of the properties of an actor's collision shapes."""
        actor = actor_of(env, actor_handle, "get_actor_rigid_shape_properties")
        props = copy.deepcopy(actor.shape_properties or actor.asset.shape_properties)
        for prop in props:
            prop.filter = actor.filter
        return props

    @partly("frictions and restitution alone have an effect; a filter other than the actor's is refused")
    def set_actor_rigid_shape_properties(
        self, env: Env, actor_handle: int, props: list[RigidShapeProperties]
    ) -> bool:
        """Set friction and restitution of an actor's collision shapes; MuJoCo has no other properties.

        Raises:
            ValueError: if their number is wrong or a friction is negative.
            NotImplementedError: if a shape's filter differs from its actor's.
        """
        call = "set_actor_rigid_shape_properties"
        actor = actor_of(env, actor_handle, call)
        _check_count(call, len(props), len(actor.asset.shape_geoms), "shapes")
        if any(prop.filter not in (0, actor.filter) for prop in props):
            raise NotImplementedError(f"{call}: filters of single shapes are not built (docs/mjgym.md)")
        actor.shape_properties = copy.deepcopy(list(props))
        env.sim.bounces |= any(prop.restitution > 0.0 for prop in props)
        self._update(env, actor_handle)
        return True

    @partly("paints all shapes of a body, whatever the mesh type")
    def set_rigid_body_color(
        self, env: Env, actor_handle: int, body_index: int, mesh_type: MeshType, color: Vec3
    ) -> None:
        """Paint a body of one environment."""
        actor = actor_of(env, actor_handle, "set_rigid_body_color")
        body = item_of(actor.asset.body_names, body_index, "body", "set_rigid_body_color")
        if actor.colors is None:
            actor.colors = {}
        actor.colors[body] = color.as_tuple()

    @partly("one colour a body, that of its first shape if none was set")
    def get_rigid_body_color(self, env: Env, actor_handle: int, body_index: int, mesh_type: MeshType) -> Vec3:
        """Return a body's colour: what was set, else that of its first shape in the file."""
        actor = actor_of(env, actor_handle, "get_rigid_body_color")
        body = item_of(actor.asset.body_names, body_index, "body", "get_rigid_body_color")
        return Vec3(*(actor.colors or {}).get(body, actor.asset.body_color(body)))

    def set_rigid_body_segmentation_id(
        self, env: Env, actor_handle: int, body_index: int, value: int
    ) -> None:
        """Set what segmentation images show where a body is.

        Raises:
            ValueError: if it is negative or does not fit into 31 bits.
        """
        call = "set_rigid_body_segmentation_id"
        actor = actor_of(env, actor_handle, call)
        body = item_of(actor.asset.body_names, body_index, "body", call)
        if actor.segmentation_ids is None:
            actor.segmentation_ids = {}
        actor.segmentation_ids[body] = segmentation_id_of(value, call)

    def get_rigid_body_segmentation_id(self, env: Env, actor_handle: int, body_index: int) -> int:
        """Return what segmentation images show where a body is: its own id, or else its actor's."""
        call = "get_rigid_body_segmentation_id"
        actor = actor_of(env, actor_handle, call)
        body = item_of(actor.asset.body_names, body_index, "body", call)
        return (actor.segmentation_ids or {}).get(body, actor.segmentation_id)

    def _update(self, env: Env, actor_handle: int) -> None:
        if env.sim.running is not None:
            env.sim.running.update_actor(env, actor_handle)


def _check_count(call: str, given: int, needed: int, what: str) -> None:
    if given != needed:
        raise ValueError(f"{call}: {given} properties were given; the actor has {needed} {what}")
