"""What train.py needs around tasks and learning: configuration, checks, run directory, workers, console."""
