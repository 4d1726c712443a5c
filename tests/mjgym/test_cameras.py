"""Camera sensors, against pictures worked out by hand.

Facts about axes, signs, types and shapes are those of Isaac Gym's documentation of camera sensors.
"""

import math

import numpy as np
import pytest
import torch

from mjgym import gymapi, gymtorch
from mjgym.rendering import RenderingUnavailableError
from tests.mjgym.models import BOX
from tests.mjgym.scenes import ids, make_mixed, make_world, skip_without_opengl, transform, unwrap

COLOR, DEPTH = gymapi.IMAGE_COLOR, gymapi.IMAGE_DEPTH
SEGMENTATION, FLOW = gymapi.IMAGE_SEGMENTATION, gymapi.IMAGE_OPTICAL_FLOW
WIDTH, HEIGHT = 64, 48
RED, BLUE = (0.9, 0.0, 0.0), (0.0, 0.0, 0.9)
# A box of 0.2 m whose face is 0.5 m before a camera at x = 0. At 90 degrees a picture 64 pixels wide shows
# 64 pixels a metre there: the face covers 12.8 by 12.8 pixels in the middle, and the centres of 12 by 12.
BOX_AT = transform(x=0.6, z=1.0)
BOX_PIXELS = (slice(18, 30), slice(26, 38))


draws = pytest.mark.usefixtures("opengl")


@pytest.fixture(scope="module")
def opengl():
    skip_without_opengl()


def vec(x, y, z):
    return gymapi.Vec3(x, y, z)


def properties(**values):
    props = gymapi.CameraProperties()
    props.width, props.height = WIDTH, HEIGHT
    for name, value in values.items():
        setattr(props, name, value)
    return props


def add_camera(world, env=0, at=(0.0, 0.0, 1.0), target=(1.0, 0.0, 1.0), **values):
    camera = world.gym.create_camera_sensor(world.envs[env], properties(**values))
    world.gym.set_camera_location(camera, world.envs[env], vec(*at), vec(*target))
    return camera


def image(world, kind, env=0, camera=0):
    return world.gym.get_camera_image(world.sim, world.envs[env], camera, kind)


def rgb(world, env=0, camera=0):
    return image(world, COLOR, env, camera).reshape(HEIGHT, WIDTH, 4)[..., :3].astype(int)


def is_red(pixels):
    return (pixels[..., 0] > 2 * pixels[..., 1]) & (pixels[..., 0] > 2 * pixels[..., 2])


def is_blue(pixels):
    return is_red(pixels[..., ::-1])


def colored(*colors):
    """Return a setup that paints the boxes of the environments, one colour each."""

    def setup(gym, env, handle, asset):
        gym.set_rigid_body_color(env, handle, 0, gymapi.MESH_VISUAL, vec(*colors[env.index % len(colors)]))

    return setup


@pytest.fixture(scope="module")
def drawn(opengl, tmp_path_factory):
    """Two environments with a box each, red and blue, and the pictures of the first one's camera."""
    folder = tmp_path_factory.mktemp("cameras")
    world = make_world(folder, BOX, pose=BOX_AT, setup=colored(RED, BLUE), prepare=False)
    for env in (0, 1):
        add_camera(world, env)
        world.gym.set_rigid_body_segmentation_id(world.envs[env], 0, 0, 70_001 + env)
    world.prepare()
    world.gym.render_all_camera_sensors(world.sim)
    yield world
    world.gym.destroy_sim(world.sim)


def test_the_box_covers_the_pixels_it_should(drawn):
    expected = np.zeros((HEIGHT, WIDTH), dtype=np.uint32)
    expected[BOX_PIXELS] = 70_001
    seen = image(drawn, SEGMENTATION)
    assert seen.dtype == np.uint32
    np.testing.assert_array_equal(seen, expected)
    np.testing.assert_array_equal(is_red(rgb(drawn)), expected > 0)


def test_depth_is_negative_along_the_view_and_infinite_where_nothing_is(drawn):
    depth = image(drawn, DEPTH)
    assert (depth.dtype, depth.shape) == (np.float32, (HEIGHT, WIDTH))
    np.testing.assert_allclose(depth[BOX_PIXELS], -0.5, rtol=1e-4)
    depth[BOX_PIXELS] = -np.inf
    assert (depth == -np.inf).all()


