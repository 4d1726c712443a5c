"""Networks: what maps observations to the parameters of a policy and to a value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from learning.activations import activations_factory
from learning.initializers import Initializer, init_factory
from learning.layer_config import InitializerConfig, MlpConfig
from learning.layers import D2RLNet, build_sequential_mlp
from learning.network_config import NetworkConfig, PolicyKind, SpaceConfig
from learning.policy_heads import PolicyHeads, PolicyParameters
from learning.typed_config import ConfigError, from_mapping

NetworkOutput = tuple[Any, ...]
"""The policy's parameters (see `PolicyParameters`), the value, and the recurrent state or None."""


class NetworkBuilder:
    """Builds a network from a YAML block. Register a subclass to add a network of your own.

    The registry calls `load(params)` with the `network` block, once, and `build(name, **kwargs)` for every
    network wanted.
    """

    path: str = "train.params.network"
    """Where the block stands, for error messages."""

    def __init__(self, **kwargs: object) -> None:
        """Take no arguments; a registered builder may pass any."""

    def load(self, params: Mapping[str, Any]) -> None:
        """Read the `network` block of the train YAML."""
        raise NotImplementedError

    def build(self, name: str, **kwargs: Any) -> NetworkBuilder.BaseNetwork:
        """Return a new network. `name` says for which use ("a2c")."""
        raise NotImplementedError

    def __call__(self, name: str, **kwargs: Any) -> NetworkBuilder.BaseNetwork:
        """Return `build(name, **kwargs)`."""
        return self.build(name, **kwargs)

    @property
    def policy_kind(self) -> PolicyKind | None:
        """What the networks' heads give, for a model to check that it fits; None: not said."""
        return None

    class BaseNetwork(nn.Module):
        """What a model asks of a network, answered for one that is neither recurrent nor separate."""

        activations_factory = activations_factory
        init_factory = init_factory

        def is_separate_critic(self) -> bool:
            """Whether actor and critic share no layers."""
            return False

        def is_rnn(self) -> bool:
            """Whether the network has a recurrent layer."""
            return False

        def get_default_rnn_state(self) -> tuple[Tensor, ...] | None:
            """Return the recurrent state of a new episode, or None without a recurrent layer."""
            return None

        def eval_critic(self, obs: Tensor) -> Tensor:
            """Return the value (B, V) of normalised observations; override it where less will do."""
            return self({"obs": obs})[2]

        def get_value_layer(self) -> nn.Module | None:
            """Return the layer that gives the value."""
            return getattr(self, "value", None)

        def get_aux_loss(self) -> dict[str, Tensor] | None:
            """Return named losses of the last forward that are to be added to PPO's, or None."""
            return None

        def _build_mlp(self, input_size: int, mlp: MlpConfig, normalization: str | None = None) -> nn.Module:
            build = D2RLNet if mlp.d2rl else build_sequential_mlp
            return build(input_size, mlp.units, str(mlp.activation), normalization, mlp.norm_only_first_layer)

        def _create_initializer(self, config: InitializerConfig) -> Initializer:
            return config.create()


class A2CBuilder(NetworkBuilder):
    """The `actor_critic` network: one or two MLP trunks, a Gaussian policy and a value."""

    config_class: type[NetworkConfig] = NetworkConfig
    """Dataclass of the `network` block; a subclass with more keys sets its own."""

    def load(self, params: Mapping[str, Any] | NetworkConfig, path: str = "train.params.network") -> None:
        """Read and check the `network` block.

        Args:
            params: the block, or its dataclass.
            path: where it stands, for error messages.
        """
        self.path = path
        if isinstance(params, NetworkConfig):
            self.params = params
        else:
            self.params = from_mapping(self.config_class, params, path)

    @property
    def policy_kind(self) -> PolicyKind:
        """What the networks' heads give."""
        return self.params.policy_kind

    def build(self, name: str, **kwargs: Any) -> NetworkBuilder.BaseNetwork:
        """Return a new network; see `Network` for the arguments."""
        return type(self).Network(self.params, **kwargs)

    class Network(PolicyHeads, NetworkBuilder.BaseNetwork):
        """Actor and critic. Parameters are named and ordered as in RL Games' checkpoints and optimizers."""

        def __init__(
            self,
            params: NetworkConfig,
            *,
            actions_num: int | Sequence[int],
            input_shape: Sequence[int],
            value_size: int = 1,
            **kwargs: object,
        ) -> None:
            """Build trunks and heads and initialise their weights.

            Args:
                params: the checked `network` block.
                actions_num: number of actions A, of choices n (discrete), a list of those (multi-discrete).
                input_shape: shape of one observation, `(num_obs,)`.
                value_size: number of value heads V.
                **kwargs: further build settings, for subclasses.
            """
            super().__init__()
            if len(input_shape) != 1:
                raise ConfigError(
                    f"observations of shape {tuple(input_shape)}: actor_critic takes vectors; "
                    "let the task flatten them"
                )
            self.separate = params.separate
            self.actor_mlp = self._build_mlp(input_shape[0], params.mlp, params.normalization)
            if self.separate:
                self.critic_mlp = self._build_mlp(input_shape[0], params.mlp, params.normalization)
            out_size = params.mlp.units[-1] if params.mlp.units else input_shape[0]
            self.value = nn.Linear(out_size, value_size)
            self.value_act = self.activations_factory.create(str(params.value_activation))
            self._build_policy_heads(params.space, out_size, actions_num)
            self._initialize(params.mlp.initializer, params.space)

        @torch.no_grad()
        def _initialize(self, initializer: InitializerConfig, space: SpaceConfig) -> None:
            mlp_init = self._create_initializer(initializer)
            for module in self.modules():
                if isinstance(module, nn.Linear):
                    mlp_init(module.weight)
                    nn.init.zeros_(module.bias)
            self._initialize_policy_heads(space)

        def forward(self, obs_dict: Mapping[str, Any]) -> NetworkOutput:
            """Return the policy's parameters and the value.

            Args:
                obs_dict: `obs`, normalised observations (B, num_obs).

            Returns:
                The policy's parameters, value (B, V), and the recurrent state, None. The parameters are
                mu (B, A) and sigma, or log(sigma), as the model takes it, (B, A), or (A,) where it is fixed;
                or logits (B, n); or a list of logits (B, n_i).
            """
            obs = obs_dict["obs"]
            actor_out = self.actor_mlp(obs)
            critic_out = self.critic_mlp(obs) if self.separate else actor_out
            return (*self._eval_heads(actor_out), self.value_act(self.value(critic_out)), None)

        def eval_actor(self, obs: Tensor) -> PolicyParameters:
            """Return the policy's parameters alone, as `forward` does: (mu, sigma) of a continuous policy."""
            return self._eval_heads(self.actor_mlp(obs))

        def eval_critic(self, obs: Tensor) -> Tensor:
            """Return the value (B, V) alone."""
            trunk = self.critic_mlp if self.separate else self.actor_mlp
            return self.value_act(self.value(trunk(obs)))

        def is_separate_critic(self) -> bool:
            """Whether the critic has a trunk of its own."""
            return self.separate
