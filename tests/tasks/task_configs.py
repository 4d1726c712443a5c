"""Small configurations of the tasks, without Hydra."""

SIM = {"dt": 0.0166, "substeps": 2, "up_axis": "z", "gravity": [0.0, 0.0, -9.81], "physx": {"num_threads": 1}}
ENV = {
    "Cartpole": {
        "asset": {"assetRoot": "assets", "assetFileName": "urdf/cartpole.urdf"},
        "episodeLength": 500,
    },
    "Ant": {"asset": {"assetRoot": "assets", "assetFileName": "mjcf/ant.xml"}},
    "Humanoid": {
        "asset": {"assetRoot": "assets", "assetFileName": "mjcf/humanoid.xml"},
        "terminationHeight": 0.8,
        "deathCost": -1.0,
        "actionsCost": 0.01,
        "dofVelocityScale": 0.1,
        "angularVelocityScale": 0.25,
        "contactForceScale": 0.01,
        "jointsAtLimitCost": 0.25,
    },
    "Anymal": {"asset": {"assetRoot": "assets", "assetFileName": "urdf/anymal.urdf"}},
    "HumanoidAMP": {"asset": {"assetRoot": "assets", "assetFileName": "mjcf/amp_humanoid.xml"}},
    "BallBalance": {
        "asset": {"assetRoot": "assets", "assetFileName": "mjcf/balance_bot.xml"},
        "episodeLength": 500,
        "clipObservations": 5.0,
    },
    "Quadcopter": {
        "asset": {"assetRoot": "assets", "assetFileName": "mjcf/quadcopter.xml"},
        "clipObservations": 5.0,
    },
    "Ingenuity": {
        "asset": {"assetRoot": "assets", "assetFileName": "mjcf/ingenuity.xml"},
        "episodeLength": 2000,
        "clipObservations": 5.0,
    },
}
OWN_SIM = {
    "BallBalance": {"dt": 0.01, "substeps": 1},
    "Quadcopter": {"dt": 0.01},
    "Ingenuity": {"dt": 0.01, "gravity": [0.0, 0.0, -3.721]},
}
SIZES = {
    "Cartpole": (4, 1),
    "Ant": (60, 8),
    "Humanoid": (108, 21),
    "Anymal": (48, 12),
    "HumanoidAMP": (105, 28),
    "BallBalance": (24, 3),
    "Quadcopter": (21, 12),
    "Ingenuity": (13, 6),
}


def task_config(name, num_envs=2, **env):
    """The configuration of task `name` with a few environments."""
    return {
        "name": name,
        "env": {**ENV[name], "numEnvs": num_envs, **env},
        "sim": SIM | OWN_SIM.get(name, {}),
    }
