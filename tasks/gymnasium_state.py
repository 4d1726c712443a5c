"""The whole state of environments as tensors and plain values, so that training resumes exactly.

An environment may say itself what its state is, by `get_state()` and `set_state(state)`. Of all others the
attributes are taken, wrapper by wrapper, as long as they are numbers, strings, arrays, random generators and
containers of these: so it is with Gymnasium's classic control. Where an attribute is something else (a
physics engine's handle, a window), nothing is stored: a part would be worse.
"""

from __future__ import annotations

import enum
import types
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium.envs.registration import EnvSpec
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv, VectorEnv

BIT_GENERATORS = ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64")
MAX_ITEMS = 1000
"""A container of more is taken for a table of constants, which would be stored for every environment."""

_NOT_STATE = frozenset(["env", "spec", "metadata", "_saved_kwargs", "_cached_spec"])
_CONSTANTS = (
    gymnasium.Space,
    EnvSpec,
    enum.Enum,
    type,
    types.ModuleType,
    types.FunctionType,
    types.MethodType,
    types.BuiltinFunctionType,
)


class NotStorable(Exception):
    """An environment's state cannot be taken; the text says what is in the way."""


class Stateful(gymnasium.Wrapper):
    """An environment whose state can be read and set as one attribute, also in another process."""

    @property
    def env_state(self) -> dict[str, Any]:
        """`{"layers": …}` of `get_state`, or `{"reason": …}` where there is none."""
        try:
            return get_state(self.env)
        except NotStorable as reason:
            return {"reason": str(reason)}

    @env_state.setter
    def env_state(self, state: dict[str, Any]) -> None:
        set_state(self.env, state)


def get_vector_state(env: VectorEnv) -> dict[str, Any]:
    """Return the state of a vector environment.

    Raises:
        NotStorable: it cannot be taken.
    """
    if not isinstance(env, (SyncVectorEnv, AsyncVectorEnv)):
        return get_state(env)
    states = list(env.get_attr("env_state"))
    if "reason" in states[0]:
        raise NotStorable(states[0]["reason"])
    return {"envs": states}


def set_vector_state(env: VectorEnv, state: Mapping[str, Any]) -> None:
    """Take up a state of `get_vector_state`; the environment has to have been reset before.

    Raises:
        ValueError: it is the state of another environment.
    """
    if isinstance(env, (SyncVectorEnv, AsyncVectorEnv)):
        env.set_attr("env_state", list(state["envs"]))
    else:
        set_state(env, state)


def get_state(env: Any) -> dict[str, Any]:
    """Return the state of an environment and its wrappers, outermost first.

    Raises:
        NotStorable: it cannot be taken.
    """
    return {"layers": [_get_layer(layer) for layer in _layers(env)]}


def set_state(env: Any, state: Mapping[str, Any]) -> None:
    """Take up a state of `get_state`.

    Raises:
        ValueError: it is the state of another environment.
    """
    layers, saved = list(_layers(env)), state["layers"]
    names, saved_names = [type(layer).__name__ for layer in layers], [item["type"] for item in saved]
    if names != saved_names:
        raise ValueError(f"environment state: is one of {saved_names}, here are {names}")
    for layer, item in zip(layers, saved, strict=True):
        if "declared" in item:
            layer.set_state(decode(item["declared"]))
        else:
            vars(layer).update({name: decode(value) for name, value in item["attributes"].items()})


def _layers(env: Any) -> Iterator[Any]:
    while env is not None:
        yield env
        env = vars(env).get("env")


def _get_layer(layer: Any) -> dict[str, Any]:
    name = type(layer).__name__
    if callable(getattr(layer, "get_state", None)) and callable(getattr(layer, "set_state", None)):
        return {"type": name, "declared": encode(layer.get_state(), f"{name}.get_state()")}
    attributes = {
        key: encode(value, f"{name}.{key}")
        for key, value in vars(layer).items()
        if key not in _NOT_STATE and not isinstance(value, _CONSTANTS)
    }
    return {"type": name, "attributes": attributes}


def encode(value: Any, where: str) -> Any:
    """Return a value as tensors and plain values that `decode` turns back.

    Args:
        value: numbers, strings, arrays, random generators, tensors, and containers of them.
        where: its name, for the message.

    Raises:
        NotStorable: it is, or holds, something else.
    """
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, np.str_):
        return str(value)
    if isinstance(value, torch.Tensor):
        return value.detach().clone()
    if isinstance(value, np.ndarray):
        return {"kind": "array", "dtype": value.dtype.name, "data": _tensor(value, where)}
    if isinstance(value, (np.bool_, np.integer, np.floating)):
        return {"kind": "scalar", "dtype": value.dtype.name, "data": value.item()}
    if isinstance(value, np.random.Generator):
        return {"kind": "generator", "data": encode(value.bit_generator.state, where)}
    if isinstance(value, (tuple, list, deque, dict)):
        return _encode_container(value, where)
    raise NotStorable(f"{where} is a {type(value).__name__}")


def _encode_container(value: Any, where: str) -> dict[str, Any]:
    if len(value) > MAX_ITEMS:
        raise NotStorable(f"{where} has {len(value)} items")
    if isinstance(value, dict):
        items = [[encode(key, where), encode(item, f"{where}[{key!r}]")] for key, item in value.items()]
        return {"kind": "dict", "data": items}
    kind = next(kind for kind in (tuple, list, deque) if isinstance(value, kind))
    data = [encode(item, f"{where}[{i}]") for i, item in enumerate(value)]
    return {"kind": kind.__name__, "maxlen": getattr(value, "maxlen", None), "data": data}


def _tensor(array: np.ndarray, where: str) -> torch.Tensor:
    try:
        return torch.from_numpy(np.array(array, order="C"))
    except TypeError:
        raise NotStorable(f"{where} is an array of {array.dtype}") from None


def decode(value: Any) -> Any:
    """Return what `encode` was given."""
    if isinstance(value, torch.Tensor):
        return value.clone()
    if not isinstance(value, dict):
        return value
    kind, data = value["kind"], value["data"]
    if kind == "array":
        return data.numpy().astype(value["dtype"])
    if kind == "scalar":
        return np.dtype(value["dtype"]).type(data)
    if kind == "generator":
        return _generator(decode(data))
    if kind == "dict":
        return {decode(key): decode(item) for key, item in data}
    items = [decode(item) for item in data]
    return {"tuple": tuple, "list": list}.get(kind, lambda them: deque(them, value["maxlen"]))(items)


def _generator(state: dict[str, Any]) -> np.random.Generator:
    name = state["bit_generator"]
    if name not in BIT_GENERATORS:
        raise ValueError(f"environment state: {name} is no bit generator of numpy")
    bit_generator = getattr(np.random, name)()
    bit_generator.state = state
    return np.random.Generator(bit_generator)
