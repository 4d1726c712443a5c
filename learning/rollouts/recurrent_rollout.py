"""What a recurrent policy remembers: through a rollout, and as the sequences that an update learns from.

An update goes through a rollout in sequences of `seq_length` steps of one environment each. A sequence starts
from the state that the policy had there in the rollout; inside it the state is forgotten where an episode
starts. Gradients flow through a sequence and no further.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from learning.agents.a2c_config import AgentConfig
from learning.networks.recurrent import RnnStates
from learning.rollouts.experience import ExperienceBuffer, Field
from learning.typed_config import ConfigError

STATES = "rnn_states"
"""Columns `rnn_states/<i>` hold one row a sequence, where all other columns hold one a step."""


def forget(states: RnnStates, dones: Tensor) -> RnnStates:
    """Return states in which the environments that ended, (num_envs,) bool, begin anew."""
    return tuple(torch.where(dones.view(1, -1, 1), 0.0, state) for state in states)


class RecurrentRollout:
    """Carries the policy's state from step to step, and records it where sequences start.

    Args:
        states: of new episodes.
        horizon_length: steps of a rollout.
        num_envs: environments of this worker.
        seq_length: steps of a sequence.
        forgets: start episodes from zeros; otherwise from what the last one left.

    Raises:
        ConfigError: sequences do not fill the rollout.
    """

    def __init__(
        self, states: RnnStates, horizon_length: int, num_envs: int, seq_length: int, forgets: bool
    ) -> None:
        check_seq_length(seq_length, "horizon_length", horizon_length)
        self.seq_length, self._forgets = seq_length, forgets
        self._num_envs, device = num_envs, states[0].device
        self.states = states
        """of now, before the next step"""
        self.starts_episode = torch.ones(num_envs, dtype=torch.bool, device=device)
        """whether the next step is the first of its episode"""
        fields = {
            str(i): Field((state.shape[0], state.shape[2]), state.dtype) for i, state in enumerate(states)
        }
        self._starts = ExperienceBuffer(horizon_length // seq_length, num_envs, fields, device)

    def before_step(self, step: int) -> None:
        """Record the state where a sequence starts."""
        if step % self.seq_length == 0:
            for i, state in enumerate(self.states):
                self._starts.update_data(str(i), step // self.seq_length, state.transpose(0, 1))

    def after_step(self, states: RnnStates, dones: Tensor) -> None:
        """Take up the states after a step, and forget those of environments that ended."""
        self.starts_episode = dones.clone()
        self.states = forget(states, dones) if self._forgets else states

    def restart(self) -> None:
        """Forget everything: new episodes start everywhere."""
        self.after_step(self.states, torch.ones_like(self.starts_episode))

    def as_sequences(self, batch_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return a rollout in the order that recurrent updates take.

        Args:
            batch_dict: fields (horizon_length * num_envs, …), time-major.

        Returns:
            The same fields, one environment after the other, so that sequences lie in one piece; and the
            states that sequences start from, `rnn_states/<i>`, (number of sequences, layers, units).
        """
        steps = {
            name: value.unflatten(0, (-1, self._num_envs)).transpose(0, 1).flatten(0, 1)
            for name, value in batch_dict.items()
        }
        starts = {
            f"{STATES}/{i}": value.transpose(0, 1).flatten(0, 1)
            for i, value in self._starts.tensor_dict.items()
        }
        return {**steps, **starts}

    def model_inputs(self, input_dict: Mapping[str, Tensor]) -> dict[str, Any]:
        """Return what a recurrent model takes in an update, from the fields of a minibatch."""
        starts = [input_dict[f"{STATES}/{i}"] for i in range(len(self.states))]
        return {
            "rnn_states": tuple(state.transpose(0, 1).contiguous() for state in starts),
            "seq_length": self.seq_length,
            "dones": input_dict["episode_starts"] if self._forgets else None,
        }

    def state_dict(self) -> dict[str, Any]:
        """Return what the next rollout begins with."""
        return {"states": list(self.states), "starts_episode": self.starts_episode}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a state of `state_dict`."""
        device = self.starts_episode.device
        self.states = tuple(value.to(device) for value in state["states"])
        self.starts_episode = state["starts_episode"].to(device)


def create_recurrent(
    model: Any, config: AgentConfig, num_envs: int, device: torch.device
) -> RecurrentRollout | None:
    """Return what carries a model's states through rollouts; None where it has none.

    Args:
        model: the policy.
        config: the agent's configuration.
        num_envs: environments of this worker.
        device: where rollouts live.
    """
    if not model.is_rnn():
        return None
    states = tuple(state.to(device) for state in model.get_default_rnn_state())
    return RecurrentRollout(
        states, config.horizon_length, num_envs, config.seq_length, config.zero_rnn_on_done
    )


def check_seq_length(seq_length: int, name: str, steps: int) -> None:
    """Check that sequences fill what they are cut from.

    Args:
        seq_length: steps of a sequence.
        name: key of what is cut.
        steps: its value.

    Raises:
        ConfigError: they do not.
    """
    if steps % seq_length:
        fitting = next(size for size in range(min(seq_length, steps), 0, -1) if steps % size == 0)
        raise ConfigError(
            f"train.params.config.seq_length={seq_length}: does not divide {name}={steps}; try {fitting}"
        )
