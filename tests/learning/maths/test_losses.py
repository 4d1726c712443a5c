import math

import pytest
import torch
from torch import tensor
from torch.distributions import Normal, kl_divergence

from learning.maths import losses


def test_gaussian_neglogp_by_hand():
    # One standard deviation off in the first action, at the mean in the second.
    x, mu, sigma = tensor([[3.0, 1.0]]), tensor([[1.0, 1.0]]), tensor([[2.0, 0.5]])
    expected = 0.5 + math.log(2 * math.pi) + math.log(2.0) + math.log(0.5)
    assert losses.gaussian_neglogp(x, mu, sigma, sigma.log()).tolist() == pytest.approx([expected])


@pytest.mark.parametrize("shape", [(5, 3), (3,)])
def test_gaussian_formulas_equal_torch(shape):
    torch.manual_seed(0)
    mu, x, logstd = torch.randn(5, 3), torch.randn(5, 3), torch.randn(shape)
    normal = Normal(mu, logstd.exp())
    neglogp = losses.gaussian_neglogp(x, mu, logstd.exp(), logstd)
    torch.testing.assert_close(neglogp, -normal.log_prob(x).sum(-1))
    torch.testing.assert_close(losses.gaussian_entropy(logstd).expand(5), normal.entropy().sum(-1))


def test_kl_by_hand():
    # KL(N(1, 2²) ‖ N(0, 1)) = log(1/2) + (4 + 1)/2 - 1/2
    one = losses.policy_kl(tensor([[1.0]]), tensor([[2.0]]), tensor([[0.0]]), tensor([[1.0]]))
    assert one.tolist() == pytest.approx([2.0 - math.log(2.0)])


def test_kl_equals_torch():
    torch.manual_seed(0)
    m0, m1, s0, s1 = torch.randn(7, 4), torch.randn(7, 4), torch.rand(7, 4) + 0.1, torch.rand(7, 4) + 0.1
    torch.testing.assert_close(
        losses.policy_kl(m0, s0, m1, s1), kl_divergence(Normal(m0, s0), Normal(m1, s1)).sum(-1)
    )


@pytest.mark.parametrize("sigma", [1.0, 0.05, 0.01, 1e-4])
def test_kl_of_identical_policies_is_exactly_zero(sigma):
    mu, sigmas = torch.randn(6, 20), torch.full((6, 20), sigma)
    assert (losses.policy_kl(mu, sigmas, mu, sigmas) == 0).all()


def test_kl_of_nearly_identical_policies_keeps_its_digits():
    sigma = torch.full((1, 1), 0.3)
    exact = 0.5 * ((1.0001**2 - 1) - 2 * math.log(1.0001))  # about 1e-8, where ½ + … - ½ has no digit left
    kl = losses.policy_kl(tensor([[0.0]]), sigma.double() * 1.0001, tensor([[0.0]]), sigma.double())
    assert kl.item() == pytest.approx(exact, rel=2e-3) and kl.item() > 0


def test_actor_loss_clips_only_what_helps():
    log2 = math.log(2.0)
    old, new = tensor([log2, log2, 0.0, 0.0]), tensor([0.0, 0.0, log2, log2])  # ratios 2, 2, ½, ½
    advantages = tensor([1.0, -1.0, 1.0, -1.0])
    loss = losses.actor_loss(old, new, advantages, True, 0.2)
    assert loss.tolist() == pytest.approx([-1.2, 2.0, -0.5, 0.8])


def test_actor_loss_without_ppo_is_the_policy_gradient():
    args = tensor([0.3]), tensor([2.0]), tensor([-1.5]), False, 0.2
    assert losses.actor_loss(*args).tolist() == losses.smoothed_actor_loss(*args).tolist() == [-3.0]


def test_smooth_clamp():
    values = losses.smooth_clamp(tensor([1.0, -100.0, 100.0]), 0.8, 1.2)
    assert values.tolist() == pytest.approx([1.0, 0.8, 1.2])
    x = tensor([1.0], requires_grad=True)
    losses.smooth_clamp(x, 0.8, 1.2).backward()
    assert x.grad.item() == pytest.approx(1.0, rel=1e-5)
    # ratio 2 with ε = 0.2: sigmoid(4 * (1.2 / 0.4 - 0.5)) = sigmoid(10)
    loss = losses.smoothed_actor_loss(tensor([math.log(2.0)]), tensor([0.0]), tensor([1.0]), True, 0.2)
    assert loss.item() == pytest.approx(-(0.4 / (1 + math.exp(-10)) + 0.8))


def test_critic_loss_takes_the_larger_error():
    old, values = tensor([[1.0], [1.0], [1.0]]), tensor([[2.0], [2.0], [1.1]])
    returns = tensor([[3.0], [1.0], [0.0]])
    clipped = losses.critic_loss(old, values, 0.2, returns, True)
    assert clipped.flatten().tolist() == pytest.approx([1.8**2, 1.0, 1.21])
    plain = losses.critic_loss(old, values, 0.2, returns, False)
    assert plain.flatten().tolist() == pytest.approx([1.0, 1.0, 1.21])


def test_bound_and_regularisation_loss():
    mu = tensor([[1.1, -1.1, 0.0], [1.6, -2.1, 1.0]])
    assert losses.bound_loss(mu).tolist() == pytest.approx([0.0, 0.25 + 1.0])
    assert losses.regularisation_loss(mu).tolist() == pytest.approx([2.42, 2.56 + 4.41 + 1.0])


def test_equal_to_rl_games():
    theirs = pytest.importorskip("rl_games.common.common_losses")
    torch.manual_seed(1)
    old, new, adv = torch.randn(3, 64).unbind()
    ratio = torch.exp(old - new)
    for is_ppo in (True, False):
        args = old, new, adv, is_ppo, 0.2
        torch.testing.assert_close(losses.actor_loss(*args), theirs.actor_loss(*args))
        torch.testing.assert_close(losses.smoothed_actor_loss(*args), theirs.smoothed_actor_loss(*args))
    torch.testing.assert_close(losses.smooth_clamp(ratio, 0.8, 1.2), theirs.smooth_clamp(ratio, 0.8, 1.2))
    for clip_value in (True, False):
        mine = losses.critic_loss(old, new, 0.2, adv, clip_value)
        torch.testing.assert_close(mine, theirs.default_critic_loss(old, new, 0.2, adv, clip_value))