def test_colour_is_four_bytes_a_pixel_side_by_side(drawn):
    color = image(drawn, COLOR)
    assert (color.dtype, color.shape) == (np.uint8, (HEIGHT, 4 * WIDTH))
    assert (color[:, 3::4] == 255).all()
    sky = rgb(drawn)[0, 0]
    assert sky.min() > 180 and sky[2] > sky[0]


def test_each_environment_is_drawn_alone_in_its_own_colours(drawn):
    assert not is_blue(rgb(drawn, 0)).any() and not is_red(rgb(drawn, 1)).any()
    assert is_blue(rgb(drawn, 1)).sum() == 12 * 12
    assert set(np.unique(image(drawn, SEGMENTATION, 1))) == {0, 70_002}


def test_a_picture_is_a_copy(drawn):
    first = image(drawn, DEPTH)
    first[:] = 7.0
    assert image(drawn, DEPTH)[24, 32] == pytest.approx(-0.5, rel=1e-4)


@draws
def test_the_ground_has_tiles_in_the_first_picture_already(tmp_path):
    world = make_world(tmp_path, BOX, ground=True, prepare=False)
    add_camera(world, at=(5.0, 5.0, 3.0), target=(5.0, 5.0, 0.0))  # 6 m wide: more than a tile
    world.prepare().gym.render_all_camera_sensors(world.sim)
    light = rgb(world).mean(axis=-1)
    edges = np.abs(np.diff(light, axis=1)) > 10
    assert 20 < edges.sum() < 200  # one or a few a row, of 48 rows


@draws
def test_the_ground_has_its_distance_and_id(tmp_path):
    world = make_world(tmp_path, BOX, num_envs=1, pose=transform(x=-5.0, z=1.0), ground=True, prepare=False)
    world.sim.grounds[0].segmentation_id = 3
    add_camera(world, target=(1.0, 0.0, 0.0))  # 1 m above the ground, looking down by 45 degrees
    add_camera(world, target=(0.0, 0.0, 0.0))  # straight down
    world.prepare()
    world.gym.render_all_camera_sensors(world.sim)
    # A row's ray goes down by 45 degrees + angle; its depth is the length along the view until it falls 1 m.
    slope = (np.arange(HEIGHT) + 0.5 - HEIGHT / 2) / (WIDTH / 2)
    down = math.sqrt(0.5) * (1.0 + slope)
    np.testing.assert_allclose(image(world, DEPTH)[:, 31], -1.0 / down, rtol=1e-4)
    np.testing.assert_allclose(image(world, DEPTH, camera=1), -1.0, rtol=1e-4)
    assert (image(world, SEGMENTATION) == 3).all()


@draws
def test_the_matrices_project_a_point_to_its_pixel(tmp_path):
    world = make_world(tmp_path, BOX, pose=transform(x=2.0, y=0.5, z=1.5), prepare=False)
    camera = add_camera(world, env=1, at=(-0.5, -0.7, 0.4), target=(2.0, 1.0, 2.0), horizontal_fov=60.0)
    gym, sim, env = world.prepare().gym, world.sim, world.envs[1]
    gym.render_all_camera_sensors(sim)
    origin = gym.get_env_origin(env)
    assert origin.x == 2.0  # so that global positions are not those in the environment
    point = np.array([2.0 + origin.x, 0.5, 1.5, 1.0])
    in_camera = point @ gym.get_camera_view_matrix(sim, env, camera)
    clip = in_camera @ gym.get_camera_proj_matrix(sim, env, camera)
    column = (clip[0] / clip[3] + 1.0) * WIDTH / 2 - 0.5
    row = (1.0 - clip[1] / clip[3]) * HEIGHT / 2 - 0.5
    rows, columns = np.nonzero(np.isfinite(image(world, DEPTH, 1)))
    assert (rows.mean(), columns.mean()) == pytest.approx((row, column), abs=0.5)
    assert abs(row - HEIGHT / 2) > 3 and abs(column - WIDTH / 2) > 3  # not the middle, which any matrix hits
    nearest = image(world, DEPTH, 1)[round(row), round(column)]
    assert in_camera[2] < nearest < in_camera[2] + 0.18  # the centre is at most half a diagonal behind


