"""A critic that sees more than the policy does (`central_value_config`)."""
