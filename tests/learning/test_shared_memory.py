"""Sums over processes: exact, equal on all, in step over many rounds."""

import multiprocessing

import torch

from learning.shared_memory import ROW_BYTES, SharedSum

WORLD_SIZE, ROUNDS = 3, 200
LONG = ROW_BYTES // 4 * 2 + 5  # floats, in three pieces


def add_up_and_report(rank, shared_sum, reports):
    """Add up tensors of several types and sizes; report what came out, as plain numbers."""
    torch.set_num_threads(1)
    first = shared_sum.add_up_(rank, torch.tensor([0.1, 0.2]) * (rank + 1)).tolist()
    scalar = shared_sum.add_up_(rank, torch.tensor(float(rank), dtype=torch.float64)).item()
    counts = shared_sum.add_up_(rank, torch.tensor([[rank], [1]], dtype=torch.int32)).tolist()
    long = shared_sum.add_up_(rank, torch.arange(LONG, dtype=torch.float32) + rank)
    ends = [long[0].item(), long[ROW_BYTES // 4].item(), long[-1].item()]
    rounds = [shared_sum.add_up_(rank, torch.tensor([float(turn * rank)])).item() for turn in range(ROUNDS)]
    reports.put((rank, first, scalar, counts, ends, rounds))


def test_sums_are_exact_and_equal_on_all_workers():
    context = multiprocessing.get_context("spawn")
    shared_sum, reports = SharedSum(WORLD_SIZE), context.SimpleQueue()
    workers = [
        context.Process(target=add_up_and_report, args=(rank, shared_sum, reports), daemon=True)
        for rank in range(WORLD_SIZE)
    ]
    for worker in workers:
        worker.start()
    seen = sorted(reports.get() for _ in workers)
    for worker in workers:
        worker.join()
    assert [report[0] for report in seen] == [0, 1, 2]
    assert seen[0][1:] == seen[1][1:] == seen[2][1:]
    _, first, scalar, counts, ends, rounds = seen[0]
    in_order = torch.tensor([0.1, 0.2]) + torch.tensor([0.1, 0.2]) * 2 + torch.tensor([0.1, 0.2]) * 3
    assert first == in_order.tolist()
    assert scalar == 0.0 + 1.0 + 2.0
    assert counts == [[3], [3]]
    assert ends == [3.0, 3.0 * (ROW_BYTES // 4) + 3.0, 3.0 * (LONG - 1) + 3.0]
    assert rounds == [3.0 * turn for turn in range(ROUNDS)]
