"""One worker of test_self_play_distributed.py: `python -m tests.learning.self_play_worker FOLDER RANK SIZE`.

Plays against a league from this worker's own seed for a few epochs, restores what was saved, and writes what
came out to FOLDER/<rank>.pt.
"""

import signal
import sys
from pathlib import Path

import torch
import torch.distributed as dist

from learning.a2c_discrete import DiscreteA2CAgent
from tests.learning.toy_duel_env import ButtonDuel, duel_params


def main():
    """Join the process group, play, and report."""
    signal.alarm(300)  # a worker that waits for a dead one ends
    folder, rank, world_size = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=world_size)
    torch.manual_seed(rank)

    def make():
        league = {"update_score": 0.3, "env_update_num": 4}
        config = {"vec_env": ButtonDuel(32 // world_size), "train_dir": str(folder), "max_epochs": 5}
        return DiscreteA2CAgent("run", duel_params(league, **config))

    agent = make()
    agent.train()
    resumed = make()
    dist.barrier()
    resumed.restore(str(folder / "nn" / "last.pth"))
    result = {
        **agent.self_play.state_dict(),
        "model": agent.model.state_dict(),
        "frame": agent.frame,
        "env": agent.vec_env.get_env_state(),
        "kept": resumed.vec_env.get_env_state(),
        "num_newest": int((agent.vec_env.opponents.drawn == len(agent.self_play.league.members) - 1).sum()),
    }
    torch.save(result, folder / f"{rank}.pt")
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
