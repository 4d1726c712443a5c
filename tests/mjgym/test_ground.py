"""Height fields and triangle meshes as ground.

Isaac Gym's documentation: the ground lies in the world, root states are relative to the environment's origin;
scripts with terrain give all environments one origin (spacing 0) and place robots at explicit ones.
"""

import math
import sys

import mujoco
import numpy as np
import pytest
import torch

from mjgym import gymapi, terrain_utils
from mjgym.gym import Gym
from mjgym.rendering import OffscreenRenderer, RenderingUnavailableError, TrackingCamera
from tests.mjgym.models import BALL, BOX
from tests.mjgym.scenes import World, options, sim_params, transform, write

CAPSULE = """<mujoco model="capsule"><worldbody><body name="capsule">
  <freejoint/><geom type="capsule" size="0.05 0.1" mass="2"/></body></worldbody></mujoco>"""
WEIGHT = 2.0 * 10.0
CELL, UNIT = 0.1, 0.005
"""Metres from sample to sample, and metres a unit of height, as IsaacGymEnvs' terrain has them."""
LYING = gymapi.Quat.from_axis_angle(gymapi.Vec3(0, 1, 0), math.pi / 2)
SHAPES = [(BALL, 0.1, None), (BOX, 0.1, None), (CAPSULE, 0.05, LYING)]


@pytest.fixture
def build(tmp_path):
    """Build environments, two in a row, each with one actor at the same place of the world."""

    def build(add_grounds, xml=BALL, place=(0.0, 0.0, 0.0), r=None, num_envs=1, spacing=0.0, friction=None):
        gym = gymapi.acquire_gym()
        world = World(gym, gym.create_sim(0, -1, gymapi.SIM_PHYSX, sim_params()))
        add_grounds(gym, world.sim)
        asset = gym.load_asset(world.sim, *write(tmp_path, xml), options())
        corner = gymapi.Vec3(spacing / 2, spacing / 2, 0.0)
        for index in range(num_envs):
            env = gym.create_env(world.sim, -corner, corner, 2)
            pose = transform(*place, r)
            pose.p = pose.p - gym.get_env_origin(env)
            handle = gym.create_actor(env, asset, pose, "actor", index, 0, 0)
            if friction is not None:
                props = gym.get_actor_rigid_shape_properties(env, handle)
                props[0].friction = friction
                gym.set_actor_rigid_shape_properties(env, handle, props)
            world.envs.append(env)
        return world.prepare()

    return build


def height_field(heights, x=0.0, y=0.0, friction=1.0, scale=UNIT, r=None):
    """Return what adds samples [i, j] at x + i * CELL, y + j * CELL, sizes named as legged_gym names them."""

    def add(gym, sim):
        samples = np.array(heights, dtype=np.int16)
        params = gymapi.HeightFieldParams()
        params.nbColumns, params.nbRows = samples.shape
        params.column_scale = params.row_scale = CELL
        params.vertical_scale = scale
        params.transform = transform(x, y, 0.0, r)
        params.static_friction = params.dynamic_friction = friction
        gym.add_heightfield(sim, samples, params)

    return add


def triangle_mesh(vertices, triangles, x=0.0, y=0.0, friction=1.0):
    """Return what adds a mesh, flat, as IsaacGymEnvs' AnymalTerrain does."""

    def add(gym, sim):
        params = gymapi.TriangleMeshParams()
        params.nb_vertices, params.nb_triangles = len(vertices), len(triangles)
        params.transform.p.x, params.transform.p.y = x, y
        params.static_friction = params.dynamic_friction = friction
        points, faces = np.asarray(vertices, dtype=np.float32), np.asarray(triangles, dtype=np.uint32)
        gym.add_triangle_mesh(sim, points.flatten(order="C"), faces.flatten(order="C"), params)

    return add


def plane(distance=0.0):
    def add(gym, sim):
        params = gymapi.PlaneParams()
        params.normal, params.distance = gymapi.Vec3(0, 0, 1), distance
        gym.add_ground(sim, params)

    return add


def surface(world, x, y, env=0):
    """Return the height at which a ray from above meets the ground, in an environment's coordinates."""
    model, data = world.gym.get_env_model_data(world.sim, env)
    hit = np.zeros(1, dtype=np.int32)
    robot = model.nbody - 1
    distance = mujoco.mj_ray(model, data, np.array([x, y, 9.0]), np.array([0, 0, -1.0]), None, 1, robot, hit)
    assert distance >= 0
    return 9.0 - distance


