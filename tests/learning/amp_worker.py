"""One worker of test_amp_distributed.py: `python -m tests.learning.amp_worker FOLDER RANK WORLD_SIZE`.

Trains AMP with separate optimizers for a few epochs and writes what came out to FOLDER/<rank>.pt.
"""

import signal
import sys
from pathlib import Path

import torch
import torch.distributed as dist

from learning.amp_continuous import AMPAgent
from learning.checkpoint import load_checkpoint
from tests.learning.toy_motion_env import OWN, SCHEDULES, ToyMotionEnv, amp_params


def main():
    """Join the process group, train, restore what was saved, and report."""
    signal.alarm(100)  # a worker that waits for a dead one ends
    folder, rank, world_size = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=world_size)
    torch.manual_seed(rank)

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
    result = {
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
    torch.save(result, folder / f"{rank}.pt")
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
