"""Checks of what scripts pass in: every refusal names the value, the rule and the call."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import torch

from mjgym.assets.asset import Asset
from mjgym.descriptor import Tensor
from mjgym.scene import Actor, Env, Sim
from mjgym.simulation import Simulation

_LARGEST_SEGMENTATION_ID: Final = 2**31 - 1


def sim_of(sim: Sim, call: str) -> Sim:
    """Return a simulation's handle.

    Raises:
        TypeError: if it is none.
    """
    if not isinstance(sim, Sim):
        raise TypeError(f"{call}: sim must be what create_sim returned, not {type(sim).__name__}")
    return sim


def env_of(env: Env, call: str) -> Env:
    """Return an environment's handle.

    Raises:
        TypeError: if it is none.
    """
    if not isinstance(env, Env):
        raise TypeError(f"{call}: env must be what create_env returned, not {type(env).__name__}")
    return env


def running(sim: Sim, call: str) -> Simulation:
    """Return what runs behind a simulation's handle.

    Raises:
        TypeError: if the handle is none.
        RuntimeError: if the simulation is not prepared yet, or destroyed.
    """
    sim_of(sim, call)
    if sim.destroyed:
        raise RuntimeError(f"{call}: the simulation was destroyed by destroy_sim")
    if sim.running is None:
        raise RuntimeError(f"{call}: call prepare_sim(sim) first")
    return sim.running


def prepare(sim: Sim, call: str) -> None:
    """Compile the environments and start the engine.

    Raises:
        RuntimeError: if the simulation is prepared already, or destroyed.
        ValueError: if there are no environments.
        NotImplementedError: if environments differ in structure.
    """
    building(sim, call).running = Simulation(sim)
    sim.alone.clear()


def prepared(sim: Sim, call: str) -> Simulation:
    """Return what runs behind a simulation's handle; start it, if the script did not call ``prepare_sim``."""
    if sim_of(sim, call).running is None and not sim.destroyed:
        prepare(sim, call)
    return running(sim, call)


def building(sim: Sim, call: str) -> Sim:
    """Return the handle of a simulation that is still being set up.

    Raises:
        TypeError: if the handle is none.
        RuntimeError: if the simulation is prepared already, or destroyed.
    """
    sim_of(sim, call)
    if sim.destroyed or sim.running is not None:
        state = "destroyed" if sim.destroyed else "prepared"
        raise RuntimeError(f"{call}: the simulation is {state} already; the scene is fixed by prepare_sim")
    return sim


def actor_of(env: Env, handle: int, call: str) -> Actor:
    """Return an environment's actor by its handle.

    Raises:
        TypeError: if the environment's handle is none.
        IndexError: if there is no such actor.
    """
    env_of(env, call)
    if not 0 <= handle < len(env.actors):
        raise IndexError(
            f"{call}: environment {env.index} has {len(env.actors)} actors, none with handle {handle}"
        )
    return env.actors[handle]


def owner_of(env: Env, index: int, kind: str, call: str) -> tuple[int, int]:
    """Return whose a "body", "DOF" or "joint" of an environment is: (actor handle, index within the actor).

    Raises:
        TypeError: if the environment's handle is none.
        IndexError: if the environment has no such thing.
    """
    first = 0
    for handle, actor in enumerate(env_of(env, call).actors):
        count = len(names_of(actor.asset, kind))
        if first <= index < first + count:
            return handle, index - first
        first += count
    raise IndexError(f"{call}: {kind} {index} does not exist; environment {env.index} has {first}")


def names_of(asset: Asset, kind: str) -> list[str]:
    """Return the names of an asset's things of a kind: "body", "DOF" or "joint"."""
    return {"body": asset.body_names, "DOF": asset.dof_names, "joint": asset.joint_names}[kind]


def asset_of(asset: Asset, call: str) -> Asset:
    """Return an asset's handle.

    Raises:
        TypeError: if it is none.
    """
    if not isinstance(asset, Asset):
        raise TypeError(f"{call}: asset must be what load_asset returned, not {type(asset).__name__}")
    return asset


