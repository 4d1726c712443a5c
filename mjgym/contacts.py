"""Single contacts of one environment, as MuJoCo finds them in the state of now."""

from __future__ import annotations

import mujoco
import numpy as np

from mjgym.simulation import Simulation
from mjgym.structs import RIGID_CONTACT_DTYPE


def list_contacts(simulation: Simulation, env: int) -> np.ndarray:
    """Return the contacts that act in an environment, (contacts,) of ``RIGID_CONTACT_DTYPE``.

    MuJoCo's contacts lie half way between two surfaces, and their first axis is the normal from the first
    geom to the second one.
    """
    model, data = simulation.engine.env_model_data(env)
    acting = np.flatnonzero(data.contact.efc_address >= 0)
    contacts = np.zeros(len(acting), dtype=RIGID_CONTACT_DTYPE)
    if len(acting) == 0:
        return contacts
    numbers = np.full(model.nbody, -1)
    numbers[list(simulation.compiled.bodies)] = np.arange(len(simulation.compiled.bodies))
    normal, distance = data.contact.frame[acting, 0:3], data.contact.dist[acting]
    _write_vectors(contacts["normal"], normal)
    contacts["initialOverlap"] = -distance
    for side, sign in ((0, -0.5), (1, 0.5)):
        bodies = model.geom_bodyid[data.contact.geom[acting, side]]
        contacts[f"body{side}"] = numbers[bodies]
        contacts[f"env{side}"] = np.where(numbers[bodies] < 0, -1, env)
        point = data.contact.pos[acting] + sign * distance[:, None] * normal - data.xpos[bodies]
        axes = data.xmat[bodies].reshape(-1, 3, 3)
        _write_vectors(contacts[f"localPos{side}"], np.einsum("nij,ni->nj", axes, point))
    forces = np.array([_force(model, data, int(contact)) for contact in acting])
    contacts["lambda"], contacts["lambdaFriction"]["x"], contacts["lambdaFriction"]["y"] = forces.T[0:3]
    sliding, _, spinning, rolling, _ = data.contact.friction[acting].T
    contacts["friction"], contacts["torsionFriction"], contacts["rollingFriction"] = (
        sliding,
        spinning,
        rolling,
    )
    return contacts


def _force(model: mujoco.MjModel, data: mujoco.MjData, contact: int) -> np.ndarray:
    """Return a contact's force along its normal and two tangents, then its torque about them, (6,)."""
    force = np.zeros(6)
    mujoco.mj_contactForce(model, data, contact, force)
    return force


def _write_vectors(out: np.ndarray, rows: np.ndarray) -> None:
    out["x"], out["y"], out["z"] = rows.T
