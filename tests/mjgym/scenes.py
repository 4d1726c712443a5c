"""Building small simulations in tests."""

from dataclasses import dataclass, field

import pytest
import torch

from mjgym import gymapi, gymtorch
from mjgym.descriptor import Tensor
from mjgym.rendering import RenderingUnavailableError, create_gl_context


def transform(x=0.0, y=0.0, z=0.0, r=None):
    return gymapi.Transform(gymapi.Vec3(x, y, z), r or gymapi.Quat())


def sim_params(dt=0.01, substeps=2, gravity=-10.0, threads=1):
    params = gymapi.SimParams()
    params.dt, params.substeps, params.gravity = dt, substeps, gymapi.Vec3(0.0, 0.0, gravity)
    params.physx.num_threads = threads
    return params


def options(**values):
    chosen = gymapi.AssetOptions()
    chosen.angular_damping = 0.0
    for name, value in values.items():
        setattr(chosen, name, value)
    return chosen


def write(folder, text, name="model.xml"):
    (folder / name).write_text(text)
    return str(folder), name


def skip_without_opengl():
    try:
        create_gl_context(8, 8).free()
    except RenderingUnavailableError as error:
        pytest.skip(str(error))


def unwrap(tensor):
    return gymtorch.unwrap_tensor(tensor)


def ids(*numbers):
    return unwrap(torch.tensor(numbers, dtype=torch.int32))


@dataclass
class World:
    """A simulation of equal environments and its usual tensors."""

    gym: gymapi.Gym
    sim: gymapi.Sim
    envs: list = field(default_factory=list)
    assets: list = field(default_factory=list)

    def prepare(self):
        self.gym.prepare_sim(self.sim)
        return self

    def tensor(self, kind) -> torch.Tensor:
        descriptor: Tensor = getattr(self.gym, f"acquire_{kind}_tensor")(self.sim)
        return gymtorch.wrap_tensor(descriptor)

    def refresh(self, *kinds):
        for kind in kinds:
            getattr(self.gym, f"refresh_{kind}_tensor")(self.sim)

    def simulate(self, steps=1):
        for _ in range(steps):
            self.gym.simulate(self.sim)
            self.gym.fetch_results(self.sim, True)

    def state(self, name):
        return self.sim.running.engine.state(name)


def make_world(
    folder, xml, num_envs=2, pose=None, asset_options=None, ground=False, prepare=True, setup=None, **kw
):
    """Build environments of one actor each from MJCF text; ``setup(gym, env, handle, asset)`` edits each."""
    actor_filter, on_asset, name = kw.pop("filter", 0), kw.pop("on_asset", None), kw.pop("name", "model.xml")
    world = World(gym := gymapi.acquire_gym(), gym.create_sim(0, -1, gymapi.SIM_PHYSX, sim_params(**kw)))
    if ground:
        plane = gymapi.PlaneParams()
        plane.normal = gymapi.Vec3(0.0, 0.0, 1.0)
        gym.add_ground(world.sim, plane)
    asset = gym.load_asset(world.sim, *write(folder, xml, name), asset_options or options())
    world.assets.append(asset)
    if on_asset is not None:
        on_asset(gym, asset)
    for index in range(num_envs):
        env = gym.create_env(world.sim, gymapi.Vec3(-1, -1, 0), gymapi.Vec3(1, 1, 2), 2)
        handle = gym.create_actor(env, asset, pose or transform(z=1.0), "actor", index, actor_filter, 0)
        if setup is not None:
            setup(gym, env, handle, asset)
        world.envs.append(env)
    return world.prepare() if prepare else world


def make_mixed(folder, texts, num_envs, pose=None, **kw):
    """Environment i holds one actor of ``texts[i % len(texts)]``; not prepared yet."""
    world = make_world(folder, texts[0], num_envs=0, prepare=False, **kw)
    for number, text in enumerate(texts[1:]):
        file = write(folder, text, f"other{number}.xml")
        world.assets.append(world.gym.load_asset(world.sim, *file, kw.get("asset_options") or options()))
    for index in range(num_envs):
        env = world.gym.create_env(world.sim, gymapi.Vec3(-1, -1, 0), gymapi.Vec3(1, 1, 2), 2)
        asset = world.assets[index % len(texts)]
        world.gym.create_actor(env, asset, pose or transform(z=0.5), "actor", index, 0, 0)
        world.envs.append(env)
    return world


def with_dofs(**values):
    """Return a setup that writes DOF properties."""

    def setup(gym, env, handle, asset):
        props = gym.get_actor_dof_properties(env, handle)
        for name, value in values.items():
            props[name][:] = value
        gym.set_actor_dof_properties(env, handle, props)

    return setup
