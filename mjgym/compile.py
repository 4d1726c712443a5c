"""From one environment's actors to one MuJoCo model, and where each actor lies in it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import mujoco
import numpy as np

from mjgym.attractors import INTEGRATOR, AttractorLayout, add_attractors, find_attractors
from mjgym.scene import Actor, Env, quat_between_z_and
from mjgym.spherical import AXIS_NAMES, NUM_AXES, join_hinges
from mjgym.structs.params import PlaneParams, SimParams

GROUND_BIT = 1
MAX_ACTORS = 30
"""Actors of one environment that can be told apart: one collision bit each, one for the ground."""


@dataclass(frozen=True)
class ActorLayout:
    """Where one actor lies in the compiled model; all counts and addresses are MuJoCo's.

    Attributes:
        bodies: body ids, in the asset's order.
        geoms: ids of the collision shapes, in the asset's order.
        joints: joint id of each DOF, in the asset's order; a ball joint's is there three times.
        dofs: the actor's columns among the environment's DOFs (and actuators).
        qpos: first address of the DOFs' positions in qpos.
        qvel: first address of the DOFs' velocities in qvel.
        free_qpos: address of the root's free joint in qpos, or -1 for a fixed base.
        free_qvel: address of the root's free joint in qvel, or -1 for a fixed base.
        mocap: mocap id of a fixed base, or -1 for a floating one.
        sensor_sites: site ids of the force sensors, in the order of their creation.
        balls: (first of its three DOF columns, address of its quaternion in qpos) of each ball joint.
    """

    bodies: tuple[int, ...]
    geoms: tuple[int, ...]
    joints: tuple[int, ...]
    dofs: slice
    qpos: int
    qvel: int
    free_qpos: int
    free_qvel: int
    mocap: int
    sensor_sites: tuple[int, ...]
    balls: tuple[tuple[int, int], ...] = ()

    @property
    def num_dofs(self) -> int:
        """Number of DOFs."""
        return self.dofs.stop - self.dofs.start


@dataclass(frozen=True)
class CompiledEnv:
    """One environment's model and the layout of its actors and attractors, in the order of their creation."""

    model: mujoco.MjModel
    actors: tuple[ActorLayout, ...]
    attractors: tuple[AttractorLayout, ...] = ()

    @property
    def num_dofs(self) -> int:
        """DOFs of the environment."""
        return self.actors[-1].dofs.stop if self.actors else 0

    @property
    def bodies(self) -> tuple[int, ...]:
        """Body ids of all actors, in the order of Isaac Gym's tensors."""
        return tuple(body for actor in self.actors for body in actor.bodies)


def compile_env(env: Env, ground: PlaneParams | None, params: SimParams) -> CompiledEnv:
    """Compile one environment; every property of its actors is written into the model afterwards.

    Raises:
        ValueError: if it has no actors, or more than can be told apart.
    """
    if not 0 < len(env.actors) <= MAX_ACTORS:
        raise ValueError(
            f"environment {env.index} has {len(env.actors)} actors; it must have 1 to {MAX_ACTORS}"
        )
    spec = _empty_scene(params)
    if env.attractors:
        spec.option.integrator = INTEGRATOR
    if ground is not None:
        _add_ground(spec, ground)
    masks = collision_masks(env.actors)
    for index, actor in enumerate(env.actors):
        _attach(spec, actor, f"{index}/", masks[index])
    _add_drives(spec)
    add_attractors(spec, env)
    _add_contact_force_switch(spec)
    model = spec.compile()
    layouts = _layouts(model, env.actors)
    _apply_body_damping(model, env.actors, layouts)
    return CompiledEnv(model, layouts, find_attractors(model, env))


def collision_masks(actors: list[Actor]) -> list[tuple[int, int] | None]:
    """Return each actor's MuJoCo (contype, conaffinity), or None to keep those of its file (filter -1).

    Two actors touch if they are in the same group (or one is in group -1) and ``filter_a & filter_b`` is 0;
    the shapes of one actor touch each other if its filter is 0. Every actor touches the ground.
    """
    masks: list[tuple[int, int] | None] = []
    for i, a in enumerate(actors):
        if a.filter == -1:
            masks.append(None)
            continue
        affinity = GROUND_BIT
        for j, b in enumerate(actors):
            same_group = a.group == b.group or -1 in (a.group, b.group)
            if same_group and (a.filter & b.filter) == 0:
                affinity |= 2 << j
        masks.append((2 << i, affinity))
    return masks


