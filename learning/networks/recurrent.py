"""Recurrent layers over batches of sequences, with states that start anew where an episode does.

A batch has one row a step, the steps of each sequence contiguous: row `n * length + t` is step t of sequence
n. In a rollout every environment is a sequence of one step.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from learning.networks.layer_config import RnnConfig
from learning.typed_config import ConfigError

RnnStates = tuple[Tensor, ...]
"""The state of each sequence: (h, c) of an LSTM, (h,) otherwise, twice that with a critic of its own; each
(layers, num_seqs, units)."""


class Sequences(NamedTuple):
    """How the rows of a batch follow each other; B = num_seqs * length."""

    states: RnnStates | None = None
    """Before the first step of each sequence; None starts them all at 0."""
    dones: Tensor | None = None
    """True where a row is the first of its episode, so that the state is 0 before it, (B,)."""
    length: int = 1
    """Steps of each sequence."""

    @classmethod
    def of(cls, obs_dict: Mapping[str, Any]) -> Sequences:
        """Return what a network's input says of it: `rnn_states`, `dones`, `seq_length`, each optional."""
        return cls(obs_dict.get("rnn_states"), obs_dict.get("dones"), obs_dict.get("seq_length", 1))

    def halves(self) -> tuple[Sequences, Sequences]:
        """Return the actor's and the critic's, where `states` holds the one's and then the other's."""
        if self.states is None:
            return self, self
        middle = len(self.states) // 2
        return self._replace(states=self.states[:middle]), self._replace(states=self.states[middle:])

    def num_seqs(self, batch_size: int) -> int:
        """Return how many sequences a batch holds."""
        if batch_size % self.length:
            raise ConfigError(
                f"seq_length={self.length}: a batch of {batch_size} rows is no whole number of sequences; "
                "choose sizes that seq_length divides"
            )
        return batch_size // self.length


class RecurrentLayer(nn.Module):
    """What all recurrent layers have: the shapes of their states."""

    num_states = 1

    def __init__(self, units: int, layers: int) -> None:
        """Note the shape of the state.

        Args:
            units: width of state and output.
            layers: number of cells on top of each other.
        """
        super().__init__()
        self.units, self.layers = units, layers

    def zero_states(self, num_seqs: int, device: torch.device | None = None) -> RnnStates:
        """Return the states of new episodes."""
        shape = (self.layers, num_seqs, self.units)
        return tuple(torch.zeros(shape, device=device) for _ in range(self.num_states))

    def forward(self, x: Tensor, sequences: Sequences) -> tuple[Tensor, RnnStates]:
        """Run over sequences.

        Args:
            x: rows of all sequences, (B, input size).
            sequences: how the rows follow each other, and the states before them.

        Returns:
            The output of each row, (B, units), and the states after the last step of each sequence.
        """
        num_seqs = sequences.num_seqs(len(x))
        states = self._checked_states(sequences.states, num_seqs, x.device)
        steps = x.reshape(num_seqs, sequences.length, -1).transpose(0, 1)  # (length, num_seqs, input size)
        dones = sequences.dones
        if dones is not None:
            dones = dones.bool().reshape(num_seqs, sequences.length).t()
        out, states = self.run(steps, states, dones)
        return out.transpose(0, 1).flatten(0, 1), states

    def run(self, steps: Tensor, states: RnnStates, dones: Tensor | None) -> tuple[Tensor, RnnStates]:
        """Run over `steps` (length, num_seqs, input size); `dones` is (length, num_seqs) bool or None."""
        raise NotImplementedError

    def _checked_states(self, states: RnnStates | None, num_seqs: int, device: torch.device) -> RnnStates:
        if states is None:
            return self.zero_states(num_seqs, device)
        wanted = (self.layers, num_seqs, self.units)
        shapes = [tuple(state.shape) for state in states]
        if shapes != [wanted] * self.num_states:
            raise ConfigError(
                f"rnn_states of shapes {shapes}: {num_seqs} sequences need {self.num_states} of {wanted}; "
                "begin with get_default_rnn_state() and keep what forward returns"
            )
        return states


class RnnWithDones(RecurrentLayer):
    """An LSTM or GRU. It computes in float32 whatever precision the network runs in."""

    rnn: nn.LSTM | nn.GRU

    def run(self, steps: Tensor, states: RnnStates, dones: Tensor | None) -> tuple[Tensor, RnnStates]:
        """Run in one call where no episode begins, step by step otherwise; the device is not waited for."""
        with torch.autocast(steps.device.type, enabled=False):
            steps = steps.float()
            if dones is None:
                return self._run_cells(steps, states)
            outputs = []
            for step, is_first in zip(steps.unsqueeze(1), dones.unsqueeze(-1), strict=True):
                states = tuple(state.masked_fill(is_first, 0.0) for state in states)
                out, states = self._run_cells(step, states)
                outputs.append(out)
            return torch.cat(outputs), states

    def _run_cells(self, steps: Tensor, states: RnnStates) -> tuple[Tensor, RnnStates]:
        raise NotImplementedError


class LSTMWithDones(RnnWithDones):
    """A long short-term memory; its state is (h, c)."""

    num_states = 2

    def __init__(self, input_size: int, units: int, layers: int) -> None:
        """Build the cells."""
        super().__init__(units, layers)
        self.rnn = nn.LSTM(input_size, units, layers)

    def _run_cells(self, steps: Tensor, states: RnnStates) -> tuple[Tensor, RnnStates]:
        h, c = states
        return self.rnn(steps, (h.contiguous(), c.contiguous()))


class GRUWithDones(RnnWithDones):
    """A gated recurrent unit; its state is (h,)."""

    def __init__(self, input_size: int, units: int, layers: int) -> None:
        """Build the cells."""
        super().__init__(units, layers)
        self.rnn = nn.GRU(input_size, units, layers)

    def _run_cells(self, steps: Tensor, states: RnnStates) -> tuple[Tensor, RnnStates]:
        out, state = self.rnn(steps, states[0].contiguous())
        return out, (state,)


class IdentityRNN(RecurrentLayer):
    """Passes its input through; the state stays as it is."""

    def run(self, steps: Tensor, states: RnnStates, dones: Tensor | None) -> tuple[Tensor, RnnStates]:
        """Return everything unchanged."""
        return steps, states


def build_rnn(config: RnnConfig, input_size: int, path: str = "train.params.network.rnn") -> RecurrentLayer:
    """Return the recurrent layer that a `rnn` block describes.

    Args:
        config: the block.
        input_size: width of what the layer sees.
        path: where the block stands, for error messages.
    """
    if config.name == "identity":
        if config.units != input_size:
            raise ConfigError(
                f"{path}.units={config.units}: identity passes its {input_size} inputs through; "
                f"set units to {input_size}"
            )
        return IdentityRNN(config.units, config.layers)
    kind = LSTMWithDones if config.name == "lstm" else GRUWithDones
    return kind(input_size, config.units, config.layers)
