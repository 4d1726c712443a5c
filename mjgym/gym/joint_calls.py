"""Calls that find and ask joints, the frames of DOFs, names by handle, actuators and ranges of shapes.

A joint's handle counts the joints of its environment, fixed ones that were not collapsed included. A joint
that moves is its DOF: it has the same name, position, velocity and targets.
"""

from __future__ import annotations

import copy

import numpy as np

from mjgym.actor_view import view
from mjgym.assets import Asset
from mjgym.gym.checks import actor_of, asset_of, env_of, item_of, names_of, owner_of, sim_of
from mjgym.gym.command_calls import CommandCalls
from mjgym.gym.lookup_calls import in_domain
from mjgym.gym.records import as_records
from mjgym.gym.state_calls import StateCalls
from mjgym.scene import Env, Sim
from mjgym.structs import (
    DOF_FRAME_DTYPE,
    INVALID_HANDLE,
    TRANSFORM_DTYPE,
    ActuatorProperties,
    DofFrame,
    DofType,
    IndexDomain,
    IndexRange,
    JointType,
    Quat,
    Transform,
    Vec3,
)


class JointCalls(StateCalls, CommandCalls):
    """Joints, DOF frames, names, actuators, shapes; and the states and commands of a joint's DOF."""

    # ---- counts, names, indices

    def get_env_joint_count(self, env: Env) -> int:
        """Return the number of joints of an environment."""
        return sum(len(actor.asset.joint_names) for actor in env_of(env, "get_env_joint_count").actors)

    def get_sim_joint_count(self, sim: Sim) -> int:
        """Return the number of joints in all environments."""
        return sum(self.get_env_joint_count(env) for env in sim_of(sim, "get_sim_joint_count").envs)

    def get_asset_joint_name(self, asset: Asset, index: int) -> str:
        """Return a joint's name."""
        names = asset_of(asset, "get_asset_joint_name").joint_names
        return names[item_of(names, index, "joint", "get_asset_joint_name")]

    def find_asset_joint_index(self, asset: Asset, name: str) -> int:
        """Return the index of the joint called ``name``, or -1."""
        names = asset_of(asset, "find_asset_joint_index").joint_names
        return names.index(name) if name in names else INVALID_HANDLE

    def get_asset_joint_type(self, asset: Asset, index: int) -> JointType:
        """Tell whether a joint is fixed, turns or slides. Spherical joints are the three that turn."""
        name = self.get_asset_joint_name(asset, index)
        if name not in asset.dof_names:
            return JointType.JOINT_FIXED
        slides = asset.dof_type(asset.dof_names.index(name)) == DofType.DOF_TRANSLATION
        return JointType.JOINT_PRISMATIC if slides else JointType.JOINT_REVOLUTE

    def get_actor_joint_index(self, env: Env, actor_handle: int, index: int, domain: int) -> int:
        """Return the number of an actor's ``index``-th joint within the given domain."""
        call = "get_actor_joint_index"
        item_of(actor_of(env, actor_handle, call).asset.joint_names, index, "joint", call)
        first = sum(len(actor.asset.joint_names) for actor in env.actors[:actor_handle])
        return in_domain(domain, index, first + index, env, self.get_env_joint_count)

    def find_actor_joint_index(self, env: Env, actor_handle: int, name: str, domain: int) -> int:
        """Return the number of an actor's joint within the given domain, or -1."""
        names = actor_of(env, actor_handle, "find_actor_joint_index").asset.joint_names
        if name not in names:
            return INVALID_HANDLE
        return self.get_actor_joint_index(env, actor_handle, names.index(name), domain)

    def get_actor_joint_handle(self, env: Env, actor_handle: int, index: int) -> int:
        """Return the number of an actor's ``index``-th joint among the joints of its environment."""
        return self.get_actor_joint_index(env, actor_handle, index, IndexDomain.DOMAIN_ENV)

    def find_actor_joint_handle(self, env: Env, actor_handle: int, name: str) -> int:
        """Return the number of an actor's joint among the joints of its environment, or -1."""
        return self.find_actor_joint_index(env, actor_handle, name, IndexDomain.DOMAIN_ENV)

    def get_joint_handle(self, env: Env, actor_name: str, joint_name: str) -> int:
        """Return the handle of a joint by the names of its actor and itself, or -1."""
        handle = env_of(env, "get_joint_handle").find_actor(actor_name)
        return handle if handle < 0 else self.find_actor_joint_handle(env, handle, joint_name)

    def get_joint_name(self, env: Env, joint_handle: int) -> str:
        """Return the name of a joint of an environment."""
        return _name(env, joint_handle, "joint", "get_joint_name")

    def get_rigid_handle(self, env: Env, actor_name: str, body_name: str) -> int:
        """Return the handle of a body by the names of its actor and itself, or -1."""
        handle = env_of(env, "get_rigid_handle").find_actor(actor_name)
        names = [] if handle < 0 else env.actors[handle].asset.body_names
        if body_name not in names:
            return INVALID_HANDLE
        return sum(a.asset.num_bodies for a in env.actors[:handle]) + names.index(body_name)

    def get_rigid_name(self, env: Env, body_handle: int) -> str:
        """Return the name of a body of an environment."""
        return _name(env, body_handle, "body", "get_rigid_name")

    def get_dof_type_string(self, dof_type: int) -> str:
        """Return "Rotation", "Translation" or "Invalid"."""
        return DofType(dof_type).name.removeprefix("DOF_").capitalize()

    def get_joint_type_string(self, joint_type: int) -> str:
        """Return "Fixed", "Revolute", "Prismatic" and so on."""
        return JointType(joint_type).name.removeprefix("JOINT_").capitalize()

    # ---- joints that move: their DOF

    def get_joint_position(self, env: Env, joint_handle: int) -> float:
        """Return the position of a joint [rad or m].

        Raises:
            ValueError: if the joint is fixed.
        """
        return self.get_dof_position(env, _dof_of(env, joint_handle, "get_joint_position"))

    def get_joint_velocity(self, env: Env, joint_handle: int) -> float:
        """Return the velocity of a joint [rad/s or m/s].

        Raises:
            ValueError: if the joint is fixed.
        """
        return self.get_dof_velocity(env, _dof_of(env, joint_handle, "get_joint_velocity"))

    def get_joint_target_position(self, env: Env, joint_handle: int) -> float:
        """Return the position that a joint is to reach [rad or m].

        Raises:
            ValueError: if the joint is fixed.
        """
        return self.get_dof_target_position(env, _dof_of(env, joint_handle, "get_joint_target_position"))

    def get_joint_target_velocity(self, env: Env, joint_handle: int) -> float:
        """Return the velocity that a joint is to reach [rad/s or m/s].

        Raises:
            ValueError: if the joint is fixed.
        """
        return self.get_dof_target_velocity(env, _dof_of(env, joint_handle, "get_joint_target_velocity"))

    def set_joint_target_position(self, env: Env, joint_handle: int, target: float) -> None:
        """Set the position that a joint is to reach [rad or m]; mode POS obeys.

        Raises:
            ValueError: if the joint is fixed.
        """
        self.set_dof_target_position(env, _dof_of(env, joint_handle, "set_joint_target_position"), target)

    def set_joint_target_velocity(self, env: Env, joint_handle: int, target: float) -> None:
        """Set the velocity that a joint is to reach [rad/s or m/s]; modes VEL and POS obey.

        Raises:
            ValueError: if the joint is fixed.
        """
        self.set_dof_target_velocity(env, _dof_of(env, joint_handle, "set_joint_target_velocity"), target)

    # ---- frames

    def get_actor_dof_frames(self, env: Env, actor_handle: int) -> np.ndarray:
        """Return where an actor's DOFs act, (DOFs,) of ``DofFrame.dtype``.

        ``origin`` is a point on the axis in the environment [m], ``axis`` its direction; as they are now.
        """
        actor_of(env, actor_handle, "get_actor_dof_frames")
        return as_records(view(env, actor_handle, "get_actor_dof_frames").dof_frames(), DOF_FRAME_DTYPE)

    def get_dof_frame(self, env: Env, dof_handle: int) -> DofFrame:
        """Return where a DOF of an environment acts; see :meth:`get_actor_dof_frames`."""
        handle, index = owner_of(env, dof_handle, "DOF", "get_dof_frame")
        row = view(env, handle, "get_dof_frame").dof_frames()[index].tolist()
        return DofFrame(Vec3(*row[0:3]), Vec3(*row[3:6]))

    def get_actor_joint_transforms(self, env: Env, actor_handle: int) -> np.ndarray:
        """Return where an actor's joints are in the environment, (joints,) of ``Transform.dtype``.

        The origin is a point on the joint's axis, that of the body for a fixed joint; the axes are those of
        the body that the joint holds or moves.
        """
        asset = actor_of(env, actor_handle, "get_actor_joint_transforms").asset
        now = view(env, actor_handle, "get_actor_joint_transforms")
        poses = now.body_states()[_joint_bodies(asset), :7]
        moving = [index for index, name in enumerate(asset.joint_names) if name in asset.dof_names]
        dofs = [asset.dof_names.index(asset.joint_names[index]) for index in moving]
        poses[moving, :3] = now.dof_frames()[dofs, :3]
        return as_records(poses, TRANSFORM_DTYPE)

    def get_joint_transform(self, env: Env, joint_handle: int) -> Transform:
        """Return where a joint is in its environment; see :meth:`get_actor_joint_transforms`."""
        handle, index = owner_of(env, joint_handle, "joint", "get_joint_transform")
        place = self.get_actor_joint_transforms(env, handle)[index]
        return Transform(Vec3(*place["p"]), Quat(*place["r"]))

    # ---- shapes and actuators

    def get_asset_rigid_body_shape_indices(self, asset: Asset) -> list[IndexRange]:
        """Return which of an asset's collision shapes are each body's."""
        ranges = asset_of(asset, "get_asset_rigid_body_shape_indices").body_shape_indices()
        return [IndexRange(*one) for one in ranges]

    def get_actor_rigid_body_shape_indices(self, env: Env, actor_handle: int) -> list[IndexRange]:
        """Return which of an actor's collision shapes are each body's."""
        actor = actor_of(env, actor_handle, "get_actor_rigid_body_shape_indices")
        return self.get_asset_rigid_body_shape_indices(actor.asset)

    def get_actor_actuator_count(self, env: Env, actor_handle: int) -> int:
        """Return the number of actuators that the actor's MJCF file lists."""
        return len(actor_of(env, actor_handle, "get_actor_actuator_count").asset.actuators)

    def get_actor_actuator_name(self, env: Env, actor_handle: int, index: int) -> str:
        """Return an actuator's name, in the file's order."""
        actuators = actor_of(env, actor_handle, "get_actor_actuator_name").asset.actuators
        return actuators[item_of(actuators, index, "actuator", "get_actor_actuator_name")].name

    def get_actor_actuator_joint_name(self, env: Env, actor_handle: int, index: int) -> str:
        """Return the name of the joint that an actuator drives."""
        actuators = actor_of(env, actor_handle, "get_actor_actuator_joint_name").asset.actuators
        return actuators[item_of(actuators, index, "actuator", "get_actor_actuator_joint_name")].joint

    def find_actor_actuator_index(self, env: Env, actor_handle: int, name: str) -> int:
        """Return the index of the actuator called ``name``, or -1."""
        actuators = actor_of(env, actor_handle, "find_actor_actuator_index").asset.actuators
        return next((i for i, one in enumerate(actuators) if one.name == name), INVALID_HANDLE)

    def get_actor_actuator_properties(self, env: Env, actor_handle: int) -> list[ActuatorProperties]:
        """Return copies of the actuators' properties in the file's order."""
        actuators = actor_of(env, actor_handle, "get_actor_actuator_properties").asset.actuators
        return [copy.copy(one.properties) for one in actuators]


