"""Experiment: which method, which step, which momentum? Iterations and certificates over κ(A) and losses.

Problem: A Gaussian 6 × 10 with condition number κ, noiseless; tanh network of width 160, both layers.
Method: gradient descent, heavy ball and Nesterov's method with automatic step and momentum, Adam with learning rate
1e-3, until the loss is 1e-9.
Compared: iterations, first certified iterate, promised iterations, against κ; the step and momentum that were chosen.
Source: docs/theory-methods.md §1–§3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dipproofs.experiments.charts import CYCLE, MARKS, decades, panels, plain_log, style
from dipproofs.experiments.instances import Size, random_instance
from dipproofs.experiments.measured import chosen, levels, median
from dipproofs.sweeps.store import derived_seed

METHODS = ("gradient-descent", "heavy-ball", "nesterov", "adam")
LOSSES = ("squared", "log-cosh")
TOLERANCE = 1e-9
_GIVEN = "1e-09"
COLUMNS = (
    "κ(A)", "κ(M)", "method", "step", "momentum", "iterations", "of gradient descent's", "certified at", "promised by",
)  # fmt: skip


def cells(quick: bool, seed: int) -> list[dict[str, Any]]:
    """Return a cell for each loss, κ, method and seed."""
    kappas = (3, 10, 30) if quick else (2, 5, 10, 20, 40)
    seeds, most = (1, 40_000) if quick else (3, 400_000)
    return [
        {
            "loss": loss, "kappa": float(kappa), "method": method, "max_iterations": most,
            "seed": derived_seed(seed, "methods", i),
        }
        for loss in LOSSES for method in METHODS for kappa in kappas for i in range(seeds)
        if not (quick and loss != "squared" and kappa != 10)
    ]  # fmt: skip


def run_cell(cell: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Run one method and certify it."""
    from dipproofs.certify.api import certify

    problem, network = random_instance(Size(10, 6, 160, kappa=cell["kappa"]), cell["seed"])
    options: dict[str, Any] = {"momentum": "auto"} if cell["method"] in ("heavy-ball", "nesterov") else {}
    found = certify(
        problem, network, cell["loss"], "auto", "constant", cell["max_iterations"], TOLERANCE, method=cell["method"],
        keep_interrupted=False, **options,
    )  # fmt: skip
    values, claim = found.quantities, found.claims.convergence
    low, high = values.get("sigma_AJ"), values.get("norm_AJ")
    proved = str(claim.verdict) == "proved"
    more = found.guarantees.iterations_to_loss.get(_GIVEN) if proved else None
    assert found.run is not None
    return [
        {
            **{key: cell[key] for key in ("loss", "kappa", "method", "seed")},
            "condition": high.upper / low.lower if low is not None and high is not None and low.lower > 0 else None,
            "step": float(found.run.gamma), "momentum": found.method.get("momentum"),
            "reached": int(found.run.converged), "iterations": found.run.iterations,
            "convergence": str(claim.verdict), "existence": str(found.claims.existence.verdict),
            "certified_at": found.iteration if proved else None,
            "promised": None if more is None else found.iteration + more,
        }
    ]  # fmt: skip


def _median(rows: Sequence[dict[str, Any]], column: str) -> float | None:
    """The median, where every run of the cell reached the loss and has a value."""
    return median(row[column] if row["reached"] else None for row in rows)


def _curve(rows: Sequence[dict[str, Any]], method: str, column: str) -> tuple[list[float], list[float]]:
    some = chosen(rows, method=method, loss="squared")
    pairs = [(kappa, _median(chosen(some, kappa=kappa), column)) for kappa in levels(some, "kappa")]
    return [kappa for kappa, value in pairs if value], [value for _, value in pairs if value]


def figures(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Draw iterations and first certificates of the squared loss against κ."""
    with style():
        figure, axes = panels(1, 2, 4.0, 3.3)
        for place, column, title in zip(
            axes[0], ("iterations", "certified_at"), ("iterations to loss 1e-9", "first certified iterate")
        ):
            for colour, mark, method in zip(CYCLE, MARKS, METHODS):
                place.plot(*_curve(rows, method, column), color=colour, marker=mark, markersize=4, label=method)
            plain_log(place.xaxis, levels(rows, "kappa"))
            decades(place.yaxis)
            place.set(xlabel="condition number κ(A)", title=f"{title} (median, squared loss)")
        axes[0][0].legend(fontsize=8.5)
    return {"kappa": figure}


def _text(value: float | None, digits: str = ".0f") -> str:
    return "–" if value is None else f"{value:{digits}}"


def result(rows: Sequence[dict[str, Any]]) -> str:
    """Say which step and momentum were taken, what they gained, and what was proved."""
    parts = []
    for loss in LOSSES:
        parts += [
            f"Loss `{loss}`, medians:", "",
            f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|",
        ]  # fmt: skip
        for kappa in levels(chosen(rows, loss=loss), "kappa"):
            here = chosen(rows, loss=loss, kappa=kappa)
            plain = _median(chosen(here, method="gradient-descent"), "iterations")
            for method in METHODS:
                some = chosen(here, method=method)
                count = _median(some, "iterations")
                share = None if count is None or plain is None else count / plain
                shown = [_median(some, "condition"), _median(some, "step"), _median(some, "momentum")]
                parts.append(
                    f"| {kappa:g} | {_text(shown[0], '.1f')} | {method} | {_text(shown[1], '.3g')} | "
                    f"{_text(shown[2], '.3f')} | {_text(count)} | {_text(share, '.0%')} | "
                    f"{_text(_median(some, 'certified_at'))} | {_text(_median(some, 'promised'))} |"
                )
        parts.append("")
    return "\n".join([*parts, _answer(chosen(rows, loss="squared"))])


def _answer(rows: Sequence[dict[str, Any]]) -> str:
    """What step and momentum should one take?"""
    best = {}
    for kappa in levels(rows, "kappa"):
        counts = {method: _median(chosen(rows, kappa=kappa, method=method), "certified_at") for method in METHODS}
        done = {method: _median(chosen(rows, kappa=kappa, method=method), "iterations") for method in METHODS}
        proved = [method for method in METHODS if counts[method] is not None and done[method] is not None]
        if proved:
            best[kappa] = min(proved, key=lambda method: done[method] or np.inf)
    listed = ", ".join(f"{method} at κ = {kappa:g}" for kappa, method in best.items())
    unproved = sum(row["existence"] == "proved" for row in chosen(rows, method="adam"))
    return (
        f"Fewest iterations among the certified runs: {listed or 'none'}. Adam: an exact fit near its end is proved in "
        f"{unproved} of {len(chosen(rows, method='adam'))} runs, convergence in none (there is no such theorem)."
    )