def test_matrices_worked_out_by_hand(tmp_path):
    world = make_world(tmp_path, BOX, prepare=False)
    gym, sim, env = world.gym, world.sim, world.envs[0]
    camera = add_camera(world)  # at z = 1, looking along x
    view, projection = (
        gym.get_camera_view_matrix(sim, env, camera),
        gym.get_camera_proj_matrix(sim, env, camera),
    )
    assert view.dtype == projection.dtype == np.float32
    # 3 m ahead, 1 m to the left (y) and 2 m up: right, up, back are -1, 2, -3.
    np.testing.assert_allclose(np.array([3.0, 1.0, 3.0, 1.0]) @ view, [-1.0, 2.0, -3.0, 1.0], atol=1e-6)
    assert (projection[0, 0], projection[1, 1], projection[2, 3]) == pytest.approx((1.0, 64 / 48, -1.0))
    for distance, depth in ((0.001, 1.0), (2.0e6, 0.0)):  # the near and the far plane
        clip = np.array([0.0, 0.0, -distance, 1.0], dtype=np.float64) @ projection
        assert clip[2] / clip[3] == pytest.approx(depth, abs=1e-6)


def test_location_and_transform_are_one_pose(tmp_path):
    world = make_world(tmp_path, BOX, prepare=False)
    gym, sim, env = world.gym, world.sim, world.envs[1]
    camera = add_camera(world, env=1, at=(1.0, 2.0, 3.0), target=(1.0, 5.0, 3.0))
    pose = gym.get_camera_transform(sim, env, camera)
    assert pose.p.as_tuple() == (1.0, 2.0, 3.0)
    assert pose.r.rotate(vec(1, 0, 0)).as_tuple() == pytest.approx((0, 1, 0), abs=1e-9)
    assert pose.r.rotate(vec(0, 0, 1)).as_tuple() == pytest.approx((0, 0, 1), abs=1e-9)
    given = transform(4.0, 5.0, 6.0, gymapi.Quat.from_euler_zyx(0.1, 0.2, 0.3))
    gym.set_camera_transform(camera, env, given)
    given.p.x = 0.0  # a script may reuse its transform
    pose = gym.get_camera_transform(sim, env, camera)
    assert pose.p.as_tuple() == (4.0, 5.0, 6.0)
    assert pose.r.as_tuple() == pytest.approx(given.r.as_tuple())


def test_up_in_the_picture_is_against_gravity(tmp_path):
    world = make_world(tmp_path, BOX, prepare=False)
    world.sim.params.gravity = vec(0.0, -9.8, 0.0)
    camera = add_camera(world)
    pose = world.gym.get_camera_transform(world.sim, world.envs[0], camera)
    assert pose.r.rotate(vec(0, 0, 1)).as_tuple() == pytest.approx((0, 1, 0), abs=1e-9)


@pytest.mark.parametrize(
    ("follow", "position", "forward"),
    [
        (gymapi.FOLLOW_TRANSFORM, (3.0, 0.0, 1.5), (0.0, 1.0, 0.0)),
        (gymapi.FOLLOW_POSITION, (2.0, 1.0, 1.5), (1.0, 0.0, 0.0)),
    ],
)
def test_a_camera_follows_its_body(tmp_path, follow, position, forward):
    world = make_world(tmp_path, BOX, num_envs=1, pose=transform(z=1.0), prepare=False, gravity=0.0)
    gym, sim, env = world.gym, world.sim, world.envs[0]
    camera = gym.create_camera_sensor(env, properties())
    body = gym.find_actor_rigid_body_handle(env, 0, "box")
    gym.attach_camera_to_body(camera, env, body, transform(y=-1.0, z=0.5), follow)
    roots = world.prepare().tensor("actor_root_state")
    # The body goes to (2, 2, 1), or (2, 1, 1) where the rotation matters, turned by 90 degrees about z.
    roots[0, :3] = torch.tensor([2.0, 0.0 if follow == gymapi.FOLLOW_TRANSFORM else 2.0, 1.0])
    roots[0, 3:7] = torch.tensor([0.0, 0.0, math.sqrt(0.5), math.sqrt(0.5)])
    gym.set_actor_root_state_tensor_indexed(sim, unwrap(roots), ids(0), 1)
    pose = gym.get_camera_transform(sim, env, camera)
    assert pose.p.as_tuple() == pytest.approx(position, abs=1e-6)
    assert pose.r.rotate(vec(1, 0, 0)).as_tuple() == pytest.approx(forward, abs=1e-6)


