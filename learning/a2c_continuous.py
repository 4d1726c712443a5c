"""PPO for continuous actions: what a diagonal Gaussian policy adds, and the gradient step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from learning import observations
from learning.a2c_base import A2CBase
from learning.actions import ActionBox
from learning.experience import Field
from learning.losses import (
    actor_loss,
    bound_loss,
    critic_loss,
    policy_kl,
    regularisation_loss,
    smoothed_actor_loss,
)


class ContinuousA2CBase(A2CBase):
    """An actor-critic agent whose actions are real vectors in a box."""

    def read_action_space(self) -> None:
        """Note the number of actions and the bounds that ±1 is scaled to."""
        self.action_box = ActionBox(self.vec_env.action_space, self.config.clip_actions, self.device)
        self.actions_num = self.action_box.actions_num

    def distribution_fields(self) -> dict[str, Field]:
        """Return actions, means and standard deviations."""
        vector = Field((self.actions_num,))
        return {"actions": vector, "mus": vector, "sigmas": vector}

    def preprocess_actions(self, actions: Tensor) -> Tensor:
        """Clamp actions to ±1 and scale them to the action space, unless `clip_actions` is off."""
        return self.action_box(actions)

    @torch.no_grad()
    def prepare_dataset(self, batch_dict: Mapping[str, Tensor]) -> None:
        """Normalise values, returns and advantages, and hand the rollout to the dataset."""
        values, returns = self.normalize_values(batch_dict["values"], batch_dict["returns"])
        advantages = self.normalize_advantages(batch_dict["advantages"].sum(dim=1))
        self.dataset.update_values_dict(
            {
                **observations.rename("obses", "obs", batch_dict),
                "actions": batch_dict["actions"],
                "mu": batch_dict["mus"],
                "sigma": batch_dict["sigmas"],
                "old_logp_actions": batch_dict["neglogpacs"],
                "old_values": values,
                "returns": returns,
                "advantages": advantages,
                **self.extra_dataset_fields(batch_dict),
            }
        )


class A2CAgent(ContinuousA2CBase):
    """`a2c_continuous`: proximal policy optimisation (Schulman et al. 2017) with RL Games' losses."""

    def build_model(self) -> nn.Module:
        """Return actor, critic and normalisers for this environment's sizes."""
        return self.network.build(
            {
                "actions_num": self.actions_num,
                "input_shape": self.obs_shape,
                "num_seqs": self.num_actors,
                "value_size": 1,
                "normalize_value": self.config.normalize_value,
                "normalize_input": self.config.normalize_input,
                **self.network_config(),
            }
        )

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Return what the optimizer steps: all of the model's parameters, in RL Games' order.

        A group with `constant_lr` keeps that learning rate, whatever the schedule does.
        """
        return [{"params": list(self.model.parameters())}]

    def truncated_parameters(self) -> Iterable[nn.Parameter]:
        """Return the parameters whose joint gradient norm `grad_norm` limits."""
        return self.model.parameters()

    def create_optimizer(self) -> torch.optim.Optimizer:
        """Return Adam over `parameter_groups`, in one fused kernel."""
        return torch.optim.Adam(
            self.parameter_groups(),
            lr=self.config.learning_rate,
            eps=1e-8,
            weight_decay=self.config.weight_decay,
            fused=self.device.type in ("cpu", "cuda"),
        )

    def train_actor_critic(self, input_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Make one optimizer step on a minibatch.

        Args:
            input_dict: fields of the dataset, (minibatch_size, …).

        Returns:
            0-dim figures to log: a_loss, c_loss, entropy, bounds_loss, kl and those of `extra_losses`.
        """
        figures = self.calc_gradients(input_dict)
        self.learning_rate.after_minibatch(figures["kl"], self.epoch_num, self.frame)
        if self.config.truncate_grads:
            nn.utils.clip_grad_norm_(self.truncated_parameters(), self.config.grad_norm)
        self.optimizer.step()
        self.after_minibatch(input_dict)
        return figures

    def calc_gradients(self, input_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Compute the gradient of the loss on a minibatch, averaged over all workers, into the parameters.

        Args:
            input_dict: fields of the dataset, (minibatch_size, …).

        Returns:
            0-dim figures, as `train_actor_critic`; `kl` is the mean over all workers.
        """
        with self.autocast():
            res_dict = self.model(
                {
                    "is_train": True,
                    "prev_actions": input_dict["actions"],
                    "obs": observations.join("obs", input_dict),
                }
            )
        loss, figures = self.calc_losses(input_dict, res_dict)
        extra_loss, extra_figures = self.extra_losses(input_dict, res_dict)
        if extra_loss is not None:
            loss = loss + extra_loss
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        with torch.no_grad():
            kl = policy_kl(input_dict["mu"], input_dict["sigma"], res_dict["mus"], res_dict["sigmas"]).mean()
            kl = self.distributed.average_gradients_(self.model.parameters(), kl.reshape(1))[0]
        return {**figures, **extra_figures, "kl": kl}

    def calc_losses(
        self, input_dict: Mapping[str, Tensor], res_dict: Mapping[str, Tensor]
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return PPO's loss, and its parts by name.

        The loss is a + 0.5 · critic_coef · c - entropy_coef · H + bounds_loss_coef · b, each a mean over the
        minibatch.

        Args:
            input_dict: fields of the dataset, (minibatch_size, …).
            res_dict: what the model's forward pass returned for it.
        """
        config = self.config
        surrogate = smoothed_actor_loss if config.use_smooth_clamp else actor_loss
        a_loss = surrogate(
            input_dict["old_logp_actions"],
            res_dict["prev_neglogp"],
            input_dict["advantages"],
            config.ppo,
            config.e_clip,
        ).mean()
        c_loss = critic_loss(
            input_dict["old_values"],
            res_dict["values"],
            config.e_clip,
            input_dict["returns"],
            config.clip_value,
        ).mean()
        entropy = res_dict["entropy"].mean()
        loss = a_loss + 0.5 * config.critic_coef * c_loss - self.learning_rate.entropy_coef * entropy
        figures = {"a_loss": a_loss, "c_loss": c_loss, "entropy": entropy}
        if config.bounds_loss_coef is not None and config.bound_loss_type is not None:
            is_bound = config.bound_loss_type == "bound"
            penalty = partial(bound_loss, soft_bound=config.soft_bound) if is_bound else regularisation_loss
            b_loss = penalty(res_dict["mus"]).mean()
            loss = loss + config.bounds_loss_coef * b_loss
            figures["bounds_loss"] = b_loss
        return loss, figures
