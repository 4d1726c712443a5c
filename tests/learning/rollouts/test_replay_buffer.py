import pytest
import torch

from learning.rollouts.replay_buffer import ReplayBuffer, draw_rows, thin_rows


def make(capacity=5):
    return ReplayBuffer(capacity, (1,), torch.device("cpu"))


def rows(*values):
    return torch.tensor(values, dtype=torch.float32).unsqueeze(1)


def content(buffer):
    return buffer.state_dict()["samples"].squeeze(1).tolist()


def test_the_newest_take_the_place_of_the_oldest():
    buffer = make()
    buffer.store(rows(1, 2, 3))
    assert len(buffer) == 3 and not buffer.is_full
    buffer.store(rows(4, 5, 6, 7))
    assert content(buffer) == [6, 7, 3, 4, 5] and buffer.is_full
    buffer.store(rows(8))
    assert content(buffer) == [6, 7, 8, 4, 5]
    buffer.store(rows(*range(10, 22)))  # more than fit: the last, beginning where it stands
    assert sorted(content(buffer)) == [17, 18, 19, 20, 21]


def test_draws_are_of_what_is_there():
    torch.manual_seed(0)
    buffer = make()
    with pytest.raises(ValueError, match="empty"):
        buffer.sample(1)
    buffer.store(rows(1, 2))
    drawn = buffer.sample(4000)
    assert drawn.shape == (4000, 1) and set(drawn.flatten().tolist()) == {1.0, 2.0}
    assert abs(drawn.mean().item() - 1.5) < 0.05


def test_a_restored_buffer_goes_on_where_it_stood():
    first, second = make(), make()
    first.store(rows(1, 2, 3))
    first.store(rows(4, 5, 6, 7))
    second.load_state_dict(first.state_dict())
    for buffer in (first, second):
        buffer.store(rows(8, 9))
    assert content(first) == content(second) == [6, 7, 8, 9, 5]
    first, second = make(), make()
    first.store(rows(1, 2))
    second.load_state_dict(first.state_dict())
    second.store(rows(3))
    assert content(second) == [1, 2, 3]


@pytest.mark.parametrize(("capacity", "expected"), [(3, [5, 6, 7]), (8, [3, 4, 5, 6, 7])])
def test_a_state_of_another_capacity_keeps_what_fits(capacity, expected):
    buffer, other = make(), make(capacity)
    buffer.store(rows(1, 2, 3, 4, 5, 6, 7))
    other.load_state_dict(buffer.state_dict())
    assert sorted(content(other)) == expected
    other.store(rows(8))
    assert 8 in content(other)


def test_a_share_of_rows_is_drawn_without_replacement():
    torch.manual_seed(0)
    all_rows = torch.arange(100.0)
    kept = thin_rows(all_rows, 0.25)
    assert len(kept) == 25 and len(set(kept.tolist())) == 25
    assert thin_rows(all_rows, 1.0) is all_rows
    assert len(thin_rows(all_rows, 0.0)) == 0
    assert draw_rows(all_rows, 7).shape == (7,)
