"""How it is learned: runner, agents, players, models, networks, and the small pure maths that they use."""
