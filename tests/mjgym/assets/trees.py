"""Random kinematic trees, written as MJCF and as URDF, for property-based tests of the loaders."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field

from hypothesis import strategies as st

MJCF_SHAPES = {"sphere": 1, "capsule": 2, "box": 3, "cylinder": 2, "ellipsoid": 3}  # and how many sizes
URDF_SHAPES = {"sphere": ("radius",), "cylinder": ("radius", "length"), "box": ("size",)}
MJCF_JOINTS = ("hinge", "slide")
URDF_JOINTS = ("revolute", "continuous", "prismatic", "fixed")

names = st.text("abXYZ09_-.: é", min_size=1, max_size=6).map(str.strip).filter(bool)
sizes = st.floats(0.01, 0.5).map(lambda value: round(value, 3))
places = st.tuples(*[st.floats(-1, 1).map(lambda value: round(value, 3))] * 3)
axes = places.filter(lambda axis: max(map(abs, axis)) > 0.1)


@dataclass
class Joint:
    """A joint between a node and its parent; limits in rad or m, None where there are none."""

    name: str
    kind: str
    axis: tuple[float, ...]
    limits: tuple[float, float] | None


@dataclass
class Node:
    """A body (MJCF) or link (URDF) with its joints, its shapes as (kind, sizes), and what hangs from it."""

    name: str
    mass: float
    place: tuple[float, ...]
    turn: tuple[float, ...]
    shapes: list[tuple[str, tuple[float, ...]]]
    joints: list[Joint]
    children: list[Node] = field(default_factory=list)


@st.composite
def limits(draw):
    """Draw two limits, the lower one first."""
    lower = draw(st.floats(-1.5, 1.0))
    return round(lower, 4), round(lower + draw(st.floats(0.01, 1.5)), 4)


@st.composite
def trees(draw, joint_kinds, shape_sizes, joints_per_node):
    """Draw a tree of 1 to 8 nodes; return its root and all nodes in the order they were drawn."""
    count = draw(st.integers(1, 8))
    body_names = draw(st.lists(names, min_size=count, max_size=count, unique=True))
    nodes = [
        Node(
            name,
            draw(sizes),
            draw(places),
            draw(places),
            draw(st.lists(shapes(shape_sizes), min_size=1, max_size=3)),
            [],
        )
        for name in body_names
    ]
    joint_names = iter(draw(st.lists(names, min_size=24, max_size=24, unique=True)))
    for index, node in enumerate(nodes[1:], start=1):
        nodes[draw(st.integers(0, index - 1))].children.append(node)
        for _ in range(draw(joints_per_node)):
            kind = draw(st.sampled_from(joint_kinds))
            limited = kind in ("revolute", "prismatic") or (kind in MJCF_JOINTS and draw(st.booleans()))
            node.joints.append(
                Joint(next(joint_names), kind, draw(axes), draw(limits()) if limited else None)
            )
    return nodes[0], nodes


@st.composite
def shapes(draw, shape_sizes):
    """Draw a shape's kind and its sizes [m]."""
    kind = draw(st.sampled_from(sorted(shape_sizes)))
    count = shape_sizes[kind]
    return kind, draw(st.tuples(*[sizes] * count))


def mjcf_trees():
    """Draw trees with up to three joints a body, none of which is a fixed one."""
    return trees(MJCF_JOINTS, MJCF_SHAPES, st.integers(0, 3))


def urdf_trees():
    """Draw trees with one joint between a link and its parent, which may be fixed."""
    return trees(URDF_JOINTS, {"sphere": 1, "cylinder": 2, "box": 3}, st.just(1))


def text(numbers):
    """Write numbers as XML attributes do."""
    return " ".join(repr(float(number)) for number in numbers)


def mjcf_element(root, free):
    """Write a tree as an MJCF document, children in their own order."""
    document = ElementTree.Element("mujoco", model="tree")
    ElementTree.SubElement(document, "compiler", angle="radian")
    _add_body(ElementTree.SubElement(document, "worldbody"), root, free)
    return document


def _add_body(parent, node, free=False):
    body = ElementTree.SubElement(parent, "body", name=node.name, pos=text(node.place))
    if free:
        ElementTree.SubElement(body, "freejoint")
    for joint in node.joints:
        element = ElementTree.SubElement(
            body, "joint", name=joint.name, type=joint.kind, axis=text(joint.axis)
        )
        if joint.limits is not None:
            element.set("range", text(joint.limits))
    for index, (kind, size) in enumerate(node.shapes):
        mass = text([node.mass / len(node.shapes)])
        ElementTree.SubElement(
            body, "geom", name=f"{node.name}/{index}", type=kind, size=text(size), mass=mass
        )
    for child in node.children:
        _add_body(body, child)


def urdf_element(nodes):
    """Write a tree as a URDF document: links, then joints, in the order they were drawn."""
    robot = ElementTree.Element("robot", name="tree")
    for node in nodes:
        link = ElementTree.SubElement(robot, "link", name=node.name)
        inertial = ElementTree.SubElement(link, "inertial")
        ElementTree.SubElement(inertial, "mass", value=text([node.mass]))
        ElementTree.SubElement(inertial, "inertia", ixx="0.1", iyy="0.1", izz="0.1")
        for kind, size in node.shapes:
            collision = ElementTree.SubElement(link, "collision")
            keys = URDF_SHAPES[kind]
            values = [text(size)] if kind == "box" else map(repr, size)
            ElementTree.SubElement(
                ElementTree.SubElement(collision, "geometry"), kind, dict(zip(keys, values, strict=True))
            )
    for node in nodes:
        for child in node.children:
            _add_joint(robot, node, child)
    return robot


def _add_joint(robot, parent, child):
    (joint,) = child.joints
    element = ElementTree.SubElement(robot, "joint", name=joint.name, type=joint.kind)
    ElementTree.SubElement(element, "origin", xyz=text(child.place), rpy=text(child.turn))
    ElementTree.SubElement(element, "parent", link=parent.name)
    ElementTree.SubElement(element, "child", link=child.name)
    ElementTree.SubElement(element, "axis", xyz=text(joint.axis))
    if joint.limits is not None:
        lower, upper = (text([limit]) for limit in joint.limits)
        ElementTree.SubElement(element, "limit", lower=lower, upper=upper, effort="5", velocity="3")
