import numpy as np
import pytest

from mjgym.mesh_grid import find_grid
from mjgym.terrain_utils import (
    SubTerrain,
    convert_heightfield_to_trimesh,
    pyramid_stairs_terrain,
    stepping_stones_terrain,
)


def stairs():
    terrain = SubTerrain("stairs", 40, 30, 0.005, 0.1)
    return pyramid_stairs_terrain(
        terrain, step_width=0.3, step_height=0.15, platform_size=0.6
    ).height_field_raw


def stones():
    np.random.seed(1)
    terrain = SubTerrain("stones", 40, 30, 0.005, 0.1)
    return stepping_stones_terrain(terrain, 0.5, 0.1, max_height=0.1, platform_size=1.0).height_field_raw


@pytest.mark.parametrize("make", [stairs, stones])
@pytest.mark.parametrize("threshold", [None, 0.75])
def test_the_mesh_of_a_height_field_gives_the_field_back(make, threshold):
    field = make()
    vertices, triangles = convert_heightfield_to_trimesh(field, 0.1, 0.005, threshold)
    moved = vertices + np.array([-20.0, 150.0, 0.5], dtype=np.float32)
    grid = find_grid(moved, triangles)
    assert grid is not None and grid.near_to_far
    np.testing.assert_allclose(grid.heights, field * 0.005 + 0.5, atol=1e-5)
    assert grid.start == pytest.approx((-20.0, 150.0), abs=1e-3)
    assert grid.spacing == pytest.approx((0.1, 0.1), abs=1e-5)


def test_a_whole_edge_that_moved_inward_is_put_back():
    low_row = np.full((5, 4), 9)
    low_row[0] = 0  # beside a wall: all its vertices are where the second row is
    low_end = low_row[::-1].T
    for field, edge in ((low_row, (0.5, 0.0, 2.0, 1.5)), (low_end, (0.0, 0.0, 1.5, 1.5))):
        vertices, triangles = convert_heightfield_to_trimesh(field, 0.5, 0.1, 1.0)
        assert (*vertices[:, :2].min(axis=0), *vertices[:, :2].max(axis=0)) == edge
        grid = find_grid(vertices, triangles)
        assert grid is not None
        assert grid.start == pytest.approx((0.0, 0.0)) and grid.spacing == pytest.approx((0.5, 0.5))


FIELD = np.arange(12.0).reshape(4, 3) ** 2


@pytest.mark.parametrize("columns_along_x", [False, True])
@pytest.mark.parametrize("x_down", [False, True])
@pytest.mark.parametrize("y_down", [False, True])
def test_rows_may_run_along_either_axis_and_either_way(columns_along_x, x_down, y_down):
    """A cell's diagonal from near to far stays one when both axes or none are turned round."""
    x, y = np.meshgrid(2.0 * np.arange(4), 3.0 * np.arange(3), indexing="ij")
    places = [-x if x_down else x, -y if y_down else y, FIELD]
    if columns_along_x:
        places = [place.T for place in places]
    _, triangles = convert_heightfield_to_trimesh(places[0], 1.0, 1.0)
    grid = find_grid(np.stack(places, axis=-1).reshape(-1, 3), triangles)
    assert grid is not None
    assert grid.heights.tolist() == FIELD[:: -1 if x_down else 1, :: -1 if y_down else 1].tolist()
    assert grid.spacing == (2.0, 3.0)
    assert grid.start == (-6.0 if x_down else 0.0, -6.0 if y_down else 0.0)
    assert grid.near_to_far == (x_down == y_down)


def other_diagonals(rows, cols):
    near = (np.arange(rows - 1)[:, None] * cols + np.arange(cols - 1)).reshape(-1, 1)
    return np.concatenate([near + [0, cols, 1], near + [1, cols, cols + 1]])


@pytest.mark.parametrize("shape", [(4, 3), (2, 2), (3, 2), (2, 5)])
def test_cells_may_be_split_the_other_way_and_triangles_come_in_any_order(shape):
    i, j = np.indices(shape)
    vertices = np.stack([i, j, i * j], axis=-1).reshape(-1, 3).astype(float)
    triangles = np.random.default_rng(0).permutation(other_diagonals(*shape))
    grid = find_grid(vertices, triangles)
    assert grid is not None and not grid.near_to_far
    assert grid.heights.tolist() == (i * j).tolist()


def test_other_meshes_are_no_grids():
    vertices, triangles = convert_heightfield_to_trimesh(np.zeros((4, 5)), 1.0, 1.0)
    assert find_grid(vertices, triangles[:-1]) is None  # a hole
    twice = np.concatenate([triangles[:-1], triangles[:1]])
    assert find_grid(vertices, twice) is None
    uneven = vertices.copy()
    uneven[7, 0] += 0.4
    assert find_grid(uneven, triangles) is None
    upright = vertices[:, [0, 2, 1]]  # a wall in x and z
    assert find_grid(upright, triangles) is None
    cube = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], dtype=float)
    faces = np.array([[0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1], [2, 3, 7], [2, 7, 6],
                      [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3]])  # fmt: skip
    assert find_grid(cube, faces) is None
    assert find_grid(cube, np.zeros((1, 3), dtype=int)) is None
