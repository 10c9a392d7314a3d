"""Experiment: how often the conditions hold over random initialisations, against the theory's probability.

Problem: one Gaussian A, 5 × 10, condition number 3, one x̄, noiseless; tanh network, W and V drawn again and again.
Compared: frequencies of σ_min(J) > 0, of the paper's R' < R, of (H) in the best form (all proved by enclosures, at
q = 1), and of a certificate on the way to loss 1e-7; with exact 95 % intervals; beside them the largest 1−δ for which
the width bound of docs/theory.md §6 promises (H).
Source: docs/theory.md §2, §3, §6.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from dipproofs.experiments.charts import CYCLE, MARKS, panels, plain_log, style
from dipproofs.experiments.instances import Size, random_instance, random_network
from dipproofs.experiments.measured import chosen, levels
from dipproofs.experiments.statistics import clopper_pearson, frequency_text
from dipproofs.sweeps.store import derived_seed

TOLERANCE = 1e-7
TRAIN = ("inner", "both")
EVENTS = {"injective": "σ_min(J) > 0", "paper": "R' < R", "H": "(H) at the start", "anytime": "(H) on the way"}
DELTAS = (0.001, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99)


def cells(quick: bool, seed: int) -> list[dict[str, Any]]:
    """Return a cell for each train mode and width."""
    widths = (4, 16, 64, 256, 1024, 4096) if quick else tuple(2**j for j in range(1, 18))
    count = 8 if quick else 24
    return [
        {
            "train": train, "k": k, "problem": derived_seed(seed, "initialisation", "problem"),
            "seeds": [derived_seed(seed, "initialisation", i) for i in range(count if k <= 16384 else count // 2)],
            "max_iterations": 5000 if quick else 20_000,
        }
        for train in TRAIN for k in widths
    ]  # fmt: skip


def run_cell(cell: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Decide the events for every seed of a cell."""
    from dipproofs.certify.api import bound_operator_of
    from dipproofs.certify.quantities import enclose_base
    from dipproofs.certify.search import Step
    from dipproofs.experiments.batch import run_batch
    from dipproofs.experiments.certified import certified_at_start, certified_run, squared
    from dipproofs.theory import symbols as s

    size = Size(10, 5, cell["k"], cell["train"])
    problem, _ = random_instance(Size(10, 5, 1), cell["problem"])
    networks = [random_network(size, seed) for seed in cell["seeds"]]
    operator = bound_operator_of(problem, networks[0])
    promised = probability(cell["train"], float(np.linalg.norm(problem.y)), cell["k"])
    small = cell["k"] <= 4096
    run = (
        run_batch([problem] * len(networks), networks, "auto", cell["max_iterations"], TOLERANCE, ends=True)
        if small else None
    )  # fmt: skip
    rows = []
    for i, (seed, network) in enumerate(zip(cell["seeds"], networks)):
        base = enclose_base(operator, problem.y, network, squared(), unprojected=True)
        holds = certified_at_start(problem, network)
        anytime: bool | None = holds or None
        if run is not None:
            anytime = (
                bool(run.reached[i])
                and certified_run(
                    problem, network, run.networks[i], float(run.gamma[i]), cell["max_iterations"], TOLERANCE
                )[0]
            )
        rows.append({
            "train": cell["train"], "k": cell["k"], "seed": seed,
            "injective": int(base.values[s.sigma_min_J].lower > 0),
            "paper": int(certified_at_start(problem, network, "paper", Step(None, 1.0))),
            "H": int(holds), "anytime": None if anytime is None else int(anytime), "promised": promised,
        })  # fmt: skip
    return rows


@cache
def _bounds(train: str, y_norm: float) -> tuple[tuple[float, int], ...]:
    """(δ, smallest verified width) for the residual and concave forms, the better of them."""
    from dipproofs.experiments.certified import promised_width

    size = Size(10, 5, 1, train)
    widths = [promised_width(size, y_norm, delta, ("residual", "concave")) for delta in DELTAS]
    return tuple((delta, width) for delta, width in zip(DELTAS, widths) if width is not None)


