"""Properties that every asset file has: valid trees load in Isaac Gym's order, broken ones say what is wrong.

Isaac Gym's documentation: bodies and DOFs are in depth-first order, of the file's own order in MJCF and
of the joints' names in URDF; with collapse_fixed_joints, links that are fixed to each other are one body.
"""

import copy
import os
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from mjgym import gymapi, gymtorch
from mjgym.assets import AssetError, load_asset
from mjgym.assets.xml_files import MAX_BYTES
from tests.mjgym.assets.trees import mjcf_element, mjcf_trees, text, urdf_element, urdf_trees
from tests.mjgym.scenes import options, sim_params, transform

bounded = settings(max_examples=25, deadline=None, derandomize=True, database=None)
few = settings(bounded, max_examples=5)  # where every example is broken in many ways


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("assets")


def load(folder, element, name, **values):
    content = element if isinstance(element, bytes) else ElementTree.tostring(element)
    (folder / name).write_bytes(content)
    return load_asset(str(folder), name, options(**values))


def preorder(node):
    yield node
    for child in node.children:
        yield from preorder(child)


# ---- valid files


@given(mjcf_trees(), st.booleans(), st.booleans())
@bounded
def test_mjcf_trees_load_depth_first_in_the_order_of_the_file(folder, tree, free, fixed):
    root, _ = tree
    asset = load(folder, mjcf_element(root, free), "tree.xml", fix_base_link=fixed)
    gym = gymapi.acquire_gym("mujoco")
    nodes = list(preorder(root))
    joints = [joint for node in nodes for joint in node.joints]
    assert gym.get_asset_rigid_body_names(asset) == [node.name for node in nodes]
    assert gym.get_asset_dof_names(asset) == [joint.name for joint in joints]
    assert gym.get_asset_joint_names(asset) == [joint.name for joint in joints]
    assert gym.get_asset_rigid_shape_count(asset) == sum(len(node.shapes) for node in nodes)
    slides = [gym.get_asset_dof_type(asset, i) == gymapi.DOF_TRANSLATION for i in range(len(joints))]
    assert slides == [joint.kind == "slide" for joint in joints]
    props = gym.get_asset_dof_properties(asset)
    assert props["hasLimits"].tolist() == [joint.limits is not None for joint in joints]
    for row, joint in zip(props, joints, strict=True):
        if joint.limits is not None:
            assert (row["lower"], row["upper"]) == pytest.approx(joint.limits, abs=1e-6)
    masses = [prop.mass for prop in asset.body_properties()]
    assert masses == pytest.approx([node.mass for node in nodes])
    assert asset.fixed_base == fixed


def walk_urdf(node, collapse):
    """Yield (body that a node becomes part of, joint, node) depth first, children by the names of joints."""
    for child in sorted(node.children, key=lambda child: child.joints[0].name):
        if collapse and child.joints[0].kind == "fixed":
            yield from walk_urdf(child, collapse)
        else:
            yield child


def urdf_order(node, collapse):
    yield node
    for child in list(walk_urdf(node, collapse)):
        yield from urdf_order(child, collapse)


@given(urdf_trees(), st.booleans())
@bounded
def test_urdf_trees_load_depth_first_by_the_names_of_joints(folder, tree, collapse):
    root, nodes = tree
    asset = load(folder, urdf_element(nodes), "tree.urdf", collapse_fixed_joints=collapse, fix_base_link=True)
    gym = gymapi.acquire_gym("mujoco")
    bodies = list(urdf_order(root, collapse))
    joints = [node.joints[0] for node in bodies[1:]]
    moving = [joint for joint in joints if joint.kind != "fixed"]
    assert gym.get_asset_rigid_body_names(asset) == [node.name for node in bodies]
    assert gym.get_asset_joint_names(asset) == [joint.name for joint in joints]
    assert gym.get_asset_dof_names(asset) == [joint.name for joint in moving]
    assert gym.get_asset_rigid_shape_count(asset) == sum(len(node.shapes) for node in nodes)
    props = gym.get_asset_dof_properties(asset)
    assert props["hasLimits"].tolist() == [joint.kind != "continuous" for joint in moving]
    for row, joint in zip(props, moving, strict=True):
        if joint.limits is not None:
            assert (row["lower"], row["upper"]) == pytest.approx(joint.limits, abs=1e-6)
    assert sum(prop.mass for prop in asset.body_properties()) == pytest.approx(sum(n.mass for n in nodes))


