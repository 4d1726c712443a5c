"""What all tasks share: the vectorised environment, its typed configuration, observation blocks."""
