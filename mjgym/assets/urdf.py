"""URDF files as Isaac Gym reads them.

Bodies and DOFs are in the order of the joints' names below each link. The mass of a link without
``<inertial>`` is its collision shapes' volume times ``options.density``; an ``<inertial>`` without
``<inertia>`` takes its inertia from the same shapes, at the mass that it gives.
``options.collapse_fixed_joints`` merges links that are fixed to each other, except at joints marked
``dont_collapse="true"``.
"""

from __future__ import annotations

import logging
from pathlib import Path

import mujoco
import numpy as np

from mjgym.assets.asset import UNLIMITED, WORLD_LINK, Asset, Drive
from mjgym.assets.finish import finish_asset
from mjgym.assets.inertia import Frame, Inertial, combine, from_body
from mjgym.assets.meshes import MESH_FORMATS, add_mesh
from mjgym.assets.urdf_file import Joint, Link, Shape, UrdfFile, read_urdf
from mjgym.assets.xml_files import AssetError, is_file
from mjgym.structs.assets import AssetOptions

_log = logging.getLogger(__name__)

SMALLEST = Inertial(1e-6, np.zeros(3), 1e-8 * np.eye(3))
"""What a moving link without mass or shape weighs: MuJoCo cannot move nothing."""

LOCKED = 1e-6
"""How far [rad or m] a joint moves whose limits are equal."""

COLLISION_GROUP, VISUAL_GROUP = 3, 1
GUESSED_RADIUS = 0.1
"""Radius [m] of the ball whose inertia a link gets that has a mass, no inertia and no shape."""


def load_urdf(path: Path, root_path: Path, options: AssetOptions) -> Asset:
    """Load an actor from a URDF file.

    Args:
        path: the file.
        root_path: the folder that ``package://`` paths start from.
        options: Isaac Gym's asset options.

    Raises:
        FileNotFoundError: if there is no such file.
        AssetError: naming file and element, if it cannot be read.
    """
    builder = _Builder(read_urdf(path), root_path, options)
    try:
        root = builder.build()
    except AssetError:
        raise
    except ValueError as error:  # MuJoCo's, of a mesh that it cannot read
        raise AssetError(f"{path}: {error}") from None
    return finish_asset(builder.spec, root, path, options, builder.drives, joint_names=builder.joint_names)