def link_poses(node, position, rotation):
    """Yield name, position (3,) and rotation of every link; rpy turns about fixed axes."""
    yield node.name, position, rotation
    for child in node.children:
        turn = rotation * Rotation.from_euler("xyz", child.turn)
        yield from link_poses(child, position + rotation.apply(child.place), turn)


@given(urdf_trees())
@bounded
def test_urdf_trees_stand_in_the_simulation_where_their_origins_say(folder, tree):
    root, nodes = tree
    asset = load(folder, urdf_element(nodes), "tree.urdf", fix_base_link=True)
    gym = gymapi.acquire_gym("mujoco")
    sim = gym.create_sim(0, -1, gymapi.SIM_PHYSX, sim_params())
    for index in range(2):
        env = gym.create_env(sim, gymapi.Vec3(), gymapi.Vec3(), 1)
        gym.create_actor(env, asset, transform(z=1.0 + index), "tree", index, 1)
    gym.prepare_sim(sim)
    states = gymtorch.wrap_tensor(gym.acquire_rigid_body_state_tensor(sim))
    dofs = gymtorch.wrap_tensor(gym.acquire_dof_state_tensor(sim))
    gym.refresh_rigid_body_state_tensor(sim)
    assert states.shape == (2 * asset.num_bodies, 13) and dofs.shape == (2 * asset.num_dofs, 2)
    expected = link_poses(root, np.array([0.0, 0.0, 2.0]), Rotation.identity())
    second = states.view(2, asset.num_bodies, 13)[1].numpy()
    for name, position, rotation in expected:
        row = second[asset.body_names.index(name)]
        np.testing.assert_allclose(row[0:3], position, atol=1e-5)
        assert (rotation.inv() * Rotation.from_quat(row[3:7])).magnitude() < 1e-5
    gym.destroy_sim(sim)


# ---- broken files


def must_fail(folder, element, name, *needles):
    with pytest.raises((AssetError, FileNotFoundError)) as caught:
        load(folder, element, name)
    for needle in (name, *needles):
        assert needle in str(caught.value), str(caught.value)


def mjcf_with(document, path, **attributes):
    """Return a copy of a document with attributes set on its first element at a path."""
    broken = copy.deepcopy(document)
    for key, value in attributes.items():
        broken.find(path).set(key, value)
    return broken


@given(mjcf_trees().filter(lambda tree: any(node.joints for node in tree[1])))
@few
def test_broken_mjcf_trees_are_refused_with_file_and_element(folder, tree):
    root, _ = tree
    document = mjcf_element(root, free=True)
    geom, joint, body = (document.find(f".//{tag}[@name]") for tag in ("geom", "joint", "body"))

    def refused(broken, *needles):
        must_fail(folder, broken, "broken.xml", *needles)

    refused(mjcf_with(document, ".//geom", mass="-1"), geom.get("name"), "negative")
    refused(mjcf_with(document, ".//geom", size="-0.1 0.1 0.1"), geom.get("name"))
    refused(mjcf_with(document, ".//geom", type="mesh", mesh="none"), geom.get("name"), "'none' not found")
    refused(mjcf_with(document, ".//geom", pos="0 nan 0"), "<geom pos='0 nan 0'> must hold finite numbers")
    refused(mjcf_with(document, ".//geom", mass="inf"), "<geom mass='inf'> must hold finite numbers")
    refused(mjcf_with(document, ".//joint[@name]", axis="0 0 0"), joint.get("name"), "axis too small")
    refused(mjcf_with(document, ".//joint[@name]", axis="0 up 0"), "'axis'", "'joint'")
    refused(mjcf_with(document, ".//joint[@name]", range="1 -1", limited="true"), joint.get("name"), "range")
    refused(mjcf_with(document, ".//joint[@name]", type="ball"), joint.get("name"))

    roots = copy.deepcopy(document)
    other = ElementTree.SubElement(roots.find("worldbody"), "body", name="#other")
    ElementTree.SubElement(other, "geom", size="0.1")
    refused(roots, "exactly one body", repr(body.get("name")), "'#other'")
    for kind, attributes, needle in (
        ("actuator/motor", {"name": "m", "joint": "#no"}, "actuator 'm' drives joint '#no'"),
        ("equality/weld", {"body1": "#no"}, "'#no'"),
        ("contact/exclude", {"body1": "#no", "body2": "#nor"}, "'#no'"),
        ("asset/mesh", {"name": "m", "file": "none.stl"}, "'none.stl'"),
    ):  # fmt: skip
        naming = copy.deepcopy(document)
        outer, _, inner = kind.partition("/")
        ElementTree.SubElement(ElementTree.SubElement(naming, outer), inner, attributes)
        refused(naming, needle)


