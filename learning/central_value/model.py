"""The `central_value` model: a critic alone, of privileged states."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from learning.models.models import BaseModel, BaseModelNetwork


class ModelCentralValue(BaseModel):
    """`central_value`: a value, by a network that says `central_value: True`."""

    policy_kind = "value"

    class Network(BaseModelNetwork):
        """A value network with its normalisers."""

        def forward(self, input_dict: Mapping[str, Any]) -> dict[str, Any]:
            """Return the value.

            Args:
                input_dict: `obs` (B, …), raw states of the environment; `is_train` (default True); for
                    recurrent networks what `Sequences` says.

            Returns:
                values (B, V), normalised in training, else in units of the shaped reward; rnn_states.
            """
            obs = self.norm_obs(input_dict["obs"])
            value, states = self.a2c_network({**input_dict, "obs": obs})
            value = value.float()
            is_train = input_dict.get("is_train", True)
            return {"values": value if is_train else self.denorm_value(value), "rnn_states": states}

        def kl(self, p_dict: Mapping[str, Any], q_dict: Mapping[str, Any]) -> None:
            """Return None: there is no policy."""
