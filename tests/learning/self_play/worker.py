"""One worker of test_distributed.py: plays a few epochs against a league, and restores them."""

import torch.distributed as dist

from learning.agents.a2c_discrete import DiscreteA2CAgent
from tests.learning.self_play.toy_duel_env import ButtonDuel, duel_params
from tests.learning.worker_group import as_worker


def make_agent(folder, world_size):
    league = {"update_score": 0.3, "env_update_num": 4}
    config = {"vec_env": ButtonDuel(32 // world_size), "train_dir": str(folder), "max_epochs": 5}
    return DiscreteA2CAgent("run", duel_params(league, **config))


def main():
    """Join the process group, play, and report."""
    with as_worker() as (folder, _, world_size, found):
        agent = make_agent(folder, world_size)
        agent.train()
        resumed = make_agent(folder, world_size)
        dist.barrier()
        resumed.restore(str(folder / "nn" / "last.pth"))
        newest = len(agent.self_play.league.members) - 1
        found |= {
            **agent.self_play.state_dict(),
            "model": agent.model.state_dict(),
            "frame": agent.frame,
            "env": agent.vec_env.get_env_state(),
            "kept": resumed.vec_env.get_env_state(),
            "num_newest": int((agent.vec_env.opponents.drawn == newest).sum()),
        }


if __name__ == "__main__":
    main()
