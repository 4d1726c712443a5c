"""Tendons of MJCF files: what is known of them, and writing their properties into MuJoCo's model.

PhysX moves each joint of a fixed tendon by the tendon's force divided by the joint's coefficient, MuJoCo by
the force times the coefficient. So gains are divided by the mean square of the coefficients: the two are the
same where these are of one size, as those of coupled finger joints are.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import mujoco
import numpy as np

from mjgym.structs.enums import TendonType
from mjgym.structs.properties import TendonProperties

if TYPE_CHECKING:
    from mjgym.properties import Entry


@dataclass
class Tendon:
    """One tendon of an asset or actor.

    Attributes:
        name: its name.
        joints: names of the joints of a fixed tendon.
        coefficients: what each joint's position counts in the length of a fixed tendon.
        properties: spring, damper and limits.
        offset: added to the length.
    """

    name: str
    joints: tuple[str, ...]
    coefficients: list[float]
    properties: TendonProperties
    offset: float = 0.0

    @property
    def scale(self) -> float:
        """What gains are multiplied by for MuJoCo."""
        return 1.0 / float(np.mean(np.square(self.coefficients))) if self.coefficients else 1.0


def read_tendons(model: mujoco.MjModel, limit_stiffness: float) -> list[Tendon]:
    """Return the tendons of an asset's model, in the file's order.

    Args:
        model: the asset's model.
        limit_stiffness: `AssetOptions.tendon_limit_stiffness`, for what files do not say.
    """
    return [_read_tendon(model, index, limit_stiffness) for index in range(model.ntendon)]


def _read_tendon(model: mujoco.MjModel, index: int, limit_stiffness: float) -> Tendon:
    wraps = range(model.tendon_adr[index], model.tendon_adr[index] + model.tendon_num[index])
    joints = [i for i in wraps if model.wrap_type[i] == mujoco.mjtWrap.mjWRAP_JOINT]
    lower, upper = (float(limit) for limit in model.tendon_range[index])
    properties = TendonProperties(
        type=TendonType.TENDON_FIXED if joints else TendonType.TENDON_SPATIAL,
        stiffness=float(model.tendon_stiffness[index]), damping=float(model.tendon_damping[index]),
        is_fixed_limited=bool(model.tendon_limited[index]), fixed_lower_limit=lower, fixed_upper_limit=upper,
        fixed_spring_rest_length=float(model.tendon_lengthspring[index, 0]), limit_stiffness=limit_stiffness,
        num_joints=len(joints),
        num_attachments=sum(1 for i in wraps if model.wrap_type[i] == mujoco.mjtWrap.mjWRAP_SITE),
    )  # fmt: skip
    return Tendon(
        name=model.tendon(index).name,
        joints=tuple(model.joint(model.wrap_objid[i]).name for i in joints),
        coefficients=[float(model.wrap_prm[i]) for i in joints],
        properties=properties,
    )


def with_properties(tendons: list[Tendon], props: Any, call: str) -> list[Tendon]:
    """Return copies of tendons with other properties, after checking these.

    Raises:
        ValueError: naming the tendon, if a value is out of range, or if their number is wrong.
    """
    given = list(props)
    if len(given) != len(tendons):
        raise ValueError(f"{call}: {len(given)} properties were given; there are {len(tendons)} tendons")
    for tendon, prop in zip(tendons, given, strict=True):
        for field in ("stiffness", "damping", "limit_stiffness"):
            if not 0.0 <= getattr(prop, field) < float("inf"):
                raise ValueError(
                    f"{call}: tendon {tendon.name!r}: {field} = {getattr(prop, field)} must be 0 or more, "
                    "and finite"
                )
        if prop.is_fixed_limited and not prop.fixed_lower_limit <= prop.fixed_upper_limit:
            raise ValueError(
                f"{call}: tendon {tendon.name!r}: fixed_lower_limit = {prop.fixed_lower_limit} exceeds "
                f"fixed_upper_limit = {prop.fixed_upper_limit}"
            )
    return [_changed(tendon, properties=prop) for tendon, prop in zip(tendons, given, strict=True)]


def with_coefficients(tendons: list[Tendon], index: int, coefficients: Any, call: str) -> list[Tendon]:
    """Return copies of tendons, one with other coefficients.

    Raises:
        ValueError: if their number is wrong, or all of them are 0.
    """
    chosen, given = tendons[index], [float(value) for value in coefficients]
    if len(given) != len(chosen.joints):
        raise ValueError(
            f"{call}: {len(given)} coefficients were given; tendon {chosen.name!r} has "
            f"{len(chosen.joints)} joints"
        )
    if not np.any(given) or not np.all(np.isfinite(given)):
        raise ValueError(f"{call}: coefficients = {given} must be finite, and not all 0")
    return _with(tendons, index, coefficients=given)


def with_offset(tendons: list[Tendon], index: int, offset: float, call: str) -> list[Tendon]:
    """Return copies of tendons, one with another offset.

    Raises:
        ValueError: if it is not finite.
    """
    if not np.isfinite(offset):
        raise ValueError(f"{call}: offset = {offset} must be finite")
    return _with(tendons, index, offset=float(offset))


def _with(tendons: list[Tendon], index: int, **values: Any) -> list[Tendon]:
    return [_changed(tendon, **values) if i == index else tendon for i, tendon in enumerate(tendons)]


def _changed(tendon: Tendon, **values: Any) -> Tendon:
    changed = copy.deepcopy(tendon)
    for name, value in values.items():
        setattr(changed, name, copy.deepcopy(value))
    return changed


def tendon_entries(
    model: mujoco.MjModel, ids: tuple[int, ...], tendons: list[Tendon], invweight: np.ndarray
) -> list[Entry]:
    """Return the model entries of an actor's tendons.

    Args:
        model: the compiled model.
        ids: the tendons' ids in it.
        tendons: the tendons.
        invweight: ``tendon_invweight0`` of the environment, by id.
    """
    entries: list[Entry] = []
    for index, tendon in zip(ids, tendons, strict=True):
        props, scale, step = tendon.properties, tendon.scale, model.opt.timestep
        stiffness = scale * props.stiffness
        # As in the drives of DOFs: a spring that is felt at the end of a step damps by h k, too.
        late = model.opt.integrator != mujoco.mjtIntegrator.mjINT_DISCRETE
        width = model.tendon_lengthspring[index, 1] - model.tendon_lengthspring[index, 0]
        rest = props.fixed_spring_rest_length - tendon.offset
        limits = np.array([props.fixed_lower_limit, props.fixed_upper_limit]) - tendon.offset
        solref, solimp = _limit_spring(scale * props.limit_stiffness, step, float(invweight[index]))
        first = model.tendon_adr[index]
        entries += [
            ("tendon_stiffness", (index,), np.array(stiffness)),
            ("tendon_damping", (index,), np.array(scale * props.damping + step * stiffness * late)),
            ("tendon_lengthspring", (index,), np.array([rest, rest + width])),
            ("tendon_limited", (index,), np.array(props.is_fixed_limited)),
            ("tendon_range", (index,), limits),
            ("tendon_solref_lim", (index,), solref),
            ("tendon_solimp_lim", (index,), solimp),
        ]
        if tendon.coefficients:
            wraps = np.arange(first, first + len(tendon.coefficients))
            entries.append(("wrap_prm", (wraps,), np.array(tendon.coefficients)))
    return entries


def _limit_spring(stiffness: float, step: float, invweight: float) -> tuple[np.ndarray, np.ndarray]:
    """Return ``solref`` and ``solimp`` of a limit that pushes back like a spring, implicitly.

    MuJoCo finds a constraint's force f from (A + R) f = -(a + b v + k x), where R = (1 - d) / d * A0; a, v
    and x are acceleration without f, velocity and violation. A spring k' whose force follows from x + h v at
    the end of a step of h seconds obeys it with R = 1 / (h^2 k'), k = k' R and b = h k' R. Where d is at one
    of MuJoCo's bounds, R is not free: k and b are held to what a step can undo.
    """
    weight = max(invweight, mujoco.mjMINVAL)
    gain = step * step * stiffness * weight
    impedance = float(np.clip(gain / (1.0 + gain), mujoco.mjMINIMP, mujoco.mjMAXIMP))
    softness = weight * (1.0 - impedance) / impedance
    k, b = min(stiffness * softness, step**-2), min(step * stiffness * softness, 1.0 / step)
    return np.array([-k * impedance, -b * impedance]), np.array([impedance, impedance, 0.001, 0.5, 1.0])
