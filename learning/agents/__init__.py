"""What trains: the loop from rollout to gradient step, its hooks, PPO, and the keys of `train.params.config`.

Also what steers the loop: schedules, stopping, settings that change while it runs, and symmetry.
"""
