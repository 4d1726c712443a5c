"""One worker of test_sac_distributed.py: `python -m tests.learning.sac_worker FOLDER RANK WORLD_SIZE`.

Trains SAC for a few epochs and writes what came out to FOLDER/<rank>.pt.
"""

import signal
import sys
from pathlib import Path

import torch
import torch.distributed as dist

from learning.sac_agent import SACAgent
from tests.learning.sac_toy import sac_params
from tests.learning.toy_env import ToyVecEnv


def main():
    """Join the process group, train, restore what was saved, and report."""
    signal.alarm(100)  # a worker that waits for a dead one ends
    folder, rank, world_size = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=world_size)
    torch.manual_seed(rank)

    def make():
        env = ToyVecEnv(16 // world_size, episode_length=7 + rank)
        config = {"utd_ratio": 0.1, "num_warmup_frames": 64, "replay_buffer_size": 120}
        return SACAgent("run", sac_params(vec_env=env, train_dir=str(folder), max_epochs=6, **config))

    agent = make()
    agent.train()
    resumed = make()
    dist.barrier()
    resumed.restore(str(folder / "nn" / "last.pth"))
    result = {
        "model": agent.model.state_dict(),
        "optimizers": agent.optimizer_state(),
        "num_updates": agent.num_updates,
        "frame": agent.frame,
        "minibatch_size": agent.minibatch_size,
        "replay": agent.replay.state_dict(),
        "kept": resumed.replay.state_dict(),
    }
    torch.save(result, folder / f"{rank}.pt")
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
