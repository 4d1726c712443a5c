"""A stand-in for MuJoCo's viewer, and a clock that moves when it is told to."""

import contextlib

import mujoco


class Viewer:
    """As the handle that `mujoco.viewer.launch_passive` returns."""

    def __init__(self, model, data, on_key):
        self.model, self.data, self.press = model, data, on_key
        self.cam, self.opt = mujoco.MjvCamera(), mujoco.MjvOption()
        self.user_scn = mujoco.MjvScene(model, 100)
        self.pictures, self.running = [], True

    def lock(self):
        return contextlib.nullcontext()

    def sync(self):
        self.pictures.append(self.data.geom_xpos.copy())

    def is_running(self):
        return self.running

    def close(self):
        self.running = False

    def shapes(self, kind=mujoco.mjtGeom.mjGEOM_BOX):
        return [geom for geom in self.user_scn.geoms[: self.user_scn.ngeom] if geom.type == kind]


class Clock:
    """The clock on the wall, which moves when it is told to, or when somebody sleeps."""

    def __init__(self):
        self.now, self.slept = 100.0, []

    def perf_counter(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds
