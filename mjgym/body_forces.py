"""Forces on bodies as calls give them, turned to world axes about the centres of mass."""

from __future__ import annotations

import torch

from mjgym.simulation import Simulation
from mjgym.structs import CoordinateSpace
from mjgym.tensors import POSITION, ROTATION, rotate, to_wxyz


def wrench_in_world(
    simulation: Simulation,
    env_ids: slice,
    force: torch.Tensor,
    position: torch.Tensor | None,
    space: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return forces [N] in world axes and their torques about the bodies' centres of mass [N m].

    Args:
        simulation: where the bodies are.
        env_ids: the environments.
        force: (K, bodies, 3) [N].
        position: where the forces act, (K, bodies, 3) [m]; None for the centres of mass.
        space: ``LOCAL_SPACE`` for both in the body's own frame, ``GLOBAL_SPACE`` for positions in which
            environments stand apart by their origins, else positions relative to these.
    """
    if space == CoordinateSpace.LOCAL_SPACE:
        states = simulation.read(simulation.body_states(), env_ids)
        quat = to_wxyz(states[..., ROTATION])
        force = rotate(quat, force)
        if position is not None:
            position = states[..., POSITION] + rotate(quat, position)
    elif space == CoordinateSpace.GLOBAL_SPACE and position is not None:
        origins = [env.origin for env in simulation.sim.envs[env_ids]]
        position = position - torch.tensor(origins, device=position.device).unsqueeze(1)
    if position is None:
        return force, torch.zeros_like(force)
    centres = simulation.read(simulation.body_centres(), env_ids)
    return force, torch.linalg.cross(position - centres, force)
