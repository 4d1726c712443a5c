"""What motion imitation needs: characters, clips, features, goals, evaluation."""
