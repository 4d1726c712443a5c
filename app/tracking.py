"""Weights & Biases beside TensorBoard (`wandb_activate=True`): the same figures, by wandb's own reader."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from app.schema import RunConfig
from learning.reporting.observer import AlgoObserver
from learning.typed_config import ConfigError


class WandbObserver(AlgoObserver):
    """Opens a wandb run that follows the TensorBoard files of a training, and closes it at the end.

    Args:
        settings: the `wandb_*` keys.
        config: the whole configuration, shown with the run.
        run_dir: where the run writes; its name is the wandb run's id, so that a resumed run goes on there.
    """

    def __init__(self, settings: RunConfig, config: dict[str, Any], run_dir: Path) -> None:
        self.settings, self.config, self.run_dir = settings, config, run_dir
        self._run: Any = None

    def before_init(self, base_name: str, config: Any, experiment_name: str) -> None:
        """Open the wandb run; it has to exist before TensorBoard's writer does."""
        import wandb

        s = self.settings
        wandb.tensorboard.patch(root_logdir=str(self.run_dir / "summaries"))
        self._run = wandb.init(
            project=s.wandb_project,
            entity=s.wandb_entity,
            group=s.wandb_group,
            name=s.wandb_name or experiment_name,
            tags=s.wandb_tags,
            id=self.run_dir.name,
            resume="allow",
            dir=str(self.run_dir),
            config=self.config,
        )
        if s.wandb_logcode_dir:
            self._run.log_code(root=s.wandb_logcode_dir)

    def on_finish(self, result: dict[str, Any]) -> None:
        """Keep the result and close the wandb run."""
        self._run.summary.update(result)
        self._run.finish()


def check_tracking() -> None:
    """Make sure, before anything is built, that wandb is there.

    Raises:
        ConfigError: it is not installed.
    """
    if importlib.util.find_spec("wandb") is None:
        raise ConfigError("wandb_activate=True: wandb is missing; pip install wandb")
