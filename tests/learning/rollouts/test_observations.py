"""Observations that are tensors, and those that are dictionaries of tensors, in the experience buffer."""

import numpy as np
import pytest
import torch
from gymnasium import spaces

from learning.rollouts import observations
from learning.rollouts.experience import ExperienceBuffer
from learning.typed_config import ConfigError

VECTOR = spaces.Box(-1.0, 1.0, (3,))
DICT = spaces.Dict({"camera": spaces.Box(0, 255, (2, 2, 1), np.uint8), "joints": VECTOR})


def buffer_of(space):
    return ExperienceBuffer(2, 4, observations.fields("obses", space), torch.device("cpu"))


def test_shapes():
    assert observations.shape_of(VECTOR) == (3,)
    assert observations.shape_of(DICT) == {"camera": (2, 2, 1), "joints": (3,)}


def test_a_vector_is_one_field():
    buffer = buffer_of(VECTOR)
    obs = torch.rand(4, 3)
    recorded = observations.record(buffer, "obses", 1, obs)
    obs.zero_()
    assert torch.equal(buffer["obses"][1], recorded) and recorded.abs().sum() > 0
    rows = (torch.tensor([1, 1]), torch.tensor([0, 2]))
    assert torch.equal(observations.read(buffer, "obses", rows), recorded[[0, 2]])


def test_a_dictionary_is_a_field_a_key_and_images_stay_bytes():
    buffer = buffer_of(DICT)
    obs = {"camera": torch.full((4, 2, 2, 1), 200, dtype=torch.uint8), "joints": torch.rand(4, 3)}
    recorded = observations.record(buffer, "obses", 0, obs)
    assert set(buffer.tensor_dict) == {"obses/camera", "obses/joints"}
    assert buffer["obses/camera"].dtype == torch.uint8
    assert torch.equal(recorded["joints"], obs["joints"])
    flat = observations.join("obses", buffer.flat())
    assert flat["camera"].shape == (8, 2, 2, 1) and flat["joints"].shape == (8, 3)
    columns = observations.rename("obses", "obs", {**buffer.flat(), "actions": torch.zeros(8, 1)})
    assert set(columns) == {"obs/camera", "obs/joints"}
    assert torch.equal(observations.join("obs", columns)["joints"], flat["joints"])
    assert observations.split("obs", flat).keys() == columns.keys()


def test_batches_join_row_by_row():
    one, two = {"a": torch.zeros(1, 2)}, {"a": torch.ones(2, 2)}
    assert observations.concatenate(one, two)["a"].tolist() == [[0, 0], [1, 1], [1, 1]]
    assert observations.concatenate(one["a"], two["a"]).shape == (3, 2)


def test_what_is_no_box_is_refused():
    with pytest.raises(ConfigError, match="must be a Box"):
        observations.shape_of(spaces.Dict({"mode": spaces.Discrete(3)}))
