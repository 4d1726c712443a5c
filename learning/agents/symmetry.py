"""Learning left and right alike: samples that are mirrored, and a loss on policies that act otherwise.

The two uses are RSL-RL's (Mittal et al. 2024, "Symmetry Considerations for Learning Task Symmetric Robot
Policies"): with data augmentation PPO learns from every sample and its mirror images, whose likelihood,
advantage and return are taken to be the sample's; the mirror loss asks the mean action at a mirrored
observation to be the mirrored mean action.

What mirroring does to a task's observations and actions is the task's to say, in a function of yours:

    def mirrored(env, obs, actions):
        return with_mirrored(obs, OBS_ORDER, OBS_SIGNS), with_mirrored(actions, ORDER, SIGNS)
"""

from __future__ import annotations

import importlib
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from learning.agents.agent_config import CONFIG_PATH, at_least
from learning.rollouts import observations
from learning.typed_config import MISSING, ConfigError

AugmentationFunction = Callable[..., tuple[Any, Any]]
"""Called as `f(env=…, obs=…, actions=…)`; obs raw (B, …) or None, actions (B, A) or None. Returns both with
n B rows: those given first, then their mirror images, one whole batch after the other; None for None."""


@dataclass
class SymmetryConfig:
    """`config.symmetry_config`: how a symmetry of the task is used. All off, the mirror loss is logged."""

    data_augmentation_func: str = MISSING
    """`module:function` that mirrors observations and actions. It is imported and called: code of yours that
    this file names, found on Python's path, as `import_modules` is; checkpoints never name any."""
    use_data_augmentation: bool = False
    """Learn from mirrored samples as well."""
    use_mirror_loss: bool = False
    """Add the mirror loss to PPO's."""
    mirror_loss_coeff: float = 0.0
    """Its weight."""

    def __post_init__(self) -> None:
        """Check single values, and that the function is there."""
        at_least(self, 0, "mirror_loss_coeff")
        if self.use_mirror_loss and self.mirror_loss_coeff == 0:
            raise ValueError("mirror_loss_coeff=0: use_mirror_loss=True needs a weight above 0")
        load_function(self.data_augmentation_func)

    @property
    def mirror_weight(self) -> float:
        """Weight of the mirror loss, 0 where it is not used."""
        return self.mirror_loss_coeff if self.use_mirror_loss else 0.0


def load_function(path: str) -> AugmentationFunction:
    """Return the function that `module:function` names; its module is imported.

    Raises:
        ValueError: there is none of that name.
    """
    module, _, name = path.partition(":")
    if not module or not name:
        raise ValueError(f"data_augmentation_func={path}: must be module:function")
    try:
        function = operator.attrgetter(name)(importlib.import_module(module))
    except (ImportError, AttributeError) as error:
        raise ValueError(
            f"data_augmentation_func={path}: {error}; put its directory on PYTHONPATH"
        ) from error
    if not callable(function):
        raise ValueError(f"data_augmentation_func={path}: is no function")
    return function


class Symmetry:
    """Mirrors minibatches.

    Args:
        config: the `symmetry_config` block.
        env: the environment that the function is told.
    """

    def __init__(self, config: SymmetryConfig, env: Any) -> None:
        self.config, self._env = config, env
        self._function = load_function(config.data_augmentation_func)
        self._is_checked = False

    @torch.no_grad()
    def augment(self, minibatch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return a minibatch with the mirror images of its samples behind them, (n B, …).

        Observations and actions are mirrored, all other fields are the samples' own, once more.

        Args:
            minibatch: fields of the dataset, (B, …).
        """
        given = observations.join("obs", minibatch), minibatch["actions"]
        obs, actions = self._function(env=self._env, obs=given[0], actions=given[1])
        columns = observations.split("obs", obs)
        times = self._count_images(given[1], actions)
        if {len(column) for column in columns.values()} != {len(actions)}:
            raise self._error("returns other numbers of observations and of actions")
        if not self._is_checked:
            self._check_originals(minibatch, columns)
        others = {name: torch.cat([value] * times) for name, value in minibatch.items()}
        return {**others, **columns, "actions": actions}

    @torch.no_grad()
    def mirrored(self, minibatch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the mirror images of a minibatch alone, ((n - 1) B, …)."""
        return {name: value[len(minibatch[name]) :] for name, value in self.augment(minibatch).items()}

    @torch.no_grad()
    def mirror_actions(self, actions: Tensor) -> Tensor:
        """Return the mirror images of actions (B, A), ((n - 1) B, A)."""
        _, images = self._function(env=self._env, obs=None, actions=actions)
        self._count_images(actions, images)
        return images[len(actions) :]

    def _count_images(self, given: Tensor, returned: Tensor) -> int:
        """Return n."""
        times, rest = divmod(len(returned), len(given))
        if rest or times < 2:
            raise self._error(
                f"returns {len(returned)} rows for {len(given)}; it has to return those given, and behind "
                "them as many for every mirror image"
            )
        return times

    def _check_originals(self, minibatch: Mapping[str, Tensor], columns: Mapping[str, Tensor]) -> None:
        """Look once, since the host waits for it, whether the given rows come first."""
        self._is_checked = True
        if not all(
            torch.equal(column[: len(minibatch[name])], minibatch[name]) for name, column in columns.items()
        ):
            raise self._error("does not return the given observations first")

    def _error(self, text: str) -> ConfigError:
        path = f"{CONFIG_PATH}.symmetry_config.data_augmentation_func={self.config.data_augmentation_func}"
        return ConfigError(f"{path}: {text}")


def mirror_loss(mirrored_mus: Tensor, images_of_mus: Tensor) -> Tensor:
    """Return the mean squared distance between two batches of mean actions, 0-dim.

    Args:
        mirrored_mus: the policy's means at mirrored observations, (B, A).
        images_of_mus: mirror images of its means at the observations themselves, (B, A), which are aimed at:
            no gradient flows into them.
    """
    return (mirrored_mus - images_of_mus.detach()).square().mean()


def mirror(x: Tensor, order: Sequence[int], signs: Sequence[float]) -> Tensor:
    """Return vectors whose entries change places and signs: result[…, i] = signs[i] * x[…, order[i]].

    Args:
        x: (…, n).
        order: from which place each entry comes, n of them.
        signs: 1 or -1 each, n of them.
    """
    return x[..., list(order)] * x.new_tensor(signs)


def with_mirrored(x: Tensor | None, order: Sequence[int], signs: Sequence[float]) -> Tensor | None:
    """Return vectors (B, n) and behind them their mirror images, (2 B, n); None for None."""
    return None if x is None else torch.cat([x, mirror(x, order, signs)])


def swapped(names: Sequence[str], left: str = "left", right: str = "right") -> list[int]:
    """Return the order in which the names of one side take the places of the other's.

    Args:
        names: of joints or bodies, as they stand in a vector.
        left: part of a name that `right` takes the place of, and the reverse.
        right: see `left`.

    Raises:
        ValueError: a name has no counterpart.
    """
    places = {name: place for place, name in enumerate(names)}
    others = [_other_side(name, left, right) for name in names]
    missing = [other for other in others if other not in places]
    if missing:
        raise ValueError(f"{', '.join(missing)}: stands for the other side and is not among the names")
    return [places[other] for other in others]


def _other_side(name: str, left: str, right: str) -> str:
    if left in name:
        return name.replace(left, right)
    return name.replace(right, left)