def ramp(slope, rows=61, cols=31):
    """Heights in units that rise along x by a slope whose step from cell to cell is a whole unit."""
    return np.tile((np.arange(rows) * round(slope * CELL / UNIT))[:, None], (1, cols))


def final_root(world, steps=100):
    world.simulate(steps)
    root = world.tensor("actor_root_state")
    world.refresh("actor_root_state")
    return root


# ---- height fields


@pytest.mark.parametrize(("xml", "half", "r"), SHAPES)
def test_shapes_rest_on_a_flat_field_where_they_would_on_a_plane(build, xml, half, r):
    field = height_field(np.full((21, 21), 40), -1.0, -1.0)  # 40 units of 0.005 m
    root = final_root(build(field, xml, (0.03, 0.04, 0.25 + half), r), 150)
    assert float(root[0, 2]) == pytest.approx(0.2 + half, abs=1e-3)


def test_a_ball_rolls_down_a_slope_as_on_a_tilted_plane(build):
    slope = 0.2
    angle = math.atan(slope)
    place = (4.0 - 0.1 * math.sin(angle), 1.53, 4.0 * slope + 0.1 * math.cos(angle))
    root = final_root(build(height_field(ramp(slope)), BALL, place))
    # A rolling ball: 5/7 g sin(angle); after 1 s, half of it.
    way = (place[0] - float(root[0, 0])) / math.cos(angle)
    assert way == pytest.approx(0.5 * 5 / 7 * 10 * math.sin(angle), rel=0.02)


@pytest.mark.parametrize("friction", [0.1, 0.5])
def test_a_box_slides_down_a_slope_or_stands_as_friction_says(build, friction):
    slope = 0.2
    angle = math.atan(slope)
    place = (4.0 - 0.1 * math.sin(angle), 1.53, 4.0 * slope + 0.1 * math.cos(angle))
    tilt = gymapi.Quat.from_axis_angle(gymapi.Vec3(0, 1, 0), -angle)
    field = height_field(ramp(slope), friction=friction)
    root = final_root(build(field, BOX, place, tilt, friction=0.0))
    way = (place[0] - float(root[0, 0])) / math.cos(angle)
    expected = max(0.0, 0.5 * 10 * (math.sin(angle) - friction * math.cos(angle)))
    assert way == pytest.approx(expected, abs=0.02)


def test_the_larger_friction_of_ground_and_shape_holds(build):
    slope = 0.2
    angle = math.atan(slope)
    place = (4.0 - 0.1 * math.sin(angle), 1.53, 4.0 * slope + 0.1 * math.cos(angle))
    tilt = gymapi.Quat.from_axis_angle(gymapi.Vec3(0, 1, 0), -angle)
    root = final_root(build(height_field(ramp(slope), friction=0.1), BOX, place, tilt, friction=0.8))
    assert place[0] - float(root[0, 0]) < 0.01


def test_samples_lie_along_x_then_y_and_cells_are_split_from_near_to_far(build):
    samples = [[1, 0, 5], [0, 1, 0], [0, 0, 7], [0, 3, 2]]
    world = build(height_field(samples, 1.0, -2.0, scale=0.1), place=(9.0, 9.0, 9.0))
    for i, row in enumerate(samples):
        for j, units in enumerate(row):
            # Just inside, for a ray on the very edge may pass.
            x = 1.0 + np.clip(i * CELL, 1e-5, 0.3 - 1e-5)
            y = -2.0 + np.clip(j * CELL, 1e-5, 0.2 - 1e-5)
            assert surface(world, x, y) == pytest.approx(0.1 * units, abs=1e-3)
    # Terrain's meshes split a cell from [i, j] to [i + 1, j + 1], which is the ridge between two ones here.
    assert surface(world, 1.05, -1.95 + 1e-5) == pytest.approx(0.1, abs=1e-3)


def test_sizes_may_be_named_either_way_and_samples_may_be_flat(build):
    samples = np.array([[0, 1, 2], [3, 4, 5]], dtype=np.int16)

    def add(shape, given):
        def add(gym, sim):
            params = gymapi.HeightFieldParams()
            params.nbRows, params.nbColumns = shape
            params.row_scale, params.column_scale = 1.0, 1.0
            gym.add_heightfield(sim, given, params)

        return add

    for shape, given in (((3, 2), samples), ((2, 3), samples), ((3, 2), samples.flatten())):
        world = build(add(shape, given), place=(9.0, 9.0, 9.0))
        assert surface(world, 1e-6, 1.0) == pytest.approx(1.0, abs=1e-4)
        assert surface(world, 1.0 - 1e-6, 1.0) == pytest.approx(4.0, abs=1e-4)


