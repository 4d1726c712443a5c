"""What may stand in a train YAML's `network` and `model` blocks: names, types and defaults."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from learning.activations import NO_ACTIVATION
from learning.layer_config import InitializerConfig, MlpConfig, activation_name
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

    def __post_init__(self) -> None:
        """Check the activations' names."""
        self.mu_activation = activation_name("mu_activation", self.mu_activation)
        self.sigma_activation = activation_name("sigma_activation", self.sigma_activation)


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
        if len(self.space.kinds) != 1:
            given = ", ".join(self.space.kinds) or "none"
            raise ValueError(
                f"space: needs exactly one of continuous, discrete and multi_discrete, but has {given}; "
                "name the kind of actions that the task takes"
            )
        self.value_activation = activation_name("value_activation", self.value_activation)
        self.normalization = None if self.normalization == NO_ACTIVATION else self.normalization
        for key in ("cnn", "rnn"):
            if getattr(self, key) is not None:
                raise ValueError(f"{key}: {key.upper()} networks are not available yet; remove the block")
        if self.central_value:
            raise ValueError("central_value=True: central values are not available yet; remove the key")

    @property
    def policy_kind(self) -> PolicyKind:
        """What the heads give."""
        return self.space.kinds[0]


@dataclass
class ModelConfig:
    """The `model` block."""

    name: str
    """The registered model."""