def _name(env: Env, index: int, kind: str, call: str) -> str:
    handle, within = owner_of(env, index, kind, call)
    return names_of(env.actors[handle].asset, kind)[within]


def _dof_of(env: Env, joint_handle: int, call: str) -> int:
    """Return the number of a joint's DOF among those of its environment.

    Raises:
        IndexError: if there is no such joint.
        ValueError: if the joint is fixed.
    """
    handle, index = owner_of(env, joint_handle, "joint", call)
    asset = env.actors[handle].asset
    name = asset.joint_names[index]
    if name not in asset.dof_names:
        raise ValueError(f"{call}: joint {name!r} is fixed; it has no position, velocity or target")
    first = sum(actor.asset.num_dofs for actor in env.actors[:handle])
    return first + asset.dof_names.index(name)


def _joint_bodies(asset: Asset) -> list[int]:
    """Return the body that each joint holds or moves.

    Fixed joints are known of URDF files alone, where each body but the root has one joint, in this order.
    """
    bodies = []
    for index, name in enumerate(asset.joint_names):
        moves = name in asset.dof_names
        joint = asset.dof_joints[asset.dof_names.index(name)] if moves else -1
        bodies.append(int(asset.model.jnt_bodyid[joint]) - 1 if moves else index + 1)
    return bodies
