"""Soft actor-critic: its agent, player, model, network, losses and replay buffer."""
