"""What train.py needs around tasks and learning: configuration, checks, run directory, workers, console."""

import mjgym  # noqa: F401  (before torch: it says how torch's idle threads wait)
