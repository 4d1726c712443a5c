"""A league of past policies, the score of matches against it, and when the present policy may join."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from learning.distributed import Distributed
from learning.self_play.config import SelfPlayConfig


class League:
    """Policies of the past; their weights never change.

    Args:
        model: of the form that all members have.
        size: members that are kept, the newest.
    """

    def __init__(self, model: nn.Module, size: int) -> None:
        self._model, self._size = model, size
        self.members: list[nn.Module] = []
        self.generation = 0
        """members that ever joined"""

    def add(self) -> None:
        """Let the present policy join."""
        self.members = [*self.members, self._copy()][-self._size :]
        self.generation += 1

    def draw(self, num_matches: int, num_newest: int) -> Tensor:
        """Return which member plays in each match, (num_matches,) on the CPU.

        Args:
            num_matches: opponents to draw, each from the whole league with the same probability.
            num_newest: of these, how many play against the newest in any case.
        """
        drawn = torch.randint(len(self.members), (num_matches,), device="cpu")
        drawn[torch.randperm(num_matches, device="cpu")[:num_newest]] = len(self.members) - 1
        return drawn

    def _copy(self) -> nn.Module:
        member = copy.deepcopy(self._model).eval().requires_grad_(False)
        member.zero_grad(set_to_none=True)
        return member

    def state_dict(self) -> dict[str, Any]:
        """Return the members' weights, and how many there were."""
        return {"members": [item.state_dict() for item in self.members], "generation": self.generation}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a state of `state_dict`; of a larger league, the newest."""
        self.members = [self._copy() for _ in state["members"]][-self._size :]
        for member, weights in zip(reversed(self.members), reversed(state["members"]), strict=False):
            member.load_state_dict(weights)
        self.generation = int(state["generation"])


class Scoreboard:
    """Counts matches as the learner sees them, on the device.

    Args:
        num_matches: matches of this worker.
        device: where rewards live.
    """

    def __init__(self, num_matches: int, device: torch.device) -> None:
        self._gained = torch.zeros(num_matches, device=device)
        self._counts = torch.ones(num_matches, dtype=torch.bool, device=device)
        self._sums = torch.zeros(4, dtype=torch.float64, device=device)

    def step(self, rewards: Tensor, dones: Tensor, scores: Tensor | None) -> None:
        """Count one step.

        Args:
            rewards: of the learner, (num_matches,), as the environment gave them.
            dones: which matches ended, (num_matches,) bool.
            scores: the environment's own, (num_matches,), where it gives some.
        """
        self._gained += rewards
        ended = dones & self._counts
        won = (self._gained > 0).float() + 0.5 * (self._gained == 0)
        results = torch.stack([won, self._gained, self._gained if scores is None else scores.float()])
        self._sums[:3] += (results * ended).sum(dim=1)
        self._sums[3] += ended.sum()
        self._gained.masked_fill_(dones, 0.0)
        self._counts |= dones

    def opponents_changed(self) -> None:
        """Count no match that has begun against another opponent."""
        self._counts.zero_()

    def restart(self) -> None:
        """Begin new matches everywhere."""
        self._gained.zero_()
        self._counts.fill_(True)

    def harvest(self, distributed: Distributed) -> dict[str, float]:
        """Return the sums over all workers since the last call: `won`, `reward`, `scores`, `matches`."""
        sums = distributed.all_reduce_sum_(self._sums.to(distributed.device, copy=True)).tolist()
        self._sums.zero_()
        return dict(zip(("won", "reward", "scores", "matches"), sums, strict=True))

    def state_dict(self) -> dict[str, Any]:
        """Return the running matches."""
        return {"gained": self._gained, "counts": self._counts}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a state of `state_dict`."""
        self._gained.copy_(state["gained"])
        self._counts.copy_(state["counts"])


class Judge:
    """Says when enough matches against the league were good enough. The same on all workers.

    Args:
        config: the `self_play_config` block.
    """

    def __init__(self, config: SelfPlayConfig) -> None:
        self._config = config
        self._criterion = "scores" if config.check_scores else "won" if config.win_rate else "reward"
        self.tally: dict[str, float] = {}
        """sums of matches since the last verdict"""

    def add(self, sums: Mapping[str, float]) -> None:
        """Take in the matches of an epoch, as `Scoreboard.harvest` gives them."""
        self.tally = {name: self.tally.get(name, 0.0) + value for name, value in sums.items()}

    def mean(self, name: str) -> float | None:
        """Return a mean over the matches so far; None before the first."""
        matches = self.tally.get("matches", 0.0)
        return self.tally[name] / matches if matches else None

    def verdict(self) -> bool | None:
        """Return whether the policy has beaten its league; None while too few matches were played."""
        mean = self.mean(self._criterion)
        if mean is None or self.tally["matches"] < self._config.games_to_check:
            return None
        return mean > self._config.update_score