def test_the_two_scales_belong_to_their_own_axes_and_the_pose_turns_the_field(build):
    def add(gym, sim):
        params = gymapi.HeightFieldParams()
        params.nbColumns, params.nbRows = 3, 2
        params.column_scale, params.row_scale = 0.5, 2.0
        params.transform = transform(
            10.0, 0.0, 1.0, gymapi.Quat.from_axis_angle(gymapi.Vec3(0, 0, 1), math.pi / 2)
        )
        gym.add_heightfield(sim, np.array([[0, 0], [1, 1], [2, 2]], dtype=np.int16), params)

    world = build(add, place=(0.0, 0.0, 9.0))
    # A quarter turn: columns run along y, 1 m of height every 0.5 m; rows run along -x, over 2 m.
    for x, y in ((9.9, 0.25), (9.0, 0.75), (8.1, 0.9)):
        assert surface(world, x, y) == pytest.approx(1.0 + 2.0 * y, abs=1e-4)


# ---- where environments find it


def test_every_environment_stands_on_the_world_as_seen_from_its_origin(build):
    slope = 0.1
    world = build(
        height_field(ramp(slope, 81, 61), -1.0, -1.0), BOX, (3.0, 0.5, 0.51), num_envs=4, spacing=2.0
    )
    origins = [(0.0, 0.0), (2.0, 0.0), (0.0, 2.0), (2.0, 2.0)]
    for env, (x, y) in enumerate(origins):
        assert surface(world, 3.0 - x, 0.5 - y, env) == pytest.approx(0.4, abs=1e-5)
        assert surface(world, 1.0 - x, 0.5 - y, env) == pytest.approx(0.2, abs=1e-5)
    root = final_root(world, 150)
    height = 0.4 + 0.1 * math.cos(math.atan(slope))
    for row, (x, y) in zip(root.tolist(), origins, strict=True):
        assert row[:3] == pytest.approx([3.0 - x, 0.5 - y, height], abs=0.02)


def test_a_diverged_environment_keeps_its_ground(build):
    place = (3.0, 1.5, 0.45)
    world = build(height_field(ramp(0.1), -1.0, -1.0), BALL, place, num_envs=2, spacing=2.0)
    world.simulate(2)
    world.state("qvel")[1, 0] = 1e12
    world.simulate(2)
    assert world.gym.get_sim_warnings(world.sim).tolist() == [0, 1]
    assert surface(world, place[0] - 2.0, place[1], 1) == pytest.approx(0.4, abs=1e-5)


def test_saved_states_and_new_simulations_keep_the_places(build):
    def make():
        return build(height_field(ramp(0.1), -1.0, -1.0), BALL, (2.0, 0.5, 0.5), num_envs=2, spacing=2.0)

    first, second = make(), make()
    first.simulate(20)
    second.gym.set_sim_state(second.sim, first.gym.get_sim_state(first.sim))
    assert torch.equal(final_root(first, 20), final_root(second, 20))


def test_all_environments_share_one_copy_of_the_samples(build):
    world = build(height_field(np.zeros((50, 40))), place=(1.0, 1.0, 0.2), num_envs=8, spacing=1.0)
    model = world.sim.running.engine.model
    assert (model.nhfield, model.nhfielddata) == (1, 50 * 40)


# ---- triangle meshes that are grids


