"""The heads of a policy: what turns the features of a trunk into a distribution's parameters."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import torch
from torch import Tensor, nn

from learning.networks.activations import activations_factory
from learning.networks.layer_config import InitializerConfig
from learning.networks.network_config import ContinuousSpaceConfig, PolicyKind, SpaceConfig
from learning.networks.sigma import SigmaTransform
from learning.typed_config import ConfigError

PolicyParameters = tuple[Any, ...]
"""(mu, sigma) of a continuous policy, (logits,) of a discrete one, ([logits, …],) of a multi-discrete one,
and () of a central value."""


class PolicyHeads(nn.Module):
    """The part of a network that holds `mu` and `sigma`, or `logits`, under RL Games' names."""

    mu: nn.Linear
    mu_act: nn.Module
    sigma: nn.Parameter | nn.Linear
    sigma_act: nn.Module
    logits: nn.Linear | nn.ModuleList
    policy_kind: PolicyKind
    """What the heads give; with `value` there are none of these."""
    sigma_transform: SigmaTransform
    """How a model that takes log(sigma) is to read `sigma`."""

    def _build_policy_heads(
        self, space: SpaceConfig | None, out_size: int, actions_num: int | Sequence[int] | None
    ) -> None:
        """Add the heads of `policy_kind`; a central value has none.

        Args:
            space: the checked `space` block.
            out_size: width of the features.
            actions_num: number of actions A (continuous), of choices n (discrete), or of each choice
                (multi-discrete).
        """
        if space is None or self.policy_kind == "value":
            return
        sizes = _plain_sizes(actions_num)
        if sizes is None or isinstance(sizes, list) != (self.policy_kind == "multi_discrete"):
            raise ConfigError(
                f"train.params.network.space.{self.policy_kind}: does not fit the task's actions, of number "
                f"{actions_num}; continuous and discrete take one number, multi_discrete a list of them"
            )
        if isinstance(sizes, list):
            self.logits = nn.ModuleList(nn.Linear(out_size, size) for size in sizes)
        elif space.continuous is not None:
            self._build_gaussian(space.continuous, out_size, sizes)
        else:
            self.logits = nn.Linear(out_size, sizes)

    def _build_gaussian(self, space: ContinuousSpaceConfig, out_size: int, actions_num: int) -> None:
        self.fixed_sigma, self.sigma_transform = space.fixed_sigma, space.sigma_transform
        self.mu = nn.Linear(out_size, actions_num)
        self.mu_act = activations_factory.create(str(space.mu_activation))
        self.sigma_act = activations_factory.create(str(space.sigma_activation))
        if space.fixed_sigma:
            self.sigma = nn.Parameter(torch.zeros(actions_num))
        else:
            self.sigma = nn.Linear(out_size, actions_num)

    @torch.no_grad()
    def _initialize_policy_heads(self, space: SpaceConfig | None) -> None:
        """Give mu and sigma their own weights; logits keep those of every linear layer."""
        if self.policy_kind == "continuous" and space is not None and space.continuous is not None:
            space.continuous.mu_init.create()(self.mu.weight)
            self._initialize_sigma(space.continuous.sigma_init)

    def _initialize_sigma(self, config: InitializerConfig) -> None:
        sigma_init = config.create()
        if isinstance(self.sigma, nn.Parameter):
            sigma_init(self.sigma)
        elif config.name == "const_initializer":
            # The constant is meant for sigma. In every weight, as RL Games has it, it would make sigma
            # depend on the sum of the features.
            nn.init.zeros_(self.sigma.weight)
            sigma_init(self.sigma.bias)
        else:
            sigma_init(self.sigma.weight)

    def _eval_heads(self, actor_out: Tensor) -> PolicyParameters:
        """Return the policy's parameters from features (B, out_size); see `PolicyParameters`."""
        if self.policy_kind == "value":
            return ()
        if self.policy_kind == "continuous":
            sigma = self.sigma if isinstance(self.sigma, nn.Parameter) else self.sigma(actor_out)
            return self.mu_act(self.mu(actor_out)), self.sigma_act(sigma)
        if isinstance(self.logits, nn.ModuleList):
            return ([head(actor_out) for head in self.logits],)
        return (self.logits(actor_out),)


def _plain_sizes(actions_num: Any) -> int | list[int] | None:
    """Return sizes without numpy's types, which action spaces give."""
    if actions_num is None or isinstance(actions_num, Integral):
        return None if actions_num is None else int(actions_num)
    return [int(size) for size in actions_num]
