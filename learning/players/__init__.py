"""What plays a trained policy and says how well it does; AMP's and SAC's players stand with their agents."""
