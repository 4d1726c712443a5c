"""The `amp` network: actor and critic as `actor_critic` has them, and a discriminator of motion windows."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from learning.amp.discriminator import autograd_input_gradient, linear_weights, relu_input_gradient
from learning.networks.layers import build_sequential_mlp
from learning.networks.network_builder import A2CBuilder
from learning.networks.network_config import (
    ContinuousSpaceConfig,
    InitializerConfig,
    MlpConfig,
    NetworkConfig,
    SpaceConfig,
)

LOGIT_INIT_SCALE = 1.0
"""Weights of the discriminator's output start uniformly within plus and minus this."""


@dataclass
class DiscConfig:
    """`disc`: the discriminator's trunk."""

    units: list[int]
    """Width of each layer."""
    activation: str | None = "relu"
    """A name in `activations_factory`; the gradient penalty is cheapest for relu."""
    initializer: InitializerConfig = field(default_factory=InitializerConfig)
    """Of the trunk's weights; biases start at 0."""

    def __post_init__(self) -> None:
        """Check as any trunk is checked."""
        self.activation = MlpConfig(self.units, self.activation).activation


@dataclass
class AMPContinuousSpaceConfig(ContinuousSpaceConfig):
    """The heads of a Gaussian policy whose deviation may be fixed."""

    learn_sigma: bool = False
    """Learn sigma; otherwise it stays as it starts, or follows a schedule."""


@dataclass
class AMPSpaceConfig(SpaceConfig):
    """The kind of actions."""

    continuous: AMPContinuousSpaceConfig | None = None
    """Gaussian policy."""


@dataclass
class AMPNetworkConfig(NetworkConfig):
    """The `amp` network."""

    space: AMPSpaceConfig
    """The policy's heads."""
    disc: DiscConfig = field(default_factory=lambda: DiscConfig([1024, 512]))
    """The discriminator."""
    name: str = "amp"
    """The registered network."""

    def __post_init__(self) -> None:
        """Refuse what the network does not have."""
        super().__post_init__()
        for key in ("cnn", "rnn"):
            if getattr(self, key) is not None:
                raise ValueError(f"{key}: the amp network has MLPs only; remove the block")
        if self.policy_kind != "continuous":
            raise ValueError(
                f"space: the amp network has a continuous policy, not {self.policy_kind}; "
                "give it the block continuous and no central_value"
            )


class AMPBuilder(A2CBuilder):
    """Builds the `amp` network."""

    config_class = AMPNetworkConfig

    class Network(A2CBuilder.Network):
        """Actor, critic and discriminator. Parameters are named as in IsaacGymEnvs' checkpoints."""

        def __init__(
            self, params: AMPNetworkConfig, *, amp_input_shape: Sequence[int], **kwargs: object
        ) -> None:
            """Build actor and critic, then the discriminator.

            Args:
                params: the checked `network` block.
                amp_input_shape: shape of one motion window, (num_amp_obs,).
                **kwargs: `actions_num`, `input_shape`, `value_size`, as for `A2CBuilder.Network`.
            """
            super().__init__(params, **kwargs)  # type: ignore[arg-type]
            space = params.space.continuous
            assert space is not None  # SpaceConfig refuses a block without it
            if isinstance(self.sigma, nn.Parameter):
                self.sigma.requires_grad_(space.learn_sigma)
            self._build_disc(params.disc, amp_input_shape[0])

        @torch.no_grad()
        def _build_disc(self, disc: DiscConfig, input_size: int) -> None:
            self._disc_is_relu = disc.activation == "relu"
            self._disc_mlp = build_sequential_mlp(input_size, disc.units, str(disc.activation))
            self._disc_logits = nn.Linear(disc.units[-1] if disc.units else input_size, 1)
            initializer = self._create_initializer(disc.initializer)
            for layer in self._disc_mlp:
                if isinstance(layer, nn.Linear):
                    initializer(layer.weight)
                    nn.init.zeros_(layer.bias)
            nn.init.uniform_(self._disc_logits.weight, -LOGIT_INIT_SCALE, LOGIT_INIT_SCALE)
            nn.init.zeros_(self._disc_logits.bias)

        def eval_disc(self, amp_obs: Tensor) -> Tensor:
            """Return logits (B, 1) of normalised motion windows (B, num_amp_obs)."""
            return self._disc_logits(self._disc_mlp(amp_obs))

        def eval_disc_with_gradient(self, amp_obs: Tensor, rows: slice) -> tuple[Tensor, Tensor]:
            """Return logits of all windows, and their gradient by the input at some.

            Args:
                amp_obs: normalised motion windows, (B, num_amp_obs).
                rows: of which windows the gradient is wanted.

            Returns:
                Logits (B, 1), and ∂D/∂x (rows, num_amp_obs), both differentiable by the weights.
            """
            if not self._disc_is_relu:
                inputs = amp_obs.detach().requires_grad_()
                logits = self.eval_disc(inputs)
                return logits, autograd_input_gradient(logits, inputs)[rows]
            hidden, active = amp_obs, []
            for layer in self._disc_mlp:
                hidden = layer(hidden)
                if isinstance(layer, nn.ReLU):
                    active.append(hidden.detach()[rows] > 0.0)
            gradient = relu_input_gradient(self.disc_weights(), active)
            return self._disc_logits(hidden), gradient.expand(len(amp_obs[rows]), -1)

        def disc_weights(self) -> list[Tensor]:
            """Return the weights of the discriminator's layers, from input to output."""
            return [*linear_weights(self._disc_mlp), self._disc_logits.weight]

        def disc_logit_weight(self) -> Tensor:
            """Return the weights of the discriminator's output layer, (1, units)."""
            return self._disc_logits.weight

        def disc_parameters(self) -> list[nn.Parameter]:
            """Return what the discriminator learns."""
            return [*self._disc_mlp.parameters(), *self._disc_logits.parameters()]

        def critic_parameters(self) -> list[nn.Parameter]:
            """Return what the critic alone learns: its head, and its trunk where it has one."""
            trunk = self.critic_mlp.parameters() if self.separate else ()
            return [*trunk, *self.value.parameters()]

        def actor_parameters(self) -> list[nn.Parameter]:
            """Return everything else, in order."""
            others = {id(item) for item in itertools.chain(self.disc_parameters(), self.critic_parameters())}
            return [item for item in self.parameters() if id(item) not in others]