def _empty_scene(params: SimParams) -> mujoco.MjSpec:
    spec = mujoco.MjSpec()
    spec.option.timestep = params.dt / params.substeps
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    spec.option.gravity = params.gravity.as_tuple()
    spec.worldbody.add_light(pos=(0, 0, 6), dir=(0.3, 0.2, -1), type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL)
    return spec


def _add_ground(spec: mujoco.MjSpec, ground: PlaneParams) -> None:
    normal = ground.normal.as_tuple()
    quat = quat_between_z_and(normal)
    scale = -ground.distance / math.sqrt(sum(part * part for part in normal))
    length = math.sqrt(sum(part * part for part in normal))
    spec.add_texture(
        name="ground", type=mujoco.mjtTexture.mjTEXTURE_2D, builtin=mujoco.mjtBuiltin.mjBUILTIN_CHECKER,
        width=256, height=256, rgb1=(0.72, 0.74, 0.76), rgb2=(0.62, 0.64, 0.67),
    )  # fmt: skip
    material = spec.add_material(name="ground", texrepeat=(0.5, 0.5), texuniform=True)
    material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = "ground"
    spec.worldbody.add_geom(
        name="ground", type=mujoco.mjtGeom.mjGEOM_PLANE, size=(0, 0, 1), quat=quat, material="ground",
        pos=tuple(scale * part / length for part in normal),
        contype=GROUND_BIT, conaffinity=GROUND_BIT, condim=3,
        friction=(ground.dynamic_friction, 0.005, 0.0001),
    )  # fmt: skip


def _attach(spec: mujoco.MjSpec, actor: Actor, prefix: str, mask: tuple[int, int] | None) -> None:
    """Place a copy of the actor's asset in the scene. Its root's own pose in the file does not count."""
    child = actor.asset.spec.copy()
    join_hinges(child, actor.asset)
    _adopt_options(child, spec)
    root = child.worldbody.first_body()
    position, (x, y, z, w) = actor.pose[:3], actor.pose[3:]
    if mask is not None:
        for geom in child.geoms:
            if geom.contype or geom.conaffinity:
                geom.contype, geom.conaffinity = mask
    if actor.asset.fixed_base and not actor.asset.root_has_joints:
        root.mocap = True
    for body_index, color in (actor.colors or {}).items():
        for geom in child.bodies[body_index + 1].geoms:
            geom.rgba, geom.material = (*color, 1.0), ""
    for index, sensor in enumerate(actor.asset.force_sensors):
        (qx, qy, qz, qw), name = sensor.rotation, f"#sensor{index}"
        child.bodies[sensor.body + 1].add_site(name=name, pos=sensor.position, quat=(qw, qx, qy, qz))
    parent = spec.worldbody
    if actor.asset.fixed_base and actor.asset.root_has_joints:
        # The root turns on joints of its own, so what stands still is a hidden parent without mass.
        parent = spec.worldbody.add_body(name=f"{prefix}#base", mocap=True, pos=position, quat=(w, x, y, z))
        root.pos, root.quat = (0, 0, 0), (1, 0, 0, 0)
    else:
        root.pos, root.quat = position, (w, x, y, z)
    root.alt.type = mujoco.mjtOrientation.mjORIENTATION_QUAT
    spec.attach(child, prefix=prefix, frame=parent.add_frame())


def _adopt_options(child: mujoco.MjSpec, parent: mujoco.MjSpec) -> None:
    """Overwrite the file's time step, solver and the like: the simulation's hold, else MuJoCo warns."""
    for name in dir(parent.option):
        if not name.startswith("_"):
            setattr(child.option, name, getattr(parent.option, name))


def _add_drives(spec: mujoco.MjSpec) -> None:
    """Add one actuator a DOF, in DOF order: force = ctrl + b1 q + b2 v. The b are written with the gains.

    A ball joint gets three, whose q is a component of its exponential map each.
    """
    for joint in spec.joints:
        if joint.type == mujoco.mjtJoint.mjJNT_FREE:
            continue
        gears = np.eye(6)[:3] if joint.type == mujoco.mjtJoint.mjJNT_BALL else np.eye(6)[:1]
        for axis, gear in zip(AXIS_NAMES, gears, strict=False):
            spec.add_actuator(
                name=joint.name if len(gears) == 1 else f"{joint.name}#{axis}", target=joint.name,
                trntype=mujoco.mjtTrn.mjTRN_JOINT, gear=gear,
                gaintype=mujoco.mjtGain.mjGAIN_FIXED, biastype=mujoco.mjtBias.mjBIAS_AFFINE,
                ctrllimited=mujoco.mjtLimited.mjLIMITED_FALSE, forcelimited=mujoco.mjtLimited.mjLIMITED_FALSE,
            )  # fmt: skip