def test_a_robot_on_every_tile_of_a_terrain_as_anymal_makes_it(build):
    """Two tiles in a border that the mesh is moved back by, one origin for all, robots at tiles' middles."""
    border, tile = 1.0, 2.0
    edge, side = int(border / CELL), int(tile / CELL)
    field = np.zeros((2 * edge + 2 * side, 2 * edge + side), dtype=np.int16)
    terrain = terrain_utils.SubTerrain("stairs", side, side, UNIT, CELL)
    terrain_utils.pyramid_stairs_terrain(terrain, step_width=0.3, step_height=0.1, platform_size=0.8)
    field[edge : edge + side, edge:-edge] = terrain.height_field_raw
    terrain = terrain_utils.SubTerrain("slope", side, side, UNIT, CELL)
    terrain_utils.pyramid_sloped_terrain(terrain, slope=0.4, platform_size=0.8)
    field[edge + side : edge + 2 * side, edge:-edge] = terrain.height_field_raw
    vertices, triangles = terrain_utils.convert_heightfield_to_trimesh(field, CELL, UNIT, 0.5)

    middles = [(0.5 * tile, 0.5 * tile), (1.5 * tile, 0.5 * tile)]
    heights = [field[int((x + border) / CELL), int((y + border) / CELL)] * UNIT for x, y in middles]
    # Two steps of 0.1 m; 0.4 * 1 m * (6 / 10)^2 = 0.144 m, in whole units of 0.005 m.
    assert heights == [pytest.approx(0.2), pytest.approx(0.14)]
    mesh = triangle_mesh(vertices, triangles, -border, -border)
    world = build(mesh, BOX, (0.0, 0.0, 5.0), num_envs=2)
    root, contacts = world.tensor("actor_root_state"), world.tensor("net_contact_force")
    for row, (x, y), height in zip(root, middles, heights, strict=True):
        row[:3] = torch.tensor([x, y, height + 0.12])
    world.gym.set_actor_root_state_tensor(world.sim, world.gym.acquire_actor_root_state_tensor(world.sim))
    world.simulate(150)
    world.refresh("actor_root_state", "net_contact_force")
    for row, (x, y), height in zip(root.tolist(), middles, heights, strict=True):
        assert row[:2] == pytest.approx([x, y], abs=5e-3)
        assert row[2] == pytest.approx(height + 0.1, abs=1e-3)
    torch.testing.assert_close(contacts[:, 2], torch.tensor([WEIGHT, WEIGHT]), atol=0.5, rtol=0)


@pytest.mark.parametrize("threshold", [None, 0.75])
def test_stairs_bear_shapes_at_the_height_of_each_step(build, threshold):
    field = np.zeros((41, 21), dtype=np.int16)
    field[10:20], field[20:30], field[30:] = 30, 60, 90  # steps of 0.15 m every metre
    mesh = triangle_mesh(*terrain_utils.convert_heightfield_to_trimesh(field, CELL, UNIT, threshold))
    for step in range(4):
        world = build(mesh, BOX, (0.5 + step, 1.0, 0.15 * step + 0.12))
        assert float(final_root(world)[0, 2]) == pytest.approx(0.15 * step + 0.1, abs=1e-3)
    # The top of a wall is where it is in the field; its foot is within a cell.
    assert surface(world, 1.0 + 1e-4, 1.0) == pytest.approx(0.15, abs=1e-3)
    assert surface(world, 0.9 - 1e-4, 1.0) == pytest.approx(0.0, abs=1e-3)


@pytest.mark.parametrize(("faces", "middle"), [([[0, 3, 1], [0, 2, 3]], 1.0), ([[0, 2, 1], [1, 2, 3]], 0.0)])
def test_a_cell_is_split_as_the_mesh_splits_it(build, faces, middle):
    vertices = [[0, 0, 1], [0, 1, 0], [1, 0, 0], [1, 1, 1]]
    world = build(triangle_mesh(vertices, faces), place=(0.5, 0.5, middle + 0.05))
    assert surface(world, 0.5, 0.5 + 1e-5) == pytest.approx(middle, abs=1e-4)
    # What is drawn and met by rays is what bears: the ball's centre is above it, its lower side is not.
    contacts = world.tensor("net_contact_force")
    world.refresh("net_contact_force")
    assert float(contacts[0, 2]) > 0


def test_a_mesh_takes_its_place_and_friction_from_the_parameters(build):
    slope = 0.2
    mesh = terrain_utils.convert_heightfield_to_trimesh(ramp(slope), CELL, UNIT)
    angle = math.atan(slope)
    place = (3.0 - 0.1 * math.sin(angle), 0.53, 4.0 * slope + 0.1 * math.cos(angle))
    tilt = gymapi.Quat.from_axis_angle(gymapi.Vec3(0, 1, 0), -angle)
    way = {}
    for friction in (0.1, 0.5):
        world = build(triangle_mesh(*mesh, -1.0, -1.0, friction), BOX, place, tilt, friction=0.0)
        way[friction] = place[0] - float(final_root(world)[0, 0])
    assert way[0.1] == pytest.approx(0.48, abs=0.03)  # 0.5 * 10 * (sin - 0.1 cos) along the slope, times cos
    assert way[0.5] < 0.01


# ---- other meshes

