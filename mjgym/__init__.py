"""mjgym: Isaac Gym's Python API on MuJoCo.

``mjgym.install()`` makes ``import isaacgym`` give this package.
"""

import os

# Threads of torch that have nothing to do spin, and take the cores that the physics needs next: a step of
# 4,096 humanoids on two cores takes 6 % longer. Read when torch loads, hence here, before anything else;
# scripts for Isaac Gym import it before torch anyway.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")

from mjgym.install import install  # noqa: E402

__all__ = ["install"]
