"""Calls that create attractors, change them and move their targets."""

from __future__ import annotations

import copy

from mjgym.attractors import check_attractor
from mjgym.gym.checks import building, env_of, item_of
from mjgym.partly import partly
from mjgym.scene import Env
from mjgym.structs import AttractorProperties, Transform


class AttractorCalls:
    """Springs that pull bodies towards poses. Handles count the attractors of an environment."""

    def create_rigid_body_attractor(self, env: Env, props: AttractorProperties) -> int:
        """Let a spring pull a body towards a target; return the attractor's handle.

        It pulls the frame ``offset`` of the body (in the body's own frame) towards ``target`` (in the
        environment) along the ``axes`` of the target, with ``stiffness`` [N/m, N m/rad] and ``damping``
        [N s/m, N m s/rad], both implicit. Twist is about x, swing 1 about y, swing 2 about z.

        Raises:
            IndexError: if ``rigid_handle`` is no body of the environment.
            ValueError: if a gain is negative or the axes are unknown.
        """
        call = "create_rigid_body_attractor"
        building(env_of(env, call).sim, call)
        env.attractors.append(check_attractor(props, env.num_bodies, call))
        return len(env.attractors) - 1

    def get_attractor_properties(self, env: Env, attractor_handle: int) -> AttractorProperties:
        """Return a copy of an attractor's properties."""
        return copy.deepcopy(_attractor(env, attractor_handle, "get_attractor_properties"))

    @partly("after `prepare_sim` an attractor keeps its body and axes")
    def set_attractor_properties(self, env: Env, attractor_handle: int, props: AttractorProperties) -> None:
        """Replace an attractor's properties.

        Raises:
            ValueError: if a gain is negative, or body or axes change after ``prepare_sim``.
        """
        call = "set_attractor_properties"
        old = _attractor(env, attractor_handle, call)
        checked = check_attractor(props, env.num_bodies, call)
        running = env.sim.running
        if running is not None and (checked.rigid_handle, checked.axes) != (old.rigid_handle, old.axes):
            raise ValueError(
                f"{call}: rigid_handle = {checked.rigid_handle} and axes = {checked.axes} cannot change "
                f"after prepare_sim; they are {old.rigid_handle} and {old.axes}"
            )
        env.attractors[attractor_handle] = checked
        if running is not None:
            running.attractors.write(env, attractor_handle)

    def set_attractor_target(self, env: Env, attractor_handle: int, target: Transform) -> None:
        """Move an attractor's target to a pose in the environment."""
        props = _attractor(env, attractor_handle, "set_attractor_target")
        props.target = Transform(copy.copy(target.p), target.r.normalize())
        if env.sim.running is not None:
            env.sim.running.attractors.move(env, attractor_handle)


def _attractor(env: Env, handle: int, call: str) -> AttractorProperties:
    attractors = env_of(env, call).attractors
    return attractors[item_of(attractors, handle, "attractor", call)]
