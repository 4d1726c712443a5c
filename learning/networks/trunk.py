"""The trunk of a network: encoder, MLP and recurrent layer, joined as YAML asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from learning.networks.layer_config import RnnConfig
from learning.networks.recurrent import RecurrentLayer, RnnStates, Sequences
from learning.rollouts.observations import Obs


class TrunkSizes(NamedTuple):
    """Widths at the joins of a trunk."""

    mlp_input: int
    """What the MLP sees."""
    rnn_input: int
    """What the recurrent layer sees; 0 without one."""
    output: int
    """What the heads see."""

    @classmethod
    def of(cls, features: int, units: Sequence[int], rnn: RnnConfig | None) -> TrunkSizes:
        """Return the widths of a trunk.

        Args:
            features: width of the encoded observation.
            units: widths of the MLP's layers.
            rnn: the recurrent layer, if there is one.
        """
        if rnn is None:
            return cls(features, 0, _behind_mlp(features, units))
        behind_rnn = rnn.units + (features if rnn.concat_output else 0)
        if rnn.before_mlp:
            return cls(behind_rnn, features, _behind_mlp(behind_rnn, units))
        rnn_input = _behind_mlp(features, units) + (features if rnn.concat_input else 0)
        return cls(features, rnn_input, behind_rnn)


def _behind_mlp(mlp_input: int, units: Sequence[int]) -> int:
    return units[-1] if units else mlp_input


class Trunk(NamedTuple):
    """The modules of a trunk, which a network owns under RL Games' names."""

    encoder: nn.Module
    mlp: nn.Module
    rnn: RecurrentLayer | None = None
    layer_norm: nn.Module | None = None
    config: RnnConfig | None = None

    def run(self, obs: Obs, sequences: Sequences) -> tuple[Tensor, RnnStates | None]:
        """Return features (B, output) of observations (B, …), and the recurrent states after them."""
        features = self.encoder(obs)
        if self.config is None:
            return self.mlp(features), None
        if self.config.before_mlp:
            out, states = self._run_rnn(features, features, sequences)
            return self.mlp(out), states
        out = self.mlp(features)
        if self.config.concat_input:
            out = torch.cat([out, features], dim=-1)
        return self._run_rnn(out, features, sequences)

    def _run_rnn(self, x: Tensor, features: Tensor, sequences: Sequences) -> tuple[Tensor, RnnStates]:
        assert self.rnn is not None and self.config is not None
        out, states = self.rnn(x, sequences)
        if self.layer_norm is not None:
            out = self.layer_norm(out)
        if self.config.concat_output:
            out = torch.cat([out, features], dim=-1)
        return out, states