@draws
def test_the_picture_of_an_attached_camera_stays_while_body_and_camera_fall(tmp_path):
    world = make_world(tmp_path, BOX, num_envs=1, pose=BOX_AT, prepare=False)
    gym, sim, env = world.gym, world.sim, world.envs[0]
    falling = gym.create_camera_sensor(env, properties())
    gym.attach_camera_to_body(falling, env, 0, transform(x=-0.6), gymapi.FOLLOW_TRANSFORM)
    still = add_camera(world)
    world.prepare()
    gym.render_all_camera_sensors(sim)
    before = image(world, DEPTH, camera=falling)
    np.testing.assert_array_equal(before, image(world, DEPTH, camera=still))
    world.simulate(20)
    gym.render_all_camera_sensors(sim)
    np.testing.assert_allclose(image(world, DEPTH, camera=falling), before, rtol=1e-4)
    rows = np.nonzero(np.isfinite(image(world, DEPTH, camera=still)))[0]
    # After 0.2 s at 10 m/s^2 it is 0.2 m lower: its face ends 0.3 m below the camera, at 64 pixels a metre.
    assert rows.max() == pytest.approx(HEIGHT / 2 + 19.2, abs=1.0)


@draws
def test_tensors_are_memory_that_the_next_drawing_writes(tmp_path):
    world = make_world(tmp_path, BOX, num_envs=1, pose=BOX_AT, prepare=False)
    gym, sim, env = world.gym, world.sim, world.envs[0]
    camera = add_camera(world, enable_tensors=True)
    world.prepare()
    color, depth, segments = (
        gymtorch.wrap_tensor(gym.get_camera_image_gpu_tensor(sim, env, camera, kind))
        for kind in (COLOR, DEPTH, SEGMENTATION)
    )
    assert (color.shape, color.dtype) == ((HEIGHT, WIDTH, 4), torch.uint8)
    assert (depth.shape, depth.dtype) == ((HEIGHT, WIDTH), torch.float32)
    assert (segments.shape, segments.dtype) == ((HEIGHT, WIDTH), torch.int32)
    gym.render_all_camera_sensors(sim)
    gym.start_access_image_tensors(sim)
    assert depth[24, 32].item() == pytest.approx(-0.5, rel=1e-4)
    gym.end_access_image_tensors(sim)
    gym.set_camera_location(camera, env, vec(0.25, 0, 1), vec(1, 0, 1))
    world.simulate()
    assert depth[24, 32].item() == pytest.approx(-0.5, rel=1e-4)  # nothing is drawn but when it is asked for
    gym.render_all_camera_sensors(sim)
    assert depth[24, 32].item() == pytest.approx(-0.25, rel=1e-4)
    again = gymtorch.wrap_tensor(gym.get_camera_image_gpu_tensor(sim, env, camera, DEPTH))
    assert again.data_ptr() == depth.data_ptr()


@draws
def test_cameras_of_other_sizes_share_one_context(tmp_path, monkeypatch):
    from mjgym import painter

    made = []
    create = painter.create_gl_context
    monkeypatch.setattr(painter, "create_gl_context", lambda *size: made.append(size) or create(*size))
    world = make_world(tmp_path, BOX, pose=BOX_AT, prepare=False)
    add_camera(world, width=32, height=24)
    add_camera(world, width=200, height=100)
    add_camera(world, env=1)
    world.prepare()
    for _ in range(2):
        world.gym.render_all_camera_sensors(world.sim)
    assert len(made) == 1
    # The box is 2 * 0.1 / 0.5 of half the width wide, and square.
    assert np.isfinite(image(world, DEPTH)).sum() == 6 * 6
    assert np.isfinite(image(world, DEPTH, camera=1)).sum() == 40 * 40
    assert np.isfinite(image(world, DEPTH, env=1)).sum() == 12 * 12


