"""What may stand in the blocks that describe layers: names, types and defaults."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Literal

from learning.networks.activations import NO_ACTIVATION, activations_factory
from learning.networks.initializers import Initializer, init_factory
from learning.object_factory import ObjectFactory
from learning.typed_config import suggest

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

    def create(self) -> Initializer:
        """Return the function that fills a tensor."""
        return init_factory.create(self.name, **self.arguments)


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
        self.activation = activation_name("activation", self.activation)


@dataclass
class ConvConfig:
    """One convolution."""

    filters: int
    """Number of output channels."""
    kernel_size: int | list[int]
    """Of all image dimensions, or of each, [pixels]."""
    strides: int | list[int] = 1
    """As `kernel_size`."""
    padding: int | list[int] = 0
    """Zeros around the image, as `kernel_size`."""

    def __post_init__(self) -> None:
        """Check the sizes."""
        for key, low in (("filters", 1), ("kernel_size", 1), ("strides", 1), ("padding", 0)):
            value = getattr(self, key)
            if min(value if isinstance(value, list) else [value], default=-1) < low:
                raise ValueError(f"{key}={value}: must be at least {low}")


@dataclass
class CnnConfig:
    """Convolutions over images, before everything else."""

    type: Literal["conv2d", "conv2d_spatial_softargmax", "conv2d_flatten", "coord_conv2d", "conv1d"]
    """What is convolved, and what is done besides: where each filter answers most, instead of its answers
    (spatial_softargmax); pixel coordinates as two more channels of the first convolution (coord_conv2d).
    conv2d_flatten is the same as conv2d."""
    convs: list[ConvConfig]
    """The convolutions, in order."""
    activation: str | None
    """After each; a name in `activations_factory`."""
    initializer: InitializerConfig = field(default_factory=InitializerConfig)
    """Of the convolutions' weights; biases start at 0."""
    permute_input: bool = True
    """Channels stand last: (height, width, channels), or (length, channels) for conv1d; otherwise first."""
    regularizer: Any = None
    """Stands in many RL Games files; nothing reads it there either."""

    def __post_init__(self) -> None:
        """Check the activation's name."""
        if not self.convs:
            raise ValueError("convs=[]: needs at least one convolution")
        self.activation = activation_name("activation", self.activation)


@dataclass
class RnnConfig:
    """A recurrent layer before or behind the trunk of fully connected layers."""

    name: Literal["lstm", "gru", "identity"]
    """Kind of cell; identity passes its input through and has nothing to learn, to try a recurrent set-up."""
    units: int
    """Width of its state and output."""
    layers: int = 1
    """Number of cells on top of each other."""
    layer_norm: bool = False
    """Normalise the output."""
    before_mlp: bool = False
    """Put it between observations and MLP; otherwise between MLP and heads."""
    concat_input: bool = False
    """Behind the MLP: give it what the MLP sees as well. Before the MLP it has no effect, as in RL Games."""
    concat_output: bool = False
    """Give what follows it the features of the observation as well."""

    def __post_init__(self) -> None:
        """Check the sizes."""
        for key in ("units", "layers"):
            if getattr(self, key) < 1:
                raise ValueError(f"{key}={getattr(self, key)}: must be at least 1")


def _require_name(key: str, name: str, factory: ObjectFactory) -> None:
    if name not in factory.names:
        raise ValueError(f"{key}={name}: no {factory.kind} of this name; {suggest(name, factory.names)}")


def activation_name(key: str, name: str | None) -> str:
    """Return the activation's name, `None` for null; raise ValueError, naming `key`, where it is unknown."""
    name = NO_ACTIVATION if name is None else name
    _require_name(key, name, activations_factory)
    return name
