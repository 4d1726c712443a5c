"""What may stand in a train YAML's `network` and `model` blocks: names, types and defaults."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from learning.networks.activations import NO_ACTIVATION
from learning.networks.layer_config import CnnConfig, InitializerConfig, MlpConfig, RnnConfig, activation_name
from learning.networks.sigma import Parametrization, SigmaTransform
from learning.typed_config import show

Normalization = Literal["layer_norm", "batch_norm", "None"]

PolicyKind = Literal["continuous", "discrete", "multi_discrete", "value"]
"""What a network's heads give: one of the spaces, or a value alone."""

_ABSENT = object()


@dataclass
class ContinuousSpaceConfig:
    """The heads of a Gaussian policy."""

    mu_activation: str | None = None
    """Of the means."""
    sigma_activation: str | None = None
    """Of sigma (continuous_a2c) or log(sigma) (continuous_a2c_logstd)."""
    mu_init: InitializerConfig = field(default_factory=InitializerConfig)
    """Weights of the mean layer."""
    sigma_init: InitializerConfig = field(
        default_factory=lambda: InitializerConfig("const_initializer", val=0.0)
    )
    """The sigma parameters; where sigma is a layer, a constant sets its output and others its weights."""
    fixed_sigma: bool = True
    """Sigma is one learned number an action; otherwise a layer that depends on the observation."""
    sigma_parametrization: Parametrization = "exp"
    """What the number means in continuous_a2c_logstd; see `SigmaTransform`, also for the next two."""
    min_sigma: float = 0.0
    """Added to sigma; lower bound of a linear one."""
    logstd_bounds: tuple[float, float] | None = None
    """exp: bounds of log(sigma)."""

    def __post_init__(self) -> None:
        """Check the activations' names, and the ranges."""
        self.mu_activation = activation_name("mu_activation", self.mu_activation)
        self.sigma_activation = activation_name("sigma_activation", self.sigma_activation)
        if self.min_sigma < 0.0:
            raise ValueError(f"min_sigma={self.min_sigma}: must be at least 0")
        if self.logstd_bounds is None:
            return
        if self.logstd_bounds[0] >= self.logstd_bounds[1]:
            raise ValueError(f"logstd_bounds={list(self.logstd_bounds)}: the lower bound must come first")
        if self.sigma_parametrization != "exp":
            raise ValueError(
                f"logstd_bounds={list(self.logstd_bounds)}: only sigma_parametrization exp is given by "
                "log(sigma); remove the bounds, or use min_sigma"
            )

    @property
    def sigma_transform(self) -> SigmaTransform:
        """What the three keys of sigma say together."""
        return SigmaTransform(self.sigma_parametrization, self.min_sigma, self.logstd_bounds)


@dataclass
class SpaceConfig:
    """The kind of actions; the number of them comes from the task. A network has exactly one kind.

    That a key stands there is what counts for the discrete kinds: `discrete:` is as good as `discrete: {}`.
    """

    continuous: ContinuousSpaceConfig | None = None
    """Gaussian policy; null counts as absent."""
    discrete: Any = _ABSENT
    """Categorical policy; has no keys."""
    multi_discrete: Any = _ABSENT
    """Several independent categorical policies, one an entry of the action; has no keys."""

    def __post_init__(self) -> None:
        """Check that the discrete kinds are empty blocks, and that there is one kind."""
        for key in ("discrete", "multi_discrete"):
            value = getattr(self, key)
            if value not in (_ABSENT, None) and value != {}:
                raise ValueError(f"{key}={show(value)}: has no keys; write {key}: {{}}")

    @property
    def kinds(self) -> list[PolicyKind]:
        """The kinds of policy that are given."""
        given = {
            "continuous": self.continuous is not None,
            "discrete": self.discrete is not _ABSENT,
            "multi_discrete": self.multi_discrete is not _ABSENT,
        }
        return [kind for kind, is_given in given.items() if is_given]  # type: ignore[misc]


@dataclass
class NetworkConfig:
    """The `actor_critic` network."""

    mlp: MlpConfig
    """The fully connected trunk."""
    space: SpaceConfig | None = None
    """The policy's heads; required but for a central value, which ignores it."""
    name: str = "actor_critic"
    """The registered network."""
    separate: bool = False
    """Give the critic a trunk of its own; a central value has only one."""
    value_activation: str | None = None
    """Of the value."""
    normalization: Normalization | None = None
    """Norm layers in the MLPs and behind the convolutions."""
    cnn: CnnConfig | None = None
    """Convolutions before the trunk, for images."""
    rnn: RnnConfig | None = None
    """A recurrent layer in the trunk."""
    central_value: bool = False
    """The network gives a value alone, for the model central_value."""
    joint_obs_actions: Any = None
    """Stands in some RL Games files; nothing reads it there either."""

    def __post_init__(self) -> None:
        """Check the activation's name and that there is one kind of policy."""
        self.value_activation = activation_name("value_activation", self.value_activation)
        self.normalization = None if self.normalization == NO_ACTIVATION else self.normalization
        kinds = self.space.kinds if self.space is not None else []
        if len(kinds) != 1 and not self.central_value:
            raise ValueError(
                "space: needs exactly one of continuous, discrete and multi_discrete, but has "
                f"{', '.join(kinds) or 'none'}; name the kind of actions that the task takes"
            )

    @property
    def policy_kind(self) -> PolicyKind:
        """What the heads give."""
        if self.central_value:
            return "value"
        assert self.space is not None  # checked above
        return self.space.kinds[0]


@dataclass
class ModelConfig:
    """The `model` block."""

    name: str
    """The registered model."""
