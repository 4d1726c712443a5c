"""Meshes of URDF files: every format that is read, and convex parts where `vhacd_enabled` asks for them."""

import sys

import numpy as np
import pytest

from mjgym.assets import AssetError, load_asset
from tests.mjgym.models import ENTITY_BOMB
from tests.mjgym.scenes import make_mixed, options, transform, write

trimesh = pytest.importorskip("trimesh", reason="the meshes extra is not installed")

MESH_LINK = """
    <robot name="thing"><link name="thing">
      <{shape}><origin xyz="0 0 0"/><geometry><mesh filename="{file}" scale="{scale}"/></geometry></{shape}>
    </link></robot>"""
BALL = '<mujoco><worldbody><body name="ball"><freejoint/><geom size="0.1"/></body></worldbody></mujoco>'


def urdf(file, scale="1 1 1", shape="collision"):
    return MESH_LINK.format(file=file, scale=scale, shape=shape)


def load(folder, text, **values):
    return load_asset(*write(folder, text, "thing.urdf"), options(**values))


def box(folder, name):
    """A box of 0.2 x 0.4 x 0.6 m."""
    trimesh.creation.box((0.2, 0.4, 0.6)).export(folder / name)
    return name


def corner(folder):
    """Two walls along x and y, 1 m long, 0.5 m high and 0.2 m thick, in one mesh."""
    walls = [trimesh.creation.box(size) for size in ((1.0, 0.2, 0.5), (0.2, 0.8, 0.5))]
    walls[0].apply_translation((0.5, 0.1, 0.25))
    walls[1].apply_translation((0.1, 0.6, 0.25))
    trimesh.util.concatenate(walls).export(folder / "corner.obj")
    return "corner.obj"


@pytest.mark.parametrize("kind", ["obj", "stl", "dae", "glb", "ply", "off"])
def test_every_format_gives_the_same_body(tmp_path, kind):
    if kind == "dae":
        pytest.importorskip("collada", reason="the meshes extra is not installed")
    asset = load(tmp_path, urdf(box(tmp_path, f"box.{kind}"), scale="1 2 1"), density=10.0)
    body = asset.body_properties()[0]
    assert body.mass == pytest.approx(10.0 * 0.2 * 0.8 * 0.6, rel=1e-5)
    assert body.inertia.x.x == pytest.approx(body.mass * (0.8**2 + 0.6**2) / 12, rel=1e-4)
    assert len(asset.shape_properties) == 1


def test_convex_parts_leave_room_between_walls(tmp_path):
    pytest.importorskip("coacd", reason="the meshes extra is not installed")
    text = urdf(corner(tmp_path))
    hull, parts = (load(tmp_path, text, vhacd_enabled=v) for v in (False, True))
    assert len(hull.shape_properties) == 1
    assert len(parts.shape_properties) >= 2
    # A ball of 0.1 m in the corner: it lies on the ground between the walls, or on the hull's top.
    heights = []
    for decompose in (False, True):
        world = make_mixed(tmp_path, [BALL], 1, pose=transform(0.4, 0.4, 0.8), ground=True, dt=0.005)
        fixed = options(fix_base_link=True, vhacd_enabled=decompose)
        walls = world.gym.load_asset(world.sim, str(tmp_path), "thing.urdf", fixed)
        world.gym.create_actor(world.envs[0], walls, transform(), "walls", 0, 0, 0)
        roots = world.prepare().tensor("actor_root_state")
        world.simulate(300)
        world.refresh("actor_root_state")
        heights.append(float(roots[0, 2]))
    assert heights == pytest.approx([0.6, 0.1], abs=5e-3)


@pytest.mark.parametrize("name", ["broken.glb", "broken.dae", "empty.ply"])
def test_files_that_are_no_meshes_are_named(tmp_path, name):
    if name.endswith("dae"):
        pytest.importorskip("collada", reason="the meshes extra is not installed")
    empty = "ply\nformat ascii 1.0\nelement vertex 0\nproperty float x\nend_header\n"
    (tmp_path / name).write_text(empty if name.startswith("empty") else "no mesh")
    with pytest.raises(AssetError, match=rf"(?s)thing\.urdf: <link name='thing'>.*{name}|{name}"):
        load(tmp_path, urdf(name))


def test_entities_in_a_mesh_are_refused(tmp_path):
    (tmp_path / "bomb.dae").write_text(ENTITY_BOMB)
    with pytest.raises(AssetError, match="bomb.dae"):
        load(tmp_path, urdf("bomb.dae"))


def test_a_missing_reader_is_named_for_what_touches_and_forgiven_for_what_is_drawn(tmp_path, monkeypatch):
    file = box(tmp_path, "box.glb")
    monkeypatch.setitem(sys.modules, "trimesh", None)
    with pytest.raises(ImportError, match=r"box\.glb is read with trimesh.*pip install -e '\.\[meshes\]'"):
        load(tmp_path, urdf(file))
    assert load(tmp_path, urdf(file, shape="visual")).model.ngeom == 0


def test_other_formats_are_listed(tmp_path):
    (tmp_path / "shape.step").write_text("")
    with pytest.raises(AssetError, match=r"'shape\.step' must be one of \.obj, \.stl, \.msh, \.dae, \.glb"):
        load(tmp_path, urdf("shape.step"))


def test_a_scaled_mesh_is_mirrored_by_a_negative_factor(tmp_path):
    wedge = trimesh.Trimesh([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    wedge = wedge.convex_hull
    wedge.export(tmp_path / "wedge.glb")
    there, back = (load(tmp_path, urdf("wedge.glb", scale=s)) for s in ("1 1 1", "-1 1 1"))
    centers = [np.array(a.body_properties()[0].com.as_tuple()) for a in (there, back)]
    np.testing.assert_allclose(centers[0], [0.25, 0.25, 0.25], atol=1e-5)
    np.testing.assert_allclose(centers[1], [-0.25, 0.25, 0.25], atol=1e-5)
