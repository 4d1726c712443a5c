"""What is measured, as scripts: `python benchmarks/throughput.py`, `python benchmarks/vs_rl_games.py`."""
