"""Calls that hand out Jacobians and mass matrices of actors, by name."""

from __future__ import annotations

from mjgym.descriptor import Tensor
from mjgym.gym.checks import running
from mjgym.scene import Sim


class DynamicsCalls:
    """Jacobians and mass matrices: one tensor an actor, for all environments."""

    def acquire_jacobian_tensor(self, sim: Sim, name: str) -> Tensor:
        """Return the Jacobians of the actor called ``name`` in every environment.

        Linear velocity of the body frame's origin, then angular velocity, in world axes, by velocities of the
        DOFs. Of a fixed base (num_envs, bodies - 1, 6, DOFs): the base has no row. Of a floating base
        (num_envs, bodies, 6, 6 + DOFs): the root's linear and angular velocity in world axes come first.

        Raises:
            ValueError: if an environment has no actor of this name at the same place.
        """
        return running(sim, "acquire_jacobian_tensor").jacobians(name).descriptor

    def acquire_mass_matrix_tensor(self, sim: Sim, name: str) -> Tensor:
        """Return the mass matrices of the actor called ``name`` in every environment, armature included.

        (num_envs, DOFs, DOFs) of a fixed base; of a floating one with 6 more rows and columns, first, for the
        root's linear and angular velocity in world axes.

        Raises:
            ValueError: if an environment has no actor of this name at the same place.
        """
        return running(sim, "acquire_mass_matrix_tensor").mass_matrices(name).descriptor

    def refresh_jacobian_tensors(self, sim: Sim) -> bool:
        """Bring all acquired Jacobians up to date; right after a setter, too."""
        running(sim, "refresh_jacobian_tensors").refresh_kind("jacobians")
        return True

    def refresh_mass_matrix_tensors(self, sim: Sim) -> bool:
        """Bring all acquired mass matrices up to date; right after a setter, too."""
        running(sim, "refresh_mass_matrix_tensors").refresh_kind("mass_matrices")
        return True
