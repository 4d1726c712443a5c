"""Multi-layer perceptrons, plain and densely connected, with the module indices of RL Games' checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from learning.networks.activations import create_hidden_activation

_NORMS: dict[str, Callable[[int], nn.Module]] = {"layer_norm": nn.LayerNorm, "batch_norm": nn.BatchNorm1d}


def build_sequential_mlp(
    input_size: int,
    units: Sequence[int],
    activation: str,
    normalization: str | None = None,
    norm_only_first_layer: bool = False,
) -> nn.Sequential:
    """Return Linear, activation, norm for each layer: linear ones at 0, 2, 4…, or at 0, 3, 6… with norms.

    Args:
        input_size: width of the input.
        units: width of each layer.
        activation: name in `activations_factory`.
        normalization: `layer_norm`, `batch_norm` or None.
        norm_only_first_layer: leave out the norms after the first.
    """
    layers: list[nn.Module] = []
    for i, unit in enumerate(units):
        layers += [nn.Linear(input_size, unit), create_hidden_activation(activation)]
        if normalization is not None and (i == 0 or not norm_only_first_layer):
            layers.append(_NORMS[normalization](unit))
        input_size = unit
    return nn.Sequential(*layers)


class D2RLNet(nn.Module):
    """An MLP in which every layer after the first also sees the input.

    Sinha et al. 2020, "D2RL: Deep Dense Architectures in Reinforcement Learning". As in RL Games the norm
    stands after the first activation and before the later ones.
    """

    def __init__(
        self,
        input_size: int,
        units: Sequence[int],
        activation: str,
        normalization: str | None = None,
        norm_only_first_layer: bool = False,
    ) -> None:
        """Build the layers; arguments as for `build_sequential_mlp`, with at least one unit."""
        super().__init__()
        self.activations = nn.ModuleList()
        self.linears = nn.ModuleList()
        self.norm_layers = nn.ModuleList()
        last_size = input_size
        for i, unit in enumerate(units):
            self.activations.append(create_hidden_activation(activation))
            self.linears.append(nn.Linear(last_size, unit))
            if normalization is not None and (i == 0 or not norm_only_first_layer):
                self.norm_layers.append(_NORMS[normalization](unit))
            else:
                self.norm_layers.append(nn.Identity())
            last_size = unit + input_size

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, input_size) to (B, units[-1])."""
        out = self.norm_layers[0](self.activations[0](self.linears[0](x)))
        for i in range(1, len(self.linears)):
            out = self.linears[i](torch.cat([out, x], dim=1))
            out = self.activations[i](self.norm_layers[i](out))
        return out
