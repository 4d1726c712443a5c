"""The `continuous_amp` model: a Gaussian policy given by log(sigma), and a discriminator."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from learning.amp.network_builder import AMPBuilder
from learning.models.models import ModelA2CContinuousLogStd
from learning.networks.network_builder import NetworkBuilder
from learning.typed_config import ConfigError


class ModelAMPContinuous(ModelA2CContinuousLogStd):
    """`continuous_amp`."""

    class Network(ModelA2CContinuousLogStd.Network):
        """Actor and critic with their normalisers; the agent normalises what the discriminator sees."""

        a2c_network: AMPBuilder.Network

        def __init__(self, a2c_network: NetworkBuilder.BaseNetwork, **kwargs: Any) -> None:
            """Check that the network has a discriminator."""
            super().__init__(a2c_network, **kwargs)
            if not hasattr(a2c_network, "eval_disc"):
                raise ConfigError(
                    "train.params.network.name: the model continuous_amp needs a network with a "
                    "discriminator; name: amp has one"
                )

        def eval_mean(self, obs: Tensor) -> Tensor:
            """Return the policy's mean actions (B, A) of raw observations, and skip critic and noise."""
            mu = self.a2c_network.eval_actor(self.norm_obs(obs))[0]
            assert isinstance(mu, Tensor)  # the policy is Gaussian
            return mu.float()

        def eval_disc(self, amp_obs: Tensor) -> Tensor:
            """Return the discriminator's logits (B, 1) of normalised motion windows (B, num_amp_obs)."""
            return self.a2c_network.eval_disc(amp_obs)