@given(urdf_trees().filter(lambda tree: any(node.joints[0].kind != "fixed" for node in tree[1][1:])))
@few
def test_broken_urdf_trees_are_refused_with_file_and_element(folder, tree):
    root, nodes = tree
    robot = urdf_element(nodes)
    link = f"<link name={nodes[0].name!r}>"
    moving = next(joint for joint in robot.findall("joint") if joint.get("type") != "fixed")
    joint, number = f"<joint name={moving.get('name')!r}>", robot.findall("joint").index(moving) + 1

    def refused(path, change, *needles):
        broken = copy.deepcopy(robot)
        change(broken.find(path))
        must_fail(folder, broken, "broken.urdf", *needles)

    def put(**attributes):
        return lambda element: element.attrib.update(attributes)

    there = f"joint[{number}]"
    refused("link/inertial/mass", put(value="-1"), link, "must be 0 or more")
    refused("link/inertial/mass", put(value="heavy"), link, "<mass value='heavy'>")
    refused("link/inertial/inertia", put(ixx="-1"), nodes[0].name)
    refused("link/collision/geometry", lambda e: e.clear(), link, "<geometry> must hold one of")
    refused(there + "/axis", put(xyz="0 0 0"), joint, "zero vector")
    refused(there + "/axis", put(xyz="0 1"), joint, "must hold 3 number(s)")
    refused(there + "/axis", put(xyz="0 nan 0"), "<axis xyz='0 nan 0'>")
    refused(there + "/parent", put(link="#no"), joint, "parent link '#no' does not exist")
    refused(there + "/child", put(link="#no"), joint, "child link '#no' does not exist")
    refused(there, put(type="planar"), joint, "type 'planar'")
    refused(there, lambda e: e.attrib.pop("name"), "<joint>: lacks a name")
    refused(there, lambda e: e.extend([ElementTree.Element("dynamics", damping="-1")]), joint, "damping")
    mesh = ElementTree.Element("mesh", filename="package://none/none.stl")
    refused("link/collision/geometry", lambda e: (e.clear(), e.append(mesh)), link, "does not exist")

    def also(*elements):
        return lambda document: document.extend(elements)

    refused(".", also(ElementTree.Element("link", name="#other")), "one root", "'#other'")
    refused(".", also(copy.deepcopy(robot.find("link"))), link, "2 times")
    refused(".", also(copy.deepcopy(moving)), moving.get("name"))
    back = copy.deepcopy(moving)
    back.set("name", "#back")
    back.find("parent").set("link", nodes[-1].name)
    back.find("child").set("link", root.name)
    refused(".", also(back), root.name, "form a ring")
    ring = copy.deepcopy(back)
    ring.find("parent").set("link", "#ring")
    ring.find("child").set("link", "#ring")
    refused(".", also(ElementTree.Element("link", name="#ring"), ring), "['#ring'] form a ring")


@given(st.one_of(st.binary(max_size=40), st.text(max_size=40).map(lambda value: value.encode())))
@bounded
def test_what_is_no_xml_is_refused(folder, content):
    must_fail(folder, content, "noise.xml")


@given(urdf_trees(), mjcf_trees(), st.floats(0.0, 1.0), st.binary(min_size=1, max_size=1))
@bounded
def test_damaged_files_load_or_are_refused_and_nothing_else(folder, urdf, mjcf, where, byte):
    for name, element in (("a.urdf", urdf_element(urdf[1])), ("a.xml", mjcf_element(mjcf[0], free=True))):
        content = ElementTree.tostring(element)
        place = int(where * (len(content) - 2))
        must_fail(folder, content[: place + 1], name)
        try:
            load(folder, content[:place] + byte + content[place + 1 :], name)
        except (AssetError, FileNotFoundError) as error:
            assert name in str(error)


@given(urdf_trees(), st.sampled_from(["<!DOCTYPE robot>", '<!DOCTYPE robot SYSTEM "http://a/b.dtd">',
       '<!DOCTYPE robot [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>',
       '<!DOCTYPE robot [<!ENTITY x SYSTEM "file:///etc/passwd">]>']))  # fmt: skip
