"""What `config.self_play_config` may hold: when a policy has beaten its past, and who it meets next."""

from __future__ import annotations

from dataclasses import dataclass

from learning.agents.agent_config import at_least
from learning.typed_config import MISSING


@dataclass
class SelfPlayConfig:
    """A league of past policies to play against (RL Games' keys, and some of ours)."""

    update_score: float = MISSING  # type: ignore[assignment]
    """What matches against the league have to bring on average for the present policy to join it."""
    games_to_check: int = MISSING  # type: ignore[assignment]
    """Matches, over all workers, that this average is taken over, at least."""
    win_rate: bool = True
    """The average is the share of matches won, a draw counting half; false, as in RL Games: the mean reward
    of a match."""
    check_scores: bool = False
    """The average is that of the environment's own `scores` at the end of matches; then `win_rate` has no
    effect."""
    env_update_num: int | None = None
    """Matches, over all workers, against the newest member; in all others the opponent is drawn from the
    whole league. null = half of them."""
    league_size: int = 10
    """Members that are kept: the newest."""
    num_agents: int = 2
    """Players of a match, rows in succession: one of them learns, the others are members of the league."""

    def __post_init__(self) -> None:
        """Check single values, and that a win rate can be exceeded."""
        at_least(self, 1, "games_to_check", "env_update_num", "league_size")
        at_least(self, 2, "num_agents")
        if self.judges_wins and not 0.0 <= self.update_score < 1.0:
            raise ValueError(
                f"update_score={self.update_score:g}: is a share of matches won, at least 0 and less than 1; "
                "for the mean reward of a match set win_rate: False"
            )

    @property
    def judges_wins(self) -> bool:
        """Whether `update_score` is a win rate."""
        return self.win_rate and not self.check_scores
