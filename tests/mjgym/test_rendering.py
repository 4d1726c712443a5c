import mujoco
import numpy as np
import pytest

from mjgym.rendering import (
    OffscreenRenderer,
    RenderingUnavailableError,
    TrackingCamera,
    choose_gl_backend,
    render_frame,
)

SCENE = """
<mujoco>
  <worldbody>
    <light type="directional" pos="0 0 6" dir="0.3 0.2 -1"/>
    <geom type="plane" size="0 0 1" rgba="0.7 0.7 0.7 1"/>
    <body name="ball" pos="0 0 1"><freejoint/><geom size="0.3" rgba="1 0 0 1"/></body>
  </worldbody>
</mujoco>
"""


@pytest.fixture(scope="module")
def scene():
    model = mujoco.MjModel.from_xml_string(SCENE)
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    return model, data


@pytest.fixture
def renderer(scene):
    try:
        made = OffscreenRenderer(scene[0], 96, 64)
    except RenderingUnavailableError as error:
        pytest.skip(str(error))
    yield made
    made.close()


def has_red(pixel):
    return int(pixel[0]) > 2 * int(pixel[1])


def test_the_ball_is_in_the_middle_under_a_light_sky(renderer, scene):
    frame = renderer.render(scene[1], TrackingCamera(body=1, elevation=-5.0))
    assert (frame.shape, frame.dtype) == ((64, 96, 3), np.uint8)
    assert has_red(frame[32, 48])
    sky = frame[0, 5].astype(int)
    assert sky.min() > 180 and sky[2] >= sky[0]


def test_the_camera_follows_the_body(renderer, scene):
    model, data = scene
    moved = mujoco.MjData(model)
    moved.qpos[:2] = 30.0, -20.0
    mujoco.mj_forward(model, moved)
    assert has_red(renderer.render(moved, TrackingCamera(body=1))[32, 48])
    assert not has_red(renderer.render(moved, TrackingCamera(target=(0.0, 0.0, 1.0)))[32, 48])
    shadow, lit = (
        renderer.render(moved, TrackingCamera(body=1)),
        renderer.render(data, TrackingCamera(body=1)),
    )
    assert np.abs(shadow.astype(int) - lit.astype(int)).mean() < 6  # light and shadow come along


def test_the_model_is_left_alone(renderer, scene):
    assert scene[0].vis.global_.offwidth == 640
    assert scene[0].stat.extent != 1.0


def test_sizes_beyond_the_models_buffer(renderer, scene):
    assert render_frame(*scene, width=800, height=500).shape == (500, 800, 3)


def test_closed_renderer_says_so(renderer, scene):
    renderer.close()
    renderer.close()
    with pytest.raises(RuntimeError, match="closed"):
        renderer.render(scene[1])


def test_picture_without_pixels_is_refused(scene):
    with pytest.raises(ValueError, match="0 x 64 pixels"):
        OffscreenRenderer(scene[0], 0, 64)


@pytest.mark.skipif("sys.platform != 'linux'")
def test_choice_of_backend():
    def only(name):
        return lambda library: "found" if library == name else None

    assert choose_gl_backend({"MUJOCO_GL": "OSMesa"}, only("EGL")) == "osmesa"
    assert choose_gl_backend({"DISPLAY": ":0"}, only("EGL")) == "glfw"
    assert choose_gl_backend({}, only("EGL")) == "egl"
    assert choose_gl_backend({}, only("OSMesa")) == "osmesa"
    with pytest.raises(RenderingUnavailableError, match="MUJOCO_GL to egl or osmesa.*libegl1, or libosmesa6"):
        choose_gl_backend({}, only("nothing"))
    with pytest.raises(RenderingUnavailableError, match="MUJOCO_GL='disabled'"):
        choose_gl_backend({"MUJOCO_GL": "disabled"}, only("EGL"))
