"""Calls for camera sensors, their pictures, and the lights. Each camera sees its own environment alone."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from mjgym.cameras import Camera, check_camera_properties, look_at, projection_matrix, view_matrix
from mjgym.descriptor import Tensor
from mjgym.graphics import graphics_of, images_of
from mjgym.gym.checks import item_of, running
from mjgym.painter import Light
from mjgym.partly import partly
from mjgym.png import write_png
from mjgym.scene import Env, Sim
from mjgym.structs import CameraFollowMode, CameraProperties, ImageType, Transform, Vec3

NUM_LIGHTS: Final = 4
_NO_FLOW: Final = "IMAGE_OPTICAL_FLOW is not drawn"
_MILLIMETRES: Final = 1000.0
_LARGEST_GREY: Final = int(np.iinfo(np.uint16).max)
_ENV_ALONE: Final = f"its own environment alone is drawn, without shadows; {_NO_FLOW}"


class CameraCalls:
    """Camera sensors and lights."""

    def create_camera_sensor(self, env: Env, props: CameraProperties) -> int:
        """Add a camera to an environment, at its origin and along its x axis, and return its handle.

        Raises:
            ValueError: if a size is not positive, or the field of view or the clipping planes are senseless.
        """
        _check_env(env, "create_camera_sensor")
        env.cameras.append(Camera(check_camera_properties(props)))
        return len(env.cameras) - 1

    def destroy_camera_sensor(self, sim: Sim, env: Env, camera_handle: int) -> None:
        """Remove a camera; the handles of the others stay."""
        camera_of(env, camera_handle, "destroy_camera_sensor")
        env.cameras[camera_handle] = None

    def set_camera_location(self, camera_handle: int, env: Env, pos: Vec3, target: Vec3) -> None:
        """Put a camera at a point of its environment [m] and have it look at another; gravity is down.

        Raises:
            ValueError: if the two are the same point.
        """
        camera = camera_of(env, camera_handle, "set_camera_location")
        camera.place(look_at(pos, target, up_direction(env.sim)))

    def set_camera_transform(self, camera_handle: int, env: Env, transform: Transform) -> None:
        """Put a camera at a pose in its environment: it looks along the x axis, with z up in the picture."""
        camera_of(env, camera_handle, "set_camera_transform").place(transform)

    def attach_camera_to_body(
        self, camera_handle: int, env: Env, body_handle: int, transform: Transform, mode: CameraFollowMode
    ) -> None:
        """Let a camera follow a body.

        Args:
            camera_handle: the camera.
            env: its environment.
            body_handle: number of the body among the environment's.
            transform: pose relative to the body (FOLLOW_TRANSFORM), or the offset from it and the rotation in
                the environment (FOLLOW_POSITION).
            mode: what it follows.
        """
        call = "attach_camera_to_body"
        camera = camera_of(env, camera_handle, call)
        bodies = [name for actor in env.actors for name in actor.asset.body_names]
        camera.place(transform, item_of(bodies, body_handle, "body", call), mode)

    def get_camera_transform(self, sim: Sim, env: Env, camera_handle: int) -> Transform:
        """Return a camera's pose in its environment."""
        camera = camera_of(env, camera_handle, "get_camera_transform")
        if camera.body < 0:
            return Transform() * camera.pose
        return graphics_of(sim, running(sim, "get_camera_transform")).camera_pose(env, camera)

    def get_camera_view_matrix(self, sim: Sim, env: Env, camera_handle: int) -> np.ndarray:
        """Return (4, 4) float32 that takes rows [x, y, z, 1] of global positions to the camera's axes.

        These are right, up and back in the picture. Global positions are those in the environment plus
        ``get_env_origin``.
        """
        pose = self.get_camera_transform(sim, env, camera_handle)
        pose.p = pose.p + Vec3(*env.origin)
        return view_matrix(pose)

    def get_camera_proj_matrix(self, sim: Sim, env: Env, camera_handle: int) -> np.ndarray:
        """Return (4, 4) float32 that takes rows in the camera's axes to x (right) and y (up) in [-1, 1].

        After division by the fourth number, which is the distance along the view [m].
        """
        return projection_matrix(camera_of(env, camera_handle, "get_camera_proj_matrix").props)

    @partly(f"draws the state as it is now, also without `step_graphics`; {_ENV_ALONE}")
    def render_all_camera_sensors(self, sim: Sim) -> None:
        """Draw the pictures of all cameras.

        Raises:
            RenderingUnavailableError: if there is a camera, but no OpenGL back-end.
        """
        if any(any(env.cameras) for env in sim.envs):
            graphics_of(sim, running(sim, "render_all_camera_sensors")).render_cameras()

    @partly(_NO_FLOW)
    def get_camera_image(self, sim: Sim, env: Env, camera_handle: int, image_type: ImageType) -> np.ndarray:
        """Return a copy of a picture as it was last drawn, the top row first.

        Returns:
            IMAGE_COLOR: red, green, blue and alpha side by side, uint8 (height, 4 * width). IMAGE_DEPTH:
            the distance along the view as a negative number [m], float32 (height, width), -inf where nothing
            is. IMAGE_SEGMENTATION: ids, uint32 (height, width).

        Raises:
            RuntimeError: if it was not drawn yet.
        """
        camera = camera_of(env, camera_handle, "get_camera_image")
        kind = _image_type(image_type, "get_camera_image")
        if not camera.drawn or camera.images is None:
            raise RuntimeError("get_camera_image: nothing is drawn yet; call render_all_camera_sensors first")
        image = camera.images.host[kind].numpy().copy()
        if kind == ImageType.IMAGE_COLOR:
            return image.reshape(camera.props.height, 4 * camera.props.width)
        return image.view(np.uint32) if kind == ImageType.IMAGE_SEGMENTATION else image

    @partly(f"lies where the simulation's tensors lie, so it may be on the CPU; {_NO_FLOW}")
    def get_camera_image_gpu_tensor(
        self, sim: Sim, env: Env, camera_handle: int, image_type: ImageType
    ) -> Tensor:
        """Return the memory of a picture, into which every ``render_all_camera_sensors`` writes.

        Returns:
            IMAGE_COLOR: uint8 (height, width, 4). IMAGE_DEPTH: float32 (height, width). IMAGE_SEGMENTATION:
            int32 (height, width).
        """
        camera = camera_of(env, camera_handle, "get_camera_image_gpu_tensor")
        kind = _image_type(image_type, "get_camera_image_gpu_tensor")
        return Tensor(images_of(camera, sim.device).shown[kind])

    def start_access_image_tensors(self, sim: Sim) -> None:
        """Do nothing: the tensors are right as soon as ``render_all_camera_sensors`` returns."""
        running(sim, "start_access_image_tensors")

    def end_access_image_tensors(self, sim: Sim) -> None:
        """Do nothing: tensors may be read until the next ``render_all_camera_sensors``."""
        running(sim, "end_access_image_tensors")

    @partly(f"PNG alone; {_NO_FLOW}")
    def write_camera_image_to_file(
        self, sim: Sim, env: Env, camera_handle: int, image_type: ImageType, filename: str | Path
    ) -> None:
        """Write a picture as it was last drawn to a PNG file.

        Depth becomes 16 bits of grey, one a millimetre and 0 where nothing is; segmentation one a number.

        Raises:
            ValueError: if the file's name does not end in .png.
        """
        image = self.get_camera_image(sim, env, camera_handle, image_type)
        if image_type == ImageType.IMAGE_COLOR:
            image = image.reshape(*image.shape[:1], -1, 4)
        elif image_type == ImageType.IMAGE_DEPTH:
            image = np.where(np.isinf(image), 0.0, -_MILLIMETRES * image).clip(0, _LARGEST_GREY)
            image = image.round().astype(np.uint16)
        else:
            image = image.clip(0, _LARGEST_GREY).astype(np.uint16)
        write_png(filename, image)

    @partly("light 0 replaces the usual lights, the others add to them; not in the window")
    def set_light_parameters(
        self, sim: Sim, index: int, intensity: Vec3, ambient: Vec3, direction: Vec3
    ) -> None:
        """Set one of four lights far away.

        Args:
            sim: the simulation.
            index: 0 to 3.
            intensity: red, green and blue of its light.
            ambient: red, green and blue of the light that it adds everywhere.
            direction: where it is, seen from the scene.

        Raises:
            IndexError: if there is no such light.
            ValueError: if the direction is the zero vector.
        """
        item_of(list(range(NUM_LIGHTS)), index, "light", "set_light_parameters")
        if direction.length_sq() == 0.0:
            raise ValueError("set_light_parameters: direction is (0, 0, 0); it must point to the light")
        sim.lights[index] = Light(intensity.as_tuple(), ambient.as_tuple(), direction.as_tuple())


def camera_of(env: Env, handle: int, call: str) -> Camera:
    """Return an environment's camera by its handle.

    Raises:
        TypeError: if the environment's handle is none.
        IndexError: if there is no such camera, or it was destroyed.
    """
    _check_env(env, call)
    camera = env.cameras[item_of(env.cameras, handle, "camera", call)]
    if camera is None:
        raise IndexError(f"{call}: camera {handle} was destroyed by destroy_camera_sensor")
    return camera


def up_direction(sim: Sim) -> Vec3:
    """Return the direction against gravity, or z where there is no gravity."""
    up = -sim.params.gravity.normalize()
    return up if up.length_sq() > 0.0 else Vec3(0.0, 0.0, 1.0)


def _check_env(env: Env, call: str) -> None:
    if not isinstance(env, Env):
        raise TypeError(f"{call}: env must be what create_env returned, not {type(env).__name__}")


def _image_type(value: int, call: str) -> ImageType:
    kind = ImageType(value)
    if kind == ImageType.IMAGE_OPTICAL_FLOW:
        raise NotImplementedError(f"{call}: {_NO_FLOW} (docs/mjgym.md)")
    return kind
