"""The discriminator of adversarial motion priors (AMP): losses, penalties and rewards, as pure functions.

The discriminator maps a short window of motion to a logit D: high for the reference clips ("demo"), low for
what the policy did ("agent"). Peng et al. 2021, "AMP: Adversarial Motion Priors for Stylized Physics-Based
Character Control", section 5; the logistic form is that of Isaac Gym's environments.
Shapes: logits (B, 1), or any other; B is the number of windows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

DiscLoss = Literal["bce", "lsgan", "wasserstein"]

WASSERSTEIN_SLOPE = 0.3
"""Steepness of the bounded Wasserstein critic, tanh(0.3 D)."""

MOST_BCE_REWARD = -math.log(1e-4)
"""Largest reward of the logistic discriminator, 9.21: one that is sure of itself must not drown all else."""


def classification_loss(kind: DiscLoss, agent_logits: Tensor, demo_logits: Tensor) -> Tensor:
    """Return what the discriminator minimises to tell demo from agent, 0-dim.

    `bce`: ½ (E_agent[-log(1 - σ(D))] + E_demo[-log σ(D)]), with σ the logistic function.
    `lsgan`: ½ (E_agent[(D + 1)²] + E_demo[(D - 1)²]) (AMP, eq. 6).
    `wasserstein`: E_agent[tanh(0.3 D)] - E_demo[tanh(0.3 D)], a Wasserstein critic with soft bounds (Li et
    al. 2022, "Learning Agile Skills via Adversarial Imitation of Rough Partial Demonstrations").

    Args:
        kind: which of them.
        agent_logits: D of the policy's windows.
        demo_logits: D of the clips' windows.
    """
    if kind == "bce":
        return 0.5 * (softplus(agent_logits).mean() + softplus(-demo_logits).mean())
    if kind == "lsgan":
        return 0.5 * ((agent_logits + 1.0).square().mean() + (demo_logits - 1.0).square().mean())
    slope = WASSERSTEIN_SLOPE
    return torch.tanh(slope * agent_logits).mean() - torch.tanh(slope * demo_logits).mean()


def style_rewards(kind: DiscLoss, logits: Tensor) -> Tensor:
    """Return the reward for looking like the clips, in the shape of `logits`, never negative.

    `bce`: -log(max(1 - σ(D), 1e-4)), from 0 to 9.21.
    `lsgan`: max(0, 1 - ¼ (D - 1)²), from 0 to 1 (AMP, eq. 7).
    `wasserstein`: ½ (1 + tanh(0.3 D)), from 0 to 1.
    """
    if kind == "bce":
        return softplus(logits).clamp_max(MOST_BCE_REWARD)  # softplus(D) = -log(1 - σ(D))
    if kind == "lsgan":
        return (1.0 - 0.25 * (logits - 1.0).square()).clamp_min(0.0)
    return 0.5 * (1.0 + torch.tanh(WASSERSTEIN_SLOPE * logits))


def gradient_penalty(kind: DiscLoss, input_gradient: Tensor) -> Tensor:
    """Return the penalty on the discriminator's steepness, 0-dim.

    E[‖∂D/∂x‖²] (AMP, eq. 8, without its factor ½); for `wasserstein` E[(‖∂D/∂x‖ - 1)²] (Gulrajani et al.
    2017, "Improved Training of Wasserstein GANs", eq. 3).

    Args:
        kind: of the loss.
        input_gradient: ∂D/∂x at normalised windows x, (B, num_amp_obs).
    """
    squared = input_gradient.square().sum(dim=-1)
    if kind == "wasserstein":
        return ((squared + 1e-12).sqrt() - 1.0).square().mean()  # the root has no gradient at 0
    return squared.mean()


def disc_figures(agent_logits: Tensor, demo_logits: Tensor) -> dict[str, Tensor]:
    """Return how well the discriminator tells the two apart, 0-dim, by TensorBoard tag."""
    return {
        "info/disc_agent_acc": (agent_logits < 0.0).float().mean(),
        "info/disc_demo_acc": (demo_logits > 0.0).float().mean(),
        "info/disc_agent_logit": agent_logits.mean(),
        "info/disc_demo_logit": demo_logits.mean(),
    }


def relu_input_gradient(weights: Sequence[Tensor], active: Sequence[Tensor]) -> Tensor:
    """Return ∂D/∂x of a ReLU network with one output, (B, in), differentiable by its weights.

    D = w · relu(… relu(W₁ x + b₁) …) + b is linear around x: its gradient is w with the columns of units that
    are off struck out, times the weights before, and so on. That is one matrix product a layer, where
    `torch.autograd.grad(create_graph=True)` builds a second graph for the same numbers.

    Args:
        weights: of all layers from input to output, each (out, in); the last is (1, in).
        active: for each hidden layer, which units are on, (B, out) bool.
    """
    gradient = weights[-1]  # (1, hidden), then (B, hidden)
    for weight, mask in zip(reversed(weights[:-1]), reversed(active), strict=True):
        gradient = (gradient * mask) @ weight
    return gradient


def autograd_input_gradient(logits: Tensor, inputs: Tensor) -> Tensor:
    """Return ∂D/∂x for any network, (B, in), differentiable by its weights.

    Args:
        logits: D of `inputs`, (B, 1), each of its own row alone.
        inputs: x, (B, in), which requires gradients.
    """
    return torch.autograd.grad(logits.sum(), inputs, create_graph=True)[0]


def squared_norm(tensors: Iterable[Tensor]) -> Tensor:
    """Return Σ‖W‖² over some weights, 0-dim."""
    return torch.stack([tensor.square().sum() for tensor in tensors]).sum()


def linear_weights(module: nn.Module) -> list[Tensor]:
    """Return the weights of all linear layers of a module, in order."""
    return [layer.weight for layer in module.modules() if isinstance(layer, nn.Linear)]
