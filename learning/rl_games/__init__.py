"""Reading what RL Games wrote: its configurations, its keys without effect here, its checkpoints."""
