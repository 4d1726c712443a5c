"""Calls that load assets and ask about them."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np

from mjgym.assets import Asset, load_asset
from mjgym.assets.describe import describe_asset
from mjgym.assets.primitives import box_asset, capsule_asset, sphere_asset
from mjgym.gym.checks import asset_of, item_of
from mjgym.partly import partly
from mjgym.scene import Sim
from mjgym.structs import (
    ActuatorProperties,
    AssetOptions,
    DofType,
    ForceSensorProperties,
    RigidShapeProperties,
    Transform,
)


class AssetCalls:
    """Loading, and everything that is known of an asset before it is placed."""

    @partly(
        "MJCF and URDF, no USD, no ball joints; meshes touch as convex hulls, or parts with `vhacd_enabled`"
    )
    def load_asset(
        self, sim: Sim, rootpath: str, filename: str, options: AssetOptions | None = None
    ) -> Asset:
        """Load an actor from an MJCF or URDF file.

        Raises:
            FileNotFoundError: if there is no such file.
            AssetError: naming file and element, if it cannot be read as an actor.
        """
        return load_asset(rootpath, filename, options)

    def create_box(
        self, sim: Sim, width: float, height: float, depth: float, options: AssetOptions | None = None
    ) -> Asset:
        """Make a box of the given sizes along x, y and z [m]."""
        return box_asset(width, height, depth, options or AssetOptions())

    def create_sphere(self, sim: Sim, radius: float, options: AssetOptions | None = None) -> Asset:
        """Make a sphere of the given radius [m]."""
        return sphere_asset(radius, options or AssetOptions())

    def create_capsule(
        self, sim: Sim, radius: float, length: float, options: AssetOptions | None = None
    ) -> Asset:
        """Make a capsule along x: radius and length of its cylinder [m]."""
        return capsule_asset(radius, length, options or AssetOptions())

    @partly("`enable_forward_dynamics_forces` is ignored; `enable_constraint_solver_forces` must be True")
    def create_asset_force_sensor(
        self, asset: Asset, body_idx: int, local_pose: Transform, props: ForceSensorProperties | None = None
    ) -> int:
        """Fix a force sensor to a body of an asset, before actors are made of it; return its index.

        It reads what contacts and ``apply_rigid_body_force_tensors`` exert on the body: force, then torque
        about the sensor's origin. Gravity and joints are left out, so a foot that stands still reads the
        load it bears.

        Raises:
            IndexError: if there is no such body.
            NotImplementedError: if the forces of the constraint solver are not wanted.
        """
        call = "create_asset_force_sensor"
        item_of(asset_of(asset, call).body_names, body_idx, "body", call)
        if props is not None and not props.enable_constraint_solver_forces:
            raise NotImplementedError(
                f"{call}: sensors without constraint solver forces are not built (docs/mjgym.md)"
            )
        return asset.add_force_sensor(body_idx, local_pose, props)

    def debug_print_asset(self, asset: Asset, outpath: str | None = None) -> None:
        """Print the bodies, joints, DOFs and shapes of an asset, or write them to a file."""
        text = describe_asset(asset_of(asset, "debug_print_asset"))
        if outpath is None:
            print(text)
        else:
            Path(outpath).write_text(text + "\n")

    # ---- bodies

    def get_asset_rigid_body_count(self, asset: Asset) -> int:
        """Return the number of bodies."""
        return asset_of(asset, "get_asset_rigid_body_count").num_bodies

    def get_asset_rigid_body_names(self, asset: Asset) -> list[str]:
        """Return the bodies' names in their order."""
        return list(asset_of(asset, "get_asset_rigid_body_names").body_names)

    def get_asset_rigid_body_name(self, asset: Asset, index: int) -> str:
        """Return a body's name."""
        names = asset_of(asset, "get_asset_rigid_body_name").body_names
        return names[item_of(names, index, "body", "get_asset_rigid_body_name")]

    def get_asset_rigid_body_dict(self, asset: Asset) -> dict[str, int]:
        """Return body indices by name."""
        return {name: i for i, name in enumerate(asset_of(asset, "get_asset_rigid_body_dict").body_names)}

    def find_asset_rigid_body_index(self, asset: Asset, name: str) -> int:
        """Return the index of the body called ``name``, or -1."""
        return _find(asset_of(asset, "find_asset_rigid_body_index").body_names, name)

    # ---- DOFs and joints

    def get_asset_dof_count(self, asset: Asset) -> int:
        """Return the number of DOFs."""
        return asset_of(asset, "get_asset_dof_count").num_dofs

    def get_asset_dof_names(self, asset: Asset) -> list[str]:
        """Return the DOFs' names in their order."""
        return list(asset_of(asset, "get_asset_dof_names").dof_names)

    def get_asset_dof_name(self, asset: Asset, index: int) -> str:
        """Return a DOF's name."""
        names = asset_of(asset, "get_asset_dof_name").dof_names
        return names[item_of(names, index, "DOF", "get_asset_dof_name")]

    def get_asset_dof_dict(self, asset: Asset) -> dict[str, int]:
        """Return DOF indices by name."""
        return {name: i for i, name in enumerate(asset_of(asset, "get_asset_dof_dict").dof_names)}

    def get_asset_dof_type(self, asset: Asset, index: int) -> DofType:
        """Tell whether a DOF turns or slides."""
        item_of(asset_of(asset, "get_asset_dof_type").dof_names, index, "DOF", "get_asset_dof_type")
        return asset.dof_type(index)

    def find_asset_dof_index(self, asset: Asset, name: str) -> int:
        """Return the index of the DOF called ``name``, or -1."""
        return _find(asset_of(asset, "find_asset_dof_index").dof_names, name)

    def get_asset_dof_properties(self, asset: Asset) -> np.ndarray:
        """Return a copy of the DOF properties, a structured array with a row for each DOF."""
        return asset_of(asset, "get_asset_dof_properties").dof_properties.copy()

    def get_asset_joint_count(self, asset: Asset) -> int:
        """Return the number of joints: DOFs, and fixed joints that were not collapsed."""
        return len(asset_of(asset, "get_asset_joint_count").joint_names)

    def get_asset_joint_names(self, asset: Asset) -> list[str]:
        """Return the joints' names."""
        return list(asset_of(asset, "get_asset_joint_names").joint_names)

    def get_asset_joint_dict(self, asset: Asset) -> dict[str, int]:
        """Return joint indices by name."""
        return {name: i for i, name in enumerate(asset_of(asset, "get_asset_joint_dict").joint_names)}

    # ---- actuators

    def get_asset_actuator_count(self, asset: Asset) -> int:
        """Return the number of actuators that an MJCF file lists."""
        return len(asset_of(asset, "get_asset_actuator_count").actuators)

    def get_asset_actuator_name(self, asset: Asset, index: int) -> str:
        """Return an actuator's name; actuators are in the file's order, which need not be the DOFs'."""
        actuators = asset_of(asset, "get_asset_actuator_name").actuators
        return actuators[item_of(actuators, index, "actuator", "get_asset_actuator_name")].name

    def get_asset_actuator_joint_name(self, asset: Asset, index: int) -> str:
        """Return the name of the joint that an actuator drives."""
        actuators = asset_of(asset, "get_asset_actuator_joint_name").actuators
        return actuators[item_of(actuators, index, "actuator", "get_asset_actuator_joint_name")].joint

    def find_asset_actuator_index(self, asset: Asset, name: str) -> int:
        """Return the index of the actuator called ``name``, or -1."""
        return _find(
            [actuator.name for actuator in asset_of(asset, "find_asset_actuator_index").actuators], name
        )

    def get_asset_actuator_properties(self, asset: Asset) -> list[ActuatorProperties]:
        """Return copies of the actuators' properties in the file's order; ``motor_effort`` is the gear."""
        return [copy.copy(a.properties) for a in asset_of(asset, "get_asset_actuator_properties").actuators]

    # ---- shapes

    def get_asset_rigid_shape_count(self, asset: Asset) -> int:
        """Return the number of collision shapes."""
        return len(asset_of(asset, "get_asset_rigid_shape_count").shape_geoms)

    def get_asset_rigid_shape_properties(self, asset: Asset) -> list[RigidShapeProperties]:
        """Return copies of the collision shapes' properties."""
        return copy.deepcopy(asset_of(asset, "get_asset_rigid_shape_properties").shape_properties)

    @partly("frictions and restitution alone have an effect; a filter is refused")
    def set_asset_rigid_shape_properties(self, asset: Asset, props: list[RigidShapeProperties]) -> None:
        """Replace the collision shapes' properties, for actors made of the asset and not given others.

        Raises:
            ValueError: if their number is wrong.
            NotImplementedError: if a shape has a filter: shapes have that of their actor.
        """
        have = len(asset_of(asset, "set_asset_rigid_shape_properties").shape_geoms)
        if len(props) != have:
            raise ValueError(
                f"set_asset_rigid_shape_properties: {len(props)} were given; the asset has {have} shapes"
            )
        if any(prop.filter for prop in props):
            raise NotImplementedError(
                "set_asset_rigid_shape_properties: filters of single shapes are not built (docs/mjgym.md)"
            )
        asset.set_shape_properties(copy.deepcopy(props))


def _find(names: list[str], name: str) -> int:
    return names.index(name) if name in names else -1
