"""Networks: what maps observations to the parameters of a policy and to a value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from learning.networks.activations import activations_factory
from learning.networks.cnn_layers import build_conv_layers
from learning.networks.encoders import CNN_PATH, ImageEncoder, ImageEncoding, build_encoder, encoder_width
from learning.networks.initializers import Initializer, init_factory
from learning.networks.layer_config import CnnConfig, InitializerConfig, MlpConfig, RnnConfig
from learning.networks.layers import D2RLNet, build_sequential_mlp
from learning.networks.network_config import NetworkConfig, PolicyKind
from learning.networks.policy_heads import PolicyHeads, PolicyParameters
from learning.networks.recurrent import RnnStates, Sequences, build_rnn
from learning.networks.sigma import SigmaTransform
from learning.networks.trunk import Trunk, TrunkSizes
from learning.rollouts.float_obs import ObsShape
from learning.rollouts.observations import Obs
from learning.typed_config import from_mapping

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
        sigma_transform = SigmaTransform()

        def is_separate_critic(self) -> bool:
            """Whether actor and critic share no layers."""
            return False

        def is_rnn(self) -> bool:
            """Whether the network has a recurrent layer."""
            return False

        def get_default_rnn_state(self) -> RnnStates | None:
            """Return the recurrent state of new episodes, or None without a recurrent layer."""
            return None

        def eval_critic(self, obs: Obs, rnn_states: RnnStates | None = None) -> Tensor:
            """Return the value (B, V) of normalised observations; override it where less will do."""
            return self({"obs": obs, "rnn_states": rnn_states})[-2]

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
    """The `actor_critic` network: one or two trunks, the heads of a policy, and a value.

    A trunk encodes images by convolutions, then has an MLP, and before or behind that a recurrent layer.
    """

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

        actor_cnn: nn.Module
        critic_cnn: nn.Module
        actor_mlp: nn.Module
        critic_mlp: nn.Module

        def __init__(
            self,
            params: NetworkConfig,
            *,
            input_shape: ObsShape,
            actions_num: int | Sequence[int] | None = None,
            value_size: int = 1,
            num_seqs: int = 1,
            **kwargs: object,
        ) -> None:
            """Build trunks and heads and initialise their weights.

            Args:
                params: the checked `network` block.
                input_shape: shape of one observation: `(num_obs,)`, that of an image, or those of several
                    sensors by name.
                actions_num: number of actions A, of choices n (discrete), a list of those (multi-discrete);
                    None for a central value.
                value_size: number of value heads V.
                num_seqs: number of recurrent states that `get_default_rnn_state` returns.
                **kwargs: further build settings, for subclasses.
            """
            super().__init__()
            self.separate = params.separate and not params.central_value
            self.policy_kind = params.policy_kind
            self.rnn_config, self.num_seqs = params.rnn, num_seqs
            out_size = self._build_trunks(params, input_shape)
            self.value = nn.Linear(out_size, value_size)
            self.value_act = self.activations_factory.create(str(params.value_activation))
            self._build_policy_heads(params.space, out_size, actions_num)
            self._initialize(params)

        def _build_trunks(self, params: NetworkConfig, input_shape: ObsShape) -> int:
            """Add the trunks' modules and return the width of what the heads see."""
            roles = ("actor", "critic") if self.separate else ("actor",)
            images = image_encoding(params.cnn, params.normalization)
            for role in roles:
                self.add_module(f"{role}_cnn", build_encoder(input_shape, images))
            features = encoder_width(self.actor_cnn, input_shape)
            sizes = TrunkSizes.of(features, params.mlp.units, params.rnn)
            for role in roles:
                mlp = self._build_mlp(sizes.mlp_input, params.mlp, params.normalization)
                self.add_module(f"{role}_mlp", mlp)
            self._build_rnns(params.rnn, sizes.rnn_input, ("a_", "c_") if self.separate else ("",))
            return sizes.output

        def _build_rnns(self, config: RnnConfig | None, input_size: int, prefixes: Sequence[str]) -> None:
            if config is None:
                return
            for prefix in prefixes:
                self.add_module(f"{prefix}rnn", build_rnn(config, input_size))
            for prefix in prefixes if config.layer_norm else ():
                self.add_module(f"{prefix}layer_norm", nn.LayerNorm(config.units))

        @torch.no_grad()
        def _initialize(self, params: NetworkConfig) -> None:
            mlp_init = self._create_initializer(params.mlp.initializer)
            cnn_init = self._create_initializer(params.cnn.initializer) if params.cnn is not None else None
            for module in self.modules():
                if isinstance(module, nn.Linear):
                    mlp_init(module.weight)
                    nn.init.zeros_(module.bias)
                elif isinstance(module, (nn.Conv1d, nn.Conv2d)) and cnn_init is not None:
                    cnn_init(module.weight)
                    nn.init.zeros_(module.bias)  # type: ignore[arg-type]
            self._initialize_policy_heads(params.space)

        def _actor(self) -> Trunk:
            return self._trunk("actor", "a_" if self.separate else "")

        def _critic(self) -> Trunk:
            return self._trunk("critic", "c_") if self.separate else self._actor()

        def _trunk(self, role: str, prefix: str) -> Trunk:
            find: Any = self._modules.get
            rnn, layer_norm = find(f"{prefix}rnn"), find(f"{prefix}layer_norm")
            return Trunk(find(f"{role}_cnn"), find(f"{role}_mlp"), rnn, layer_norm, self.rnn_config)

        def forward(self, obs_dict: Mapping[str, Any]) -> NetworkOutput:
            """Return the policy's parameters and the value.

            Args:
                obs_dict: `obs`, normalised observations (B, num_obs), images (B, …), or several of these by
                    name. Recurrent networks also take `rnn_states`, `seq_length` and `dones` (`Sequences`).
                    With separate trunks the states are the actor's, then the critic's.

            Returns:
                The policy's parameters, value (B, V), and the states after the last step of each sequence,
                or None. The parameters are mu (B, A) and sigma, or log(sigma), as the model takes it, (B, A),
                or (A,) where it is fixed; or logits (B, n); or a list of logits (B, n_i). A central value has
                none.
            """
            obs, sequences = obs_dict["obs"], Sequences.of(obs_dict)
            if not self.separate:
                actor_out, states = self._actor().run(obs, sequences)
                critic_out = actor_out
            else:
                halves = sequences.halves()
                actor_out, states = self._actor().run(obs, halves[0])
                critic_out, critic_states = self._critic().run(obs, halves[1])
                states = states and critic_states and (*states, *critic_states)
            return (*self._eval_heads(actor_out), self.value_act(self.value(critic_out)), states)

        def eval_actor(self, obs: Obs, rnn_states: RnnStates | None = None) -> PolicyParameters:
            """Return the policy's parameters alone, as `forward` does: (mu, sigma) of a continuous policy."""
            sequences = Sequences(rnn_states)
            actor_out, _ = self._actor().run(obs, sequences.halves()[0] if self.separate else sequences)
            return self._eval_heads(actor_out)

        def eval_critic(self, obs: Obs, rnn_states: RnnStates | None = None) -> Tensor:
            """Return the value (B, V) alone, of sequences of one step; states as `forward` takes them."""
            sequences = Sequences(rnn_states)
            critic_out, _ = self._critic().run(obs, sequences.halves()[1] if self.separate else sequences)
            return self.value_act(self.value(critic_out))

        def is_separate_critic(self) -> bool:
            """Whether the critic has a trunk of its own."""
            return self.separate

        def is_rnn(self) -> bool:
            """Whether the network has a recurrent layer."""
            return self.rnn_config is not None

        def get_default_rnn_state(self) -> RnnStates | None:
            """Return zeros (layers, num_seqs, units), as `forward` takes them, or None if not recurrent."""
            if self.rnn_config is None:
                return None
            device = self.value.weight.device
            trunks = (self._actor(), self._critic()) if self.separate else (self._actor(),)
            rnns = [trunk.rnn for trunk in trunks if trunk.rnn is not None]
            return tuple(state for rnn in rnns for state in rnn.zero_states(self.num_seqs, device))


def image_encoding(
    cnn: CnnConfig | None, normalization: str | None, path: str = CNN_PATH
) -> ImageEncoding | None:
    """Return how a `cnn` block says to encode images; None without a block.

    Args:
        cnn: the block.
        normalization: norm layers behind the convolutions.
        path: where the block stands, for error messages.
    """
    if cnn is None:
        return None

    def build(shape: Sequence[int]) -> ImageEncoder:
        in_channels = shape[-1] if cnn.permute_input else shape[0]
        return ImageEncoder(build_conv_layers(cnn, in_channels, normalization), cnn.permute_input)

    return ImageEncoding(2 if cnn.type == "conv1d" else 3, build, path)
