import pytest
import torch

from tasks.base.observations import ObservationBlocks, columns_apart


def test_blocks_follow_each_other_in_order():
    blocks = ObservationBlocks({"height": 1, "velocity": 3})
    assert blocks.size == 4
    assert blocks["velocity"] == slice(1, 4)
    joined = blocks.concatenate({"velocity": torch.tensor([[1.0, 2.0, 3.0]]), "height": torch.tensor([9.0])})
    assert joined.tolist() == [[9.0, 1.0, 2.0, 3.0]]


def test_a_block_of_another_width_is_refused():
    blocks = ObservationBlocks({"height": 1})
    with pytest.raises(ValueError, match="'height' is 2 wide, declared 1"):
        blocks.concatenate({"height": torch.zeros(5, 2)})


def test_a_missing_or_unknown_block_is_refused():
    blocks = ObservationBlocks({"height": 1, "velocity": 3})
    with pytest.raises(ValueError, match="speed.*velocity"):
        blocks.concatenate({"height": torch.zeros(5), "speed": torch.zeros(5, 3)})


@pytest.mark.parametrize("count", [1, 3])
def test_columns_lie_apart_in_a_copy_even_of_a_single_row(count):
    rows = torch.arange(4.0 * count).view(count, 4)
    apart = columns_apart(rows[:, 1:])
    assert torch.equal(apart, rows[:, 1:]) and apart.T.is_contiguous()
    rows.zero_()
    assert apart[0].tolist() == [1.0, 2.0, 3.0]
