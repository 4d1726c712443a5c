"""Environments of one simulation that hold different assets.

An engine steps copies of one model, but nearly every field of that model may differ from copy to copy. So
environments may hold different assets, as long as these have the same bodies, joints and sensors in the same
order: Isaac Gym's tensors have one shape for all environments anyway. Each variant is compiled alone, to a
model of the same sizes (:mod:`mjgym.common_sizes`); what then differs between the models is written into the
fields of its environments.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch

from mjgym.assets.asset import Asset
from mjgym.common_sizes import CommonSizes
from mjgym.compile import CompiledEnv, compile_env
from mjgym.engines.interface import Engine
from mjgym.ground import Ground
from mjgym.scene import Env, env_structure
from mjgym.structs.params import SimParams

_UNREAD: Final = (
    "_",
    "name",
    "path",
    "text_",
    "key_",
    "numeric_",
    "tuple_",
    "bvh_child",
    "bvh_depth",
    "bvh_nodeid",
)
"""Fields that the simulation does not read begin so."""


@dataclass(frozen=True)
class Variant:
    """Environments of one structure: their numbers, themselves, and what the first of them is compiled to."""

    env_ids: np.ndarray
    envs: list[Env]
    compiled: CompiledEnv


def compile_variants(envs: list[Env], grounds: list[Ground], params: SimParams) -> list[Variant]:
    """Compile each different environment once.

    Raises:
        ValueError: if there are no environments, or one has no actors or too many.
        NotImplementedError: if their actors differ in bodies, joints, sensors or number.
    """
    if not envs:
        raise ValueError(
            "prepare_sim: the simulation has no environments; call create_env and create_actor first"
        )
    groups: dict[object, list[Env]] = {}
    for env in envs:
        groups.setdefault(env_structure(env), []).append(env)
    firsts = [group[0] for group in groups.values()]
    for env in firsts[1:]:
        _check_alike(env, firsts[0])
    common = CommonSizes(firsts) if len(firsts) > 1 else None
    return [
        Variant(np.array([env.index for env in group]), group, compile_env(group[0], grounds, params, common))
        for group in groups.values()
    ]


def write_variants(engine: Engine, variants: list[Variant]) -> None:
    """Give the environments of every variant but the first the values in which their model differs.

    Raises:
        NotImplementedError: if a difference is one that environments of one simulation cannot have.
    """
    for variant in variants[1:]:
        env_ids = torch.from_numpy(variant.env_ids).to(engine.device)
        for name, values in _differences(variants[0], variant).items():
            rows = engine.model_field(name)
            # Of bounding volumes only the bodies' may differ, which come first.
            own = values[: rows.shape[1]]
            rows[env_ids] = torch.as_tensor(own, dtype=rows.dtype, device=rows.device)


def _differences(base: Variant, other: Variant) -> dict[str, np.ndarray]:
    """Return the fields in which the model of ``other`` differs, with its values."""
    found = {}
    for name in dir(base.compiled.model):
        value = getattr(base.compiled.model, name)
        if not isinstance(value, np.ndarray) or name.startswith(_UNREAD):
            continue
        theirs = getattr(other.compiled.model, name)
        if value.shape != theirs.shape:
            raise NotImplementedError(
                f"environment {other.envs[0].index} differs from environment {base.envs[0].index} in the "
                f"size of MuJoCo's {name}, {theirs.shape} instead of {value.shape}; environments of one "
                "simulation may differ in values alone (docs/mjgym.md)"
            )
        if not np.array_equal(value, theirs):
            found[name] = theirs
    return found


def _check_alike(env: Env, first: Env) -> None:
    """Refuse an environment whose actors have other bodies, joints or sensors, or with other attractors."""
    if len(env.actors) != len(first.actors):
        raise NotImplementedError(
            f"environment {env.index} holds {len(env.actors)} actors, environment {first.index} "
            f"{len(first.actors)}; all environments of a simulation must hold as many (docs/mjgym.md)"
        )
    pulls = [[(pull.rigid_handle, pull.axes) for pull in one.attractors] for one in (env, first)]
    if pulls[0] != pulls[1]:
        raise NotImplementedError(
            f"environment {env.index} holds other attractors than environment {first.index}; those of all "
            "environments must pull at the same bodies along the same axes (docs/mjgym.md)"
        )
    for actor, other in zip(env.actors, first.actors, strict=True):
        theirs, ours = _skeleton(actor.asset), _skeleton(other.asset)
        for what in theirs:
            if theirs[what] != ours[what]:
                raise NotImplementedError(
                    f"environment {env.index} holds {actor.asset.name!r} where environment {first.index} "
                    f"holds {other.asset.name!r}, with other {what}; different assets must have the same "
                    "bodies, joints and sensors in the same order (docs/mjgym.md)"
                )


def _skeleton(asset: Asset) -> dict[str, object]:
    """Return what different assets in one place must have in common."""
    model = asset.model
    return {
        "bodies": model.body_parentid.tolist(),
        "joints": (model.jnt_type.tolist(), model.jnt_bodyid.tolist(), asset.spherical_dofs),
        "bases (fixed or free)": asset.fixed_base,
        "force sensors": [sensor.body for sensor in asset.force_sensors],
    }
