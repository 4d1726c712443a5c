"""What is measured, as scripts: `python benchmarks/throughput.py`, `python benchmarks/vs_rl_games.py`."""

import mjgym  # noqa: F401  (before torch: it says how torch's idle threads wait)
