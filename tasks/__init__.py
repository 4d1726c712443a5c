"""What is simulated and rewarded: one module a task, `base/` for what they share."""

from tasks.registry import create, get_class, names, register

__all__ = ["create", "get_class", "names", "register"]
