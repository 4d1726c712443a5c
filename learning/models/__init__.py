"""What wraps a network: normalised input and value, the policy's distribution; and the registries of both."""
