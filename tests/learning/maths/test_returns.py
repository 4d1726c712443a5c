import pytest
import torch
from torch import tensor

from learning.maths.returns import compute_discounted_returns, compute_gae


def reference_gae(rewards, values, dones, next_values, gamma, tau):
    """Add up γλ-weighted TD errors, one environment and one step at a time."""
    horizon, num_envs = rewards.shape
    advantages = torch.zeros_like(rewards)
    for env in range(num_envs):
        for start in range(horizon):
            weight = 1.0
            for t in range(start, horizon):
                delta = rewards[t, env] + gamma * next_values[t, env] - values[t, env]
                advantages[start, env] += weight * delta
                if dones[t, env]:
                    break
                weight *= gamma * tau
    return advantages


def test_by_hand_with_a_termination_and_a_time_out():
    # γ = λ = ½. Environment 0 terminates at step 1, environment 1 runs out of time there; both go on after.
    rewards = tensor([[1.0, 1.0], [2.0, 2.0], [4.0, 4.0]])
    values = tensor([[8.0, 8.0], [4.0, 4.0], [2.0, 2.0]])
    next_values = tensor([[4.0, 4.0], [6.0, 6.0], [10.0, 10.0]])  # 6: the true last observation
    dones = tensor([[False, False], [True, True], [False, False]])
    terminated = tensor([[False, False], [True, False], [False, False]])
    advantages = compute_gae(rewards, values, dones, next_values, 0.5, 0.5, terminated)
    # δ: 1 + 2 - 8 = -5; 2 + 0 - 4 = -2 or 2 + 3 - 4 = 1; 4 + 5 - 2 = 7.
    # Step 0 adds a quarter of step 1's; step 1 adds nothing of step 2's.
    assert advantages.tolist() == [[-5.5, -4.75], [-2.0, 1.0], [7.0, 7.0]]
    masked = torch.where(terminated, 0.0, next_values)
    assert torch.equal(compute_gae(rewards, values, dones, masked, 0.5, 0.5), advantages)


@pytest.mark.parametrize("done_rate", [0.0, 0.3, 1.0])
def test_equals_the_scalar_reference(done_rate):
    torch.manual_seed(0)
    rewards, values, next_values = torch.randn(3, 9, 5, dtype=torch.float64).unbind()
    dones = torch.rand(9, 5) < done_rate
    expected = reference_gae(rewards, values, dones, next_values, 0.97, 0.9)
    inputs = [each.clone() for each in (rewards, values, next_values)]
    torch.testing.assert_close(compute_gae(rewards, values, dones, next_values, 0.97, 0.9), expected)
    for given, before in zip((rewards, values, next_values), inputs, strict=True):
        assert torch.equal(given, before)


def test_value_heads_and_flag_shapes():
    torch.manual_seed(0)
    rewards, values, next_values = torch.randn(3, 4, 3, 2).unbind()
    dones = torch.rand(4, 3) < 0.4
    both = compute_gae(rewards, values, dones, next_values, 0.9, 0.8)
    for head in range(2):
        one = compute_gae(rewards[..., head], values[..., head], dones, next_values[..., head], 0.9, 0.8)
        torch.testing.assert_close(both[..., head], one)
    same = compute_gae(rewards, values, dones.unsqueeze(-1), next_values, 0.9, 0.8)
    assert torch.equal(same, both)


def test_each_value_head_may_have_its_discount_and_its_ends():
    torch.manual_seed(0)
    rewards, values, next_values = torch.randn(3, 4, 3, 2).unbind()
    dones, gammas = torch.rand(4, 3, 2) < 0.4, (0.9, 0.5)
    both = compute_gae(rewards, values, dones, next_values, tensor(gammas), 0.8)
    for head, gamma in enumerate(gammas):
        one = (each[..., head] for each in (rewards, values, dones, next_values))
        torch.testing.assert_close(both[..., head], compute_gae(*one, gamma, 0.8))


def test_tau_one_gives_discounted_returns():
    torch.manual_seed(0)
    rewards, values = torch.randn(2, 6, 4, dtype=torch.float64).unbind()
    last_values = torch.randn(4, dtype=torch.float64)
    dones = torch.rand(6, 4) < 0.3
    next_values = torch.cat([values[1:], last_values[None]]) * ~dones
    advantages = compute_gae(rewards, values, dones, next_values, 0.9, 1.0)
    returns = compute_discounted_returns(rewards, dones, last_values, 0.9)
    torch.testing.assert_close(advantages + values, returns)


def test_discounted_returns_by_hand():
    rewards = tensor([[1.0, 1.0], [2.0, 2.0], [4.0, 4.0]])
    dones = tensor([[False, False], [True, False], [False, False]])
    returns = compute_discounted_returns(rewards, dones, tensor([8.0, 8.0]), 0.5)
    assert returns.tolist() == [[2.0, 4.0], [2.0, 6.0], [8.0, 8.0]]
