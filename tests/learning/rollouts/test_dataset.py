import torch

from learning.rollouts.dataset import PPODataset


def dataset(shuffle):
    made = PPODataset(12, 4, torch.device("cpu"), shuffle)
    made.update_values_dict({"a": torch.arange(12), "b": torch.arange(24).view(12, 2)})
    return made


def test_unshuffled_minibatches_are_slices_in_time_major_order():
    data = dataset(shuffle=False)
    data.apply_permutation()
    assert len(data) == 3
    assert data[1]["a"].tolist() == [4, 5, 6, 7]
    assert data[1]["a"].data_ptr() == data.values_dict["a"][4:].data_ptr()  # a view, not a copy


def test_shuffled_minibatches_hold_every_sample_once_and_keep_rows_together():
    data = dataset(shuffle=True)
    orders = set()
    for _ in range(3):
        data.apply_permutation()
        batches = [data[index] for index in range(len(data))]
        order = torch.cat([batch["a"] for batch in batches])
        assert sorted(order.tolist()) == list(range(12))
        assert all(torch.equal(batch["b"][:, 0], 2 * batch["a"]) for batch in batches)
        orders.add(tuple(order.tolist()))
    assert len(orders) == 3


def test_a_new_rollout_forgets_the_order():
    data = dataset(shuffle=True)
    data.apply_permutation()
    data.update_values_dict({"a": torch.arange(12)})
    assert data[0]["a"].tolist() == [0, 1, 2, 3]