@bounded
def test_document_types_and_entities_are_refused_in_front_of_any_file(folder, tree, declaration):
    content = declaration.encode() + ElementTree.tostring(urdf_element(tree[1]))
    must_fail(folder, content, "typed.urdf", "<!DOCTYPE> and <!ENTITY> are not allowed")


def test_huge_and_deep_files_are_refused(folder):
    (folder / "huge.xml").write_bytes(b"<mujoco/>")
    os.truncate(folder / "huge.xml", MAX_BYTES + 1)
    with pytest.raises(AssetError, match=rf"huge.xml: {MAX_BYTES + 1} bytes; an asset file has at most"):
        load_asset(str(folder), "huge.xml")
    must_fail(
        folder, b"<robot>" + b"<a>" * 500 + b"</a>" * 500 + b"</robot>", "deep.urdf", "lies in 500 others"
    )
    links = b"".join(b"<link name='l%d'/>" % i for i in range(202))
    joint = b"<joint name='j%d' type='fixed'><parent link='l%d'/><child link='l%d'/></joint>"
    joints = b"".join(joint % (i, i, i + 1) for i in range(201))
    must_fail(folder, b"<robot>" + links + joints + b"</robot>", "chain.urdf", "chains of more than 200")


def test_including_a_file_twice_is_refused_so_that_a_few_files_cannot_become_very_many(folder):
    for index in range(40):
        twice = f"<mujoco><include file='i{index + 1}.xml'/><include file='i{index + 1}.xml'/></mujoco>"
        (folder / f"i{index}.xml").write_text(twice)
    (folder / "i40.xml").write_text("<mujoco/>")
    with pytest.raises(AssetError, match="i40.xml: <include> .*names it twice"):
        load_asset(str(folder), "i0.xml")


def test_a_few_elements_cannot_be_repeated_without_bound(folder):
    twice = "<replicate count='1000'><replicate count='{}'><geom size='0.1'/></replicate></replicate>"
    xml = f"<mujoco><worldbody><body name='a'>{twice}</body></worldbody></mujoco>"
    must_fail(folder, xml.format(1000).encode(), "copies.xml", "<replicate> repeats things 1000000 times")
    few = xml.replace("'1000'", "'2'").format(3)
    assert len(load(folder, few.encode(), "copies.xml").shape_geoms) == 6


# ---- single cases that the properties above led to


def test_a_link_may_be_called_world(folder):
    robot = b"""<robot name="r"><link name="world"/><link name="arm"/>
      <joint name="j" type="continuous"><parent link="world"/><child link="arm"/></joint></robot>"""
    asset = load(folder, robot, "world.urdf", fix_base_link=True)
    gym = gymapi.acquire_gym("mujoco")
    sim = gym.create_sim(0, -1, gymapi.SIM_PHYSX, sim_params())
    env = gym.create_env(sim, gymapi.Vec3(), gymapi.Vec3(), 1)
    gym.create_actor(env, asset, transform(z=3.0), "robot", 0, 0)
    gym.prepare_sim(sim)
    assert gym.get_actor_rigid_body_names(env, 0) == ["world", "arm"]
    assert gym.get_rigid_transform(env, gym.find_actor_rigid_body_handle(env, 0, "world")).p.z == 3.0


def test_nameless_bodies_and_joints_get_names_that_are_free(folder):
    inner = f"<geom size='0.1' mass='{text([1])}'/>"
    lower = f"<body><joint/>{inner}<body><joint name='joint_0'/>{inner}</body></body>"
    xml = f"<mujoco><worldbody><body name='body_1'>{inner}{lower}</body></worldbody></mujoco>"
    asset = load(folder, xml.encode(), "nameless.xml")
    assert asset.body_names == ["body_1", "body_1_", "body_2"]
    assert asset.dof_names == ["joint_0_", "joint_0"]


def test_equal_limits_lock_a_joint(folder):
    robot = b"""<robot name="r"><link name="a"/><link name="b"/>
      <joint name="j" type="revolute"><parent link="a"/><child link="b"/>
      <limit lower="0.5" upper="0.5" effort="1" velocity="1"/></joint></robot>"""
    props = load(folder, robot, "locked.urdf").dof_properties[0]
    assert props["hasLimits"] and (props["lower"], props["upper"]) == pytest.approx((0.5, 0.5), abs=2e-6)
