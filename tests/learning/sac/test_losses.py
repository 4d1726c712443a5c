"""SAC's losses: numbers worked out by hand, and the density of squashed actions against torch's."""

import math

import pytest
import torch
from torch import tensor
from torch.distributions import AffineTransform, Normal, TanhTransform, TransformedDistribution

from learning.sac import losses


def test_logstd_lies_within_its_bounds():
    logstd = losses.bounded_logstd(tensor([-100.0, 0.0, 100.0]), -5.0, 2.0)
    assert logstd.tolist() == pytest.approx([-5.0, -1.5, 2.0])


def test_neglogp_by_hand():
    # µ = 0, σ = 1, noise 0: the Gaussian's density is 1/√(2π) an action, and the slope of 2 · tanh at 0 is 2.
    zero = torch.zeros(1, 2)
    neglogp = losses.squashed_neglogp(zero, zero, zero, tensor([1.0, 2.0]))
    assert neglogp.tolist() == pytest.approx([math.log(2 * math.pi) + math.log(2.0)])
    # One standard deviation of 2 from the mean 1: x = 3.
    neglogp = losses.squashed_neglogp(
        tensor([[3.0]]), tensor([[1.0]]), tensor([[math.log(2.0)]]), tensor([1.0])
    )
    expected = 0.5 + 0.5 * math.log(2 * math.pi) + math.log(2.0) + math.log(1 - math.tanh(3.0) ** 2)
    assert neglogp.tolist() == pytest.approx([expected])


def test_neglogp_of_scaled_actions_equals_torch():
    torch.manual_seed(0)
    mu, logstd, noise = (torch.randn(50, 3, dtype=torch.float64) for _ in range(3))
    low, high = tensor([-1.0, -2.0, 0.0]).double(), tensor([1.0, 2.0, 0.5]).double()
    scale, centre = (high - low) / 2, (high + low) / 2
    x = mu + logstd.exp() * noise
    actions = centre + scale * torch.tanh(x)
    squashed = TransformedDistribution(
        Normal(mu, logstd.exp()), [TanhTransform(cache_size=1), AffineTransform(centre, scale)]
    )
    inside = (1 - torch.tanh(x).abs()).amin(dim=1) > 1e-6  # where torch can invert the action
    assert inside.sum() > 40
    neglogp = losses.squashed_neglogp(x, noise, logstd, scale)
    torch.testing.assert_close(
        neglogp[inside], -squashed.log_prob(actions).sum(-1)[inside], atol=1e-6, rtol=0
    )


def test_neglogp_is_the_density_of_the_actions():
    # Its exponential, integrated over the action space [-3, 3], is 1.
    x = torch.linspace(-9.0, 9.0, 20001, dtype=torch.float64).unsqueeze(1)
    mu, logstd, scale = 0.4, math.log(0.8), tensor([3.0]).double()
    noise = (x - mu) / math.exp(logstd)
    density = torch.exp(-losses.squashed_neglogp(x, noise, torch.full_like(x, logstd), scale))
    assert torch.trapezoid(density, 3.0 * torch.tanh(x).squeeze(1)).item() == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("x", [30.0, -30.0])
def test_neglogp_keeps_its_digits_where_tanh_rounds_to_one(x):
    x = tensor([[x]], requires_grad=True)
    neglogp = losses.squashed_neglogp(x, torch.zeros(1, 1), torch.zeros(1, 1), tensor([1.0]))
    # 1 - tanh(30)² is 4 exp(-60).
    assert neglogp.item() == pytest.approx(0.5 * math.log(2 * math.pi) + math.log(4.0) - 60.0)
    neglogp.sum().backward()
    assert abs(x.grad.item()) == pytest.approx(2.0)


def test_targets_by_hand():
    targets = losses.soft_targets(
        rewards=tensor([1.0, 1.0, -2.0]),
        terminated=tensor([0.0, 1.0, 0.0]),
        next_q1=tensor([3.0, 3.0, -1.0]),
        next_q2=tensor([5.0, 5.0, -4.0]),
        next_neglogp=tensor([2.0, 2.0, -1.0]),
        alpha=tensor(0.5),
        gamma=0.9,
    )
    # 1 + 0.9 (3 + 0.5 · 2); nothing follows a failure; -2 + 0.9 (-4 - 0.5)
    assert targets.tolist() == pytest.approx([4.6, 1.0, -6.05])


def test_critic_loss_by_hand():
    loss, c1, c2 = losses.critic_loss(tensor([1.0, 2.0]), tensor([4.0, 2.0]), tensor([2.0, 2.0]))
    assert (c1.tolist(), c2.tolist(), loss.tolist()) == ([1.0, 0.0], [4.0, 0.0], [2.5, 0.0])


def test_actor_loss_by_hand():
    neglogp = tensor([1.0, -2.0])
    loss = losses.actor_loss(neglogp, tensor([3.0, 0.0]), tensor([2.0, 1.0]), tensor(0.5))
    assert loss.tolist() == pytest.approx([-0.5 - 2.0, 1.0 - 0.0])


def test_the_temperature_falls_where_entropy_is_above_its_target():
    log_alpha = tensor(math.log(0.2), requires_grad=True)
    neglogp = tensor([1.0, -1.0], requires_grad=True)
    loss = losses.temperature_loss(log_alpha, neglogp, target_entropy=-2.0)
    assert loss.tolist() == pytest.approx([0.2 * 3.0, 0.2 * 1.0])
    loss.mean().backward()
    assert log_alpha.grad.item() == pytest.approx(0.2 * 2.0)  # a step against it lowers log(α)
    assert neglogp.grad is None


def test_targets_follow_by_a_share():
    target, source = torch.zeros(2), tensor([1.0, -2.0])
    losses.soft_update_([target], [source], 0.25)
    assert target.tolist() == [0.25, -0.5] and source.tolist() == [1.0, -2.0]