def probability(train: str, y_norm: float, k: int) -> float:
    """Return the largest 1−δ of the grid for which the width bound is at most k, 0 if there is none."""
    return max((1 - delta for delta, width in _bounds(train, y_norm) if width <= k), default=0.0)


def counts(rows: Sequence[dict[str, Any]], train: str, k: int, event: str) -> tuple[int, int]:
    """Return (how often, of how many) an event happened."""
    values = [row[event] for row in chosen(rows, train=train, k=k) if row[event] is not None]
    return sum(values), len(values)


def figures(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Draw the frequencies with exact intervals against the width."""
    widths = levels(rows, "k")
    with style():
        figure, axes = panels(1, 2, 4.1, 3.3)
        for place, train in zip(axes[0], TRAIN):
            for index, (event, name) in enumerate(EVENTS.items()):
                points = [(k, *counts(rows, train, k, event)) for k in widths]
                points = [p for p in points if p[2]]
                if not points:
                    continue
                k = np.array([p[0] for p in points]) * 1.06 ** (index - 1.5)
                middle = np.array([p[1] / p[2] for p in points])
                ends = np.array([clopper_pearson(p[1], p[2]) for p in points])
                errors = np.clip(np.abs(ends - middle[:, None]).T, 0, None)
                place.errorbar(k, middle, errors, color=CYCLE[index], marker=MARKS[index], markersize=4,
                               linewidth=1.3, elinewidth=0.9, capsize=2, label=name)  # fmt: skip
            promised = [(k, chosen(rows, train=train, k=k)[0]["promised"]) for k in widths]
            place.step(*zip(*promised), where="post", color=CYCLE[6], linestyle="--", linewidth=1.2,
                       label="1 − δ promised for (H)")  # fmt: skip
            plain_log(place.xaxis, widths)
            place.set(xlabel="width k", title=f"train = {train}")
            place.set_ylim(-0.04, 1.04)
        axes[0][0].set_ylabel("frequency, with exact 95 % intervals")
        figure.legend(*axes[0][0].get_legend_handles_labels(), loc="outside upper center", ncols=5,
                      columnspacing=1.2, handlelength=1.6)  # fmt: skip
    return {"frequency": figure}


def result(rows: Sequence[dict[str, Any]]) -> str:
    """Say from which width on each event happens in at least half of the draws."""
    parts = []
    for train in TRAIN:
        found = []
        for event, name in EVENTS.items():
            widths = [k for k in levels(rows, "k") if counts(rows, train, k, event)[1]]
            first = next(
                (k for k in widths if 2 * counts(rows, train, k, event)[0] >= counts(rows, train, k, event)[1]), None
            )
            if first is None:
                found.append(f"{name}: in less than half of the draws up to k = {widths[-1]}")
            else:
                found.append(f"{name}: from k = {first} on ({frequency_text(*counts(rows, train, first, event))})")
        parts.append(f"Train {train}, in at least half of the draws: " + "; ".join(found) + ".")
        first = next((k for k in levels(rows, "k") if chosen(rows, train=train, k=k)[0]["promised"] >= 0.5), None)
        text = f"k = {first}" if first else "none of the grid"
        parts.append(
            f"Train {train}: smallest width of the grid for which the theory promises (H) with probability ≥ ½: {text}."
        )
    broken = [
        (train, k) for train in TRAIN for k in levels(rows, "k")
        if counts(rows, train, k, "H")[1]
        and clopper_pearson(*counts(rows, train, k, "H"), 0.999)[1] < chosen(rows, train=train, k=k)[0]["promised"]
    ]  # fmt: skip
    parts.append(
        f"Cells in which the frequency of (H) contradicts the promised probability (99.9 % intervals): {len(broken)}."
    )
    return "\n\n".join(parts)
