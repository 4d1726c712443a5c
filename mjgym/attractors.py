"""Attractors: springs that pull a point of a body, or its whole frame, towards a pose in the environment.

An attractor is one actuator an axis, between a site of the body and a mocap body that stands at the target,
so moving the target is writing a mocap pose. Simulations with attractors run on MuJoCo's discrete integrator.
It takes stiffness and damping at the end of the step and solves them together with contacts. Under
implicitfast, where contacts do not know of damping that comes later, stiff attractors diverge.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import mujoco
import numpy as np
import torch

from mjgym.engines.interface import Engine
from mjgym.properties import Entry, write_to_env, write_to_model
from mjgym.structs.constants import (
    AXIS_ALL,
    AXIS_SWING_1,
    AXIS_SWING_2,
    AXIS_TWIST,
    AXIS_X,
    AXIS_Y,
    AXIS_Z,
)
from mjgym.structs.geometry import Transform
from mjgym.structs.properties import AttractorProperties

if TYPE_CHECKING:
    from mjgym.compile import CompiledEnv
    from mjgym.scene import Env

INTEGRATOR: Final = mujoco.mjtIntegrator.mjINT_DISCRETE
"""What integrates simulations with attractors."""

_AXES: Final = (AXIS_X, AXIS_Y, AXIS_Z, AXIS_TWIST, AXIS_SWING_1, AXIS_SWING_2)
"""Flags of the axes along which, then about which, an attractor acts; they are the target's."""


@dataclass(frozen=True)
class AttractorLayout:
    """Where one attractor lies in the compiled model.

    Attributes:
        site: id of the site that is pulled.
        mocap: mocap id of the target.
        actuators: actuator id of each axis along or about which it acts.
    """

    site: int
    mocap: int
    actuators: tuple[int, ...]


def check_attractor(props: AttractorProperties, num_bodies: int, call: str) -> AttractorProperties:
    """Return a copy of an attractor's properties, with rotations of unit length, after checking them.

    Raises:
        TypeError: if they are no attractor's.
        IndexError: if the environment has no such body.
        ValueError: if stiffness or damping are negative or not finite, axes unknown, or a rotation is zero.
    """
    if not isinstance(props, AttractorProperties):
        raise TypeError(f"{call}: got {type(props).__name__}; pass gymapi.AttractorProperties")
    if not 0 <= props.rigid_handle < num_bodies:
        raise IndexError(
            f"{call}: rigid_handle = {props.rigid_handle} is no body; the environment has {num_bodies} "
            "(find_actor_rigid_body_handle finds one)"
        )
    for name in ("stiffness", "damping"):
        if not 0.0 <= getattr(props, name) < float("inf"):
            raise ValueError(f"{call}: {name} = {getattr(props, name)} must be 0 or more, and finite")
    if not 0 <= props.axes <= AXIS_ALL:
        raise ValueError(f"{call}: axes = {props.axes} must be a sum of AXIS_* flags, at most {AXIS_ALL}")
    checked = copy.deepcopy(props)
    checked.offset.r, checked.target.r = checked.offset.r.normalize(), checked.target.r.normalize()
    return checked


def add_attractors(spec: mujoco.MjSpec, env: Env) -> None:
    """Add an environment's attractors to its scene; their gains and offsets are written once compiled."""
    names = [f"{i}/{body}" for i, actor in enumerate(env.actors) for body in actor.asset.body_names]
    for index, props in enumerate(env.attractors):
        name, target = f"#attractor{index}", props.target
        spec.body(names[props.rigid_handle]).add_site(name=name)
        anchor = spec.worldbody.add_body(name=name, mocap=True, pos=target.p.as_tuple(), quat=_wxyz(target))
        anchor.add_site(name=f"{name}#target")
        for axis, gear in zip(_AXES, np.eye(len(_AXES)), strict=True):
            if props.axes & axis:
                spec.add_actuator(
                    name=f"{name}#{axis}", target=name, refsite=f"{name}#target", gear=gear,
                    trntype=mujoco.mjtTrn.mjTRN_SITE, biastype=mujoco.mjtBias.mjBIAS_AFFINE,
                )  # fmt: skip


def find_attractors(model: mujoco.MjModel, env: Env) -> tuple[AttractorLayout, ...]:
    """Return where an environment's attractors lie in its compiled model."""
    return tuple(
        AttractorLayout(
            site=model.site(f"#attractor{index}").id,
            mocap=int(model.body(f"#attractor{index}").mocapid[0]),
            actuators=tuple(
                model.actuator(f"#attractor{index}#{axis}").id for axis in _AXES if props.axes & axis
            ),
        )
        for index, props in enumerate(env.attractors)
    )


def write_shared_attractors(compiled: CompiledEnv, env: Env) -> None:
    """Write one environment's attractors into the model."""
    for layout, props in zip(compiled.attractors, env.attractors, strict=True):
        # A site in its body's own frame would be one for good: MuJoCo then reads no offset.
        compiled.model.site_sameframe[layout.site] = mujoco.mjtSameFrame.mjSAMEFRAME_NONE
        write_to_model(compiled.model, _entries(layout, props))


class Attractors:
    """The attractors of all environments while they run."""

    def __init__(self, engine: Engine, compiled: CompiledEnv, envs: list[Env]) -> None:
        """Give environments that differ from the first one values of their own, and all their targets."""
        self._engine, self._layouts = engine, compiled.attractors
        for index, layout in enumerate(self._layouts):
            first = envs[0].attractors[index]
            for env in envs[1:]:
                props = env.attractors[index]
                if _values(props) != _values(first):
                    write_to_env(engine, env.index, _entries(layout, props))
            self._place(slice(None), index, [env.attractors[index].target for env in envs])

    def write(self, env: Env, index: int) -> None:
        """Write an attractor's properties again, after they have changed."""
        props = env.attractors[index]
        write_to_env(self._engine, env.index, _entries(self._layouts[index], props))
        self.move(env, index)

    def move(self, env: Env, index: int) -> None:
        """Put an attractor's target where its properties say."""
        self._place(slice(env.index, env.index + 1), index, [env.attractors[index].target])

    def _place(self, envs: slice, index: int, targets: list[Transform]) -> None:
        mocap = self._layouts[index].mocap
        positions, rotations = self._engine.state("mocap_pos"), self._engine.state("mocap_quat")
        positions[envs, mocap] = self._rows([target.p.as_tuple() for target in targets])
        rotations[envs, mocap] = self._rows([_wxyz(target) for target in targets])

    def _rows(self, rows: list[tuple[float, ...]]) -> torch.Tensor:
        return torch.tensor(rows, dtype=self._engine.dtype, device=self._engine.device)


def _entries(layout: AttractorLayout, props: AttractorProperties) -> list[Entry]:
    """Return the model entries of an attractor's gains and offset."""
    actuators = np.array(layout.actuators, dtype=int)
    return [
        ("actuator_biasprm", (actuators, 1), np.full(len(actuators), -props.stiffness)),
        ("actuator_biasprm", (actuators, 2), np.full(len(actuators), -props.damping)),
        ("site_pos", (layout.site,), np.array(props.offset.p.as_tuple())),
        ("site_quat", (layout.site,), np.array(_wxyz(props.offset))),
    ]


def _values(props: AttractorProperties) -> tuple[object, ...]:
    return (props.stiffness, props.damping, props.offset)


def _wxyz(pose: Transform) -> tuple[float, float, float, float]:
    return (pose.r.w, pose.r.x, pose.r.y, pose.r.z)
