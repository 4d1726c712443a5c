import mujoco
import numpy as np
import pytest

from mjgym import terrain_view
from mjgym.rendering import OffscreenRenderer, RenderingUnavailableError, TrackingCamera
from mjgym.terrain_view import TerrainView

ROWS, COLS = 21, 31


def field_model(turned="1 0 0 0", step=1.0):
    """A field of 30 by 20 steps [m] along x and y at (4, 0, 2), its heights 0.01 m times their number."""
    spec = mujoco.MjSpec.from_string(
        f"""<mujoco><asset><hfield name="small" nrow="3" ncol="3" size="1 1 1 1"/></asset><worldbody>
        <light type="directional" pos="0 0 6" dir="0.3 0.2 -1"/>
        <body name="ground" pos="4 0 2" quat="{turned}"/></worldbody></mujoco>"""
    )
    heights = 0.01 * np.arange(ROWS * COLS)
    size = (15 * step, 10 * step, heights[-1], 1)
    spec.add_hfield(name="large", nrow=ROWS, ncol=COLS, size=size, userdata=heights)
    spec.body("ground").add_geom(type=mujoco.mjtGeom.mjGEOM_HFIELD, hfieldname="large")
    return spec.compile()


@pytest.fixture
def view(monkeypatch):
    """A field whose surroundings of 2 m are drawn, its scene, and the fields that were sent to OpenGL."""
    monkeypatch.setattr(terrain_view, "MOST_CELLS", 100)
    model, sent = field_model(), []
    monkeypatch.setattr(mujoco, "mjr_uploadHField", lambda model, context, index: sent.append(index))
    drawn = TerrainView(model, reach=2.0)
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    scene = mujoco.MjvScene(model, 10)

    def follow(*target):
        everything = mujoco.mjtCatBit.mjCAT_ALL
        mujoco.mjv_updateScene(model, data, mujoco.MjvOption(), None, mujoco.MjvCamera(), everything, scene)
        drawn.follow(scene, np.array(target, dtype=float), None)
        return scene.geoms[0].pos.copy()

    return model, follow, sent


def test_the_samples_around_the_target_are_drawn_at_their_places(view):
    model, follow, sent = view
    middle = follow(6.2, -3.0, 0.0)
    # 2.5 m around x = 2.2, y = -3 in the field, whose first sample is at x = -15, y = -10: columns 14 to 20
    # (14.7 to 19.7 lie between them), rows 4 to 10 (4.5 to 9.5).
    assert (model.hfield_nrow[1], model.hfield_ncol[1]) == (7, 7)
    assert model.hfield_size[1, :2].tolist() == [3.0, 3.0]
    assert middle.tolist() == [
        6.0,
        -3.0,
        2.0,
    ]  # the middle of columns 14 and 20 is x = 2, and the field's is 4
    numbers = np.arange(4, 11)[:, None] * COLS + np.arange(14, 21)
    first = model.hfield_adr[1]
    shown = model.hfield_data[first : first + 49] * model.hfield_size[1, 2]
    np.testing.assert_allclose(shown, 0.01 * numbers.ravel(), atol=1e-5)
    assert sent == [1]


def test_a_field_is_sent_again_only_when_the_target_has_left_the_middle(view):
    model, follow, sent = view
    first = follow(6.2, -3.0, 0.0)
    assert follow(6.6, -3.4, 0.0).tolist() == first.tolist()
    assert sent == [1]
    assert follow(7.0, -3.0, 0.0)[0] == pytest.approx(first[0] + 0.5, abs=0.51)
    assert sent == [1, 1]


def test_beside_the_field_its_edge_is_drawn(view):
    model, follow, sent = view
    assert follow(4.0 + 100.0, -100.0, 0.0).tolist() == [4.0 + 14.5, -9.5, 2.0]
    assert (model.hfield_nrow[1], model.hfield_ncol[1]) == (2, 2)


def test_small_fields_are_left_alone():
    model = field_model()
    before = model.hfield_nrow.copy(), model.hfield_ncol.copy(), model.hfield_data.copy()
    TerrainView(model, reach=2.0)
    after = model.hfield_nrow, model.hfield_ncol, model.hfield_data
    assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))


def test_pictures_are_those_of_the_whole_field(monkeypatch):
    model = field_model("0.9 0.1 0.2 0.3", step=4.0)
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    # Its middle is at (4, 0, 2 + 3.3); it ends 60 m and 40 m from there, beyond what is drawn.
    camera = TrackingCamera(target=(8.0, 2.0, 6.0), elevation=-10.0)
    frames = []
    for most in (ROWS * COLS, 100):
        monkeypatch.setattr(terrain_view, "MOST_CELLS", most)
        try:
            with OffscreenRenderer(model, 48, 32) as renderer:
                frames.append(renderer.render(data, camera))
        except RenderingUnavailableError as error:
            pytest.skip(str(error))
    assert frames[0].std() > 20  # there is ground and sky
    assert np.abs(frames[0].astype(int) - frames[1]).mean() < 0.5
