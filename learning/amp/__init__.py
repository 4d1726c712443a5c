"""Adversarial motion priors: PPO that learns to move like a clip, by a discriminator's judgement."""
