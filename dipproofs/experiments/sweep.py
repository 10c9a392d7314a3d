"""Run the cells of sweeps on all cores, keeping each as soon as it is done."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from importlib import import_module
from multiprocessing.connection import wait as wait_for
from typing import Any

#: Linear algebra of one thread per process: faster for small problems, and the same digits for any --jobs.
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

Task = tuple[str, Mapping[str, Any]]


def run_cells(tasks: Sequence[Task], jobs: int | None = None) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """Run tasks in worker processes and yield (index of the task, rows) in the order in which they end.

    Args:
        tasks: (module with ``run_cell``, cell) each.
        jobs: number of processes; by default one per core this process may use.

    Raises:
        RuntimeError: a cell failed; the message names it.
    """
    if not tasks:
        return
    jobs = min(jobs or cores(), len(tasks))
    saved = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    pool = ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), initializer=_start)
    try:
        queue = iter(enumerate(tasks))
        waiting: dict[Future[Any], int] = {}
        # a short queue: an interrupt then loses little
        for index, task in queue:
            waiting[pool.submit(run_one, task)] = index
            if len(waiting) >= 2 * jobs:
                break
        while waiting:
            done, _ = wait(waiting, return_when=FIRST_COMPLETED)
            for future in sorted(done, key=lambda f: waiting[f]):
                index = waiting.pop(future)
                following = next(queue, None)
                if following is not None:
                    waiting[pool.submit(run_one, following[1])] = following[0]
                try:
                    rows = future.result()
                except Exception as error:
                    raise RuntimeError(f"cell {dict(tasks[index][1])} of {tasks[index][0]} failed: {error}") from error
                yield index, rows
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        for name, value in saved.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def cores() -> int:
    """Return the number of cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run_one(task: Task) -> list[dict[str, Any]]:
    """Run one cell in this process."""
    module, cell = task
    run: Callable[[Mapping[str, Any]], list[dict[str, Any]]] = import_module(module).run_cell
    return run(cell)


def _start() -> None:
    """Prepare a worker: 64 bits, no warnings of overflow (they are data here), and no life after the parent."""
    import warnings

    import numpy as np

    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()
    np.seterr(all="ignore")
    warnings.simplefilter("ignore", RuntimeWarning)
    os.environ["JAX_ENABLE_X64"] = "1"  # read when a cell imports JAX; few do
    if "jax" in sys.modules:
        sys.modules["jax"].config.update("jax_enable_x64", True)


def _end_with(sentinel: int) -> None:
    wait_for([sentinel])
    os._exit(1)
