"""What may stand in a train YAML's `network` and `model` blocks: names, types and defaults."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Literal

from learning.activations import NO_ACTIVATION, activations_factory
from learning.initializers import init_factory
from learning.object_factory import ObjectFactory
from learning.typed_config import suggest

Normalization = Literal["layer_norm", "batch_norm", "None"]

# Which arguments each initialiser takes; `default` ignores what is given, as RL Games does.
_INITIALIZER_ARGUMENTS = {
    "const_initializer": ("val",),
    "orthogonal_initializer": ("gain",),
    "orthogonal": ("gain",),
    "glorot_normal_initializer": ("gain",),
    "glorot_uniform_initializer": ("gain",),
    "variance_scaling_initializer": ("mode", "scale"),
    "random_uniform_initializer": ("a", "b"),
    "kaiming_normal": ("a", "mode", "nonlinearity"),
}


@dataclass
class InitializerConfig:
    """A weight initialiser and its arguments; which arguments there are depends on the name."""

    name: str = "default"
    """A name in `init_factory`; `default` leaves torch's own initialisation."""
    val: float | None = None
    """const_initializer: the constant."""
    gain: float | None = None
    """orthogonal and glorot initialisers: factor on the weights."""
    scale: float | None = None
    """variance_scaling_initializer: factor on the variance, default 2."""
    mode: Literal["fan_in", "fan_out", "fan_avg"] | None = None
    """variance_scaling_initializer, kaiming_normal (without fan_avg): width that divides the variance."""
    a: float | None = None
    """random_uniform_initializer: lower bound; kaiming_normal: negative slope of leaky_relu."""
    b: float | None = None
    """random_uniform_initializer: upper bound."""
    nonlinearity: str | None = None
    """kaiming_normal: the activation whose gain is used."""

    def __post_init__(self) -> None:
        """Refuse unknown names and arguments that the named initialiser does not take."""
        _require_name("name", self.name, init_factory)
        allowed = _INITIALIZER_ARGUMENTS.get(self.name)
        for key, value in self.arguments.items():
            if allowed is not None and key not in allowed:
                raise ValueError(f"{key}={value}: {self.name} takes only {', '.join(allowed)}")
        if self.name == "const_initializer" and self.val is None:
            raise ValueError("val: required key is missing; const_initializer needs the constant")

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments that were given."""
        given = {item.name: getattr(self, item.name) for item in fields(self) if item.name != "name"}
        return {key: value for key, value in given.items() if value is not None}


@dataclass
class MlpConfig:
    """A trunk of fully connected layers."""

    units: list[int]
    """Width of each layer; empty for none."""
    activation: str | None
    """A name in `activations_factory`; null or None for a linear trunk."""
    initializer: InitializerConfig = field(default_factory=InitializerConfig)
    """Of all linear layers' weights, heads included; biases start at 0."""
    d2rl: bool = False
    """Give every layer the trunk's input as well (D2RL)."""
    norm_only_first_layer: bool = False
    """Normalise after the first layer only."""
    regularizer: Any = None
    """Stands in many RL Games files; nothing reads it there either."""

    def __post_init__(self) -> None:
        """Check the widths and the activation's name."""
        for i, unit in enumerate(self.units):
            if unit < 1:
                raise ValueError(f"units[{i}]={unit}: a layer needs at least one unit")
        if self.d2rl and not self.units:
            raise ValueError("units=[]: d2rl needs at least one layer")
        self.activation = _activation("activation", self.activation)


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

    def __post_init__(self) -> None:
        """Check the activations' names."""
        self.mu_activation = _activation("mu_activation", self.mu_activation)
        self.sigma_activation = _activation("sigma_activation", self.sigma_activation)


@dataclass
class SpaceConfig:
    """The kind of actions; the number of them comes from the task."""

    continuous: ContinuousSpaceConfig | None = None
    """Gaussian policy."""
    discrete: Any = None
    """Categorical policy: not available yet."""
    multi_discrete: Any = None
    """Several categorical policies: not available yet."""

    def __post_init__(self) -> None:
        """Refuse what cannot be built."""
        for key in ("discrete", "multi_discrete"):
            if getattr(self, key) is not None:
                raise ValueError(f"{key}: only continuous actions can be learned so far; remove the block")
        if self.continuous is None:
            raise ValueError("continuous=null: needs mu_init, sigma_init and the like of a continuous policy")


@dataclass
class NetworkConfig:
    """The `actor_critic` network."""

    mlp: MlpConfig
    """The trunk."""
    space: SpaceConfig
    """The policy's heads."""
    name: str = "actor_critic"
    """The registered network."""
    separate: bool = False
    """Give the critic a trunk of its own."""
    value_activation: str | None = None
    """Of the value."""
    normalization: Normalization | None = None
    """Norm layers in the trunks."""
    cnn: Any = None
    """Convolutions before the trunk: not available yet."""
    rnn: Any = None
    """A recurrent layer: not available yet."""
    central_value: bool = False
    """A critic on privileged states: not available yet."""
    joint_obs_actions: Any = None
    """Stands in some RL Games files; nothing reads it there either."""

    def __post_init__(self) -> None:
        """Check the activation's name and refuse what cannot be built."""
        self.value_activation = _activation("value_activation", self.value_activation)
        self.normalization = None if self.normalization == NO_ACTIVATION else self.normalization
        for key in ("cnn", "rnn"):
            if getattr(self, key) is not None:
                raise ValueError(f"{key}: {key.upper()} networks are not available yet; remove the block")
        if self.central_value:
            raise ValueError("central_value=True: central values are not available yet; remove the key")


@dataclass
class ModelConfig:
    """The `model` block."""

    name: str
    """The registered model."""


def _require_name(key: str, name: str, factory: ObjectFactory) -> None:
    if name not in factory.names:
        raise ValueError(f"{key}={name}: no {factory.kind} of this name; {suggest(name, factory.names)}")


def _activation(key: str, name: str | None) -> str:
    name = NO_ACTIVATION if name is None else name
    _require_name(key, name, activations_factory)
    return name
