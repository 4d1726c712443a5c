"""mjgym: Isaac Gym's Python API on MuJoCo.

``mjgym.install()`` makes ``import isaacgym`` give this package.
"""

from mjgym.install import install

__all__ = ["install"]
