import torch

from learning.sac.replay import TransitionReplay, Transitions

DEVICE = torch.device("cpu")


def numbered(*numbers):
    """Transitions whose every entry says which one it is."""
    number = torch.tensor(numbers, dtype=torch.float32)
    return Transitions(
        obs=torch.stack([number, number + 0.25], dim=1),
        actions=torch.stack([number + 1000, number + 2000, number + 3000], dim=1),
        rewards=-number,
        next_obs=torch.stack([number + 0.5, number + 0.75], dim=1),
        terminated=number % 2 == 1,
    )


def test_what_is_drawn_is_what_was_stored():
    torch.manual_seed(0)
    replay = TransitionReplay(10, 2, 3, DEVICE)
    replay.store(numbered(0, 1, 2))
    replay.store(numbered(3))
    assert (len(replay), replay.capacity) == (4, 10)
    drawn = replay.sample(200)
    expected = numbered(*(-drawn.rewards).tolist())
    assert set(drawn.rewards.tolist()) == {0.0, -1.0, -2.0, -3.0}
    for name in ("obs", "actions", "rewards", "next_obs"):
        assert torch.equal(getattr(drawn, name), getattr(expected, name)), name
    assert drawn.terminated.dtype == torch.float32
    assert torch.equal(drawn.terminated, expected.terminated.float())


def test_the_newest_take_the_place_of_the_oldest():
    replay = TransitionReplay(4, 2, 3, DEVICE)
    replay.store(numbered(0, 1, 2))
    replay.store(numbered(3, 4, 5))
    assert sorted(set((-replay.sample(500).rewards).tolist())) == [2.0, 3.0, 4.0, 5.0]
    assert replay.state_dict()["samples"][:, 0].tolist() == [4.0, 5.0, 2.0, 3.0]
    replay.store(numbered())  # nothing
    replay.store(numbered(*range(10, 19)))  # more than fit
    assert sorted(set((-replay.sample(500).rewards).tolist())) == [15.0, 16.0, 17.0, 18.0]


def test_a_restored_memory_draws_and_stores_as_the_saved_one():
    first, second = (TransitionReplay(4, 2, 3, DEVICE) for _ in range(2))
    first.store(numbered(0, 1, 2))
    first.store(numbered(3, 4))
    second.load_state_dict(first.state_dict())
    for replay in (first, second):
        replay.store(numbered(7))
    torch.manual_seed(3)
    one = first.sample(20)
    torch.manual_seed(3)
    other = second.sample(20)
    assert torch.equal(one.obs, other.obs) and torch.equal(one.terminated, other.terminated)