def test_nothing_starts_opengl_before_a_picture_is_asked_for(tmp_path, monkeypatch):
    def refuse(*size):
        raise RenderingUnavailableError("no graphics here")

    monkeypatch.setattr("mjgym.painter.create_gl_context", refuse)
    world = make_world(tmp_path, BOX, prepare=False)
    world.gym.create_viewer(world.sim, properties())
    world.prepare()
    world.gym.render_all_camera_sensors(world.sim)  # there is no camera
    camera = add_camera(world)
    world.gym.attach_camera_to_body(camera, world.envs[0], 0, transform(), gymapi.FOLLOW_POSITION)
    world.gym.get_camera_transform(world.sim, world.envs[0], camera)
    world.gym.get_camera_image_gpu_tensor(world.sim, world.envs[0], camera, COLOR)
    world.simulate()
    with pytest.raises(RenderingUnavailableError, match="no graphics here"):
        world.gym.render_all_camera_sensors(world.sim)
    world.gym.destroy_sim(world.sim)


@draws
def test_environments_may_differ_in_their_shapes(tmp_path):
    world = make_world(tmp_path, BOX, pose=BOX_AT, prepare=False)
    for env in (0, 1):
        add_camera(world, env)
    world.prepare()
    world.sim.running.engine.model_field("geom_size")[1] = 0.05
    world.gym.render_all_camera_sensors(world.sim)
    # 64 pixels a metre at 0.5 m, 32 / 0.55 at 0.55 m: faces of 12.8 and 5.8 pixels.
    assert [np.isfinite(image(world, DEPTH, env)).sum() for env in (0, 1)] == [12 * 12, 6 * 6]


@draws
def test_environments_may_hold_different_assets(tmp_path):
    small = BOX.replace("0.1 0.1 0.1", "0.05 0.05 0.05")
    ball = '<mujoco><worldbody><body name="ball"><freejoint/><geom size="0.1"/></body></worldbody></mujoco>'
    world = make_mixed(tmp_path, [BOX, small, ball], 3, pose=BOX_AT)
    for env in range(3):
        add_camera(world, env)
    world.prepare()
    world.gym.render_all_camera_sensors(world.sim)
    seen = [np.isfinite(image(world, DEPTH, env)) for env in range(3)]
    assert [int(pixels.sum()) for pixels in seen[:2]] == [12 * 12, 6 * 6]
    # The ball's outline: a cone of half angle asin(0.1 / 0.6) around the axis, 5.4 pixels from the middle.
    assert abs(int(seen[2].sum()) - math.pi * 5.41**2) < 8
    assert not seen[2][18:20, 26:28].any()


TWO_LOOKS = """<mujoco model="looks"><worldbody><body name="box"><freejoint/>
  <geom type="box" size="0.1 0.1 0.1" mass="1" group="3"/>
  <geom type="box" size="0.05 0.05 0.05" pos="-0.05 0 0" contype="0" conaffinity="0" group="1"/>
  </body></worldbody></mujoco>"""


@draws
def test_what_collides_is_drawn_where_it_is_asked_for(tmp_path):
    world = make_world(tmp_path, TWO_LOOKS, num_envs=1, pose=BOX_AT, prepare=False)
    add_camera(world)
    add_camera(world, use_collision_geometry=True)
    world.prepare()
    world.gym.render_all_camera_sensors(world.sim)
    # Both faces are at 0.5 m; the visual box is half as wide: 6.4 pixels, 6 centres.
    assert np.isfinite(image(world, DEPTH)).sum() == 6 * 6
    assert np.isfinite(image(world, DEPTH, camera=1)).sum() == 12 * 12