def _add_contact_force_switch(spec: mujoco.MjSpec) -> None:
    """Add the force sensor for whose sake MuJoCo computes cfrc_ext; engines leave sensors off until asked."""
    spec.worldbody.add_site(name="#contact_forces")
    spec.add_sensor(
        name="#contact_forces", type=mujoco.mjtSensor.mjSENS_FORCE, objtype=mujoco.mjtObj.mjOBJ_SITE,
        objname="#contact_forces",
    )  # fmt: skip


def _layouts(model: mujoco.MjModel, actors: list[Actor]) -> tuple[ActorLayout, ...]:
    layouts = []
    first_dof = 0
    for index, actor in enumerate(actors):
        layouts.append(_layout(model, actor, f"{index}/", first_dof))
        first_dof += actor.asset.num_dofs
    return tuple(layouts)


def _layout(model: mujoco.MjModel, actor: Actor, prefix: str, first_dof: int) -> ActorLayout:
    asset = actor.asset
    root = model.body(prefix + asset.body_names[0]).id
    first_geom = next((g for g in range(model.ngeom) if model.geom_bodyid[g] >= root), model.ngeom)
    first_joint = next((j for j in range(model.njnt) if model.jnt_bodyid[j] >= root), model.njnt)
    free = not asset.fixed_base
    joints, balls = _dof_joints(model, first_joint + (not asset.fixed_base), asset.num_dofs)
    return ActorLayout(
        bodies=tuple(range(root, root + asset.num_bodies)),
        geoms=tuple(first_geom + geom for geom in asset.shape_geoms),
        joints=joints,
        dofs=slice(first_dof, first_dof + asset.num_dofs),
        qpos=int(model.jnt_qposadr[joints[0]]) if joints else 0,
        qvel=int(model.jnt_dofadr[joints[0]]) if joints else 0,
        free_qpos=int(model.jnt_qposadr[first_joint]) if free else -1,
        free_qvel=int(model.jnt_dofadr[first_joint]) if free else -1,
        mocap=-1 if free else int(model.body_mocapid[root - asset.root_has_joints]),
        sensor_sites=tuple(model.site(f"{prefix}#sensor{i}").id for i in range(len(asset.force_sensors))),
        balls=balls,
    )


def _dof_joints(
    model: mujoco.MjModel, first: int, num_dofs: int
) -> tuple[tuple[int, ...], tuple[tuple[int, int], ...]]:
    """Return the joint of each DOF, and (first DOF, address in qpos) of each ball joint."""
    joints: list[int] = []
    balls = []
    for joint in range(first, model.njnt):
        if len(joints) == num_dofs:
            break
        is_ball = model.jnt_type[joint] == mujoco.mjtJoint.mjJNT_BALL
        if is_ball:
            balls.append((len(joints), int(model.jnt_qposadr[joint])))
        joints += [joint] * (NUM_AXES if is_ball else 1)
    return tuple(joints), tuple(balls)


def _apply_body_damping(model: mujoco.MjModel, actors: list[Actor], layouts: tuple[ActorLayout, ...]) -> None:
    """Let floating bases feel the asset's linear and angular damping [1/s].

    PhysX slows every body by a share of its velocity. Here the floating base alone is damped, by the mass and
    inertia that it moves in the model's initial pose: the same force on an actor that moves as a whole.
    """
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    mass = np.zeros((model.nv, model.nv))
    mujoco.mj_fullM(model, data, mass)
    for actor, layout in zip(actors, layouts, strict=True):
        if layout.free_qvel >= 0:
            moved = np.diag(mass)[layout.free_qvel : layout.free_qvel + 6]
            rates = np.repeat([actor.asset.options.linear_damping, actor.asset.options.angular_damping], 3)
            model.dof_damping[layout.free_qvel : layout.free_qvel + 6] = rates * moved