class _Builder:
    """Builds the MuJoCo spec of a robot, link by link."""

    def __init__(self, robot: UrdfFile, root_path: Path, options: AssetOptions) -> None:
        self.robot = robot
        self.root_path = root_path
        self.options = options
        self.spec = mujoco.MjSpec()
        self.spec.modelname = robot.name
        self.drives: dict[str, Drive] = {}
        self.joint_names: list[str] = []

    def build(self) -> mujoco.MjsBody:
        """Build the whole tree and return its root."""
        return self.add_body(self.spec.worldbody, self.robot.root, Frame.identity(), None)

    def add_body(
        self, parent: mujoco.MjsBody, name: str, frame: Frame, joint: Joint | None
    ) -> mujoco.MjsBody:
        """Add a link as a body, with everything that is fixed to it if fixed joints are collapsed."""
        body = parent.add_body(
            name=WORLD_LINK if name == "world" else name, pos=frame.position, quat=frame.quat
        )
        if joint is not None:
            self.add_joint(body, joint)
        parts: list[Inertial] = []
        below: list[tuple[Joint, Frame]] = []
        self.collect(body, self.robot.links[name], Frame.identity(), parts, below)
        self.set_inertial(body, combine(parts), moving=joint is not None and joint.kind != "fixed")
        for child, place in below:
            self.add_body(body, child.child, place * child.frame, child)
        return body

    def collect(
        self,
        body: mujoco.MjsBody,
        link: Link,
        place: Frame,
        parts: list[Inertial],
        below: list[tuple[Joint, Frame]],
    ) -> None:
        """Gather a link's shapes, inertial and joints into a body, at ``place`` in the body's frame."""
        for shape in link.collisions:
            self.add_shape(body, shape, place, link, collides=True)
        for shape in link.visuals:
            self.add_shape(body, shape, place, link, collides=False)
        parts.append(self.inertial(link).moved(place))
        for joint in self.robot.joints_below[link.name]:
            if joint.kind == "fixed" and self.options.collapse_fixed_joints and not joint.keep:
                self.collect(body, self.robot.links[joint.child], place * joint.frame, parts, below)
            else:
                below.append((joint, place))

    # ---- joints

    def add_joint(self, body: mujoco.MjsBody, joint: Joint) -> None:
        """Add a joint to its child's body; a fixed one is only counted."""
        self.joint_names.append(joint.name)
        if joint.kind == "fixed":
            return
        slides = joint.kind == "prismatic"
        limited = joint.kind != "continuous"
        # Equal limits lock a joint, but MuJoCo wants some room between them.
        limits = np.array([joint.lower, max(joint.upper, joint.lower + LOCKED)])
        body.add_joint(
            name=joint.name, axis=joint.axis, frictionloss=joint.friction, damping=(joint.damping, 0, 0),
            type=mujoco.mjtJoint.mjJNT_SLIDE if slides else mujoco.mjtJoint.mjJNT_HINGE,
            limited=mujoco.mjtLimited.mjLIMITED_TRUE if limited else mujoco.mjtLimited.mjLIMITED_FALSE,
            range=limits if slides else np.degrees(limits),
        )  # fmt: skip
        self.drives[joint.name] = Drive(
            effort=joint.effort or UNLIMITED, velocity=joint.velocity or UNLIMITED
        )

    # ---- shapes

    def add_shape(self, body: mujoco.MjsBody, shape: Shape, place: Frame, link: Link, collides: bool) -> None:
        """Add a collision shape, or a visual one that touches nothing and weighs nothing."""
        frame = place * shape.frame
        bits, group = (
            (1, COLLISION_GROUP if link.visuals else VISUAL_GROUP) if collides else (0, VISUAL_GROUP)
        )
        for values in self.geom_values(shape, link, collides):
            geom = body.add_geom(
                pos=frame.position, quat=frame.quat, contype=bits, conaffinity=bits, group=group, **values
            )
            if shape.rgba is not None:
                geom.rgba = shape.rgba

    def geom_values(self, shape: Shape, link: Link, collides: bool) -> list[dict]:
        """Return MuJoCo's type and size of a shape, or its parts; none of a visual mesh that is not read."""
        kinds = mujoco.mjtGeom
        if shape.kind == "box":
            return [{"type": kinds.mjGEOM_BOX, "size": np.array(shape.size) / 2}]
        if shape.kind == "sphere":
            return [{"type": kinds.mjGEOM_SPHERE, "size": (shape.size[0], 0, 0)}]
        if shape.kind == "mesh":
            return [
                {"type": kinds.mjGEOM_MESH, "meshname": name} for name in self.mesh(shape, link, collides)
            ]
        round_ends = shape.kind == "capsule" or (collides and self.options.replace_cylinder_with_capsule)
        size = (shape.size[0], shape.size[1] / 2, 0)
        return [{"type": kinds.mjGEOM_CAPSULE if round_ends else kinds.mjGEOM_CYLINDER, "size": size}]

    def mesh(self, shape: Shape, link: Link, collides: bool) -> list[str]:
        """Add a mesh to the spec and return the names of its parts; a visual one may stay away."""
        where = f"{self.robot.path}: <link name={link.name!r}>"
        file = self.find_mesh(shape.filename)
        try:
            if file is None or file.suffix.lower() not in MESH_FORMATS:
                problem = "does not exist" if file is None else f"must be one of {', '.join(MESH_FORMATS)}"
                raise AssetError(f"{where} mesh {shape.filename!r} {problem}")
            return add_mesh(self.spec, file, shape.scale, collides and self.options.vhacd_enabled, where)
        except (AssetError, ImportError) as error:
            if collides:
                raise
            _log.info("%s; it is not drawn", error)
            return []

    def find_mesh(self, filename: str) -> Path | None:
        """Return the file that a URDF names; ``package://NAME/x`` is looked for as NAME/x and x."""
        name = filename.removeprefix("file://")
        folders = [self.robot.path.parent, self.root_path]
        if name.startswith("package://"):
            name = name.removeprefix("package://")
            folders = [self.root_path, self.root_path.parent, self.robot.path.parent]
        names = [name, name.partition("/")[2]] if filename.startswith("package://") else [name]
        return next((folder / n for folder in folders for n in names if n and is_file(folder / n)), None)

    # ---- mass

    def inertial(self, link: Link) -> Inertial:
        """Return a link's inertial in its own frame: from the file as far as it goes, else from shapes."""
        given = link.inertial
        if given is not None and given.inertia.any():
            return given
        solid = self.solid(link)
        if given is None:
            return solid
        if solid.mass <= 0.0:
            ball = 0.4 * given.mass * GUESSED_RADIUS**2 * np.eye(3)
            _log.warning(
                "%s: link %r has neither inertia nor shape; taken for a ball", self.robot.path, link.name
            )
            return Inertial(given.mass, given.center, ball)
        center = given.center if link.inertial_has_origin else solid.center
        return Inertial(given.mass, center, solid.inertia * given.mass / solid.mass)

    def solid(self, link: Link) -> Inertial:
        """Return the inertial of a link's collision shapes, solid at ``options.density``."""
        if not link.collisions:
            return combine([])
        alone = _Builder(self.robot, self.root_path, self.options)
        body = alone.spec.worldbody.add_body()
        for shape in link.collisions:
            alone.add_shape(body, shape, Frame.identity(), link, collides=True)
        for geom in body.geoms:
            geom.density = self.options.density
        return from_body(alone.spec.compile(), 1)

    def set_inertial(self, body: mujoco.MjsBody, inertial: Inertial, moving: bool) -> None:
        """Write an inertial into a body, and keep MuJoCo from adding the shapes' own."""
        if inertial.mass <= 0.0 and (moving or not self.options.fix_base_link):
            inertial = SMALLEST
        body.explicitinertial = True
        body.mass, body.ipos = inertial.mass, inertial.center
        matrix = inertial.inertia
        body.fullinertia = matrix[[0, 1, 2, 0, 0, 1], [0, 1, 2, 1, 2, 2]]
        if inertial.mass <= 0.0:
            body.fullinertia = np.full(6, np.nan)
            body.inertia = (0, 0, 0)
