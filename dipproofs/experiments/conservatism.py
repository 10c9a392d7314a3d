"""Experiment: the width each theorem asks for, against the width that is needed.

Problem: A Gaussian m × n with condition number κ, noiseless; tanh network, both layers trained (V uniform).
Compared, for each problem: the a-priori width bound of docs/theory.md §6 and its textbook baseline (probability
0.95); the width at which a form's conditions are proved at initialisation for one of four draws; the
smallest width at which half of the runs are certified on the way; the smallest at which half reach loss 1e-7.
Source: docs/theory.md §2, §3, §6.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dipproofs.experiments.charts import CYCLE, MARKS, panels, style
from dipproofs.experiments.instances import Size, random_instance
from dipproofs.experiments.measured import chosen
from dipproofs.sweeps.store import derived_seed

TOLERANCE = 1e-7
METHODS = {
    "baseline": "textbook bound (a priori)", "table": "width bound (a priori)", "paper": "paper, at the start",
    "integral": "integral, at the start", "concave": "concave, at the start", "residual": "residual, at the start",
    "anytime": "anytime certificate", "empirical": "reaches 1e-7",
}  # fmt: skip
_FORMS = ("paper", "integral", "concave", "residual")


def cells(quick: bool, seed: int) -> list[dict[str, Any]]:
    """Return a cell for each problem and group of methods."""
    sizes = [(10, 5, 1.0), (10, 5, 3.0)] if quick else [
        (10, 5, 1.0), (10, 5, 3.0), (10, 5, 10.0), (20, 10, 1.0), (20, 10, 3.0), (40, 20, 3.0), (100, 10, 3.0),
    ]  # fmt: skip
    methods = ("table", "start", "runs")
    return [
        {"n": n, "m": m, "kappa": kappa, "train": train, "methods": method,
         "problem": derived_seed(seed, "conservatism"),
         "seeds": [derived_seed(seed, "conservatism", i) for i in range(6 if quick else 20)],
         "max_iterations": 10_000 if quick else 50_000, "limit": 3_000_000 if quick else 20_000_000}
        for n, m, kappa in sizes for train in ("both", "inner") for method in methods
    ]  # fmt: skip


def run_cell(cell: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Find the widths of one group of methods."""
    found = {"table": _table, "start": _start, "runs": _runs}[cell["methods"]](cell)
    return [
        {"n": cell["n"], "m": cell["m"], "kappa": cell["kappa"], "train": cell["train"], "method": method,
         "width": width, "log10": None if width is None else math.log10(width), "evidence": evidence}
        for method, (width, evidence) in found.items()
    ]  # fmt: skip


def _instance(cell: Mapping[str, Any]) -> tuple[Any, Any]:
    return random_instance(_size(cell), cell["problem"])


def _size(cell: Mapping[str, Any], k: int = 8) -> Size:
    return Size(cell["n"], cell["m"], k, cell["train"], cell["kappa"])


def _table(cell: Mapping[str, Any]) -> dict[str, tuple[int | None, str]]:
    from dipproofs.experiments.certified import promised_width

    problem, _ = _instance(cell)
    norm = float(np.linalg.norm(problem.y))
    found: dict[str, tuple[int | None, str]] = {}
    for method, bound, forms in (("baseline", "baseline", ["concave"]), ("table", "best", ["concave", "residual"])):
        width = promised_width(_size(cell), norm, 0.05, forms, bound)
        found[method] = (width, "no bound" if width is None else "proved, probability 0.95")
    return found


def _start(cell: Mapping[str, Any]) -> dict[str, tuple[int | None, str]]:
    from dipproofs.certify import widths
    from dipproofs.certify.api import bound_operator_of
    from dipproofs.certify.search import Step
    from dipproofs.experiments.certified import squared

    problem, network = _instance(cell)
    operator = bound_operator_of(problem, network)
    found: dict[str, tuple[int | None, str]] = {}
    before, widths.LARGEST_OUTER_LAYER = widths.LARGEST_OUTER_LAYER, cell["limit"]
    try:
        for form in _FORMS:
            one = widths._find(problem, network, squared(), operator, Step(None, 1.0), "proved", form)
            found[form] = one["width"], one["verdict"] if one["width"] else "beyond the search"
    finally:
        widths.LARGEST_OUTER_LAYER = before
    return found


