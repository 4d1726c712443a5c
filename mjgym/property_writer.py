"""Giving environments their actors' properties: shared ones in the model, differing ones per environment."""

from __future__ import annotations

import mujoco
import numpy as np
import torch

from mjgym.compile import ActorLayout, CompiledEnv
from mjgym.engines.interface import Engine
from mjgym.properties import (
    Entry,
    body_entries,
    dof_entries,
    shape_entries,
    write_to_env,
    write_to_many,
    write_to_model,
)
from mjgym.scene import Actor, Env
from mjgym.variants import Variant


def actor_dof_properties(actor: Actor) -> np.ndarray:
    """Return an actor's own DOF properties, or its asset's."""
    return actor.asset.dof_properties if actor.dof_properties is None else actor.dof_properties


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
        if actor.body_properties is not None or actor.shape_properties is not None:
            write_to_model(model, _surface_and_mass(actor, layout, model.body_ipos, model.body_inertia))
    mujoco.mj_setConst(model, mujoco.MjData(model))


def write_differing_properties(engine: Engine, variants: list[Variant]) -> None:
    """Give environments whose actors differ from their variant's first environment values of their own."""
    differs = False
    for variant in variants:
        env_ids = None if len(variants) == 1 else torch.from_numpy(variant.env_ids).to(engine.device)
        for handle, layout in enumerate(variant.compiled.actors):
            differs |= _write_differing(engine, variant, env_ids, handle, layout)
    if differs:
        engine.set_const()


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
    shared = (first.body_properties, first.shape_properties)
    for env in variant.envs[1:]:
        actor = env.actors[handle]
        if (actor.body_properties, actor.shape_properties) != shared:
            entries = _surface_and_mass(actor, layout, model.body_ipos, model.body_inertia)
            write_to_env(engine, env.index, entries)
            differs = True
    return differs


def write_actor_properties(engine: Engine, layout: ActorLayout, actor: Actor, env: int) -> None:
    """Write one actor's properties again, after they were changed, into its environment alone."""
    entries = dof_entries(engine.model, layout, actor_dof_properties(actor))
    if actor.body_properties is not None or actor.shape_properties is not None:
        ipos = engine.model_field("body_ipos")[env].cpu().numpy()
        inertia = engine.model_field("body_inertia")[env].cpu().numpy()
        entries += _surface_and_mass(actor, layout, ipos, inertia)
    write_to_env(engine, env, entries)
    engine.set_const(torch.tensor([env], device=engine.device))


def _surface_and_mass(
    actor: Actor, layout: ActorLayout, ipos: np.ndarray, inertia: np.ndarray
) -> list[Entry]:
    """Return the entries of an actor's own body and shape properties, or else its asset's."""
    asset = actor.asset
    bodies, recompute = actor.body_properties or (asset.body_properties(), False)
    shapes = actor.shape_properties or asset.shape_properties
    return body_entries(layout, bodies, asset, recompute, ipos, inertia) + shape_entries(
        layout, shapes, asset
    )
