"""Pictures of a running simulation: of its camera sensors, and of all environments for the viewer.

Environments are drawn one after the other with one model, into which each one's state, colours and differing
fields are written. OpenGL starts with the first picture.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Final

import mujoco
import numpy as np
import torch

from mjgym.cameras import FARTHEST, Camera, CameraImages
from mjgym.common_sizes import NO_ONES_BIT
from mjgym.compile import CompiledEnv
from mjgym.ground import ground_name
from mjgym.painter import Painter
from mjgym.scene import Env, Sim
from mjgym.structs.geometry import Transform
from mjgym.structs.params import PlaneParams
from mjgym.window import MOST_SHAPES, Window

if TYPE_CHECKING:
    from mjgym.simulation import Simulation

_STATE: Final = ("qpos", "mocap_pos", "mocap_quat")
_SHAPE_FIELDS: Final = (
    "body_pos", "body_quat", "geom_type", "geom_dataid", "geom_pos", "geom_quat", "geom_size",
    "geom_sameframe", "geom_rbound", "body_ipos", "body_iquat", "body_sameframe", "jnt_pos", "jnt_axis",
    "qpos0",
)  # fmt: skip
"""Model fields that decide where shapes are and how large: environments may differ in them."""

_SEEN_GROUPS: Final = (0, 1, 2)
"""Groups of shapes that MuJoCo draws by default."""
_VISUAL, _BOTH, _COLLISION, _UNSEEN = 0, 1, 3, 4
_GROUND_TILE: Final = 100.0  # m
_CAMERA_SAMPLES: Final = 4
_VIEWER_SAMPLES, _VIEWER_SHADOWS = 8, 4096
_MAX_VIEWER_GEOMS: Final = 10_000
_SPARE_GEOMS: Final = 1_000  # tendons, the sky


class Graphics:
    """Draws one simulation."""

    def __init__(self, sim: Sim, running: Simulation) -> None:
        self._sim = sim
        self._engine = running.engine
        self._running = running
        self._compiled = running.compiled
        self._model = copy.copy(running.engine.model)
        _bound_planes(self._model)  # OpenGL lays their tiles when it starts
        self._data = mujoco.MjData(self._model)
        self._groups = {id(v.compiled): _groups(v.compiled.model) for v in running.variants}
        self._painters: dict[str, Painter] = {}

    def camera_pose(self, env: Env, camera: Camera) -> Transform:
        """Return a camera's pose in its environment, as its body stands now."""
        if camera.body >= 0:
            self._pose([env], self._rows([env]), 0)
        return self._pose_of(camera)

    def render_cameras(self) -> None:
        """Draw the pictures of all camera sensors."""
        envs = [env for env in self._sim.envs if any(env.cameras)]
        if not envs:
            return
        rows = self._rows(envs)
        painter = self._painter("cameras", _CAMERA_SAMPLES, 0, self._model.ngeom + _SPARE_GEOMS)
        for index, env in enumerate(envs):
            self._pose(envs, rows, index)
            ids = segmentation_ids(self._model, self._compiled, env)
            for camera in filter(None, env.cameras):
                self._render(painter, camera, ids)

    def _render(self, painter: Painter, camera: Camera, ids: np.ndarray) -> None:
        painter.look(camera.props, self._pose_of(camera))
        painter.add(self._model, self._data, _options(camera.props.use_collision_geometry))
        painter.light(self._data, self._sim.lights)
        depth, geoms = painter.depth_and_geoms()
        images_of(camera, self._sim.device).write(painter.color(), depth, ids[geoms])
        camera.drawn = True

    def render_viewer(self, viewer: Camera) -> np.ndarray:
        """Draw what the viewer would show, uint8 (height, width, 3): the environments nearest to it.

        The scene is that of the first environment. Of the others only what can move is drawn, as far as the
        number of shapes allows.
        """
        most = max(_MAX_VIEWER_GEOMS, self._model.ngeom)
        painter = self._painter("viewer", _VIEWER_SAMPLES, _VIEWER_SHADOWS, most + _SPARE_GEOMS)
        envs = self._nearest(viewer.pose, most)
        rows = self._rows(envs)
        painter.look(viewer.props, viewer.pose)
        for index, env in enumerate(envs):
            self._pose(envs, rows, index)
            painter.add(self._model, self._data, _options(False), env.origin, still=index == 0)
        painter.light(self._data, self._sim.lights)
        return painter.color()

    def show(self, window: Window) -> None:
        """Show in a window the first environment, whose scene it is, and those nearest to the camera."""
        first = self._sim.envs[0]
        envs = [env for env in self._nearest(window.pose(), MOST_SHAPES) if env is not first]
        envs.append(first)
        rows = self._rows(envs)
        with window.picture(self._model, self._data, _options(False)) as add:
            for index, env in enumerate(envs):
                self._pose(envs, rows, index)
                if env is not first:
                    add(env.origin)

    def _nearest(self, view: Transform, most: int) -> list[Env]:
        """Return the environments nearest to a camera, so many that they hold at most so many shapes."""
        origins = np.array([env.origin for env in self._sim.envs])
        distances = np.linalg.norm(origins - view.p.as_tuple(), axis=1)
        nearest = np.argsort(distances, kind="stable")[: most // max(1, self._model.ngeom)]
        return [self._sim.envs[index] for index in nearest]

    def close(self) -> None:
        """Free the graphics memory."""
        for painter in self._painters.values():
            painter.close()
        self._painters.clear()

    def _painter(self, name: str, samples: int, shadow_size: int, max_geoms: int) -> Painter:
        if name not in self._painters:
            self._painters[name] = Painter(self._model, samples, shadow_size, max_geoms)
        return self._painters[name]

    def _rows(self, envs: list[Env]) -> dict[str, np.ndarray]:
        """Copy what decides how environments look: state, and model fields in which they differ."""
        tensors = {name: self._engine.state(name) for name in _STATE}
        own = self._engine.own_fields()
        tensors |= {name: own[name] for name in _SHAPE_FIELDS if name in own}
        ids = torch.tensor([env.index for env in envs], device=self._engine.device)
        return {name: tensor[ids].cpu().numpy() for name, tensor in tensors.items()}

    def _pose(self, envs: list[Env], rows: dict[str, np.ndarray], index: int) -> None:
        """Write one of the environments into the model and data that are drawn."""
        for name, values in rows.items():
            owner = self._data if name in _STATE else self._model
            getattr(owner, name)[:] = values[index].reshape(getattr(owner, name).shape)
        compiled = self._running.compiled_of(envs[index])
        self._model.geom_rgba[:], self._model.geom_matid[:] = (
            compiled.model.geom_rgba,
            compiled.model.geom_matid,
        )
        self._model.geom_group[:] = self._groups[id(compiled)]
        _bound_planes(self._model)
        paint(self._model, self._compiled, envs[index])
        mujoco.mj_fwdPosition(self._model, self._data)

    def _pose_of(self, camera: Camera) -> Transform:
        if camera.body < 0:
            return camera.pose
        body = self._compiled.bodies[camera.body]
        return camera.pose_at(self._data.xpos[body], self._data.xquat[body])


def graphics_of(sim: Sim, running: Simulation) -> Graphics:
    """Return what draws a running simulation; it is made when first asked for."""
    if sim.graphics is None:
        sim.graphics = Graphics(sim, running)
    return sim.graphics


def images_of(camera: Camera, device: str) -> CameraImages:
    """Return the memory of a camera's pictures; it is made when first asked for."""
    if camera.images is None:
        camera.images = CameraImages(camera.props.width, camera.props.height, device)
    return camera.images


def paint(model: mujoco.MjModel, compiled: CompiledEnv, env: Env) -> None:
    """Give the shapes of a model the colours that `set_rigid_body_color` gave an environment's bodies."""
    for actor, layout in zip(env.actors, compiled.actors, strict=True):
        for body, color in (actor.colors or {}).items():
            first, count = model.body_geomadr[layout.bodies[body]], model.body_geomnum[layout.bodies[body]]
            model.geom_rgba[first : first + count] = (*color, 1.0)
            model.geom_matid[first : first + count] = -1


def segmentation_ids(model: mujoco.MjModel, compiled: CompiledEnv, env: Env) -> np.ndarray:
    """Return the segmentation id of each shape, int32 (shapes + 1,); the last one is that of nothing: 0."""
    of_bodies = np.zeros(model.nbody, dtype=np.int32)
    for actor, layout in zip(env.actors, compiled.actors, strict=True):
        of_bodies[list(layout.bodies)] = actor.segmentation_id
        for body, value in (actor.segmentation_ids or {}).items():
            of_bodies[layout.bodies[body]] = value
    ids = np.append(of_bodies[model.geom_bodyid], np.int32(0))
    for index, ground in enumerate(env.sim.grounds):
        if isinstance(ground, PlaneParams):
            ids[model.geom(ground_name(index)).id] = ground.segmentation_id
    return ids


def _bound_planes(model: mujoco.MjModel) -> None:
    """Let endless planes reach as far as cameras see: few tiles are drawn some 20 times as fast."""
    endless = (model.geom_type == mujoco.mjtGeom.mjGEOM_PLANE) & (model.geom_size[:, 0] == 0.0)
    model.geom_size[endless] = FARTHEST, FARTHEST, _GROUND_TILE


def _groups(model: mujoco.MjModel) -> np.ndarray:
    """Sort shapes (shapes,) into drawn, drawn and touching others, touching alone, and neither."""
    seen = np.isin(model.geom_group, _SEEN_GROUPS)
    touches = ((model.geom_contype & ~NO_ONES_BIT) != 0) | (model.geom_conaffinity != 0)
    return np.where(seen, np.where(touches, _BOTH, _VISUAL), np.where(touches, _COLLISION, _UNSEEN))


def _options(collision_geometry: bool) -> mujoco.MjvOption:
    """Return MuJoCo's choice of what to draw: bodies as they look, or what they touch others with."""
    options = mujoco.MjvOption()
    shown = (_BOTH, _COLLISION) if collision_geometry else (_VISUAL, _BOTH)
    options.geomgroup[:] = [group in shown for group in range(len(options.geomgroup))]
    return options
