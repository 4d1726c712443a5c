"""One worker of test_distributed.py.

Trains a curious agent for a few epochs from this worker's own seed, then lets curiosity alone reward and
learn from this worker's environments of FOLDER/obs.pt. Writes what came out to FOLDER/<rank>.pt.
"""

import torch

from learning.agents.a2c_continuous import A2CAgent
from tests.learning.toy_env import ToyVecEnv, toy_params
from tests.learning.worker_group import as_worker

NUM_ENVS = 16
SEPARATE = {"value": "separate", "learning_rate": 1e-2, "mini_epochs": 2}


def make_agent(world_size, **config):
    env = ToyVecEnv(NUM_ENVS // world_size, episode_length=5)
    config = {"shuffle_minibatches": False, "rnd_config": SEPARATE, "max_epochs": 3, **config}
    return A2CAgent("run", toy_params(vec_env=env, num_actors=NUM_ENVS, **config))


def be_curious(agent, obs, rank):
    """Return rewards, losses and state of curiosity after two rollouts (T, NUM_ENVS, num_obs)."""
    mine = slice(rank * agent.num_actors, (rank + 1) * agent.num_actors)
    found = {}
    for i, rollout in enumerate(obs[:, :, mine]):
        rollout = rollout.flatten(0, 1)
        found[f"rewards{i}"] = agent.curiosity.rewards(rollout)
        found |= {
            f"{name}{i}": value
            for name, value in agent.curiosity.train({"final_obses": rollout}).items()
            if name == "info/rnd_loss"
        }
    return {**found, **agent.curiosity.state_dict()}


def main():
    """Join the process group, train, be curious, and report."""
    with as_worker() as (folder, rank, world_size, found):
        trained = make_agent(world_size, train_dir=str(folder))
        trained.train()
        alone = make_agent(world_size)
        alone.curiosity.load_state_dict(torch.load(folder / "start.pt", weights_only=True), "start.pt")
        found |= {
            "model": trained.model.state_dict(),
            "curiosity": trained.curiosity.state_dict(),
            "returns": trained.curiosity.returns,
            "alone": be_curious(alone, torch.load(folder / "obs.pt", weights_only=True), rank),
        }


if __name__ == "__main__":
    main()
