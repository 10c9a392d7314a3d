"""Where cells are computed: processes of this machine, or the workers of a Dask scheduler."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from multiprocessing.connection import wait as wait_for
from typing import Any

from dipproofs.errors import InputError, one_line

#: Linear algebra of one thread per process: faster for small problems, and the same digits for any number of them.
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

Task = tuple[str, Mapping[str, Any]]
Rows = list[dict[str, Any]]


@contextmanager
def pool(jobs: int, scheduler: str | None) -> Iterator[Executor]:
    """Give an executor of cells and close it afterwards; a Dask cluster itself stays as it is.

    Args:
        jobs: number of processes. scheduler: the address of a Dask scheduler, or None for this machine.

    Raises:
        InputError: Dask is missing, or no scheduler answers.
    """
    with _one_thread_each(), _processes(jobs) if scheduler is None else _dask(scheduler) as executor:
        yield executor


def run_one(task: Task) -> Rows:
    """Run one cell in this process, which was prepared for it."""
    module, cell = task
    rows: Rows = import_module(module).run_cell(cell)
    return rows


def run_one_anywhere(task: Task) -> Rows:
    """Run one cell in a process that others use as well."""
    from threadpoolctl import threadpool_limits

    _prepare()
    with threadpool_limits(1):
        return run_one(task)


def cores() -> int:
    """Return the number of cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def _processes(jobs: int) -> Iterator[Executor]:
    executor = ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), initializer=_start)
    try:
        yield executor
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _dask(address: str) -> Iterator[Executor]:
    try:
        from distributed import Client
    except ImportError:
        raise InputError(
            f"--scheduler {address}: Dask is not installed, expected its package distributed: pip install "
            "'dipproofs[dask]', here and on the workers"
        ) from None
    try:
        client = Client(address, timeout=10)
    except (OSError, TimeoutError, ValueError) as error:
        reason = one_line(error, 120)
        raise InputError(
            f"--scheduler {address}: no Dask scheduler answers there ({reason}), expected an address such as "
            "tcp://host:8786; start one with: dask scheduler"
        ) from None
    with client:
        executor = client.get_executor(pure=False)
        try:
            yield executor
        finally:
            executor.shutdown(wait=False)  # what is left is cancelled


@contextmanager
def _one_thread_each() -> Iterator[None]:
    saved = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in saved.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _start() -> None:
    """Prepare a worker: no life after the parent."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()
    _prepare()


def _prepare() -> None:
    """64 bits, no warnings of overflow (they are data here)."""
    import warnings

    import numpy as np

    np.seterr(all="ignore")
    warnings.simplefilter("ignore", RuntimeWarning)
    os.environ["JAX_ENABLE_X64"] = "1"  # read when a cell imports JAX; few do
    if "jax" in sys.modules:
        sys.modules["jax"].config.update("jax_enable_x64", True)


def _end_with(sentinel: int) -> None:
    wait_for([sentinel])
    os._exit(1)
