"""Models: a network, the normalisers of its input and value, and the policy's distribution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from learning.maths.losses import gaussian_entropy, gaussian_neglogp, policy_kl
from learning.maths.running_mean_std import RunningMeanStd, RunningMeanStdObs, obs_normalizer
from learning.networks.network_builder import A2CBuilder, NetworkBuilder
from learning.networks.network_config import PolicyKind
from learning.networks.recurrent import RnnStates
from learning.networks.sigma import SigmaTransform
from learning.rollouts.float_obs import ObsShape, float_obs
from learning.rollouts.observations import Obs
from learning.typed_config import ConfigError

_MODELS_BY_KIND: dict[PolicyKind, str] = {
    "continuous": "continuous_a2c_logstd",
    "discrete": "discrete_a2c",
    "multi_discrete": "multi_discrete_a2c",
    "value": "central_value",
}


class BaseModel:
    """Builds modules: the nested class `Network` around what a network builder builds."""

    Network: type[BaseModelNetwork]

    policy_kind: ClassVar[PolicyKind | None] = None
    """What the network's heads must give; None takes any."""

    def __init__(self, network: NetworkBuilder) -> None:
        """Keep the loaded network builder; refuse one whose heads do not fit."""
        if self.policy_kind and network.policy_kind not in (self.policy_kind, None):
            raise ConfigError(_misfit(network, self.policy_kind))
        self.network_builder = network

    def build(self, config: Mapping[str, Any]) -> BaseModelNetwork:
        """Return a new module, on the CPU.

        Args:
            config: `actions_num`, `input_shape` (shape of one observation), and if wanted `value_size` (1),
                `normalize_input` (False), `normalize_value` (False), `num_seqs`. All of it is passed on to
                the network builder, so that custom networks may take settings of their own.
        """
        return self.Network(self.network_builder.build("a2c", **config), **self.module_settings(config))

    def module_settings(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """Return what of `build`'s settings the module itself takes, beside the network."""
        return {
            "obs_shape": config["input_shape"],
            "normalize_value": config.get("normalize_value", False),
            "normalize_input": config.get("normalize_input", False),
            "value_size": config.get("value_size", 1),
        }


class NormalizingNetwork(nn.Module):
    """What normalises its observations, if it is asked to."""

    running_mean_std: RunningMeanStd | RunningMeanStdObs | None
    """Moments of the observations; None where they are taken as they are."""

    def norm_obs(self, obs: Obs) -> Any:
        """Return observations as the network sees them, without gradient.

        Here, and in the normaliser's `update_from`, the bytes of images become numbers between 0 and 1.
        """
        if self.running_mean_std is None:
            return float_obs(obs)
        with torch.no_grad():
            return self.running_mean_std(obs)


class BaseModelNetwork(NormalizingNetwork):
    """A network with its normalisers. `forward` uses the normalisers and never updates them."""

    a2c_network: NetworkBuilder.BaseNetwork

    def __init__(
        self,
        a2c_network: NetworkBuilder.BaseNetwork,
        obs_shape: ObsShape,
        normalize_value: bool = False,
        normalize_input: bool = False,
        value_size: int = 1,
    ) -> None:
        """Put the parts together.

        Args:
            a2c_network: maps observations to policy parameters and value.
            obs_shape: shape of one observation, or of those of several sensors by name.
            normalize_value: let the network learn normalised values.
            normalize_input: normalise observations before the network.
            value_size: number of value heads.
        """
        super().__init__()
        self.value_mean_std = RunningMeanStd((value_size,)) if normalize_value else None
        self.running_mean_std = obs_normalizer(obs_shape) if normalize_input else None
        self.a2c_network = a2c_network

    def denorm_value(self, value: Tensor) -> Tensor:
        """Return the network's values in units of the shaped reward, without gradient."""
        if self.value_mean_std is None:
            return value
        with torch.no_grad():
            return self.value_mean_std(value, denorm=True)

    def eval_critic(self, obs: Obs, rnn_states: RnnStates | None = None) -> Tensor:
        """Return values (B, V) of raw observations in units of the shaped reward, and skip the policy.

        Args:
            obs: (B, …).
            rnn_states: before these observations, as `forward` takes them, (layers, B, units) each; None
                starts episodes.
        """
        memory = () if rnn_states is None else (rnn_states,)
        return self.denorm_value(self.a2c_network.eval_critic(self.norm_obs(obs), *memory).float())

    def is_rnn(self) -> bool:
        """Whether the network is recurrent."""
        return self.a2c_network.is_rnn()

    def is_separate_critic(self) -> bool:
        """Whether the critic has a trunk of its own."""
        return self.a2c_network.is_separate_critic()

    def get_default_rnn_state(self) -> RnnStates | None:
        """Return the recurrent state of new episodes, (layers, num_seqs, units) each, None without one."""
        return self.a2c_network.get_default_rnn_state()

    def get_value_layer(self) -> nn.Module | None:
        """Return the layer that gives the value."""
        return self.a2c_network.get_value_layer()

    def get_aux_loss(self) -> dict[str, Tensor] | None:
        """Return the network's own losses of the last forward, or None."""
        return self.a2c_network.get_aux_loss()


class GaussianNetwork(BaseModelNetwork):
    """A diagonal Gaussian policy. Subclasses say what the network's second output means.

    The distribution is computed in float32 whatever precision the network ran in.
    """

    def sigma_and_logstd(self, raw: Tensor) -> tuple[Tensor, Tensor]:
        """Return the standard deviation and its logarithm from the network's output, (B, A) or (A,)."""
        raise NotImplementedError

    def forward(self, input_dict: Mapping[str, Any]) -> dict[str, Any]:
        """Evaluate given actions (`is_train`), or draw new ones.

        Args:
            input_dict: `obs` (B, …), raw; `is_train` (default True); in training `prev_actions` (B, A);
                for recurrent networks what `Sequences` says.

        Returns:
            Training: prev_neglogp (B,), values (B, V) normalised, entropy (B,).
            Otherwise: neglogpacs (B,), values (B, V) in units of the shaped reward, actions (B, A).
            Both: mus (B, A), sigmas (B, A), rnn_states.
        """
        obs = self.norm_obs(input_dict["obs"])
        mu, raw_sigma, value, states = self.a2c_network({**input_dict, "obs": obs})
        mu, value = mu.float(), value.float()
        sigma, logstd = self.sigma_and_logstd(raw_sigma.float())
        common = {"mus": mu, "sigmas": sigma.expand_as(mu), "rnn_states": states}
        if input_dict.get("is_train", True):
            return {
                "prev_neglogp": gaussian_neglogp(input_dict["prev_actions"], mu, sigma, logstd),
                "values": value,
                "entropy": gaussian_entropy(logstd).expand(mu.shape[:-1]),
                **common,
            }
        actions = torch.addcmul(mu, sigma, torch.randn_like(mu)).detach()
        return {
            "neglogpacs": gaussian_neglogp(actions, mu, sigma, logstd),
            "values": self.denorm_value(value),
            "actions": actions,
            **common,
        }

    def kl(self, p_dict: Mapping[str, Tensor], q_dict: Mapping[str, Tensor]) -> Tensor:
        """Return KL(p ‖ q), (B,), of two policies given by `mu` and `sigma`."""
        return policy_kl(p_dict["mu"], p_dict["sigma"], q_dict["mu"], q_dict["sigma"])


class ModelA2CContinuous(BaseModel):
    """`continuous_a2c`: the network gives the standard deviation itself."""

    policy_kind = "continuous"

    class Network(GaussianNetwork):
        """Reads the network's second output as sigma."""

        def __init__(self, a2c_network: NetworkBuilder.BaseNetwork, **kwargs: Any) -> None:
            """Check that sigma starts as a standard deviation can."""
            super().__init__(a2c_network, **kwargs)
            if isinstance(a2c_network, A2CBuilder.Network) and not _starts_positive(a2c_network):
                raise ConfigError(
                    "train.params.network.space.continuous.sigma_init: continuous_a2c takes sigma as the "
                    "standard deviation, which must start above 0; set val to 1, or use the model "
                    "continuous_a2c_logstd"
                )
            if a2c_network.sigma_transform != SigmaTransform():
                raise ConfigError(
                    "train.params.network.space.continuous: sigma_parametrization, min_sigma and "
                    "logstd_bounds are of the model continuous_a2c_logstd; here is sigma_activation"
                )

        def sigma_and_logstd(self, raw: Tensor) -> tuple[Tensor, Tensor]:
            """Return sigma and its logarithm."""
            return raw, raw.log()


class ModelA2CContinuousLogStd(BaseModel):
    """`continuous_a2c_logstd`: the network gives the logarithm of the standard deviation.

    Or, by the network's `sigma_parametrization`, another number that stands for it.
    """

    policy_kind = "continuous"

    class Network(GaussianNetwork):
        """Reads the network's second output by the network's `SigmaTransform`."""

        def __init__(self, a2c_network: NetworkBuilder.BaseNetwork, **kwargs: Any) -> None:
            """Check that a sigma which is learned itself starts as a standard deviation can."""
            super().__init__(a2c_network, **kwargs)
            is_linear = a2c_network.sigma_transform.parametrization in ("linear", "scalar")
            if (
                is_linear
                and isinstance(a2c_network, A2CBuilder.Network)
                and not _starts_positive(a2c_network)
            ):
                raise ConfigError(
                    "train.params.network.space.continuous.sigma_init: sigma_parametrization linear takes "
                    "the number as the standard deviation, which must start above 0; set val to 1"
                )

        def sigma_and_logstd(self, raw: Tensor) -> tuple[Tensor, Tensor]:
            """Return sigma and its logarithm."""
            return self.a2c_network.sigma_transform(raw)


def _misfit(network: NetworkBuilder, wanted: PolicyKind) -> str:
    given = network.policy_kind
    fitting = _MODELS_BY_KIND[given] if given else "another"
    if "value" in (wanted, given):
        return f"{network.path}.central_value={given == 'value'}: the model " + (
            "central_value needs True here" if wanted == "value" else "needs a policy; leave the key out"
        )
    return (
        f"{network.path}.space: has the block {given}, but the model needs {wanted}; "
        f"write {wanted}: there, or use the model {fitting}"
    )


def _starts_positive(network: A2CBuilder.Network) -> bool:
    sigma = network.sigma
    return isinstance(sigma, nn.Linear) or bool((network.sigma_act(sigma) > 0).all())
