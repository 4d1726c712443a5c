"""Giving environments their actors' properties: shared ones in the model, differing ones per environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import mujoco
import numpy as np
import torch

from mjgym.compile import ActorLayout, CompiledEnv
from mjgym.engines.interface import Engine
from mjgym.properties import (
    BODY_FIELDS,
    Entry,
    body_entries,
    dof_entries,
    shape_entries,
    write_to_env,
    write_to_many,
    write_to_model,
)
from mjgym.restitution import bounce_entries
from mjgym.scaling import geometry_entries
from mjgym.scene import Actor, Env
from mjgym.tendons import Tendon, tendon_entries
from mjgym.variants import Variant


def actor_dof_properties(actor: Actor) -> np.ndarray:
    """Return an actor's own DOF properties, or its asset's."""
    return actor.asset.dof_properties if actor.dof_properties is None else actor.dof_properties


def actor_tendons(actor: Actor) -> list[Tendon]:
    """Return an actor's own tendons, or its asset's."""
    return actor.asset.tendons if actor.tendons is None else actor.tendons


def stack_dof_properties(envs: list[Env], handle: int) -> np.ndarray:
    """Return one actor's DOF properties of all environments, (1, DOFs) if they agree, else (N, DOFs)."""
    rows = [actor_dof_properties(env.actors[handle]) for env in envs]
    # Equal properties are one object (see set_actor_dof_properties), so identity tells them apart quickly.
    if all(row is rows[0] for row in rows):
        return rows[0][None]
    return np.stack(rows)


def write_shared_properties(compiled: CompiledEnv, env: Env) -> None:
    """Write the properties of one environment's actors into the model, and derive what depends on them."""
    model = compiled.model
    for actor, layout in zip(env.actors, compiled.actors, strict=True):
        write_to_model(model, dof_entries(model, layout, actor_dof_properties(actor)))
        if _differs_from_asset(actor) or _bounces(env, actor):
            write_to_model(model, _own_entries(model, env, actor, layout, _of_model(model)))
        _write_shared_tendons(model, layout, actor)
    mujoco.mj_setConst(model, mujoco.MjData(model))
    for actor, layout in zip(env.actors, compiled.actors, strict=True):
        _write_shared_tendons(model, layout, actor)


def _write_shared_tendons(model: mujoco.MjModel, layout: ActorLayout, actor: Actor) -> None:
    write_to_model(
        model, tendon_entries(model, layout.tendons, actor_tendons(actor), model.tendon_invweight0)
    )


def write_differing_properties(engine: Engine, variants: list[Variant]) -> None:
    """Give environments whose actors differ from their variant's first environment values of their own."""
    differs = False
    for variant in variants:
        env_ids = None if len(variants) == 1 else torch.from_numpy(variant.env_ids).to(engine.device)
        for handle, layout in enumerate(variant.compiled.actors):
            differs |= _write_differing(engine, variant, env_ids, handle, layout)
    if differs:
        for variant in variants:
            _write_tendons(engine, variant.compiled.actors, variant.envs)
        engine.set_const()
        for variant in variants:
            _write_tendons(engine, variant.compiled.actors, variant.envs)


def _write_differing(
    engine: Engine, variant: Variant, env_ids: torch.Tensor | None, handle: int, layout: ActorLayout
) -> bool:
    """Do so for one actor of a variant; tell whether anything differed."""
    model, differs = variant.compiled.model, False
    rows = stack_dof_properties(variant.envs, handle)
    if len(rows) > 1:
        write_to_many(engine, env_ids, dof_entries(model, layout, rows))
        differs = True
    first = variant.envs[0].actors[handle]
    for env in variant.envs[1:]:
        actor = env.actors[handle]
        if _own(actor) != _own(first):
            if first.scale is not None and actor.scale is None:
                actor.scale = 1.0  # the model that all share is scaled
            write_to_env(engine, env.index, _own_entries(model, env, actor, layout, _of_model(model)))
            differs = True
    return differs


def _write_tendons(engine: Engine, layouts: Sequence[ActorLayout], envs: Sequence[Env]) -> None:
    """Write tendons per environment: before ``set_const``, which reads them, and after, to read it."""
    for handle, layout in enumerate(layouts):
        if not layout.tendons:
            continue
        invweights = engine.model_field("tendon_invweight0").cpu().numpy()
        for env in envs:
            tendons = actor_tendons(env.actors[handle])
            entries = tendon_entries(engine.model, layout.tendons, tendons, invweights[env.index])
            write_to_env(engine, env.index, entries)


def write_actor_properties(engine: Engine, compiled: CompiledEnv, env: Env, handle: int) -> None:
    """Write one actor's properties again, after they were changed, into its environment alone."""
    actor, layout = env.actors[handle], compiled.actors[handle]
    entries = dof_entries(engine.model, layout, actor_dof_properties(actor))
    if _differs_from_asset(actor):
        current = {field: engine.model_field(field)[env.index].cpu().numpy() for field in BODY_FIELDS}
        entries += _own_entries(engine.model, env, actor, layout, current)
    write_to_env(engine, env.index, entries)
    _write_tendons(engine, compiled.actors, [env])
    engine.set_const(torch.tensor([env.index], device=engine.device))
    _write_tendons(engine, compiled.actors, [env])


def _own(actor: Actor) -> tuple[object, ...]:
    return actor.body_properties, actor.shape_properties, actor.tendons, actor.scale


def _differs_from_asset(actor: Actor) -> bool:
    return any(own is not None for own in (actor.body_properties, actor.shape_properties, actor.scale))


def _bounces(env: Env, actor: Actor) -> bool:
    return env.sim.bounces or any(prop.restitution > 0.0 for prop in actor.asset.shape_properties)


def _of_model(model: mujoco.MjModel) -> dict[str, np.ndarray]:
    return {field: getattr(model, field) for field in BODY_FIELDS}


def _own_entries(
    model: mujoco.MjModel, env: Env, actor: Actor, layout: ActorLayout, current: Mapping[str, np.ndarray]
) -> list[Entry]:
    """Return the entries of an actor's scale, and of its body and shape properties, or else its asset's."""
    asset, scale = actor.asset, actor.scale
    bodies, recompute = actor.body_properties or (asset.body_properties(scale or 1.0), False)
    shapes = actor.shape_properties or asset.shape_properties
    entries = [] if scale is None else geometry_entries(layout, asset, scale)
    entries += body_entries(layout, bodies, asset, recompute, current, scale)
    entries += shape_entries(layout, shapes, asset)
    if _bounces(env, actor):
        entries += bounce_entries(model, layout, shapes, asset, env.sim.ground_restitution)
    return entries
