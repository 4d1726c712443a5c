import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Optional

import pytest
from omegaconf import OmegaConf

from learning.typed_config import ConfigError, from_mapping


@dataclass
class Inner:
    depth: int = 1
    names: list[str] = field(default_factory=list)

    def __post_init__(self):
        if self.depth < 0:
            raise ValueError(f"depth={self.depth}: must not be negative")


@dataclass
class Outer:
    gamma: float
    tau: float = 0.95
    horizon_length: int = 16
    truncate_grads: bool = False
    lr_schedule: Literal["adaptive", "linear", "identity"] | None = None
    score: Optional[float] = None  # noqa: UP045
    inner: Inner = field(default_factory=Inner)
    maybe: Inner | None = None
    layers: list[Inner] = field(default_factory=list)
    sizes: tuple[int, int] = (1, 2)
    table: dict[str, float] = field(default_factory=dict)
    compile: bool | dict[str, str] = False
    stop_fn: Callable | None = None
    vec_env: Any = None


def build(**values):
    return from_mapping(Outer, {"gamma": 0.99, **values}, "train.params.config")


def message(**values):
    with pytest.raises(ConfigError) as info:
        build(**values)
    return str(info.value)


def test_defaults_and_plain_values():
    config = build(tau=1, horizon_length=8)
    assert (config.gamma, config.tau, config.horizon_length, config.inner) == (0.99, 1.0, 8, Inner())
    assert isinstance(config.tau, float)


def test_numbers_spelled_as_strings():
    config = build(score="1e-5", horizon_length="1e3", table={"a": "-2.5e-1"}, sizes=[4.0, "7"])
    assert config.score == 1e-5
    assert config.horizon_length == 1000 and isinstance(config.horizon_length, int)
    assert config.table == {"a": -0.25} and config.sizes == (4, 7)
    assert math.isinf(build(score="inf").score)


def test_unknown_key_names_path_value_and_nearest():
    text = message(gama=0.9)
    assert text == "train.params.config.gama=0.9: unknown key; did you mean gamma?"
    assert "known are compile, gamma" in message(zzzzzz=1)


def test_unknown_key_in_nested_dataclass_and_list():
    assert message(inner={"dept": 2}) == "train.params.config.inner.dept=2: unknown key; did you mean depth?"
    assert message(layers=[{}, {"deth": 1}]).startswith("train.params.config.layers[1].deth=1: unknown key")
    assert message(maybe={"deth": 1}).startswith("train.params.config.maybe.deth=1: unknown key")


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"gamma": "high"}, "gamma=high: must be a number, not a string"),
        ({"gamma": True}, "gamma=True: must be a number, not a boolean"),
        ({"gamma": None}, "gamma=null: must be a number, not null"),
        ({"gamma": "nan"}, "gamma=nan: must be a number, not NaN"),
        ({"horizon_length": 2.5}, "horizon_length=2.5: must be a whole number"),
        ({"horizon_length": "inf"}, "horizon_length=inf: must be a whole number"),
        ({"truncate_grads": "yes"}, "truncate_grads=yes: must be true or false, not a string"),
        ({"truncate_grads": 1}, "truncate_grads=1: must be true or false, not a whole number"),
        ({"lr_schedule": "adaptiv"}, "lr_schedule=adaptiv: must be one of adaptive, linear, identity; "),
        ({"inner": 3}, "inner=3: must be a mapping"),
        ({"inner": None}, "inner=null: must be a mapping"),
        ({"inner": {"names": "a"}}, "inner.names=a: must be a list, not a string"),
        ({"inner": {"names": [{}]}}, "inner.names[0]={}: must be a string, not a mapping"),
        ({"sizes": [1, 2, 3]}, "sizes=[1, 2, 3]: must have 2 items, not 3"),
        ({"compile": 3}, "compile=3: must be true or false or a mapping, not a whole number"),
        ({"stop_fn": 3}, "stop_fn=3: must be something callable"),
    ],
)
def test_wrong_types(values, text):
    assert message(**values).startswith("train.params.config." + text)


def test_missing_required_key():
    for mapping in ({}, None, {"gamma": "???"}):
        with pytest.raises(ConfigError, match=r"^train\.gamma: required key is missing"):
            from_mapping(Outer, mapping, "train")


def test_own_rules_get_the_path():
    assert message(inner={"depth": -1}) == "train.params.config.inner.depth=-1: must not be negative"


def test_omegaconf_input_with_interpolation():
    config = OmegaConf.create({"gamma": 0.5, "tau": "${gamma}", "inner": {"names": ["a", "b"]}})
    built = from_mapping(Outer, config, "")
    assert built.tau == 0.5 and built.inner.names == ["a", "b"]
    with pytest.raises(ConfigError, match="nothing"):
        from_mapping(Outer, OmegaConf.create({"gamma": "${nothing}"}), "train")


def test_optional_union_and_live_objects():
    env = object()
    config = build(lr_schedule=None, compile={"mode": "fast"}, vec_env=env, stop_fn=len, maybe={"depth": 3})
    assert config.vec_env is env and config.stop_fn is len
    assert config.compile == {"mode": "fast"} and config.maybe == Inner(3)
    assert build(maybe=None).maybe is None


def test_not_a_mapping():
    with pytest.raises(ConfigError, match=r"train=\[1\]: must be a mapping"):
        from_mapping(Outer, [1], "train")
