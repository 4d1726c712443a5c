"""What Runner, observers and tools may ask of any agent."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch


class BaseAlgorithm(ABC):
    """An agent: it learns a policy for the environments that its configuration names."""

    @property
    @abstractmethod
    def device(self) -> torch.device:
        """Where networks and rollouts live."""

    @abstractmethod
    def train(self) -> tuple[float | None, int]:
        """Train until a limit is reached or somebody asks to stop.

        Returns:
            Best score (None if there is none) and number of epochs.
        """

    @abstractmethod
    def train_epoch(self) -> Any:
        """Collect one rollout and learn from it."""

    @abstractmethod
    def clear_stats(self) -> None:
        """Forget the episode statistics."""

    @abstractmethod
    def restore(self, fn: str, set_epoch: bool = True) -> None:
        """Take up a checkpoint file.

        Args:
            fn: path of the file.
            set_epoch: go on counting epochs and frames from the file's.
        """

    @abstractmethod
    def get_weights(self) -> dict[str, Any]:
        """Return what playing needs: the model with its normalisers."""

    @abstractmethod
    def set_weights(self, weights: dict[str, Any]) -> None:
        """Take up a state of `get_weights`."""

    @abstractmethod
    def get_full_state_weights(self) -> dict[str, Any] | None:
        """Return all that training needs to go on exactly, on the main worker; all workers call it."""

    @abstractmethod
    def set_full_state_weights(self, weights: dict[str, Any], set_epoch: bool = True) -> None:
        """Take up a state of `get_full_state_weights`."""

    @abstractmethod
    def get_param(self, param_name: str) -> Any:
        """Return the value in use of a setting that may change while training runs.

        Raises:
            ConfigError: there is none of this name; the text lists those that there are.
        """

    @abstractmethod
    def set_param(self, param_name: str, param_value: Any) -> None:
        """Change such a setting; all workers call this with the same value, between two epochs.

        Raises:
            ConfigError: there is none of this name, or it cannot have this value.
        """

    @abstractmethod
    def close(self) -> None:
        """Free the environment."""
