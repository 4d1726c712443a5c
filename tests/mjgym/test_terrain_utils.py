import numpy as np
import pytest
from scipy.interpolate import RectBivariateSpline

from mjgym import terrain_utils as tu


def flat(width=8, length=8, vertical_scale=1.0, horizontal_scale=1.0):
    return tu.SubTerrain("t", width, length, vertical_scale, horizontal_scale)


def heights(terrain):
    return terrain.height_field_raw.tolist()


def columns(terrain):
    """The heights along x of a field that does not vary along y."""
    field = terrain.height_field_raw
    assert (field == field[:, :1]).all()
    return field[:, 0].tolist()


MAKERS = {
    "uniform": lambda t: tu.random_uniform_terrain(t, -0.1, 0.1, step=0.025, downsampled_scale=0.2),
    "slope": lambda t: tu.sloped_terrain(t, slope=-0.5),
    "hill": lambda t: tu.pyramid_sloped_terrain(t, slope=0.4, platform_size=3.0),
    "obstacles": lambda t: tu.discrete_obstacles_terrain(t, 0.15, 1.0, 2.0, 40, platform_size=3.0),
    "waves": lambda t: tu.wave_terrain(t, num_waves=2.0, amplitude=1.0),
    "stairs": lambda t: tu.stairs_terrain(t, step_width=0.75, step_height=-0.5),
    "pyramid": lambda t: tu.pyramid_stairs_terrain(t, step_width=0.31, step_height=0.1, platform_size=3.0),
    "stones": lambda t: tu.stepping_stones_terrain(t, 1.1, 0.1, max_height=0.0, platform_size=3.0),
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_calls_of_published_scripts_change_the_given_terrain_and_return_it(make):
    np.random.seed(1)
    terrain = flat(80, 80, 0.005, 0.1)
    view = terrain.height_field_raw
    assert make(terrain) is terrain
    assert terrain.height_field_raw is view
    assert (view.shape, view.dtype) == ((80, 80), np.int16)
    assert view.any()


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_the_same_seed_gives_the_same_field(make):
    fields = []
    for seed in (3, 3):
        np.random.seed(seed)
        fields.append(make(flat(80, 80, 0.005, 0.1)).height_field_raw)
    assert (fields[0] == fields[1]).all()


@pytest.mark.parametrize("name", ["uniform", "obstacles", "stones"])
def test_another_seed_gives_another_field(name):
    fields = []
    for seed in (3, 4):
        np.random.seed(seed)
        fields.append(MAKERS[name](flat(80, 80, 0.005, 0.1)).height_field_raw)
    assert (fields[0] != fields[1]).any()


def test_a_subterrain_is_flat_and_has_the_documented_defaults():
    terrain = tu.SubTerrain()
    assert (terrain.terrain_name, terrain.width, terrain.length) == ("terrain", 256, 256)
    assert (terrain.vertical_scale, terrain.horizontal_scale) == (1.0, 1.0)
    oblong = tu.SubTerrain("b", width=2, length=3, vertical_scale=0.005, horizontal_scale=0.1)
    assert heights(oblong) == [[0, 0, 0], [0, 0, 0]]
    assert oblong.height_field_raw.dtype == np.int16


@pytest.mark.parametrize("name", ["width", "length", "vertical_scale", "horizontal_scale"])
def test_a_subterrain_without_extent_is_refused(name):
    with pytest.raises(ValueError, match=f"{name} = 0: must be positive"):
        tu.SubTerrain(**{name: 0})
    with pytest.raises(TypeError):
        tu.SubTerrain(width=2.5)


def test_uniform_heights_lie_on_the_steps_and_reach_both_ends():
    np.random.seed(0)
    field = tu.random_uniform_terrain(flat(30, 30, 0.1), -0.3, 0.5, step=0.2).height_field_raw
    assert np.unique(field).tolist() == [-3, -1, 1, 3, 5]
    coarse = tu.random_uniform_terrain(flat(30, 30, 0.1), -0.3, 0.4, step=0.5).height_field_raw
    assert np.unique(coarse).tolist() == [-3, 2]  # 7 would be above the maximum


def test_a_coarse_grid_is_interpolated_linearly_along_both_axes(monkeypatch):
    drawn = np.array([[0, 4, 8], [4, 12, 20]])
    monkeypatch.setattr(np.random, "choice", lambda values, shape: drawn if shape == (2, 3) else None)
    terrain = tu.random_uniform_terrain(flat(3, 5), 0, 20, downsampled_scale=1.5)
    assert terrain.height_field_raw.shape == (3, 5)
    expected = [[0, 2, 4, 6, 8], [2, 5, 8, 11, 14], [4, 8, 12, 16, 20]]
    assert heights(terrain) == expected
    tu.random_uniform_terrain(terrain, 0, 20, downsampled_scale=1.5)
    assert heights(terrain) == [[2 * height for height in row] for row in expected]


def test_a_linear_spline_of_the_same_draws_gives_the_same_field():
    np.random.seed(5)
    drawn = np.random.choice(np.arange(-20, 21, 5), (40, 20))
    spline = RectBivariateSpline(np.linspace(0, 8, 40), np.linspace(0, 4, 20), drawn, kx=1, ky=1)
    exact = spline(np.linspace(0, 8, 80), np.linspace(0, 4, 40))
    np.random.seed(5)
    field = MAKERS["uniform"](flat(80, 40, 0.005, 0.1)).height_field_raw
    ties = np.isclose(exact % 1, 0.5)
    assert (field == np.rint(exact))[~ties].all()


def test_wrong_uniform_terrains_are_refused():
    terrain = flat(8, 8, 0.1, 0.5)
    with pytest.raises(ValueError, match="step = 0.05: must be at least vertical_scale = 0.1"):
        tu.random_uniform_terrain(terrain, -1, 1, step=0.05)
    with pytest.raises(ValueError, match="max_height = -2: must not be below min_height = -1"):
        tu.random_uniform_terrain(terrain, -1, -2)
    with pytest.raises(ValueError, match="downsampled_scale = 5: larger than the field of 8 x 8 cells"):
        tu.random_uniform_terrain(terrain, -1, 1, downsampled_scale=5)
    with pytest.raises(ValueError, match="downsampled_scale = 0"):
        tu.random_uniform_terrain(terrain, -1, 1, downsampled_scale=0)


def test_a_slope_rises_along_x_by_its_metres_a_metre():
    # 0.25 * 2 m / 0.1 m: five units a cell.
    assert columns(tu.sloped_terrain(flat(4, 3, 0.1, 2.0), slope=0.25)) == [0, 5, 10, 15]
    assert columns(tu.sloped_terrain(flat(4, 3), slope=-0.5)) == [0, 0, -1, -1]  # cut toward zero
    terrain = tu.sloped_terrain(tu.sloped_terrain(flat(3, 1)))
    assert columns(terrain) == [0, 2, 4]


def test_a_hill_is_the_product_of_two_slopes_cut_off_at_the_platform():
    # The middle is cell 2 and the full height 4 / 2 * 10 = 20 units; shares along a side are 0, 1/2, 1, 1/2.
    whole = tu.pyramid_sloped_terrain(flat(4, 4, 0.1), slope=1, platform_size=0)
    assert heights(whole) == [[0, 0, 0, 0], [0, 5, 10, 5], [0, 10, 20, 10], [0, 5, 10, 5]]
    cut = tu.pyramid_sloped_terrain(flat(4, 4, 0.1), slope=1, platform_size=2)
    assert heights(cut) == [[0, 0, 0, 0], [0, 5, 5, 5], [0, 5, 5, 5], [0, 5, 5, 5]]
    hollow = tu.pyramid_sloped_terrain(flat(4, 4, 0.1), slope=-1, platform_size=2)
    assert (hollow.height_field_raw == -cut.height_field_raw).all()


def test_a_hill_of_oblong_shape_is_as_high_as_half_its_width_gives():
    assert heights(tu.pyramid_sloped_terrain(flat(2, 4), 3, 0)) == [[0, 0, 0, 0], [0, 1, 3, 1]]
    with pytest.raises(ValueError, match="1 x 4 cells.*two cells"):
        tu.pyramid_sloped_terrain(flat(1, 4))


def test_an_obstacle_has_its_size_and_one_of_four_heights():
    seen = set()
    for seed in range(40):
        np.random.seed(seed)
        # 7 - 3 cells are left beside it: the only place on the raster of four is the corner.
        field = tu.discrete_obstacles_terrain(flat(7, 7, 0.1), 0.5, 3, 3, 1, platform_size=0).height_field_raw
        seen.add(int(field[0, 0]))
        assert (field[:3, :3] == field[0, 0]).all()
        assert np.count_nonzero(field) == 9
    assert seen == {-5, -3, 2, 5}


def test_obstacles_start_on_a_raster_and_leave_the_platform_free():
    starts, sides = set(), set()
    for seed in range(60):
        np.random.seed(seed)
        field = tu.discrete_obstacles_terrain(flat(20, 30), 2, 2, 7, 1, platform_size=0).height_field_raw
        x, y = np.nonzero(field)
        starts.add((int(x.min()), int(y.min())))
        sides.add((int(np.ptp(x)) + 1, int(np.ptp(y)) + 1))
    assert sides == {(2, 2), (2, 6), (6, 2), (6, 6)}
    assert {x % 4 for x, _ in starts} == {y % 4 for _, y in starts} == {0}
    assert max(x for x, _ in starts) == 16 and max(y for _, y in starts) > 20
    field = tu.discrete_obstacles_terrain(flat(20, 30), 2, 8, 8, 50, platform_size=4).height_field_raw
    assert not field[8:12, 13:17].any()
    assert field[:8].any()


def test_an_obstacle_as_large_as_the_field_fits_and_a_larger_one_is_refused():
    field = tu.discrete_obstacles_terrain(flat(4, 4), 2, 4, 4, 1, platform_size=0).height_field_raw
    assert len(np.unique(field)) == 1 and field.all()
    with pytest.raises(ValueError, match="max_size = 5: larger than the field of 4 x 9 cells"):
        tu.discrete_obstacles_terrain(flat(4, 9), 2, 1, 5, 1)
    with pytest.raises(ValueError, match="max_size = 2: must not be below min_size = 3"):
        tu.discrete_obstacles_terrain(flat(), 2, 3, 2, 1)
    with pytest.raises(ValueError, match="min_size = 0.5: must be at least horizontal_scale = 1.0"):
        tu.discrete_obstacles_terrain(flat(), 2, 0.5, 2, 1)


def test_waves_are_a_sine_along_x_and_a_cosine_along_y():
    # One wave over four cells, half of the amplitude each: sine 0, 5, 0, -5 and cosine 5, 0, -5, 0.
    terrain = tu.wave_terrain(flat(4, 4, 0.1), num_waves=1, amplitude=1.0)
    assert heights(terrain) == [[5, 0, -5, 0], [10, 5, 0, 5], [5, 0, -5, 0], [0, -5, -10, -5]]


def test_the_length_alone_sets_the_length_of_waves():
    assert heights(tu.wave_terrain(flat(2, 4), 1, 2)) == [[1, 0, -1, 0], [2, 1, 0, 1]]
    assert heights(tu.wave_terrain(flat(1, 4), 2, 2)) == [[1, -1, 1, -1]]
    assert not tu.wave_terrain(flat(), num_waves=0).height_field_raw.any()
    with pytest.raises(ValueError, match="num_waves = -1"):
        tu.wave_terrain(flat(), num_waves=-1)


def test_stairs_rise_along_x_and_begin_with_a_step():
    assert columns(tu.stairs_terrain(flat(7, 2), 3, 2)) == [2, 2, 2, 4, 4, 4, 0]
    # 0.31 m are three cells of 0.1 m; -0.5 m are -10 units of 0.05 m.
    assert columns(tu.stairs_terrain(flat(6, 1, 0.05, 0.1), 0.31, -0.5)) == [-10, -10, -10, -20, -20, -20]


def test_a_length_that_misses_whole_cells_by_rounding_counts_as_whole():
    assert 0.3 / 0.1 < 3
    assert columns(tu.stairs_terrain(flat(6, 1, 0.1, 0.1), 0.3, 0.3)) == [3, 3, 3, 6, 6, 6]


def test_pyramid_stairs_rise_from_all_edges_until_the_platform():
    assert heights(tu.pyramid_stairs_terrain(flat(7, 9), 1, 2, platform_size=1)) == [
        [0, 0, 0, 0, 0, 0, 0, 0, 0],
        [0, 2, 2, 2, 2, 2, 2, 2, 0],
        [0, 2, 4, 4, 4, 4, 4, 2, 0],
        [0, 2, 4, 6, 6, 6, 4, 2, 0],
        [0, 2, 4, 4, 4, 4, 4, 2, 0],
        [0, 2, 2, 2, 2, 2, 2, 2, 0],
        [0, 0, 0, 0, 0, 0, 0, 0, 0],
    ]
    # 80 cells less 6 a step: nine steps until 26 cells, which is not above 30.
    pit = tu.pyramid_stairs_terrain(flat(80, 80, 0.005, 0.1), 0.31, -0.1, platform_size=3.0).height_field_raw
    assert pit.min() == -9 * 20
    assert np.count_nonzero(pit == pit.min()) == 26 * 26
    assert not tu.pyramid_stairs_terrain(flat(8, 8), 1, 1, platform_size=8).height_field_raw.any()


def test_pyramid_stairs_replace_what_they_cover_and_keep_the_outermost_ring():
    terrain = flat(3, 3)
    terrain.height_field_raw[:] = 7
    assert heights(tu.pyramid_stairs_terrain(terrain, 1, 2)) == [[7, 7, 7], [7, 2, 7], [7, 7, 7]]


@pytest.mark.parametrize("make", [tu.stairs_terrain, tu.pyramid_stairs_terrain])
def test_steps_without_width_and_steps_wider_than_the_field_are_refused(make):
    with pytest.raises(ValueError, match="step_width = 0: must be at least horizontal_scale"):
        make(flat(), step_width=0, step_height=1)
    with pytest.raises(ValueError, match="step_width = 9: larger than the field of 8 x 8 cells"):
        make(flat(), step_width=9, step_height=1)
    with pytest.raises(ValueError, match="step_width = -1: must be finite and not negative"):
        make(flat(), step_width=-1, step_height=1)
    with pytest.raises(ValueError, match="step_height = nan: must be finite"):
        make(flat(), step_width=1, step_height=float("nan"))


def test_stones_of_one_cell_stand_on_every_second_cell():
    field = tu.stepping_stones_terrain(flat(5, 5), 1, 1, max_height=0, platform_size=0).height_field_raw
    expected = np.full((5, 5), -10)
    expected[::2, ::2] = 0
    assert (field == expected).all()
    middle = tu.stepping_stones_terrain(flat(5, 5), 1, 1, max_height=0, platform_size=3, depth=-2)
    expected = np.full((5, 5), -2)
    expected[::2, ::2] = 0
    expected[1:4, 1:4] = 0
    assert (middle.height_field_raw == expected).all()


@pytest.mark.parametrize(("first", "row"), [(0, "sss.sss."), (1, ".sss.sss"), (2, "s.sss.ss")])
def test_a_row_of_stones_begins_at_a_random_place_with_a_part_of_one(monkeypatch, first, row):
    monkeypatch.setattr(np.random, "randint", lambda low, high: {3: first}[high])
    expected = [0 if cell == "s" else -10 for cell in row]
    along_x = tu.stepping_stones_terrain(flat(8, 9), 3, 1, max_height=0, platform_size=0).height_field_raw
    for y in range(9):
        assert along_x[:, y].tolist() == ([-10] * 8 if y in (3, 7) else expected)
    along_y = tu.stepping_stones_terrain(flat(9, 8), 3, 1, max_height=0, platform_size=0).height_field_raw
    assert (along_y == along_x.T).all()


def test_stones_are_as_high_as_allowed_at_most():
    np.random.seed(0)
    field = tu.stepping_stones_terrain(flat(40, 40, 0.1), 1, 0, max_height=0.2, platform_size=0)
    assert np.unique(field.height_field_raw).tolist() == [-2, -1, 0, 1, 2]


def test_wrong_stones_are_refused():
    for arguments, message in [
        ({"stone_size": 0.5}, "stone_size = 0.5: must be at least horizontal_scale = 1.0"),
        ({"stone_distance": -1}, "stone_distance = -1: must be finite and not negative"),
        ({"max_height": -1}, "max_height = -1: must not be negative"),
        ({"platform_size": 9}, "platform_size = 9: larger than the field of 8 x 8 cells"),
        ({"depth": -40000}, "height of -40000 units: beyond int16"),
    ]:
        with pytest.raises(ValueError, match=message):
            tu.stepping_stones_terrain(
                flat(), **{"stone_size": 1, "stone_distance": 1, "max_height": 0, **arguments}
            )


@pytest.mark.parametrize(
    "make",
    [
        lambda t: tu.pyramid_sloped_terrain(t, 1, 9),
        lambda t: tu.pyramid_stairs_terrain(t, 1, 1, 9),
        lambda t: tu.discrete_obstacles_terrain(t, 1, 1, 2, 1, 9),
    ],
)
def test_a_platform_larger_than_the_field_is_refused_and_changes_nothing(make):
    terrain = flat(8, 12)
    with pytest.raises(ValueError, match="platform_size = 9: larger than the field of 8 x 12 cells"):
        make(terrain)
    assert not terrain.height_field_raw.any()


def test_heights_beyond_int16_are_refused_instead_of_wrapped_around():
    terrain = tu.stairs_terrain(flat(2, 2), 2, 20000)
    with pytest.raises(ValueError, match="height of 40000 units: beyond int16; use a larger vertical_scale"):
        tu.stairs_terrain(terrain, 2, 20000)
    assert columns(terrain) == [20000, 20000]
    for make in (tu.sloped_terrain, tu.pyramid_sloped_terrain):
        with pytest.raises(ValueError, match="beyond int16"):
            make(flat(), slope=1e5)
        with pytest.raises(ValueError, match="slope = inf"):
            make(flat(), slope=float("inf"))


def mesh(rows, **kwargs):
    return tu.convert_heightfield_to_trimesh(np.array(rows, dtype=np.int16), 1.0, 1.0, **kwargs)


def normals(vertices, triangles):
    a, b, c = (vertices[triangles[:, corner].astype(int)] for corner in range(3))
    return np.cross(b - a, c - a)


def test_mesh_vertices_run_along_y_first_and_are_scaled():
    field = np.array([[0, 1, 2], [3, 4, 5]], dtype=np.int16)
    vertices, triangles = tu.convert_heightfield_to_trimesh(field, 0.5, 0.25)
    assert (vertices.dtype, triangles.dtype) == (np.float32, np.uint32)
    assert vertices.tolist() == [
        [0.0, 0.0, 0.0],
        [0.0, 0.5, 0.25],
        [0.0, 1.0, 0.5],
        [0.5, 0.0, 0.75],
        [0.5, 0.5, 1.0],
        [0.5, 1.0, 1.25],
    ]
    assert triangles.tolist() == [[0, 4, 1], [0, 3, 4], [1, 5, 2], [1, 4, 5]]
    assert vertices.flags.c_contiguous and triangles.flags.c_contiguous


def test_mesh_triangles_cover_the_field_once_with_normals_up():
    rng = np.random.default_rng(0)
    vertices, triangles = mesh(rng.integers(-9, 9, (7, 5)))
    assert (vertices.shape, triangles.shape) == ((35, 3), (48, 3))
    up = normals(vertices, triangles)[:, 2]
    assert up.tolist() == [1.0] * 48  # twice the half cell that each of them covers


def test_a_steep_rise_becomes_a_vertical_wall_below_the_higher_side():
    along_x, triangles = mesh([[0, 0], [0, 0], [3, 3]], slope_threshold=2)
    assert along_x[:, 0].tolist() == [0, 0, 2, 2, 2, 2]
    assert along_x[:, 1].tolist() == [0, 1, 0, 1, 0, 1]
    wall = normals(along_x, triangles)[-2:]
    assert wall.tolist() == [[-3, 0, 0], [-3, 0, 0]]  # upright, facing the lower side
    fall, _ = mesh([[3, 3], [0, 0], [0, 0]], slope_threshold=2)
    assert fall[:, 0].tolist() == [0, 0, 0, 0, 2, 2]
    along_y, _ = mesh([[0, 0, 3], [0, 0, 3]], slope_threshold=2)
    assert along_y[:, 1].tolist() == [0, 2, 2] * 2
    assert along_y[:, 0].tolist() == [0, 0, 0, 1, 1, 1]


def test_only_slopes_beyond_the_threshold_become_walls():
    # 3 units of 0.1 m on 0.5 m: a slope of 0.6.
    field = np.array([[0, 0], [3, 3]], dtype=np.int16)
    steep, _ = tu.convert_heightfield_to_trimesh(field, 0.5, 0.1, slope_threshold=0.5)
    assert steep[:, 0].tolist() == [0.5] * 4
    gentle, _ = tu.convert_heightfield_to_trimesh(field, 0.5, 0.1, slope_threshold=0.7)
    none, _ = tu.convert_heightfield_to_trimesh(field, 0.5, 0.1)
    assert gentle.tolist() == none.tolist()
    assert none[:, 0].tolist() == [0, 0, 0.5, 0.5]


def test_a_lone_corner_moves_diagonally_and_a_cell_between_walls_stays():
    corner, _ = mesh([[0, 0], [0, 2]], slope_threshold=0.5)
    assert corner[:, :2].tolist() == [[1, 1]] * 4
    trench, _ = mesh([[2, 2], [0, 0], [2, 2]], slope_threshold=0.5)
    assert trench[:, 0].tolist() == [0, 0, 1, 1, 2, 2]


def test_a_mesh_with_walls_covers_the_field_and_hangs_over_nowhere():
    block = np.zeros((6, 7), dtype=np.int16)
    block[2:4, 3:5] = 9
    for field in (block, tu.pyramid_stairs_terrain(flat(9, 9), 2, 3, 1).height_field_raw):
        up = normals(*mesh(field, slope_threshold=1))[:, 2]
        rows, cols = field.shape
        assert up.min() >= 0
        assert up.sum() == 2 * (rows - 1) * (cols - 1)


def test_walls_are_found_where_int16_differences_would_wrap_around():
    vertices, _ = mesh([[-30000, -30000], [30000, 30000]], slope_threshold=1)
    assert vertices[:, 0].tolist() == [1, 1, 1, 1]


def test_wrong_meshes_are_refused():
    with pytest.raises(ValueError, match=r"shape \(1, 4\): must have two rows"):
        mesh(np.zeros((1, 4)))
    with pytest.raises(ValueError, match=r"shape \(4,\)"):
        mesh(np.zeros(4))
    with pytest.raises(ValueError, match="slope_threshold = -1: must not be negative"):
        mesh(np.zeros((2, 2)), slope_threshold=-1)
    for scales in ((0, 1), (1, 0)):
        with pytest.raises(ValueError, match="_scale = 0: must be positive"):
            tu.convert_heightfield_to_trimesh(np.zeros((2, 2)), *scales)


def test_a_star_import_brings_the_ten_names_and_no_helpers():
    namespace = {}
    exec("from mjgym.terrain_utils import *", namespace)
    assert {name for name in namespace if name != "__builtins__"} == set(tu.__all__)
    assert len(tu.__all__) == 10
