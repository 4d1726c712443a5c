"""PPO for continuous actions: what a diagonal Gaussian policy adds."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from torch import Tensor

from learning.agents.a2c_base import A2CBase
from learning.agents.symmetry import Symmetry, mirror_loss
from learning.maths.losses import bound_loss, policy_kl, regularisation_loss
from learning.rollouts.actions import ActionBox
from learning.rollouts.experience import Field
from learning.typed_config import ConfigError


class ContinuousA2CBase(A2CBase):
    """An actor-critic agent whose actions are real vectors in a box."""

    actions_num: int

    def read_action_space(self) -> None:
        """Note the number of actions and the bounds that ±1 is scaled to."""
        if self.config.use_action_masks:
            raise ConfigError(
                "train.params.config.use_action_masks=True: masks choose among discrete actions, this "
                "environment's are continuous; leave it out"
            )
        self.action_box = ActionBox(self.vec_env.action_space, self.config.clip_actions, self.device)
        self.actions_num = self.action_box.actions_num

    def distribution_fields(self) -> dict[str, Field]:
        """Return actions, means and standard deviations."""
        vector = Field((self.actions_num,))
        return {"actions": vector, "mus": vector, "sigmas": vector}

    def distribution_columns(self, batch_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return means and standard deviations, by RL Games' names."""
        return {"mu": batch_dict["mus"], "sigma": batch_dict["sigmas"]}

    def preprocess_actions(self, actions: Tensor) -> Tensor:
        """Clamp actions to ±1 and scale them to the action space, unless `clip_actions` is off."""
        return self.action_box(actions)


class A2CAgent(ContinuousA2CBase):
    """`a2c_continuous`: proximal policy optimisation (Schulman et al. 2017) with RL Games' losses."""

    symmetry: Symmetry | None

    def create_optimizers(self) -> None:
        """Build what learns, and what mirrors samples."""
        super().create_optimizers()
        config = self.config.symmetry_config
        if config is not None and self.is_rnn:
            raise ConfigError(
                "train.params.config.symmetry_config: mirrors observations, not what a recurrent policy "
                "remembers; set it to null, or take network.rnn out"
            )
        self.symmetry = None if config is None else Symmetry(config, self.vec_env)

    def augment(self, input_dict: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Return a minibatch, with the mirror images of its samples behind it where they are learned from."""
        if self.symmetry is None or not self.symmetry.config.use_data_augmentation:
            return input_dict
        return self.symmetry.augment(input_dict)

    def calc_losses(
        self, input_dict: Mapping[str, Tensor], res_dict: Mapping[str, Tensor]
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return PPO's loss and its parts by name, with what acting against a symmetry costs."""
        if self.symmetry is None:
            return super().calc_losses(input_dict, res_dict)
        # As in RSL-RL, the bonus is for the entropy where the policy really was.
        entropy = res_dict["entropy"][: self.minibatch_size]
        loss, figures = super().calc_losses(input_dict, {**res_dict, "entropy": entropy})
        symmetry_loss = self.mirror_loss(self.symmetry, input_dict, res_dict["mus"])
        weight = self.symmetry.config.mirror_weight
        total = loss + weight * symmetry_loss if weight else loss
        return total, {**figures, "mirror_loss": symmetry_loss}

    def mirror_loss(self, symmetry: Symmetry, input_dict: Mapping[str, Tensor], mus: Tensor) -> Tensor:
        """Return how far mean actions at mirrored observations are from mirrored mean actions, 0-dim.

        Args:
            symmetry: what mirrors.
            input_dict: a minibatch, as `augment` returned it.
            mus: mean actions of the policy for it.
        """
        if symmetry.config.use_data_augmentation:
            count = self.minibatch_size
            return mirror_loss(mus[count:], symmetry.mirror_actions(mus[:count]))
        with self.autocast():
            mirrored_mus = self.model(self.model_inputs(symmetry.mirrored(input_dict)))["mus"]
        return mirror_loss(mirrored_mus, symmetry.mirror_actions(mus))

    def policy_kl(self, input_dict: Mapping[str, Tensor], res_dict: Mapping[str, Tensor]) -> Tensor:
        """Return the divergence of the Gaussians, (B,)."""
        return policy_kl(input_dict["mu"], input_dict["sigma"], res_dict["mus"], res_dict["sigmas"])

    def action_losses(self, res_dict: Mapping[str, Tensor]) -> dict[str, tuple[float, Tensor]]:
        """Return what means out of bounds cost."""
        config = self.config
        if config.bounds_loss_coef is None or config.bound_loss_type is None:
            return {}
        is_bound = config.bound_loss_type == "bound"
        penalty = partial(bound_loss, soft_bound=config.soft_bound) if is_bound else regularisation_loss
        return {"bounds_loss": (config.bounds_loss_coef, penalty(res_dict["mus"]).mean())}
