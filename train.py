"""Train or play a task: `python train.py task=Ant`, `python train.py task=Ant test=True checkpoint=best`.

Reads top to bottom: compose the command line into jobs, check every job before the first one starts, then run
them one after another. `python train.py --help` shows all keys.
"""

from __future__ import annotations

import os
import sys

from rich.console import Console

from app.compose import compose
from app.console import ConsoleObserver, configure_logging
from app.launch import launch
from app.plan import Plan, check_distinct, make_plan
from app.rank import prepare, trackers
from app.workers import Interrupted, WorkerError, leave
from learning.amp.agent import AMPAgent
from learning.amp.models import ModelAMPContinuous
from learning.amp.network_builder import AMPBuilder
from learning.amp.players import AMPPlayerContinuous
from learning.models import model_builder
from learning.reporting.observer import AlgoObserver, DefaultAlgoObserver, MultiObserver
from learning.torch_runner import Runner
from learning.typed_config import ConfigError

EXIT_FAILED, EXIT_USER_ERROR, EXIT_INTERRUPTED = 1, 2, 130


def build_runner(*observers: AlgoObserver) -> Runner:
    """Return a Runner that knows every agent, player, model and network there is.

    This is where you add your own, as AMP is added: an agent and the player of what it learned under
    `params.algo.name` of a train file, a model under `params.model.name`, a network under
    `params.network.name`.

    It is called to check the configuration and again in every worker; models and networks are registered in
    the process, hence `override=True`.

    Args:
        observers: told how training goes.
    """
    runner = Runner(MultiObserver([DefaultAlgoObserver(), *observers]))
    runner.algo_factory.register_builder("amp_continuous", AMPAgent)
    runner.player_factory.register_builder("amp_continuous", AMPPlayerContinuous)
    model_builder.register_model("continuous_amp", ModelAMPContinuous, override=True)
    model_builder.register_network("amp", AMPBuilder, override=True)
    return runner


def work(rank: int, plan: Plan) -> None:
    """Train or play as worker `rank` of a run; what every worker process does."""
    configure_logging(is_main=rank == 0)
    params = prepare(rank, plan)
    console = ConsoleObserver(f"{plan.task}  {plan.train}", plan.run_dir, plan.play_command)
    runner = build_runner(console, *trackers(rank, plan))
    runner.load(params)
    test, checkpoint = plan.settings.test, plan.checkpoint and str(plan.checkpoint)
    try:
        runner.run({"train": not test, "play": test, "checkpoint": checkpoint, "sigma": plan.settings.sigma})
    finally:
        console.close()


def main(argv: list[str]) -> int:
    """Run a command line; return the exit code: 0, 1 failed, 2 it cannot be done, 130 interrupted."""
    configure_logging(is_main=True)
    try:
        plans = [make_plan(job, build_runner) for job in compose(argv)]
        check_distinct(plans)
        for plan in plans:
            launch(work, plan)
    except ConfigError as error:
        return _report(f"error: {error}", EXIT_USER_ERROR)
    except WorkerError as error:
        return _report(f"error: {error}", EXIT_FAILED)
    except Interrupted as interrupt:
        return interrupt.exit_code
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    if plans[0].processes.by_torchrun:
        leave(0)  # this process is itself a worker
    return 0


def _report(message: str, exit_code: int) -> int:
    """Say what is wrong; under torchrun once, and not once a rank."""
    if os.environ.get("RANK", "0") != "0":
        return exit_code
    Console(stderr=True, highlight=False, markup=False).print(message, soft_wrap=True)
    return exit_code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