WEDGE = np.array([[0, 0, 0], [2, 0, 0], [0, 2, 0], [2, 2, 0], [2, 0, 1], [2, 2, 1]], dtype=float)
WEDGE_FACES = [[0, 1, 4], [2, 5, 3], [0, 4, 5], [0, 5, 2], [1, 3, 5], [1, 5, 4], [0, 2, 3], [0, 3, 1]]


@pytest.mark.parametrize("soup", [False, True])
def test_a_closed_convex_mesh_is_taken_as_it_is(build, soup):
    vertices, faces = WEDGE, np.array(WEDGE_FACES)
    if soup:  # vertices of its own for each triangle
        vertices, faces = WEDGE[faces].reshape(-1, 3), np.arange(24).reshape(8, 3)
    world = build(triangle_mesh(vertices, faces, 1.0, 1.0), place=(2.0, 1.5, 9.0), num_envs=2, spacing=0.5)
    for env, x in enumerate((0.0, 0.5)):
        assert surface(world, 2.0 - x, 1.5, env) == pytest.approx(0.5, abs=1e-5)
        assert surface(world, 2.5 - x, 2.5, env) == pytest.approx(0.75, abs=1e-5)


def l_shape():
    """Two boxes of 1 m that share a face region, as one closed mesh that is not convex."""
    outline = np.array([[0, 0], [2, 0], [2, 1], [1, 1], [1, 2], [0, 2]], dtype=float)
    cap = [[0, 1, 2], [0, 2, 3], [0, 3, 4], [0, 4, 5]]
    vertices = np.concatenate([np.c_[outline, np.zeros(6)], np.c_[outline, np.ones(6)]])
    sides = [f for i in range(6) for j in [(i + 1) % 6] for f in ([i, j, 6 + j], [i, 6 + j, 6 + i])]
    return vertices, np.array([f[::-1] for f in cap] + [[6 + v for v in f] for f in cap] + sides)


def test_a_mesh_that_is_not_convex_needs_coacd_and_names_the_extra(build, monkeypatch):
    monkeypatch.setitem(sys.modules, "coacd", None)
    with pytest.raises(ImportError, match=r"add_triangle_mesh: .*coacd.*pip install -e '\.\[meshes\]'"):
        build(triangle_mesh(*l_shape()))
    with pytest.raises(ImportError, match="coacd"):
        build(triangle_mesh(WEDGE, WEDGE_FACES[1:]))  # convex, and open


def test_parts_of_a_cut_mesh_are_ground(build, monkeypatch):
    class Coacd:
        """Stands for the package: two boxes, as a good cut of the L."""

        def set_log_level(self, level):
            pass

        def Mesh(self, vertices, triangles):  # noqa: N802
            return vertices, triangles

        def run_coacd(self, mesh):
            vertices, triangles = mesh
            assert (vertices.shape, triangles.shape) == ((12, 3), (20, 3))
            corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], dtype=float)
            return [[corners * [2, 1, 1], []], [corners + [0, 1, 0], []]]

    monkeypatch.setitem(sys.modules, "coacd", Coacd())

    def add(gym, sim):
        plane(-0.3)(gym, sim)
        triangle_mesh(*l_shape())(gym, sim)

    world = build(add, place=(9.0, 9.0, 9.0))
    assert surface(world, 1.5, 0.5) == pytest.approx(1.0, abs=1e-5)
    assert surface(world, 0.5, 1.5) == pytest.approx(1.0, abs=1e-5)
    assert surface(world, 1.5, 1.5) == pytest.approx(0.3, abs=1e-5)


# ---- together with planes, and in pictures


def test_a_plane_and_two_fields_are_ground_together(build):
    def add(gym, sim):
        plane(0.1)(gym, sim)
        height_field(np.full((11, 11), 60), -3.0, -0.5)(gym, sim)
        height_field(np.full((11, 11), 20), 1.0, -0.5)(gym, sim)

    for x, height in ((-2.5, 0.3), (0.0, -0.1), (1.5, 0.1)):
        world = build(add, BALL, (x, 0.03, height + 0.12))
        assert surface(world, x, 0.03) == pytest.approx(height, abs=1e-5)
        assert float(final_root(world)[0, 2]) == pytest.approx(height + 0.1, abs=1e-3)