@draws
def test_lights(tmp_path):
    world = make_world(tmp_path, BOX, num_envs=1, pose=BOX_AT, setup=colored((0.5, 0.5, 0.5)), prepare=False)
    gym, sim = world.gym, world.sim
    add_camera(world)
    world.prepare()

    def face():
        gym.render_all_camera_sensors(sim)
        return rgb(world)[24, 32].tolist()

    gym.set_light_parameters(sim, 0, vec(0, 0, 0), vec(0.4, 0, 0), vec(0, 0, 1))
    assert face() == pytest.approx([0.4 * 0.5 * 255, 0, 0], abs=1.0)
    gym.set_light_parameters(sim, 2, vec(0, 0.8, 0), vec(0, 0, 0), vec(1, 0, 0))  # behind the face
    assert face() == pytest.approx([0.4 * 0.5 * 255, 0, 0], abs=1.0)
    gym.set_light_parameters(sim, 2, vec(0, 0.8, 0), vec(0, 0, 0), vec(-5, 0, 5))  # before it, at 45 degrees
    assert face()[1] == pytest.approx(0.8 * math.sqrt(0.5) * 0.5 * 255, abs=2.0)
    with pytest.raises(IndexError, match="light 4 does not exist; there are 4"):
        gym.set_light_parameters(sim, 4, vec(1, 1, 1), vec(0, 0, 0), vec(0, 0, 1))
    with pytest.raises(ValueError, match="must point to the light"):
        gym.set_light_parameters(sim, 0, vec(1, 1, 1), vec(0, 0, 0), vec(0, 0, 0))


def test_segmentation_ids_and_colours_can_be_asked(tmp_path):
    world = make_world(tmp_path, BOX, prepare=False)
    gym, env = world.gym, world.envs[0]
    handle = gym.create_actor(env, world.assets[0], transform(), "second", 0, 0, 5)
    assert gym.get_rigid_body_segmentation_id(env, handle, 0) == 5
    gym.set_rigid_body_segmentation_id(env, handle, 0, 6)
    assert gym.get_rigid_body_segmentation_id(env, handle, 0) == 6
    assert gym.get_rigid_body_segmentation_id(env, 0, 0) == 0
    with pytest.raises(ValueError, match="segmentation id -1 must be 0 to 2147483647"):
        gym.set_rigid_body_segmentation_id(env, handle, 0, -1)
    with pytest.raises(ValueError, match="create_actor: segmentation id -2"):
        gym.create_actor(env, world.assets[0], transform(), "third", 0, 0, -2)
    assert gym.get_rigid_body_color(env, 0, 0, gymapi.MESH_VISUAL).as_tuple() == (0.5, 0.5, 0.5)  # MuJoCo's
    gym.set_rigid_body_color(env, 0, 0, gymapi.MESH_VISUAL, vec(*RED))
    assert gym.get_rigid_body_color(env, 0, 0, gymapi.MESH_VISUAL).as_tuple() == RED


def test_files(drawn, tmp_path):
    pillow = pytest.importorskip("PIL.Image")
    gym, sim, env = drawn.gym, drawn.sim, drawn.envs[0]
    for kind in (COLOR, DEPTH, SEGMENTATION):
        gym.write_camera_image_to_file(sim, env, 0, kind, str(tmp_path / f"{kind}.png"))
    color, depth, segments = (np.array(pillow.open(tmp_path / f"{kind}.png")) for kind in (0, 1, 2))
    np.testing.assert_array_equal(color.reshape(HEIGHT, -1), image(drawn, COLOR))
    assert (depth[24, 32], depth[0, 0]) == (500, 0)  # millimetres
    assert segments[24, 32] == 65_535  # 70 001 does not fit into 16 bits
    with pytest.raises(ValueError, match=r"'box\.jpg': the format is PNG"):
        gym.write_camera_image_to_file(sim, env, 0, COLOR, "box.jpg")
    with pytest.raises(NotImplementedError, match="IMAGE_OPTICAL_FLOW is not drawn"):
        gym.write_camera_image_to_file(sim, env, 0, FLOW, str(tmp_path / "flow.png"))


