"""Playing against a league of past policies (`self_play_config`)."""
