"""RL Games' checkpoint files by our keys, and ours by its: where versions and algorithms differ.

Most is the same by design: `model`, `optimizer`, `epoch`, `frame`, `last_mean_rewards`, and every name of a
parameter, down to their order in the optimizer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

SAC_PARTS = ("actor", "critic", "critic_target")
"""SAC's file has these in place of `model`; the model knows them as `sac_network.<part>`."""

COMPILED = "_orig_mod."
"""What torch.compile puts into the names of parameters."""

CENTRAL_VALUE = "assymetric_vf_nets"
"""Where the central critic's model is kept (RL Games' spelling)."""

# Where statistics stand that are kept beside the model (by SAC, and by old versions), and their name in it.
_STATISTICS = {"running_mean_std": "running_mean_std", "reward_mean_std": "value_mean_std"}

Model = Mapping[str, Tensor]


def as_ours(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return a checkpoint by our keys, whoever wrote it; ours come back as they are.

    Args:
        state: content of the file.

    Returns:
        The same, with the whole model under `model` if the file holds one, and no traces of compilation in
        the names of parameters.
    """
    ours = dict(state)
    model = state["model"] if "model" in state else _model_of_parts(state)
    if isinstance(model, Mapping):
        ours["model"] = _beside(state, model) | uncompiled(model)
    if isinstance(state.get(CENTRAL_VALUE), Mapping):
        ours[CENTRAL_VALUE] = uncompiled(state[CENTRAL_VALUE])
    return ours


def uncompiled(model: Model) -> dict[str, Tensor]:
    """Return a state dict with the names that parameters had before torch.compile."""
    return {key.replace(COMPILED, ""): value for key, value in model.items()}


def sac_parts(model: Model) -> dict[str, dict[str, Tensor]]:
    """Return a SAC model cut into the parts that RL Games looks for; they share the model's memory."""
    prefixes = {part: f"sac_network.{part}." for part in SAC_PARTS}
    prefixes["running_mean_std"] = "running_mean_std."
    parts = {
        name: {key.removeprefix(prefix): value for key, value in model.items() if key.startswith(prefix)}
        for name, prefix in prefixes.items()
    }
    return {name: part for name, part in parts.items() if part}


def norm_hint(module: nn.Module, saved: Model) -> str:
    """Return what to do about a file without norm layers in its MLPs, "" about all others.

    RL Games 1.6 builds none there, whatever `normalization` says.

    Args:
        module: the model that the file was to be loaded into.
        saved: the file's model.
    """
    norms = {
        f"{name}.{key}"
        for name, layer in module.named_modules()
        if "_mlp." in name and isinstance(layer, (nn.LayerNorm, nn.BatchNorm1d))
        for key in layer.state_dict()
    }
    wanted = {key for key in module.state_dict() if "_mlp." in key}
    if not norms or len(wanted) - len(norms) != sum("_mlp." in key for key in saved):
        return ""
    return (
        ". It has no norm layers in its MLPs, as RL Games 1.6 builds none there: set "
        "train.params.network.normalization to null"
    )


def _model_of_parts(state: Mapping[str, Any]) -> dict[str, Tensor] | None:
    parts = {part: state.get(part) for part in SAC_PARTS}
    if not all(isinstance(part, Mapping) for part in parts.values()):
        return None
    return {
        f"sac_network.{part}.{key}": value
        for part, values in parts.items()
        for key, value in (values or {}).items()
    }


def _beside(state: Mapping[str, Any], model: Model) -> dict[str, Tensor]:
    """Return the statistics that stand beside a model which has none of its own."""
    return {
        f"{ours}.{key}": value
        for theirs, ours in _STATISTICS.items()
        if isinstance(state.get(theirs), Mapping) and not any(name.startswith(f"{ours}.") for name in model)
        for key, value in state[theirs].items()
    }
