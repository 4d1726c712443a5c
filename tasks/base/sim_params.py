"""From the `sim` block of a task's YAML to Isaac Gym's `SimParams`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from isaacgym import gymapi

UP_AXES = {"y": gymapi.UP_AXIS_Y, "z": gymapi.UP_AXIS_Z}


def parse_sim_params(sim: Mapping[str, Any], sim_device: str) -> gymapi.SimParams:
    """Build `SimParams` from a mapping with Isaac Gym's names.

    Args:
        sim: `dt` [s], `substeps`, `up_axis` ("y" or "z"), `gravity` (3 numbers) [m/s²], `physx` (mapping).
        sim_device: "cpu" or "cuda:N"; the GPU pipeline is on where the simulation is on a GPU.

    Raises:
        ValueError: `up_axis` is neither "y" nor "z".
    """
    params = gymapi.SimParams()
    if sim["up_axis"] not in UP_AXES:
        raise ValueError(f"task.sim.up_axis={sim['up_axis']!r}: must be one of {', '.join(UP_AXES)}")
    params.dt = float(sim["dt"])
    params.substeps = int(sim["substeps"])
    params.up_axis = UP_AXES[sim["up_axis"]]
    params.gravity = gymapi.Vec3(*sim["gravity"])
    on_gpu = "cuda" in sim_device
    params.use_gpu_pipeline = on_gpu
    for key, value in (sim.get("physx") or {}).items():
        setattr(params.physx, key, gymapi.ContactCollection(value) if key == "contact_collection" else value)
    params.physx.use_gpu = on_gpu
    return params
