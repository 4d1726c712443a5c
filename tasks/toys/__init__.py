"""Small batched environments, each of which needs one ability of an agent and nothing else.

They are registered with Gymnasium as `gaitway/<Name>-v0` and step thousands of copies at once in numpy.
"""

from __future__ import annotations

import gymnasium

TOYS = {
    "Memory": "tasks.toys.memory:MemoryEnv",
    "Image": "tasks.toys.dot_grid:ImageEnv",
    "DictObs": "tasks.toys.dot_grid:DictObsEnv",
    "MultiDiscrete": "tasks.toys.multi_discrete:MultiDiscreteEnv",
    "Asymmetric": "tasks.toys.asymmetric:AsymmetricEnv",
    "SparseGrid": "tasks.toys.sparse_grid:SparseGridEnv",
    "Duel": "tasks.toys.duel:DuelEnv",
}
"""Name → "module:Class"; modules are imported when an environment is made."""


def register_toys() -> None:
    """Make the toys known to Gymnasium; calling it again changes nothing."""
    for name, entry_point in TOYS.items():
        env_id = f"gaitway/{name}-v0"
        if env_id not in gymnasium.registry:
            gymnasium.register(env_id, vector_entry_point=entry_point)
