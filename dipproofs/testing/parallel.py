"""Instances of `dipproofs test` in several processes or on a cluster, kept as soon as each is examined."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from dipproofs import __version__
from dipproofs.sweeps.store import Store, cell_key
from dipproofs.sweeps.sweep import run_cells
from dipproofs.testing.problem import Case, Examined, examine


def examine_elsewhere(
    problem: Path,
    jobs: int | None,
    *,
    scheduler: str | None = None,
    folder: Path | None = None,
    advance: Callable[[], None] | None = None,
) -> Callable[[Sequence[Case]], Mapping[Case, Examined]]:
    """Give a function that examines instances in worker processes; for `run_tests`.

    Args:
        problem: the problem file, which the workers can read.
        jobs: number of processes, by default one per core. scheduler: address of a Dask scheduler, instead of them.
        folder: where what is done is kept; started again, the same command examines what is missing.
        advance: called after each instance.
    """

    def all_of(cases: Sequence[Case]) -> Mapping[Case, Examined]:
        with tempfile.TemporaryDirectory() as temporary:
            store = Store(Path(temporary) if folder is None else folder, _settings(problem))
            try:
                _fill(store, [_cell(problem, case) for case in cases], jobs, scheduler, advance)
                return {case: _examined(store.rows[cell_key(_cell(problem, case))][0]) for case in cases}
            finally:
                store.close()

    return all_of


def run_cell(cell: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Examine one instance."""
    return [asdict(examine(_spec(cell["problem"]), Case(**cell["case"])))]


def _fill(
    store: Store,
    cells: Sequence[Mapping[str, Any]],
    jobs: int | None,
    scheduler: str | None,
    advance: Callable[[], None] | None,
) -> None:
    missing = [cell for cell in cells if cell not in store]
    if advance is not None:
        for _ in range(len(cells) - len(missing)):
            advance()
    for index, rows in run_cells([(__name__, cell) for cell in missing], jobs, scheduler):
        store.add(missing[index], rows)
        if advance is not None:
            advance()


def _settings(problem: Path) -> dict[str, Any]:
    digest = hashlib.sha256(problem.read_bytes()).hexdigest()
    return {"test": str(problem.resolve()), "sha256": digest, "dipproofs": __version__}


def _cell(problem: Path, case: Case) -> dict[str, Any]:
    return {"problem": str(problem.resolve()), "case": asdict(case)}


def _examined(row: Mapping[str, Any]) -> Examined:
    return Examined(tuple(row["violations"]), row["proved"], row["followed"], tuple(row["reasons"]))


@lru_cache(maxsize=2)
def _spec(path: str) -> Any:
    from dipproofs.problems import load_problem

    return load_problem(Path(path))
