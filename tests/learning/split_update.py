"""One worker of test_distributed.py: `python -m tests.learning.split_update FOLDER RANK WORLD_SIZE MODE`.

`update` and `update_moving` learn from this worker's environments of the rollout in FOLDER/rollout.pt;
`train` trains. All write what came out to FOLDER/<mode>_<world size>_<rank>.pt.
"""

import signal
import sys
from pathlib import Path

import torch
import torch.distributed as dist

from app.workers import leave
from learning.agents.a2c_continuous import A2CAgent
from learning.checkpoints.checkpoint import load_checkpoint
from learning.torch_runner import Runner
from tests.learning.toy_env import ToyVecEnv, toy_params

NUM_ENVS, HORIZON = 16, 8
MOVING = {"normalize_rms_advantage": True, "adv_rms_impl": "perc_ema_corr", "use_diagnostics": True}
"""Settings of `update_moving`: statistics that are no sums over the workers."""


def make_agent(world_size, **config):
    env = ToyVecEnv(NUM_ENVS // world_size, episode_length=5)
    return A2CAgent("run", toy_params(vec_env=env, num_actors=NUM_ENVS, shuffle_minibatches=False, **config))


def record(folder):
    """Write a rollout, and the weights that collected it."""
    torch.manual_seed(5)
    agent = make_agent(1)
    agent.obs = agent.env_reset()
    for _ in range(2):  # so that the normalisers know something
        agent.train_epoch()
    agent.play_steps()
    content = {
        "model": agent.model.state_dict(),
        "buffer": agent.experience_buffer.tensor_dict,
        "obs": agent.obs["obs"],
    }
    torch.save(content, folder / "rollout.pt")


def update(folder, rank, world_size, **config):
    """Learn from this worker's share of the recorded rollout."""
    torch.manual_seed(100 + rank)
    agent = make_agent(world_size, **config)
    recorded = torch.load(folder / "rollout.pt", weights_only=True)
    agent.set_weights(recorded)
    mine = slice(rank * agent.num_actors, (rank + 1) * agent.num_actors)
    for name, value in recorded["buffer"].items():
        agent.experience_buffer[name].copy_(value[:, mine])
    agent.obs = {"obs": recorded["obs"][mine]}
    agent.set_train()
    agent.learn(agent.finish_rollout())
    figures = agent.losses.harvest()
    return {
        "model": agent.model.state_dict(),
        "lr": agent.learning_rate.value,
        "frame": agent.frame,
        "kl": figures["kl"],
        "exp_var": figures.get("diagnostics/exp_var"),
        "moving": agent.advantage_normalizer.state_dict(),
    }


def update_moving(folder, rank, world_size):
    """Do the same with advantages that moving statistics normalise, and diagnostics."""
    return update(folder, rank, world_size, **MOVING)


def train(folder, rank, world_size):
    """Train three epochs from this worker's own seed; the second worker asks to stop after the second."""
    run_dir = folder / f"run_{world_size}"
    runner = Runner()
    params = {"num_actors": NUM_ENVS, "train_dir": str(run_dir), "env_config": {"episode_length": 5}}
    runner.load(toy_params(max_epochs=50, stop_fn=lambda agent: rank == 1 and agent.epoch_num == 3, **params))
    _, epochs = runner.run({"train": True})
    weights = load_checkpoint(run_dir / "nn" / "last.pth") if rank == 0 else {}
    resumed = A2CAgent("run", toy_params(vec_env=ToyVecEnv(NUM_ENVS // world_size), **params))
    dist.barrier()
    resumed.restore(str(run_dir / "nn" / "last.pth"))
    workers = len(weights.get("workers", []))
    first = resumed.obs["obs"].clone()
    return {"epochs": epochs, "frame": resumed.frame, "workers": workers, "obs": first}


def main():
    """Join the process group and do what was asked."""
    signal.alarm(100)  # a worker that waits for a dead one ends
    folder, rank, world_size, mode = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    torch.set_num_threads(1)
    if world_size > 1:
        store = f"file://{folder}/store_{mode}"
        dist.init_process_group("gloo", init_method=store, rank=rank, world_size=world_size)
    result = {"update": update, "update_moving": update_moving, "train": train}[mode](
        folder, rank, world_size
    )
    torch.save(result, folder / f"{mode}_{world_size}_{rank}.pt")
    if world_size > 1:
        dist.destroy_process_group()
    leave(0)


if __name__ == "__main__":
    main()
