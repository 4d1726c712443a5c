import torch

from learning.rollouts.experience import ExperienceBuffer, Field


def test_fields_are_time_by_environment_and_flatten_without_a_copy():
    fields = {"obses": Field((3,)), "dones": Field(dtype=torch.bool)}
    buffer = ExperienceBuffer(4, 2, fields, torch.device("cpu"))
    assert buffer["obses"].shape == (4, 2, 3) and buffer["obses"].dtype == torch.float32
    assert buffer["dones"].shape == (4, 2) and buffer["dones"].dtype == torch.bool

    live = torch.ones(2, 3)
    buffer.update_data("obses", 1, live)
    live.zero_()  # the environment goes on using its buffer
    assert buffer["obses"][1].sum() == 6 and buffer["obses"].sum() == 6

    flat = buffer.flat("obses")["obses"]
    assert flat.shape == (8, 3) and flat.data_ptr() == buffer["obses"].data_ptr()
    assert flat[2:4].sum() == 6  # rows 2 and 3 are both environments at step 1
    assert set(buffer.flat()) == {"obses", "dones"}