def _runs(cell: Mapping[str, Any]) -> dict[str, tuple[int | None, str]]:
    from dipproofs.experiments.batch import run_batch
    from dipproofs.experiments.certified import certified_run

    grid = sorted({*range(1, 9), *(round(2 ** (j / 2)) for j in range(6, 25))})
    empirical: int | None = None
    anytime: int | None = None
    for k in grid:
        size = _size(cell, k)
        problems, networks = zip(*(random_instance(size, seed) for seed in cell["seeds"]))
        run = run_batch(problems, networks, "auto", cell["max_iterations"], TOLERANCE, ends=True)
        if 2 * int(run.reached.sum()) >= len(networks):
            empirical = k if empirical is None else empirical
            proved = sum(
                bool(run.reached[i]) and certified_run(
                    problems[i], networks[i], run.networks[i], float(run.gamma[i]), cell["max_iterations"], TOLERANCE
                )[0]
                for i in range(len(networks))
            )  # fmt: skip
            if 2 * proved >= len(networks):
                anytime = k
                break
    return {"anytime": (anytime, "proved, half of the seeds"), "empirical": (empirical, "half of the seeds")}


def _problems(rows: Sequence[dict[str, Any]], train: str) -> list[tuple[int, int, float]]:
    return sorted({(r["n"], r["m"], r["kappa"]) for r in chosen(rows, train=train)})


def figures(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Draw log10 of the widths, one line of points for each problem."""
    with style():
        height = 1.5 + 0.36 * max(len(_problems(rows, "both")), 3)
        figure, axes = panels(1, 2, 4.6, height)
        for place, train in zip(axes[0], ("both", "inner")):
            problems = _problems(rows, train)
            for index, (method, name) in enumerate(METHODS.items()):
                points = [
                    (r["log10"], problems.index((r["n"], r["m"], r["kappa"])))
                    for r in chosen(rows, train=train, method=method) if r["log10"] is not None
                ]  # fmt: skip
                hollow = method in ("baseline", "table")
                place.plot([p[0] for p in points], [p[1] for p in points], linestyle="none",
                           marker=(*MARKS, "*")[index], markersize=7.5 if method == "empirical" else 6,
                           color=(*CYCLE, "#d55e00")[index], fillstyle="none" if hollow else "full",
                           label=name)  # fmt: skip
            place.set_yticks(range(len(problems)), [f"n={n}, m={m}, κ={kappa:g}" for n, m, kappa in problems])
            place.set_ylim(len(problems) - 0.5, -0.5)
            place.set(xlabel="log₁₀ of the width k", title=f"train = {train}")
        axes[0][1].set_yticklabels([])
        right = max(place.get_xlim()[1] for place in axes[0])
        for place in axes[0]:
            place.set_xlim(-0.3, right)
        figure.legend(*axes[0][0].get_legend_handles_labels(), loc="outside upper center", ncols=4,
                      columnspacing=1.2, handletextpad=0.3)  # fmt: skip
    return {"widths": figure}


def result(rows: Sequence[dict[str, Any]]) -> str:
    """Give the widths, and the distances between methods."""
    parts = ["| train | problem | " + " | ".join(METHODS.values()) + " |", "|" + "---|" * (len(METHODS) + 2)]
    for train in ("both", "inner"):
        for n, m, kappa in _problems(rows, train):
            line = {r["method"]: r for r in chosen(rows, train=train, n=n, m=m, kappa=kappa)}
            shown = [_text(line.get(method)) for method in METHODS]
            parts.append(f"| {train} | n={n}, m={m}, κ={kappa:g} | " + " | ".join(shown) + " |")
    parts.append("")
    for a, b in (("paper", "integral"), ("integral", "concave"), ("concave", "residual"), ("residual", "anytime"),
                 ("anytime", "empirical"), ("paper", "empirical"), ("table", "residual")):  # fmt: skip
        for train in ("both", "inner"):
            gaps = [
                one["log10"] - two["log10"]
                for n, m, kappa in _problems(rows, train)
                for line in [{r["method"]: r for r in chosen(rows, train=train, n=n, m=m, kappa=kappa)}]
                for one, two in [(line[a], line[b])]
                if one["log10"] is not None and two["log10"] is not None
            ]
            if gaps:
                parts.append(
                    f"* train {train}: {METHODS[a]} asks for 10^{np.median(gaps):.2f} times the width of "
                    f"{METHODS[b]} (median of {len(gaps)} problems)."
                )
    return "\n".join(parts)


def _text(row: dict[str, Any] | None) -> str:
    if row is None or row["width"] is None:
        return "–"
    return f"{row['width']:.2e}" if row["width"] >= 1e5 else str(row["width"])
