"""Models of discrete policies: one choice among n actions, or several independent choices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from learning.maths.categorical import (
    categorical_entropy,
    categorical_kl,
    categorical_neglogp,
    masked_log_probs,
    sample_categorical,
    split_heads,
)
from learning.models.models import BaseModel, BaseModelNetwork
from learning.networks.network_builder import NetworkBuilder
from learning.typed_config import ConfigError


class CategoricalNetwork(BaseModelNetwork):
    """A policy over discrete actions. Subclasses say how one choice, or several, are read from the logits.

    The distribution is computed in float32 whatever precision the network ran in. In what it returns,
    `logits` are log-probabilities after masking: they and nothing else give KL and greedy actions.
    """

    def log_probs(self, logits: Any, action_masks: Tensor | None) -> Tensor:
        """Return normalised log-probabilities of what the network gave, (B, n); of all choices side by side.

        Args:
            logits: the network's output.
            action_masks: True where an action is allowed, in the shape returned; None allows all.
        """
        raise NotImplementedError

    def neglogp(self, log_probs: Tensor, actions: Tensor) -> Tensor:
        """Return -log p(actions), (B,)."""
        raise NotImplementedError

    def sample_actions(self, logits: Tensor) -> Tensor:
        """Return actions drawn from the policy, int64, from the `logits` that `forward` returns."""
        raise NotImplementedError

    def greedy_actions(self, logits: Tensor) -> Tensor:
        """Return the most probable actions, int64, from the `logits` that `forward` returns."""
        raise NotImplementedError

    def forward(self, input_dict: Mapping[str, Any]) -> dict[str, Any]:
        """Evaluate given actions (`is_train`), or draw new ones.

        Args:
            input_dict: `obs` (B, …), raw; `is_train` (default True); in training `prev_actions`, (B,) or
                (B, number of choices); optionally `action_masks`, True where an action is allowed, (B, n)
                bool, the masks of several choices side by side. A row without any allowed action is taken
                as unmasked. For recurrent networks also what `Sequences` says.

        Returns:
            Training: prev_neglogp (B,), values (B, V) normalised, entropy (B,) in nats.
            Otherwise: neglogpacs (B,), values (B, V) in units of the shaped reward, actions, int64, in the
            shape of `prev_actions`.
            Both: logits (B, n), rnn_states.
        """
        obs = self.norm_obs(input_dict["obs"])
        raw_logits, value, states = self.a2c_network({**input_dict, "obs": obs})
        value = value.float()
        log_probs = self.log_probs(raw_logits, input_dict.get("action_masks"))
        common = {"logits": log_probs, "rnn_states": states}
        if input_dict.get("is_train", True):
            return {
                "prev_neglogp": self.neglogp(log_probs, input_dict["prev_actions"]),
                "values": value,
                "entropy": categorical_entropy(log_probs),
                **common,
            }
        actions = self.sample_actions(log_probs.detach())
        return {
            "neglogpacs": self.neglogp(log_probs, actions),
            "values": self.denorm_value(value),
            "actions": actions,
            **common,
        }

    def kl(self, p_dict: Mapping[str, Tensor], q_dict: Mapping[str, Tensor]) -> Tensor:
        """Return KL(p ‖ q) in nats, (B,), of two policies given by the `logits` that `forward` returns."""
        return categorical_kl(p_dict["logits"], q_dict["logits"])


class ModelA2C(BaseModel):
    """`discrete_a2c`: one choice among n actions; actions are (B,)."""

    policy_kind = "discrete"

    class Network(CategoricalNetwork):
        """Reads the network's logits (B, n)."""

        def log_probs(self, logits: Tensor, action_masks: Tensor | None) -> Tensor:
            """Return log-probabilities (B, n)."""
            _check_width(action_masks, logits.shape[-1])
            return masked_log_probs(logits.float(), action_masks)

        def neglogp(self, log_probs: Tensor, actions: Tensor) -> Tensor:
            """Return -log p(actions), (B,), of actions (B,)."""
            return categorical_neglogp(log_probs, actions)

        def sample_actions(self, logits: Tensor) -> Tensor:
            """Return drawn actions (B,)."""
            return sample_categorical(logits)

        def greedy_actions(self, logits: Tensor) -> Tensor:
            """Return the most probable actions (B,)."""
            return logits.argmax(dim=-1)


class ModelA2CMultiDiscrete(BaseModel):
    """`multi_discrete_a2c`: k independent choices among n_0, n_1, … actions; actions are (B, k)."""

    policy_kind = "multi_discrete"

    def module_settings(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """Return what any model takes, and the sizes of the choices."""
        return {**super().module_settings(config), "actions_num": config["actions_num"]}

    class Network(CategoricalNetwork):
        """Reads a list of logits (B, n_i), and returns them side by side, (B, Σ n_i)."""

        def __init__(
            self, a2c_network: NetworkBuilder.BaseNetwork, actions_num: Sequence[int], **kwargs: Any
        ) -> None:
            """Note the sizes n_i of the choices."""
            super().__init__(a2c_network, **kwargs)
            self.actions_num = [int(num) for num in actions_num]

        def log_probs(self, logits: Sequence[Tensor], action_masks: Tensor | None) -> Tensor:
            """Return log-probabilities of all choices side by side, (B, Σ n_i)."""
            _check_width(action_masks, sum(self.actions_num))
            heads = [head.float() for head in logits]
            if action_masks is None:
                return torch.cat([masked_log_probs(head) for head in heads], dim=-1)
            masks = split_heads(action_masks, self.actions_num)
            return torch.cat([masked_log_probs(*pair) for pair in zip(heads, masks, strict=True)], dim=-1)

        def neglogp(self, log_probs: Tensor, actions: Tensor) -> Tensor:
            """Return -log p(actions), (B,), of actions (B, k)."""
            choices = zip(split_heads(log_probs, self.actions_num), actions.unbind(dim=-1), strict=True)
            return torch.stack([categorical_neglogp(*choice) for choice in choices]).sum(dim=0)

        def sample_actions(self, logits: Tensor) -> Tensor:
            """Return drawn actions (B, k)."""
            heads = split_heads(logits, self.actions_num)
            return torch.stack([sample_categorical(head) for head in heads], dim=-1)

        def greedy_actions(self, logits: Tensor) -> Tensor:
            """Return the most probable actions (B, k)."""
            heads = split_heads(logits, self.actions_num)
            return torch.stack([head.argmax(dim=-1) for head in heads], dim=-1)


def _check_width(action_masks: Tensor | None, width: int) -> None:
    if action_masks is not None and action_masks.shape[-1] != width:
        raise ConfigError(
            f"action_masks of width {action_masks.shape[-1]}: the policy chooses among {width} actions; "
            "the environment must give one column for each, those of several choices side by side"
        )
