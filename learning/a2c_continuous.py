"""PPO for continuous actions: what a diagonal Gaussian policy adds."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from torch import Tensor

from learning.a2c_base import A2CBase
from learning.actions import ActionBox
from learning.experience import Field
from learning.losses import bound_loss, policy_kl, regularisation_loss
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
