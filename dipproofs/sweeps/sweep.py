"""Run the cells of sweeps on all cores or on a cluster, giving each as soon as it is done."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait

from dipproofs.errors import InputError
from dipproofs.sweeps.pools import Rows, Task, cores, pool, run_one, run_one_anywhere

#: How often processes may be killed without a cell that was finished in between.
_DEATHS = 3


def run_cells(
    tasks: Sequence[Task], jobs: int | None = None, scheduler: str | None = None
) -> Iterator[tuple[int, Rows]]:
    """Run tasks in worker processes and yield (index of the task, rows) in the order in which they end.

    Args:
        tasks: (module with ``run_cell``, cell) each.
        jobs: number of processes, or of cells that a cluster gets at a time; by default one per core this process may
            use.
        scheduler: the address of a Dask scheduler whose workers run the cells; by default processes of this machine.

    Raises:
        RuntimeError: a cell failed; the message names it. Cells whose process was killed are run again.
        InputError: no Dask, or no scheduler; processes are killed again and again; what a cell refuses.
    """
    if not tasks:
        return
    left, deaths = deque(range(len(tasks))), 0
    jobs = min(jobs or cores(), len(tasks))
    while left:
        with pool(jobs, scheduler) as executor:
            survivor = _Round(executor, tasks, left, run_one if scheduler is None else run_one_anywhere)
            for found in survivor.results(2 * jobs):
                deaths = 0
                yield found
        deaths += 1
        if left and deaths >= _DEATHS:
            named = ", ".join(str(dict(tasks[index][1])) for index in survivor.lost[:2])
            raise InputError(
                f"worker processes were killed {deaths} times in a row, lastly with {named}: out of memory? Use fewer "
                "processes; what is done is kept"
            )


class _Round:
    """The cells that one pool runs before it ends or dies.

    Args:
        executor: the pool. tasks: all of them. left: indices of those to run, from which they are taken.
        run: what the pool calls.
    """

    def __init__(self, executor: Executor, tasks: Sequence[Task], left: deque[int], run: object) -> None:
        self.executor, self.tasks, self.left, self.run = executor, tasks, left, run
        self.waiting: dict[Future[Rows], int] = {}
        self.lost: list[int] = []

    def results(self, queue: int) -> Iterator[tuple[int, Rows]]:
        """Yield what ends; put back what was lost with its process. A short queue: an interrupt then loses little."""
        alive = self._fill(queue)
        while self.waiting:
            done, _ = wait(self.waiting, return_when=FIRST_COMPLETED)
            for future in sorted(done, key=lambda f: self.waiting[f]):
                index = self.waiting.pop(future)
                alive = alive and self._fill(queue)
                try:
                    rows = future.result()
                except BrokenExecutor:
                    alive = False
                    self.lost.append(index)
                    continue
                except InputError:
                    raise
                except Exception as error:
                    module, cell = self.tasks[index]
                    raise RuntimeError(f"cell {dict(cell)} of {module} failed: {error}") from error
                yield index, rows
        self.left.extendleft(sorted(self.lost, reverse=True))

    def _fill(self, queue: int) -> bool:
        """Submit cells until the queue is full; whether the pool still takes them."""
        while self.left and len(self.waiting) < queue:
            index = self.left.popleft()
            try:
                self.waiting[self.executor.submit(self.run, self.tasks[index])] = index  # type: ignore[arg-type]
            except BrokenExecutor:
                self.left.appendleft(index)
                return False
        return True
