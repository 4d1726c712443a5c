"""One worker of test_distributed.py: `python -m tests.learning.amp.worker FOLDER RANK WORLD_SIZE`.

Trains AMP with separate optimizers for a few epochs and writes what came out to FOLDER/<rank>.pt.
"""

import torch.distributed as dist

from learning.amp.agent import AMPAgent
from learning.checkpoints.checkpoint import load_checkpoint
from tests.learning.toy_motion_env import OWN, SCHEDULES, ToyMotionEnv, amp_params
from tests.learning.worker_group import as_worker


def main():
    """Join the process group, train, restore what was saved, and report."""
    with as_worker(seconds=100) as (folder, rank, world_size, found):

        def make():
            config = {**OWN, "schedules": SCHEDULES, "policy_ema_decay": 0.9, "eval_interval": 3}
            env = ToyMotionEnv(16 // world_size, episode_length=7 + rank)
            return AMPAgent("run", amp_params(vec_env=env, train_dir=str(folder), max_epochs=4, **config))

        agent = make()
        agent.train()
        resumed = make()
        dist.barrier()
        resumed.restore(str(folder / "nn" / "last.pth"))
        windows = {name: state["samples"] for name, state in agent.samples.state_dict().items()}
        kept = {name: state["samples"] for name, state in resumed.samples.state_dict().items()}
        last = load_checkpoint(folder / "nn" / "last.pth") if rank == 0 else {}
        found |= {
            "model": agent.model.state_dict(),
            "normalizer": agent.samples.normalizer.state_dict(),
            "disc_optimizer": agent.disc_optimizer.state_dict(),
            "progress": agent.progress,
            "figures": agent.result_figures(),
            "score": agent.score(),
            "windows": windows,
            "kept": kept,
            "workers": len(last.get("workers", [])),
        }


if __name__ == "__main__":
    main()