def test_wrong_calls_say_what_is_wrong(tmp_path):
    world = make_world(tmp_path, BOX, prepare=False)
    gym, sim, env = world.gym, world.sim, world.envs[0]
    for values, message in (
        ({"width": 0}, "0 x 48 pixels: both must be at least 1"),
        ({"horizontal_fov": 180.0}, "horizontal_fov = 180.0: must be between 0 and 180 degrees"),
        ({"near_plane": 2.0, "far_plane": 1.0}, "near_plane = 2.0, far_plane = 1.0: the near one"),
    ):
        with pytest.raises(ValueError, match=message):
            gym.create_camera_sensor(env, properties(**values))
    camera = add_camera(world)
    with pytest.raises(RuntimeError, match="call prepare_sim"):
        gym.render_all_camera_sensors(sim)
    with pytest.raises(RuntimeError, match="call render_all_camera_sensors first"):
        gym.get_camera_image(sim, env, camera, COLOR)
    with pytest.raises(NotImplementedError, match="IMAGE_OPTICAL_FLOW is not drawn"):
        gym.get_camera_image_gpu_tensor(sim, env, camera, FLOW)
    with pytest.raises(ValueError, match="cannot look at the point where it is itself"):
        gym.set_camera_location(camera, env, vec(1, 2, 3), vec(1, 2, 3))
    with pytest.raises(IndexError, match="attach_camera_to_body: body 1 does not exist; there are 1"):
        gym.attach_camera_to_body(camera, env, 1, transform(), gymapi.FOLLOW_TRANSFORM)
    with pytest.raises(TypeError, match="env must be what create_env returned, not int"):
        gym.create_camera_sensor(0, properties())
    second = add_camera(world)
    gym.destroy_camera_sensor(sim, env, camera)
    with pytest.raises(IndexError, match=f"camera {camera} was destroyed"):
        gym.get_camera_transform(sim, env, camera)
    assert gym.get_camera_transform(sim, env, second).p.z == 1.0  # handles of others stay
    with pytest.raises(IndexError, match="camera 7 does not exist"):
        gym.get_camera_proj_matrix(sim, env, 7)


@draws
def test_the_viewers_picture_shows_all_environments(tmp_path):
    pillow = pytest.importorskip("PIL.Image")
    setup = colored(RED, BLUE)
    world = make_world(tmp_path, BOX, pose=transform(z=0.5), setup=setup, ground=True, prepare=False)
    gym, sim, file = world.gym, world.sim, tmp_path / "viewer.png"
    gym.create_viewer(sim, properties(width=96, height=64))
    world.prepare()
    # From behind the middle between the environments at x = 0 and 2: red is left, blue right.
    gym.viewer_camera_look_at(None, None, vec(1, -2, 0.5), vec(1, 0, 0.5))
    gym.write_viewer_image_to_file(None, str(file))
    pixels = np.array(pillow.open(file)).astype(int)
    assert pixels.shape == (64, 96, 3)
    assert is_red(pixels[:, :48]).any() and not is_red(pixels[:, 48:]).any()
    assert is_blue(pixels[:, 48:]).any() and not is_blue(pixels[:, :48]).any()
    with pytest.raises(ValueError, match="the format is PNG"):
        gym.write_viewer_image_to_file(None, "viewer.bmp")


def test_the_viewers_camera(tmp_path):
    world = make_world(tmp_path, BOX)
    gym, env = world.gym, world.envs[1]
    assert gym.get_viewer_camera_transform(None, env).p.as_tuple() == (0.0, 0.0, 0.0)
    with pytest.raises(RuntimeError, match="call create_viewer"):
        gym.write_viewer_image_to_file(None, "viewer.png")
    assert gym.create_viewer(world.sim, properties()) is None
    gym.viewer_camera_look_at(None, env, vec(1, 2, 3), vec(1, 9, 3))
    assert gym.get_viewer_camera_transform(None, env).p.as_tuple() == (1.0, 2.0, 3.0)
    pose = gym.get_viewer_camera_transform(None, None)
    assert pose.p.as_tuple() == (3.0, 2.0, 3.0)  # its environment's origin is at x = 2
    assert pose.r.rotate(vec(1, 0, 0)).as_tuple() == pytest.approx((0, 1, 0), abs=1e-9)
