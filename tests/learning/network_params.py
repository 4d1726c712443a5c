"""Small network blocks for tests, written as a train YAML writes them."""


def network_params(**changes):
    mlp = {"units": [8, 6], "activation": "elu", "initializer": {"name": "default"}, **changes.pop("mlp", {})}
    continuous = {
        "mu_activation": "None",
        "sigma_activation": "None",
        "mu_init": {"name": "default"},
        "sigma_init": {"name": "const_initializer", "val": 0},
        "fixed_sigma": True,
        **changes.pop("continuous", {}),
    }
    return {
        "name": "actor_critic",
        "separate": False,
        "space": {"continuous": continuous},
        "mlp": mlp,
        **changes,
    }


BUILD = {
    "actions_num": 3,
    "input_shape": (5,),
    "value_size": 1,
    "normalize_input": True,
    "normalize_value": True,
    "num_seqs": 4,
}

DISCRETE = {"discrete": None}
MULTI_DISCRETE = {"multi_discrete": None}