def test_a_height_field_is_drawn(build):
    heights = np.zeros((21, 21))
    heights[:8] = 200  # a wall of 1 m between a camera that looks along x and the ball
    red = BALL.replace("mass", "rgba='1 0 0 1' mass")
    world = build(height_field(heights, -1.0, -1.0), red, (0.5, 0.0, 0.1))
    model, data = world.gym.get_env_model_data(world.sim, 0)
    try:
        renderer = OffscreenRenderer(model, 48, 48)
    except RenderingUnavailableError as error:
        pytest.skip(str(error))
    with renderer:
        views = [TrackingCamera(model.nbody - 1, azimuth=turn, elevation=-2.0) for turn in (0.0, 180.0)]
        hidden, seen = (renderer.render(data, view)[24, 24].astype(int) for view in views)
    assert seen[0] > 2 * seen[1]
    assert hidden[0] < 2 * hidden[1]


# ---- bad input


@pytest.mark.parametrize(
    ("changes", "samples", "message"),
    [
        ({"nbRows": 1}, np.zeros((3, 1)), "nbColumns = 3 and nbRows = 1 must be at least 2"),
        ({}, np.zeros(5), r"samples of shape \(5,\); nbColumns = 3 and nbRows = 2 ask for 6"),
        ({}, np.zeros((6, 1)), r"samples of shape \(6, 1\)"),
        ({"vertical_scale": 0.0}, np.zeros((3, 2)), "vertical_scale = 0.0 must be positive"),
        ({"row_scale": -1.0}, np.zeros((3, 2)), "row_scale = -1.0 must be positive"),
        ({"dynamic_friction": -0.5}, np.zeros((3, 2)), "dynamic_friction = -0.5 must not be negative"),
        ({}, np.array([[0, 1], [2, np.nan], [3, 4]]), "samples must be finite; 1 are not"),
    ],
)
def test_wrong_height_fields_are_refused(build, changes, samples, message):
    params = gymapi.HeightFieldParams()
    params.nbColumns, params.nbRows = 3, 2
    for name, value in changes.items():
        setattr(params, name, value)
    with pytest.raises(ValueError, match=f"add_heightfield: {message}"):
        build(lambda gym, sim: gym.add_heightfield(sim, samples, params))


@pytest.mark.parametrize(
    ("vertices", "triangles", "counts", "message"),
    [
        (
            np.zeros(9),
            [0, 1, 2],
            (4, 1),
            r"vertices of shape \(9,\); params.nb_vertices = 4 .* asks for 12 numbers",
        ),
        (
            np.zeros(9),
            [0, 1, 2],
            (3, 2),
            r"triangles of shape \(3,\); params.nb_triangles = 2 .* for 6 numbers",
        ),
        (np.zeros(0), [], (0, 0), "params.nb_vertices = 0 must be positive"),
        (np.zeros(9), [0, 1, 3], (3, 1), "a triangle has vertex 3; vertices count from 0 to 2"),
        (np.full(9, np.inf), [0, 1, 2], (3, 1), "vertices must be finite; 9 are not"),
    ],
)
def test_wrong_meshes_are_refused(build, vertices, triangles, counts, message):
    params = gymapi.TriangleMeshParams()
    params.nb_vertices, params.nb_triangles = counts
    with pytest.raises(ValueError, match=f"add_triangle_mesh: .*{message}"):
        build(
            lambda gym, sim: gym.add_triangle_mesh(
                sim, vertices, np.array(triangles, dtype=np.uint32), params
            )
        )


def test_the_ground_is_fixed_by_prepare_sim(build):
    world = build(plane(), place=(0.0, 0.0, 1.0))
    with pytest.raises(RuntimeError, match="add_heightfield: the simulation is prepared already"):
        height_field(np.zeros((2, 2)))(world.gym, world.sim)


@pytest.mark.warp
@pytest.mark.slow
def test_mujoco_warp_finds_the_ground_at_the_same_places(build, monkeypatch):
    pytest.importorskip("mujoco_warp", reason="the warp extra is not installed")
    place = (3.0, 0.53, 0.52)
    roots = {}
    for engine in ("mujoco", "mujoco_warp"):
        monkeypatch.setattr(gymapi, "acquire_gym", lambda engine=engine: Gym(engine))
        world = build(height_field(ramp(0.1), -1.0, -1.0), BALL, place, num_envs=4, spacing=2.0)
        roots[engine] = final_root(world, 50).clone()
        world.state("qvel")[3, 0] = 1e12
        world.simulate(2)
        assert surface(world, 1.0, -1.0, 3) == pytest.approx(0.4, abs=1e-5)
    # The engines find other normals at the impact; a field in the wrong place would be 0.2 m lower.
    torch.testing.assert_close(roots["mujoco_warp"][:, :3], roots["mujoco"][:, :3], atol=2e-2, rtol=0)
