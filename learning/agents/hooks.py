"""The places where an agent may add to PPO without repeating its rollout, its loop or its gradient step.

`A2CBase` calls each hook where its docstring says; each does nothing unless a subclass fills it. AMP, for
one, is PPO with `extra_experience_fields`, `after_env_step`, `compose_rewards`, `before_update`,
`extra_losses`, `after_epoch`, `extra_state` and `extra_metrics` filled. All workers call all hooks, in step,
so a hook may use `self.distributed`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from learning.rollouts.experience import Field
from learning.vecenv import ObsDict, VecEnv


class AgentHooks:
    """What a subclass of an agent may fill in, in the order of an epoch."""

    # ---------------------------------------------------------------- construction

    def wrap_env(self, env: VecEnv) -> VecEnv:
        """Return the environment as the agent plays in it; the first hook, only the configuration exists."""
        return env

    def network_config(self) -> dict[str, Any]:
        """Return what `model.build` is told besides the sizes that every agent needs.

        Example: `{"amp_input_shape": (210,)}`.
        """
        return {}

    def extra_experience_fields(self) -> dict[str, Field]:
        """Return further fields of the experience buffer, which `after_env_step` then fills.

        Each becomes a tensor (horizon_length, num_envs, *shape). Configuration, environment and model exist.
        """
        return {}

    def create_parts(self) -> None:
        """Build what else the subclass needs: configuration, environment, model and buffers exist."""

    # ---------------------------------------------------------------- rollout

    def before_epoch(self) -> None:
        """An epoch begins: curricula and schedules that move settings belong here."""

    def after_env_step(self, step: int, obs: ObsDict, dones: Tensor, infos: dict[str, Any]) -> None:
        """One step of the rollout was made and its standard fields are recorded; no gradient is tracked.

        Record extra fields with `self.experience_buffer.update_data(name, step, value)`. Stay on the device:
        no `.item()`, `.cpu()`, or Python `if` on a tensor.

        Args:
            step: time step within the rollout.
            obs: observations after the step; ended environments already show their new episode.
            dones: (num_envs,) bool.
            infos: the environment's extras, live buffers.
        """

    def compose_rewards(self, rewards: Tensor) -> Tensor:
        """Return the rewards that returns are computed from, after the rollout and before GAE.

        Curiosity's, where there is any, come on top.

        Args:
            rewards: (horizon_length, num_envs, 1) shaped task rewards.

        Returns:
            A tensor of the same shape.
        """
        return rewards

    # ---------------------------------------------------------------- update

    def before_update(self, batch_dict: Mapping[str, Tensor]) -> None:
        """The rollout is complete, rewards and advantages included, and nothing was learned from it yet.

        Args:
            batch_dict: the flat fields of the rollout, with `advantages` and `returns`.
        """

    def extra_dataset_fields(self, batch_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return further fields of every minibatch, (batch_size, …) in time-major order.

        Args:
            batch_dict: the flat fields of the rollout, extra fields included.
        """
        return {}

    def augment(self, input_dict: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Return what an actor-critic agent learns from a minibatch: itself, or with further samples behind.

        Args:
            input_dict: fields of the dataset, (minibatch_size, …).

        Returns:
            The same fields, at least as many rows each, those given first. The KL divergence is of these
            alone.
        """
        return input_dict

    def extra_losses(
        self, minibatch: Mapping[str, Tensor], res_dict: Mapping[str, Tensor]
    ) -> tuple[Tensor | None, dict[str, Tensor]]:
        """Return what is added to PPO's loss in `calc_gradients`; gradients are tracked.

        Args:
            minibatch: fields of the dataset, as `augment` returned them, (minibatch_size, …) or more rows.
            res_dict: what the model's forward pass returned for it.

        Returns:
            A weighted scalar to add (None for nothing), and 0-dim tensors to log: their means over the epoch
            appear as `losses/<name>`, or under the name itself if it holds a slash (`info/disc_agent_acc`).
        """
        return None, {}

    def after_minibatch(self, minibatch: Mapping[str, Tensor]) -> None:
        """The optimizer made its step on this minibatch: another optimizer may make its own here."""

    def after_epoch(self, batch_dict: Mapping[str, Tensor]) -> None:
        """The update ended: normalisers and replay buffers take the rollout in here; evaluations may run.

        Args:
            batch_dict: the flat fields of the rollout.
        """

    # ---------------------------------------------------------------- after the epoch

    def extra_metrics(self) -> dict[str, float | Tensor]:
        """Return further figures of the epoch by full TensorBoard tag; they are averaged over the workers.

        All workers return the same tags.
        """
        return {}

    def score(self) -> float | None:
        """Return what the best checkpoint is chosen by, larger is better, the same on all workers.

        None where this epoch has nothing to choose by. `A2CBase` returns the mean episode reward once enough
        episodes have ended.
        """
        return None

    def extra_state(self) -> dict[str, Any]:
        """Return plain data that `last.pth` has to hold besides PPO's, equal on all workers."""
        return {}

    def load_extra_state(self, state: Mapping[str, Any]) -> None:
        """Take up a state of `extra_state`."""

    def worker_state(self) -> dict[str, Any]:
        """Return plain data of this worker alone that the next rollout depends on."""
        return {}

    def load_worker_state(self, state: Mapping[str, Any]) -> None:
        """Take up a state of `worker_state`."""

    def replay_state(self) -> dict[str, Any]:
        """Return this worker's replay buffers; too large for `last.pth`, they go into `last_replay.pth`."""
        return {}

    def load_replay_state(self, state: Mapping[str, Any]) -> None:
        """Take up a state of `replay_state`."""

    def policy_state(self) -> dict[str, Any]:
        """Return what a player needs besides the model, for the best checkpoint (`amp_input_mean_std`)."""
        return {}

    def load_policy_state(self, state: Mapping[str, Any]) -> None:
        """Take up a state of `policy_state`."""

    def result_figures(self) -> dict[str, Any]:
        """Return further fields of result.json."""
        return {}
