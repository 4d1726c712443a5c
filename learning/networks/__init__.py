"""What maps observations to a policy and a value: layers, encoders, heads, and the keys of `network`."""
