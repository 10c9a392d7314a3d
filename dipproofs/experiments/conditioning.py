"""Experiment: convergence, certificates and speed against the condition number κ(A).

Problem: A Gaussian with singular values spaced linearly from 1 to 1/κ, n = 16, m = 8, noiseless; tanh network.
Method: gradient descent on ½‖·‖², step 0.9/‖M‖², until the loss is 1e-7.
Compared: frequency of reaching the tolerance and of certificates against (k, κ); iterations against κ.
Source: docs/theory.md §3, §6.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dipproofs.experiments.charts import CYCLE, MARKS, decades, heat, panels, plain_log, style
from dipproofs.experiments.instances import Size
from dipproofs.experiments.measured import certified_text, chosen, levels, mean, measured_runs
from dipproofs.experiments.statistics import fitted_power, power_text
from dipproofs.sweeps.store import derived_seed

TOLERANCE = 1e-7
N, M = 16, 8
TRAIN = ("inner", "both")


def cells(quick: bool, seed: int) -> list[dict[str, Any]]:
    """Return the grid over κ and k for each train mode."""
    kappas = (1, 3, 10, 30) if quick else (1, 2, 5, 10, 20, 50)
    widths = (8, 32, 128, 512) if quick else (8, 12, 16, 24, 32, 64, 256, 1024, 4096)
    seeds, most = (4, 20_000) if quick else (12, 50_000)
    return [
        {
            "kappa": float(kappa), "k": k, "train": train, "max_iterations": most,
            "seeds": [derived_seed(seed, "conditioning", i) for i in range(seeds)],
        }
        for train in TRAIN for kappa in kappas for k in widths
    ]  # fmt: skip


def run_cell(cell: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Run all seeds of a cell and certify them."""
    size = Size(N, M, cell["k"], cell["train"], cell["kappa"])
    return measured_runs(size, cell["seeds"], cell["max_iterations"], TOLERANCE)


def _frequencies(rows: Sequence[dict[str, Any]], train: str, column: str) -> tuple[list[float], list[int], np.ndarray]:
    some = chosen(rows, train=train)
    kappas, widths = levels(some, "kappa"), levels(some, "k")
    table = [[mean(chosen(some, kappa=kappa, k=k), column) for kappa in kappas] for k in widths]
    return kappas, widths, np.array(table)


def iterations(rows: Sequence[dict[str, Any]], train: str, k: int) -> tuple[list[float], list[float]]:
    """Return κ and the median iterations of the cells in which every run reached the tolerance."""
    pairs = []
    for kappa in levels(rows, "kappa"):
        some = chosen(rows, train=train, k=k, kappa=kappa)
        if some and all(row["reached"] for row in some):
            pairs.append((kappa, float(np.median([row["iterations"] for row in some]))))
    return [p[0] for p in pairs], [p[1] for p in pairs]


def figures(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Draw the frequencies over (κ, k), and iterations against κ."""
    drawn = {}
    with style():
        figure, axes = panels(2, 2, 3.9, 3.1)
        image: Any = None
        for i, train in enumerate(TRAIN):
            for j, (column, title) in enumerate(
                (("reached", "reaches 1e-7"), ("certified_start", "certified at the start"))
            ):
                kappas, widths, values = _frequencies(rows, train, column)
                image = heat(axes[i][j], kappas, widths, values, f"train = {train}: {title}")
                axes[i][j].set_xlabel("condition number κ(A)")
            axes[i][0].set_ylabel("width k")
        figure.colorbar(image, ax=axes.ravel().tolist(), label="frequency", pad=0.015)
        drawn["frequency"] = figure
        figure, axes = panels(1, 2, 3.6, 3.2)
        for place, train in zip(axes[0], TRAIN):
            widths = levels(rows, "k")[-4:]
            for colour, mark, k in zip(CYCLE, MARKS, widths):
                place.plot(*iterations(rows, train, k), marker=mark, markersize=4, color=colour, label=f"k = {k}")
            plain_log(place.xaxis, levels(rows, "kappa"))
            decades(place.yaxis)
            place.set(title=f"train = {train}", xlabel="condition number κ(A)")
            place.legend(frameon=False)
        axes[0][0].set_ylabel("iterations to loss 1e-7 (median)")
        drawn["iterations"] = figure
    return drawn


def result(rows: Sequence[dict[str, Any]]) -> str:
    """Say what was certified and how the iterations grow with κ."""
    parts = [certified_text(rows), ""]
    for train in TRAIN:
        k = levels(rows, "k")[-1]
        kappas, counts = iterations(rows, train, k)
        large = [(a, b) for a, b in zip(kappas, counts) if a >= 3]
        fit = fitted_power(*zip(*large)) if len(large) > 2 else None
        listed = ", ".join(f"{count:.0f} (κ = {kappa:g})" for kappa, count in zip(kappas, counts))
        parts.append(
            f"Train {train}, k = {k}: median iterations to 1e-7 are {listed}; for κ ≥ 3 they grow like "
            f"κ^({power_text(fit)}) (the guaranteed rate has κ²)."
        )
        for column, words in (("reached", "reach the tolerance"), ("certified_start", "are certified at the start")):
            _, widths, values = _frequencies(rows, train, column)
            smallest = [next((w for w, f in zip(widths, line) if f >= 0.5), None) for line in values.T]
            shown = ", ".join("none" if w is None else str(w) for w in smallest)
            parts.append(f"Train {train}: smallest width of the grid at which half of the runs {words}: {shown}.")
    return "\n".join(parts)
