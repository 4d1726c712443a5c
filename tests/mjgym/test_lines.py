import math

import numpy as np
import pytest

from mjgym.lines import AxesGeometry, WireframeBoxGeometry, WireframeSphereGeometry, draw_line, draw_lines
from mjgym.structs import Quat, Transform, Vec3


class RecordingGym:
    def __init__(self):
        self.calls = []

    def add_lines(self, *args):
        self.calls.append(args)


def rows(records):
    return np.array(records.tolist())


def test_axes():
    axes = AxesGeometry(2.0)
    assert axes.num_lines() == 3
    assert rows(axes.vertices())[:, 1].tolist() == [[2, 0, 0], [0, 2, 0], [0, 0, 2]]
    assert rows(axes.colors()).tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]


def test_box_has_twelve_edges_of_its_sides():
    ends = rows(WireframeBoxGeometry(1.0, 2.0, 3.0, color=(0, 1, 1)).vertices())
    lengths = sorted(np.linalg.norm(ends[:, 1] - ends[:, 0], axis=-1))
    assert lengths == pytest.approx([1] * 4 + [2] * 4 + [3] * 4)
    assert np.abs(ends).max(axis=(0, 1)).tolist() == [0.5, 1.0, 1.5]


def test_sphere_points_lie_on_it():
    sphere = WireframeSphereGeometry(
        0.5, 6, 8, pose=Transform(Vec3(1, 0, 0)), color=(0, 0, 1), color2=(0, 1, 0)
    )
    assert sphere.num_lines() == 2 * 6 * 8
    distance = np.linalg.norm(rows(sphere.vertices()) - (1, 0, 0), axis=-1)
    assert distance == pytest.approx(np.full((96, 2), 0.5), abs=1e-6)
    assert len(np.unique(rows(sphere.colors()), axis=0)) == 2


def test_colours_may_be_arrays_and_default_to_red():
    blue, green = np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0, 0.0])
    assert rows(WireframeBoxGeometry(color=blue).colors()).tolist() == [[0, 0, 1]] * 12
    sphere = WireframeSphereGeometry(1.0, 2, 3, color=blue, color2=green)
    assert rows(sphere.colors()).tolist() == [[0, 0, 1]] * 6 + [[0, 1, 0]] * 6
    assert rows(WireframeSphereGeometry(1.0, 2, 3, color=blue).colors()).tolist() == [[0, 0, 1]] * 12
    assert rows(WireframeSphereGeometry(1.0, 2, 3).colors()).tolist() == [[1, 0, 0]] * 12


def test_draw_lines_moves_the_geometry():
    gym = RecordingGym()
    pose = Transform(Vec3(0, 0, 1), Quat.from_axis_angle(Vec3(0, 0, 1), math.pi / 2))
    draw_lines(AxesGeometry(1.0), gym, "viewer", "env", pose)
    viewer, env, count, verts, colors = gym.calls[0]
    assert (viewer, env, count, colors.shape) == ("viewer", "env", 3, (3,))
    assert rows(verts)[0] == pytest.approx(np.array([[0, 0, 1], [0, 1, 1]]), abs=1e-6)


def test_draw_line():
    gym = RecordingGym()
    draw_line(Vec3(1, 2, 3), Vec3(4, 5, 6), Vec3(1, 0, 0), gym, None, None)
    count, verts, colors = gym.calls[0][2:]
    assert (count, verts.tolist(), colors.tolist()) == (1, [[(1, 2, 3), (4, 5, 6)]], [(1, 0, 0)])
