"""One worker of test_distributed.py: `python -m tests.learning.sac.worker FOLDER RANK WORLD_SIZE`.

Trains SAC for a few epochs and writes what came out to FOLDER/<rank>.pt.
"""

import torch.distributed as dist

from learning.sac.agent import SACAgent
from tests.learning.sac_toy import sac_params
from tests.learning.toy_env import ToyVecEnv
from tests.learning.worker_group import as_worker


def main():
    """Join the process group, train, restore what was saved, and report."""
    with as_worker(seconds=100) as (folder, rank, world_size, found):

        def make():
            env = ToyVecEnv(16 // world_size, episode_length=7 + rank)
            config = {"utd_ratio": 0.1, "num_warmup_frames": 64, "replay_buffer_size": 120}
            return SACAgent("run", sac_params(vec_env=env, train_dir=str(folder), max_epochs=6, **config))

        agent = make()
        agent.train()
        resumed = make()
        dist.barrier()
        resumed.restore(str(folder / "nn" / "last.pth"))
        found |= {
            "model": agent.model.state_dict(),
            "optimizers": agent.optimizer_state(),
            "num_updates": agent.num_updates,
            "frame": agent.frame,
            "minibatch_size": agent.minibatch_size,
            "replay": agent.replay.state_dict(),
            "kept": resumed.replay.state_dict(),
        }


if __name__ == "__main__":
    main()
