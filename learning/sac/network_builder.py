"""The `soft_actor_critic` network: a Gaussian actor, two critics and their targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from learning.networks.activations import NO_ACTIVATION
from learning.networks.network_builder import NetworkBuilder
from learning.networks.network_config import MlpConfig
from learning.sac.losses import bounded_logstd
from learning.typed_config import ConfigError, from_mapping


@dataclass
class SACNetworkConfig:
    """The `soft_actor_critic` network."""

    mlp: MlpConfig
    """The trunk of the actor and of each critic; its initialiser is of their output layers too."""
    log_std_bounds: tuple[float, float] = (-5.0, 2.0)
    """Least and largest log(sigma) of the policy, before tanh."""
    name: str = "soft_actor_critic"
    """The registered network."""
    normalization: Literal["layer_norm", "None"] | None = None
    """Norm layers in the trunks."""
    separate: bool = True
    """Actor and critics share no layers; only true is known."""
    space: Any = None
    """RL Games' files say `continuous`; the policy's form is fixed."""
    value_activation: str | None = None
    """Stands in RL Games' files; nothing reads it there either."""
    value_shape: Any = None
    """Stands in RL Games' files; nothing reads it there either."""
    joint_obs_actions: Any = None
    """Stands in RL Games' files; nothing reads it there either."""

    def __post_init__(self) -> None:
        """Check the bounds and refuse what cannot be built."""
        low, high = self.log_std_bounds
        if low >= high:
            raise ValueError(f"log_std_bounds=[{low:g}, {high:g}]: the first must be less than the second")
        if not self.separate:
            raise ValueError("separate=False: SAC's actor and critics share no layers; set it to True")
        if isinstance(self.space, Mapping) and set(self.space) - {"continuous"}:
            raise ValueError(f"space={', '.join(self.space)}: SAC's actions are continuous")
        self.normalization = None if self.normalization == NO_ACTIVATION else self.normalization


class OutputMlp(NetworkBuilder.BaseNetwork):
    """What actor and critics are made of: a trunk with an output layer."""

    def _build_with_output(
        self, input_size: int, output_size: int, mlp: MlpConfig, normalization: str | None
    ) -> nn.Sequential:
        """Return trunk and output layer as one sequence, which numbers a plain trunk as RL Games does."""
        trunk = self._build_mlp(input_size, mlp, normalization)
        output = nn.Linear(mlp.units[-1] if mlp.units else input_size, output_size)
        return nn.Sequential(*(trunk if isinstance(trunk, nn.Sequential) else [trunk]), output)


class DiagGaussianActor(OutputMlp):
    """Maps observations to mean and log(sigma) of the actions before tanh.

    Args:
        params: the checked `network` block.
        num_obs: length of an observation.
        actions_num: number of actions A.
    """

    def __init__(self, params: SACNetworkConfig, num_obs: int, actions_num: int) -> None:
        super().__init__()
        self.log_std_bounds = params.log_std_bounds
        self.trunk = self._build_with_output(num_obs, 2 * actions_num, params.mlp, params.normalization)

    def forward(self, obs: Tensor) -> tuple[Tensor, Tensor]:
        """Return mu and log(sigma), (B, A) each and float32, of normalised observations (B, num_obs)."""
        mu, raw_logstd = self.trunk(obs).float().chunk(2, dim=-1)
        return mu, bounded_logstd(raw_logstd, *self.log_std_bounds)


class DoubleQCritic(OutputMlp):
    """Two critics that share nothing (Fujimoto et al. 2018: the smaller value overestimates less).

    Args:
        params: the checked `network` block.
        num_obs: length of an observation.
        actions_num: number of actions A.
    """

    def __init__(self, params: SACNetworkConfig, num_obs: int, actions_num: int) -> None:
        super().__init__()
        input_size = num_obs + actions_num
        self.Q1 = self._build_with_output(input_size, 1, params.mlp, params.normalization)
        self.Q2 = self._build_with_output(input_size, 1, params.mlp, params.normalization)

    def forward(self, obs: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
        """Return both values, (B,) each and float32.

        Args:
            obs: normalised observations, (B, num_obs).
            actions: in units of the action space, (B, A).
        """
        inputs = torch.cat([obs, actions], dim=-1)
        return self.Q1(inputs).squeeze(-1).float(), self.Q2(inputs).squeeze(-1).float()


class SACBuilder(NetworkBuilder):
    """Builds the `soft_actor_critic` network."""

    config_class: type[SACNetworkConfig] = SACNetworkConfig
    """Dataclass of the `network` block."""

    def load(self, params: Mapping[str, Any], path: str = "train.params.network") -> None:
        """Read and check the `network` block; `path` is where it stands, for error messages."""
        self.params = from_mapping(self.config_class, params, path)

    def build(self, name: str, **kwargs: Any) -> SACBuilder.Network:
        """Return a new network; see `Network` for the arguments."""
        return type(self).Network(self.params, **kwargs)

    class Network(NetworkBuilder.BaseNetwork):
        """Actor, critics and target critics, named as in RL Games' checkpoints."""

        def __init__(
            self,
            params: SACNetworkConfig,
            *,
            actions_num: int,
            input_shape: Sequence[int] | Mapping[str, Sequence[int]],
            **kwargs: object,
        ) -> None:
            """Build the parts; the targets start as copies of the critics.

            Args:
                params: the checked `network` block.
                actions_num: number of actions A.
                input_shape: shape of one observation, `(num_obs,)`.
                **kwargs: further build settings, for subclasses.
            """
            super().__init__()
            if isinstance(input_shape, Mapping) or len(input_shape) != 1:
                raise ConfigError(
                    f"observations of shape {input_shape}: soft_actor_critic takes vectors; "
                    "let the task flatten them"
                )
            self.actor = DiagGaussianActor(params, input_shape[0], actions_num)
            self.critic = DoubleQCritic(params, input_shape[0], actions_num)
            self.critic_target = DoubleQCritic(params, input_shape[0], actions_num)
            self._initialize(params)

        @torch.no_grad()
        def _initialize(self, params: SACNetworkConfig) -> None:
            initializer = self._create_initializer(params.mlp.initializer)
            for module in self.modules():
                if isinstance(module, nn.Linear):
                    initializer(module.weight)
                    nn.init.zeros_(module.bias)
            # Last: an initialiser that draws would give the targets weights of their own, as in RL Games.
            self.critic_target.load_state_dict(self.critic.state_dict())
            self.critic_target.requires_grad_(False)

        def forward(self, obs_dict: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
            """Return mu and log(sigma), (B, A) each, of normalised `obs` (B, num_obs)."""
            return self.actor(obs_dict["obs"])

        def is_separate_critic(self) -> bool:
            """Whether actor and critics share no layers."""
            return True
