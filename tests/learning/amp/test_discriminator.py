"""The discriminator's losses, penalties and rewards, by hand."""

import math

import pytest
import torch

from learning.amp import discriminator
from learning.networks.activations import create_hidden_activation
from learning.networks.layers import build_sequential_mlp

# Logits whose σ is a plain number: σ(log 3) = 3/4, σ(-log 3) = 1/4.
LOG3 = math.log(3.0)


def test_each_loss_of_two_logits():
    agent, demo = torch.tensor([[0.0], [-LOG3]]), torch.tensor([[0.0], [LOG3]])
    bce = discriminator.classification_loss("bce", agent, demo)
    # agent: -log(1 - 1/2), -log(1 - 1/4); demo: -log(1/2), -log(3/4): both halves are the same
    torch.testing.assert_close(bce.item(), 0.5 * (math.log(2.0) + math.log(4.0 / 3.0)))

    agent, demo = torch.tensor([[0.0], [1.0]]), torch.tensor([[3.0], [1.0]])
    lsgan = discriminator.classification_loss("lsgan", agent, demo)
    assert lsgan.item() == 0.5 * ((1.0 + 4.0) / 2.0 + (4.0 + 0.0) / 2.0)

    slope = 1.0 / 0.3
    agent, demo = torch.tensor([[-slope], [0.0]]), torch.tensor([[slope], [slope]])
    wasserstein = discriminator.classification_loss("wasserstein", agent, demo)
    torch.testing.assert_close(wasserstein.item(), -0.5 * math.tanh(1.0) - math.tanh(1.0))


def test_bce_is_torch_s():
    torch.manual_seed(0)
    agent, demo = torch.randn(7, 1) * 5, torch.randn(3, 1) * 5
    bce = torch.nn.functional.binary_cross_entropy_with_logits
    expected = 0.5 * (bce(agent, torch.zeros_like(agent)) + bce(demo, torch.ones_like(demo)))
    torch.testing.assert_close(discriminator.classification_loss("bce", agent, demo), expected)


def test_rewards_rise_with_the_logit_and_are_bounded():
    logits = torch.tensor([-100.0, 0.0, LOG3, 100.0])
    expected = torch.tensor([0.0, math.log(2.0), math.log(4.0), -math.log(1e-4)])
    torch.testing.assert_close(discriminator.style_rewards("bce", logits), expected)

    logits = torch.tensor([-1.5, -1.0, 0.0, 1.0, 2.0, 4.0])
    expected = torch.tensor([0.0, 0.0, 0.75, 1.0, 0.75, 0.0])
    torch.testing.assert_close(discriminator.style_rewards("lsgan", logits), expected)

    logits = torch.tensor([-100.0, 0.0, 1.0 / 0.3, 100.0])
    expected = torch.tensor([0.0, 0.5, 0.5 + 0.5 * math.tanh(1.0), 1.0])
    torch.testing.assert_close(discriminator.style_rewards("wasserstein", logits), expected)


def test_the_penalty_of_a_linear_discriminator_is_its_squared_weight():
    gradient = torch.tensor([[3.0, 4.0], [3.0, 4.0]])
    assert discriminator.gradient_penalty("bce", gradient) == 25.0
    assert discriminator.gradient_penalty("lsgan", gradient) == 25.0
    assert discriminator.gradient_penalty("wasserstein", gradient) == 16.0  # (5 - 1)²


def test_the_gradient_of_a_two_layer_relu_net_by_hand():
    first = torch.tensor([[1.0, 2.0], [3.0, -1.0]])
    last = torch.tensor([[2.0, -1.0]])
    # x = (1, 1): both units on, D = 2 (x1 + 2 x2) - (3 x1 - x2); x = (-1, 1): the second is off.
    active = [torch.tensor([[True, True], [True, False], [False, False]])]
    gradient = discriminator.relu_input_gradient([first, last], active)
    assert gradient.tolist() == [[-1.0, 5.0], [2.0, 4.0], [0.0, 0.0]]
    torch.testing.assert_close(
        discriminator.gradient_penalty("bce", gradient), torch.tensor((26.0 + 20.0 + 0.0) / 3.0)
    )


@pytest.mark.parametrize("units", [[7], [9, 6], [8, 7, 5]])
def test_the_relu_gradient_is_autograd_s_to_the_second_order(units):
    torch.manual_seed(1)
    trunk = build_sequential_mlp(5, units, "relu")
    head = torch.nn.Linear(units[-1], 1)
    inputs = torch.randn(20, 5, requires_grad=True)
    reference = discriminator.autograd_input_gradient(head(trunk(inputs)), inputs)
    hidden, active = inputs.detach(), []
    for layer in trunk:
        hidden = layer(hidden)
        if isinstance(layer, torch.nn.ReLU):
            active.append(hidden > 0)
    weights = [*discriminator.linear_weights(trunk), head.weight]
    gradient = discriminator.relu_input_gradient(weights, active)
    torch.testing.assert_close(gradient, reference)
    for one, other in zip(
        torch.autograd.grad(gradient.square().sum(), weights),
        torch.autograd.grad(reference.square().sum(), weights),
        strict=True,
    ):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


def test_the_wasserstein_penalty_has_a_gradient_where_the_slope_is_zero():
    gradient = torch.zeros(2, 3, requires_grad=True)
    penalty = discriminator.gradient_penalty("wasserstein", gradient)
    penalty.backward()
    assert torch.isfinite(gradient.grad).all()


def test_sums_and_figures():
    weights = [torch.tensor([[1.0, 2.0]]), torch.tensor([3.0])]
    assert discriminator.squared_norm(weights) == 14.0
    figures = discriminator.disc_figures(
        torch.tensor([[-1.0], [1.0], [-2.0], [-2.0]]), torch.tensor([[1.0], [-1.0]])
    )
    assert {name: value.item() for name, value in figures.items()} == {
        "info/disc_agent_acc": 0.75,
        "info/disc_demo_acc": 0.5,
        "info/disc_agent_logit": -1.0,
        "info/disc_demo_logit": 0.0,
    }
    assert isinstance(create_hidden_activation("relu"), torch.nn.ReLU)
