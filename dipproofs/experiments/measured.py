"""One row per run: did it reach the tolerance, and what was proved about it?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from dipproofs.experiments.batch import run_batch
from dipproofs.experiments.certified import certified_at_start, certified_run
from dipproofs.experiments.instances import Size, random_instance


def measured_runs(size: Size, seeds: Sequence[int], max_iterations: int, tolerance: float) -> list[dict[str, Any]]:
    """Run the seeds of one size in a batch and certify each run.

    Returns:
        Rows with the size, ``seed``, ``reached`` (0/1), ``iterations``, ``loss_first``, ``loss``, ``gamma``,
        ``certified_start`` (conditions proved at initialisation), ``certified`` (proved at the last iterate or
        before; None when the tolerance was not reached) and ``reason`` of a failure.
    """
    problems, networks = zip(*(random_instance(size, seed) for seed in seeds))
    run = run_batch(problems, networks, "auto", max_iterations, tolerance, ends=True)
    rows = []
    for i, seed in enumerate(seeds):
        row: dict[str, Any] = {
            "train": size.train, "n": size.n, "m": size.m, "k": size.k, "kappa": size.kappa, "seed": seed,
            "reached": int(run.reached[i]), "iterations": int(run.iterations[i]),
            "loss_first": float(run.loss_first[i]), "loss": float(run.loss[i]), "gamma": float(run.gamma[i]),
            "certified_start": int(certified_at_start(problems[i], networks[i])), "certified": None, "reason": "",
        }  # fmt: skip
        if run.reached[i]:
            proved, row["reason"] = certified_run(
                problems[i], networks[i], run.networks[i], row["gamma"], max_iterations, tolerance
            )
            row["certified"] = int(proved)
        rows.append(row)
    return rows


def chosen(rows: Iterable[dict[str, Any]], **values: Any) -> list[dict[str, Any]]:
    """Return the rows with the given values.

    Example:
        >>> chosen([{"k": 1}, {"k": 2}], k=2)
        [{'k': 2}]
    """
    return [row for row in rows if all(row.get(key) == value for key, value in values.items())]


def levels(rows: Iterable[dict[str, Any]], key: str) -> list[Any]:
    """Return the distinct values of a column in order of size, None last."""
    return sorted({row.get(key) for row in rows}, key=lambda value: (value is None, value))


def mean(rows: Sequence[dict[str, Any]], key: str) -> float:
    """Return the mean of a column, NaN without rows."""
    return sum(row[key] for row in rows) / len(rows) if rows else float("nan")


def median(values: Iterable[float | None]) -> float | None:
    """Return the median, None unless every value is known.

    Example:
        >>> median([1, 2, 4]), median([1, None]), median([])
        (2.0, None, None)
    """
    known = list(values)
    return float(np.median(known)) if known and None not in known else None  # type: ignore[arg-type]


def certified_text(rows: Sequence[dict[str, Any]]) -> str:
    """Say how many of the runs that reached the tolerance are certified, and why the others are not."""
    from dipproofs.experiments.statistics import frequency_text

    done = [row for row in rows if row["reached"]]
    failed = [row for row in done if not row["certified"]]
    text = f"Of the runs that reached the tolerance, {frequency_text(len(done) - len(failed), len(done))} are "
    text += "certified `proved` at that iterate or before."
    if failed:
        text += " Failures:\n\n" + "\n".join(
            f"* train {row['train']}, n={row['n']}, m={row['m']}, k={row['k']}, κ={row['kappa']}, "
            f"seed {row['seed']}: {row['reason']}"
            for row in failed[:20]
        )
        if len(failed) > 20:
            text += f"\n* … and {len(failed) - 20} more, in data.csv"
    return text
