"""PPO for discrete actions: what a categorical policy adds, for one choice or several, with action masks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from learning.agents.a2c_base import A2CBase
from learning.maths.categorical import categorical_kl
from learning.rollouts.actions import ActionChoices
from learning.rollouts.experience import Field
from learning.typed_config import ConfigError
from learning.vecenv import ObsDict, action_masks


class DiscreteA2CBase(A2CBase):
    """An actor-critic agent that chooses among actions, or makes several choices at once.

    With `use_action_masks` the environment says before every step which actions are allowed
    (`VecEnv.get_action_masks`); others get probability 0.
    """

    def read_action_space(self) -> None:
        """Note the number of actions, or the numbers of several choices."""
        if self.config.symmetry_config is not None:
            raise ConfigError(
                "train.params.config.symmetry_config: mirrors actions that are vectors, this environment's "
                "are discrete; set it to null"
            )
        self.choices = ActionChoices(self.vec_env.action_space)
        self.actions_num = self.choices.actions_num

    def distribution_fields(self) -> dict[str, Field]:
        """Return actions and log-probabilities; those of several choices lie side by side."""
        return {
            "actions": Field(self.choices.shape, torch.int64),
            "logits": Field((self.choices.num_logits,)),
        }

    def distribution_columns(self, batch_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the rollout's log-probabilities."""
        return {"old_logits": batch_dict["logits"]}

    def extra_experience_fields(self) -> dict[str, Field]:
        """Return the masks, where they are used."""
        mask = {"action_masks": Field((self.choices.num_logits,), torch.bool)}
        return mask if self.config.use_action_masks else {}

    def extra_dataset_fields(self, batch_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the masks, where they are used."""
        return {name: batch_dict[name] for name in ("action_masks",) if name in batch_dict}

    def record_obs(self, step: int) -> ObsDict:
        """Copy the masks of this step too, where they are used."""
        obs = super().record_obs(step)
        if not self.config.use_action_masks:
            return obs
        masks = action_masks(self.vec_env, self.choices.num_logits).to(self.device)
        self.experience_buffer.update_data("action_masks", step, masks)
        return {**obs, "action_masks": masks}

    def model_inputs(self, input_dict: Mapping[str, Tensor]) -> dict[str, Any]:
        """Return what the model is asked in an update, masks included."""
        return {**super().model_inputs(input_dict), "action_masks": input_dict.get("action_masks")}

    def preprocess_actions(self, actions: Tensor) -> Tensor:
        """Return the choices, (num_envs,) or (num_envs, number of choices), as indices."""
        return self.choices(actions)


class DiscreteA2CAgent(DiscreteA2CBase):
    """`a2c_discrete`: proximal policy optimisation (Schulman et al. 2017) with RL Games' losses."""

    def policy_kl(self, input_dict: Mapping[str, Tensor], res_dict: Mapping[str, Tensor]) -> Tensor:
        """Return the divergence of the categorical distributions, (B,)."""
        return categorical_kl(input_dict["old_logits"], res_dict["logits"])
