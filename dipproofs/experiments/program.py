"""Run experiments: grid → store → data, figures and result in files."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from dipproofs import __version__
from dipproofs.certificate.write import write_atomically
from dipproofs.experiments import EXPERIMENTS
from dipproofs.report.progress import progress
from dipproofs.sweeps.pools import Task
from dipproofs.sweeps.store import Store, cell_key, plain
from dipproofs.sweeps.sweep import run_cells


def run_experiments(
    names: Sequence[str],
    out: Path,
    quick: bool = False,
    seed: int = 0,
    jobs: int | None = None,
    scheduler: str | None = None,
) -> Iterator[str]:
    """Run experiments on shared worker processes and yield a report for each as it is finished.

    Args:
        names: of `EXPERIMENTS`.
        out: folder; each experiment writes to ``out/NAME``.
        quick: the small grid.
        seed: root of all seeds.
        jobs: number of processes.
        scheduler: address of a Dask scheduler whose workers compute instead.

    Raises:
        InputError: a folder that cannot be used.
    """
    stores: dict[str, Store] = {}
    grids = {name: _module(name).cells(quick, seed) for name in names}
    try:
        for name in names:
            stores[name] = Store(out / name, settings_of(name, quick, seed, grids[name]))
        tasks: list[tuple[str, Mapping[str, Any]]] = [
            (name, cell) for name in names for cell in grids[name] if cell not in stores[name]
        ]
        left = {name: sum(1 for owner, _ in tasks if owner == name) for name in names}
        for name in names:
            if not left[name]:
                yield finish(name, stores[name], grids[name], quick, seed)
        with _progress(len(tasks)) as advance:
            work: list[Task] = [(_path(name), cell) for name, cell in tasks]
            for index, rows in run_cells(work, jobs, scheduler):
                name, cell = tasks[index]
                stores[name].add(cell, rows)
                advance(name)
                left[name] -= 1
                if not left[name]:
                    yield finish(name, stores[name], grids[name], quick, seed)
    finally:
        for store in stores.values():
            store.close()


def settings_of(name: str, quick: bool, seed: int, grid: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what identifies a sweep; equal settings give equal data."""
    import hashlib

    digest = hashlib.sha256("\n".join(cell_key(cell) for cell in grid).encode()).hexdigest()
    return {"experiment": name, "quick": quick, "seed": seed, "dipproofs": __version__, "cells": digest}


def finish(name: str, store: Store, grid: Sequence[Mapping[str, Any]], quick: bool, seed: int) -> str:
    """Write data, settings, figures and result of a complete sweep; return the result as text."""
    import jax
    import numpy as np

    from dipproofs.experiments.charts import save

    module, folder = _module(name), store.folder
    rows = [row for cell in grid for row in store.rows[cell_key(plain(cell))]]
    write_atomically(folder / "data.csv", table_text(rows).encode())
    command = f"dipproofs experiment {name}{' --quick' if quick else ''} --seed {seed} --out DIR"
    settings = {
        **settings_of(name, quick, seed, grid),
        "command": command,
        "title": EXPERIMENTS[name],
        "cells": [plain(cell) for cell in grid],
        "versions": {"dipproofs": __version__, "jax": jax.__version__, "numpy": np.__version__},
    }
    write_atomically(folder / "settings.json", (json.dumps(settings, indent=1, ensure_ascii=False) + "\n").encode())
    pictures = module.figures(read_table(table_text(rows)))
    for key, figure in pictures.items():
        save(figure, folder, f"{name}-{key}")
    # from the rows as they are in the file, so that anyone gets the same text from the data alone
    text = module.result(read_table(table_text(rows))).strip()
    links = "\n".join(f"![{key}]({name}-{key}.png)" for key in pictures)
    page = f"# {name}: {EXPERIMENTS[name]}\n\n`{command}`\n\n{text}\n\n{links}\n"
    write_atomically(folder / "result.md", page.encode())
    return f"{name}: {text}\n(written: {folder}/)\n"


def table_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as CSV; columns in the order of first appearance, empty where a row has no value.

    Example:
        >>> table_text([{"k": 1, "loss": 0.5}, {"k": 2, "note": None}])
        'k,loss,note\\n1,0.5,\\n2,,\\n'
    """
    columns = list(dict.fromkeys(key for row in rows for key in row))
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def read_table(text: str) -> list[dict[str, Any]]:
    """Return the rows of a CSV that `table_text` wrote; empty entries become None.

    Example:
        >>> read_table("k,loss,name\\n1,0.5,\\n2,,inner\\n")
        [{'k': 1, 'loss': 0.5, 'name': None}, {'k': 2, 'loss': None, 'name': 'inner'}]
    """
    return [{key: _value(entry) for key, entry in row.items()} for row in csv.DictReader(io.StringIO(text))]


def _value(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text or None


def _path(name: str) -> str:
    return f"{__package__}.{name}"


def _module(name: str) -> Any:
    return import_module(_path(name))


@contextmanager
def _progress(total: int) -> Iterator[Any]:
    """Show a bar on standard error, on a terminal only."""
    if not total:
        yield lambda name: None
        return
    with progress("starting") as shown:
        shown.stage("starting", total)
        yield lambda name: shown.step(f"experiment {name}")
