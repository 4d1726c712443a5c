import pytest

from learning.agents.schedulers import AdaptiveScheduler, IdentityScheduler, LinearScheduler


def test_identity_keeps_both():
    scheduler = IdentityScheduler()
    assert scheduler.update(3e-4, 0.01, 5, 100, 9.0) == (3e-4, 0.01)
    scheduler.load_state_dict(scheduler.state_dict())


def test_adaptive_steers_towards_the_threshold():
    scheduler = AdaptiveScheduler(kl_threshold=0.008)
    rate = lambda lr, kl: scheduler.update(lr, 0.0, 1, 1, kl)[0]  # noqa: E731
    assert rate(3e-4, 0.017) == pytest.approx(2e-4)
    assert rate(3e-4, 0.0039) == pytest.approx(4.5e-4)
    assert rate(3e-4, 0.016) == rate(3e-4, 0.004) == 3e-4  # the borders belong to the middle
    assert rate(1.2e-6, 1.0) == 1e-6
    assert rate(9e-3, 0.0) == 1e-2


def test_adaptive_bounds_and_factor_are_settings():
    scheduler = AdaptiveScheduler(0.01, min_lr=1e-4, max_lr=1e-3, factor=2.0)
    assert scheduler.update(3e-4, 0.0, 1, 1, 1.0)[0] == 1.5e-4
    assert scheduler.update(8e-4, 0.0, 1, 1, 0.0)[0] == 1e-3


def test_linear_by_epochs_and_by_frames():
    epochs = LinearScheduler(1e-3, min_lr=1e-5, max_steps=100)
    assert epochs.update(0.5, 0.2, 0, 0, 0.0) == (pytest.approx(1e-3), 0.2)
    assert epochs.update(0.5, 0.2, 50, 0, 0.0)[0] == pytest.approx(5.05e-4)
    assert epochs.update(0.5, 0.2, 150, 0, 0.0)[0] == pytest.approx(1e-5)
    frames = LinearScheduler(1e-3, min_lr=0.0, max_steps=1000, use_epochs=False)
    assert frames.update(0.5, 0.2, 0, 250, 0.0)[0] == pytest.approx(7.5e-4)


def test_linear_entropy():
    scheduler = LinearScheduler(1e-3, 0.0, 10, True, True, start_entropy_coef=0.02, min_entropy_coef=0.01)
    assert scheduler.update(1.0, 1.0, 5, 0, 0.0) == (pytest.approx(5e-4), pytest.approx(0.015))


def test_linear_needs_a_length():
    with pytest.raises(ValueError, match="max_epochs or max_frames above 0, not -1"):
        LinearScheduler(1e-3, max_steps=-1)