def item_of(items: Sequence, index: int, kind: str, call: str) -> int:
    """Return ``index`` after checking that it counts one of ``items``.

    Raises:
        IndexError: if it does not.
    """
    if not 0 <= index < len(items):
        raise IndexError(f"{call}: {kind} {index} does not exist; there are {len(items)}")
    return index


def segmentation_id_of(value: int, call: str) -> int:
    """Return a segmentation id.

    Raises:
        ValueError: if it is negative or does not fit into 31 bits.
    """
    if not 0 <= value <= _LARGEST_SEGMENTATION_ID:
        raise ValueError(f"{call}: segmentation id {value} must be 0 to {_LARGEST_SEGMENTATION_ID}")
    return int(value)


def float_tensor(descriptor: Tensor, shape: tuple[int, ...], device: torch.device, call: str) -> torch.Tensor:
    """Return a whole-simulation tensor in the given shape, without a copy.

    Raises:
        TypeError: if it is no descriptor, or not float32.
        ValueError: if it has another number of elements, lies elsewhere or is not contiguous.
    """
    tensor = _unwrapped(descriptor, call)
    if tensor.dtype != torch.float32:
        raise TypeError(f"{call}: tensor has dtype {tensor.dtype}; it must be torch.float32 (use .float())")
    _check_place(tensor, device, call)
    elements = math.prod(shape)
    if tensor.numel() != elements:
        raise ValueError(
            f"{call}: tensor of shape {tuple(tensor.shape)} has {tensor.numel()} elements; "
            f"it must have {elements}, one row for everything in the simulation: {shape}"
        )
    return tensor.view(shape)


def index_tensor(
    descriptor: Tensor, count: int, num_actors: int, device: torch.device, call: str
) -> tuple[np.ndarray, bool]:
    """Return the first ``count`` actor indices of a tensor, sorted and unique, and whether they are all.

    Raises:
        TypeError: if it is no descriptor, or not int32.
        ValueError: if it is shorter than ``count``, lies elsewhere or is not contiguous.
        IndexError: if an index counts no actor.
    """
    tensor = _unwrapped(descriptor, call)
    if tensor.dtype != torch.int32:
        raise TypeError(
            f"{call}: index tensor has dtype {tensor.dtype}; it must be torch.int32 (use .to(torch.int32))"
        )
    _check_place(tensor, device, call)
    if not 0 <= count <= tensor.numel():
        raise ValueError(f"{call}: count is {count}, but the index tensor holds {tensor.numel()} indices")
    indices = np.unique(tensor.view(-1)[:count].cpu().numpy()).astype(np.int64)
    if count and not (indices[0] >= 0 and indices[-1] < num_actors):
        bad = indices[0] if indices[0] < 0 else indices[-1]
        raise IndexError(f"{call}: actor index {bad} is out of range; the simulation has {num_actors} actors")
    return indices, len(indices) == num_actors


def _unwrapped(descriptor: Tensor, call: str) -> torch.Tensor:
    if isinstance(descriptor, torch.Tensor):
        raise TypeError(f"{call}: got a torch tensor; pass gymtorch.unwrap_tensor(tensor)")
    if not isinstance(descriptor, Tensor):
        raise TypeError(f"{call}: got {type(descriptor).__name__}; pass gymtorch.unwrap_tensor(tensor)")
    return descriptor.torch


def _check_place(tensor: torch.Tensor, device: torch.device, call: str) -> None:
    if tensor.device.type != device.type:
        raise ValueError(f"{call}: tensor lies on {tensor.device}; the simulation's tensors lie on {device}")
    if not tensor.is_contiguous():
        raise ValueError(
            f"{call}: tensor of shape {tuple(tensor.shape)} and strides {tensor.stride()} is not contiguous; "
            "pass the whole buffer or use .contiguous()"
        )
