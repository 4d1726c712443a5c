"""The contents of a URDF file as records: links, joints, shapes. Nothing of MuJoCo is decided here."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mjgym.assets.inertia import Frame, Inertial
from mjgym.assets.xml_files import AssetError, parse_xml

SHAPES = {
    "box": ("size",),
    "sphere": ("radius",),
    "cylinder": ("radius", "length"),
    "capsule": ("radius", "length"),
    "mesh": ("filename",),
}
JOINT_TYPES = ("revolute", "continuous", "prismatic", "fixed")
MAX_DEPTH = 200
"""Most links from the root to the end of a chain. Robots have some ten; reading them recurses."""

MIN_AXIS = 1e-10
"""Shortest axis that still has a direction."""


@dataclass(frozen=True)
class Shape:
    """A ``<visual>`` or ``<collision>``: ``size`` holds the sizes of a box, or radius and length [m]."""

    kind: str
    frame: Frame
    size: tuple[float, ...] = ()
    filename: str = ""
    scale: tuple[float, ...] = (1.0, 1.0, 1.0)
    rgba: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Link:
    """A link. ``inertial`` has zero inertia where the file gives a mass alone; None if absent."""

    name: str
    inertial: Inertial | None
    inertial_has_origin: bool
    visuals: tuple[Shape, ...]
    collisions: tuple[Shape, ...]


@dataclass(frozen=True)
class Joint:
    """A joint; limits in rad or m, N m or N, rad/s or m/s."""

    name: str
    kind: str
    parent: str
    child: str
    frame: Frame
    axis: tuple[float, ...]
    lower: float = 0.0
    upper: float = 0.0
    effort: float = 0.0
    velocity: float = 0.0
    damping: float = 0.0
    friction: float = 0.0
    keep: bool = False


@dataclass
class UrdfFile:
    """A robot: links by name, and the joints below each link in the order of their names.

    Isaac Gym's parser keeps joints in a map sorted by name, which decides the order of bodies and DOFs.
    """

    path: Path
    name: str
    links: dict[str, Link]
    root: str
    joints_below: dict[str, list[Joint]] = field(default_factory=dict)


def read_urdf(path: Path) -> UrdfFile:
    """Read a URDF file.

    Raises:
        FileNotFoundError: if there is no such file.
        AssetError: naming file and element, if it is malformed or its links are no tree.
    """
    reader = _Reader(path)
    robot = parse_xml(path)
    colors = {m.get("name", ""): reader.rgba(m) for m in robot.findall("material")}
    links = {link.name: link for link in (reader.link(element, colors) for element in robot.findall("link"))}
    joints = [reader.joint(element) for element in robot.findall("joint")]
    _check_names(path, robot)
    root = _find_root(path, links, joints)
    below: dict[str, list[Joint]] = {name: [] for name in links}
    for joint in sorted(joints, key=lambda joint: joint.name):
        below[joint.parent].append(joint)
    _check_tree(path, root, below)
    return UrdfFile(path, robot.get("name", path.stem), links, root, below)


def _check_names(path: Path, robot: ElementTree.Element) -> None:
    for tag in ("link", "joint"):
        counts = Counter(element.get("name") for element in robot.findall(tag))
        name, count = max(counts.items(), key=lambda item: item[1], default=("", 0))
        if count > 1:
            raise AssetError(f"{path}: <{tag} name={name!r}> is there {count} times; names must differ")


def _find_root(path: Path, links: dict[str, Link], joints: list[Joint]) -> str:
    children: set[str] = set()
    for joint in joints:
        for end, role in ((joint.parent, "parent"), (joint.child, "child")):
            if end not in links:
                raise AssetError(f"{path}: <joint name={joint.name!r}>: {role} link {end!r} does not exist")
        if joint.child in children:
            raise AssetError(f"{path}: <joint name={joint.name!r}>: link {joint.child!r} has two parents")
        children.add(joint.child)
    roots = [name for name in links if name not in children]
    if links and not roots:
        raise AssetError(f"{path}: the joints of the links {sorted(links)} form a ring: none is the root")
    if len(roots) != 1:
        raise AssetError(f"{path}: the links must form one tree with one root; roots are {roots or 'none'}")
    return roots[0]


def _check_tree(path: Path, root: str, below: dict[str, list[Joint]]) -> None:
    """Walk down from the root: links that are not met are joined in a ring beside the tree."""
    level, met = [root], set()
    for _ in range(MAX_DEPTH):
        met.update(level)
        level = [joint.child for link in level for joint in below[link]]
    if level:
        raise AssetError(
            f"{path}: links are joined in chains of more than {MAX_DEPTH}; {level[0]!r} is too deep"
        )
    if ring := sorted(set(below) - met):
        raise AssetError(f"{path}: the joints of the links {ring} form a ring, apart from root {root!r}")


class _Reader:
    """Turns elements into records; its errors name the file and the element."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def fail(self, where: str, problem: str) -> AssetError:
        return AssetError(f"{self.path}: {where}: {problem}")

    def numbers(
        self, element: ElementTree.Element, key: str, default: str | None, count: int, where: str
    ) -> list[float]:
        text = element.get(key, default)
        if text is None:
            raise self.fail(where, f"<{element.tag}> lacks the attribute {key!r}")
        try:
            values = [float(part) for part in text.split()]
        except ValueError:
            values = []
        if len(values) != count or not np.isfinite(values).all():
            raise self.fail(where, f"<{element.tag} {key}={text!r}> must hold {count} number(s)")
        return values

    def frame(self, element: ElementTree.Element, where: str) -> Frame:
        origin = element.find("origin")
        if origin is None:
            return Frame.identity()
        xyz = self.numbers(origin, "xyz", "0 0 0", 3, where)
        return Frame.from_rpy(xyz, self.numbers(origin, "rpy", "0 0 0", 3, where))

    def rgba(self, material: ElementTree.Element) -> tuple[float, ...] | None:
        color = material.find("color")
        where = f"<material name={material.get('name')!r}>"
        return None if color is None else tuple(self.numbers(color, "rgba", None, 4, where))

    def link(self, element: ElementTree.Element, colors: dict[str, tuple[float, ...] | None]) -> Link:
        name = element.get("name", "")
        where = f"<link name={name!r}>"
        if not name:
            raise self.fail("<link>", "lacks a name")
        inertial = element.find("inertial")
        return Link(
            name,
            None if inertial is None else self.inertial(inertial, where),
            inertial is not None and inertial.find("origin") is not None,
            tuple(self.shape(part, colors, where) for part in element.findall("visual")),
            tuple(self.shape(part, colors, where) for part in element.findall("collision")),
        )

    def inertial(self, element: ElementTree.Element, where: str) -> Inertial:
        frame, mass, tensor = self.frame(element, where), element.find("mass"), element.find("inertia")
        if mass is None:
            raise self.fail(where, "<inertial> lacks <mass>")
        matrix = np.zeros((3, 3))
        if tensor is not None:
            xx, xy, xz, yy, yz, zz = (
                self.numbers(tensor, key, "0", 1, where)[0]
                for key in ("ixx", "ixy", "ixz", "iyy", "iyz", "izz")
            )
            matrix = np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
        value = self.numbers(mass, "value", None, 1, where)[0]
        if value < 0:
            raise self.fail(where, f"<mass value='{value}'> must be 0 or more")
        return Inertial(value, np.zeros(3), matrix).moved(frame)

    def shape(
        self, element: ElementTree.Element, colors: dict[str, tuple[float, ...] | None], where: str
    ) -> Shape:
        geometry = element.find("geometry")
        found = None if geometry is None else next((part for part in geometry if part.tag in SHAPES), None)
        if found is None:
            raise self.fail(f"{where} <{element.tag}>", f"<geometry> must hold one of {', '.join(SHAPES)}")
        frame, where = self.frame(element, where), f"{where} <{element.tag}>"
        rgba = self.color(element, colors)
        if found.tag == "mesh":
            filename = found.get("filename")
            if not filename:
                raise self.fail(where, "<mesh> lacks a filename")
            scale = tuple(self.numbers(found, "scale", "1 1 1", 3, where))
            return Shape("mesh", frame, filename=filename, scale=scale, rgba=rgba)
        counts = {"size": 3, "radius": 1, "length": 1}
        size = tuple(
            v for key in SHAPES[found.tag] for v in self.numbers(found, key, None, counts[key], where)
        )
        if min(size) <= 0:
            raise self.fail(where, f"<{found.tag}> has sizes {size}; they must be positive")
        return Shape(found.tag, frame, size, rgba=rgba)

    def color(
        self, element: ElementTree.Element, colors: dict[str, tuple[float, ...] | None]
    ) -> tuple[float, ...] | None:
        material = element.find("material")
        if material is None:
            return None
        return self.rgba(material) or colors.get(material.get("name", ""))

    def joint(self, element: ElementTree.Element) -> Joint:
        name, kind = element.get("name", ""), element.get("type", "")
        where = f"<joint name={name!r}>"
        if not name:
            raise self.fail("<joint>", "lacks a name")
        if kind not in JOINT_TYPES:
            raise self.fail(where, f"type {kind!r} is not one of {', '.join(JOINT_TYPES)}")
        ends = [element.find(tag) for tag in ("parent", "child")]
        if any(end is None or not end.get("link") for end in ends):
            raise self.fail(where, "needs <parent link='...'> and <child link='...'>")
        numbers: dict[str, float] = {}
        for tag, keys in (
            ("limit", ("lower", "upper", "effort", "velocity")),
            ("dynamics", ("damping", "friction")),
        ):
            part = element.find(tag)
            if part is not None:
                numbers |= {key: self.numbers(part, key, "0", 1, where)[0] for key in keys}
        for key in ("effort", "velocity", "damping", "friction"):
            if numbers.get(key, 0.0) < 0:
                raise self.fail(where, f"{key} = {numbers[key]} must be 0 or more")
        if kind in ("revolute", "prismatic") and "lower" not in numbers:
            raise self.fail(where, f"a {kind} joint needs <limit lower='...' upper='...'>")
        if kind in ("revolute", "prismatic") and numbers.get("lower", 0.0) > numbers.get("upper", 0.0):
            raise self.fail(where, f"lower limit {numbers['lower']} exceeds upper limit {numbers['upper']}")
        axis = element.find("axis")
        direction = [1.0, 0.0, 0.0] if axis is None else self.numbers(axis, "xyz", "1 0 0", 3, where)
        if kind != "fixed" and np.linalg.norm(direction) < MIN_AXIS:
            raise self.fail(where, f"<axis xyz='{direction}'> is the zero vector")
        parent, child = (end.get("link", "") if end is not None else "" for end in ends)
        keep = element.get("dont_collapse", "false").lower() == "true"
        return Joint(
            name, kind, parent, child, self.frame(element, where), tuple(direction), keep=keep, **numbers
        )
