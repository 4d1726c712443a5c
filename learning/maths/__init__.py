"""The small maths of learning: returns, losses, distributions, and the statistics that normalise."""
