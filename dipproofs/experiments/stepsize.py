"""Experiment: the normalised step q = γL from 0.01 to 1.99 in each form, and schedules.

Problem: A Gaussian 5 × 10 with condition number 3, noiseless; tanh network of width 256, both layers; the start is
the iterate at which the loss has fallen to 1e-4 (every form holds there for small q).
Method: for each form and q the largest certified radius's γ = q/L(ρ) (residual: γ = q/M_ρ²).
Compared: guaranteed and observed iterations to loss 1e-7 with the same γ; schedules by whole runs.
Source: docs/theory.md §2, §3, §3.2 (the paper's ν₂ is smallest at γ = 1/(2L)).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dipproofs.experiments.charts import CYCLE, MARKS, decades, panels, style
from dipproofs.experiments.instances import Size, random_instance
from dipproofs.experiments.measured import chosen, median
from dipproofs.sweeps.store import derived_seed

FORMS = ("paper", "integral", "concave", "residual")
SCHEDULES = ("constant", "polynomial", "cosine", "backtracking")
SIZE = Size(10, 5, 256)
START, TOLERANCE = 1e-4, 1e-7


def cells(quick: bool, seed: int) -> list[dict[str, Any]]:
    """Return a cell for each seed and form, and for each seed and schedule."""
    grid = (0.01, 0.03, 0.1, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 1.9, 1.99)
    fine = sorted({*grid, *(round(0.05 * j, 2) for j in range(1, 40))})
    seeds = [derived_seed(seed, "stepsize", i) for i in range(2 if quick else 5)]
    steps = [
        {"kind": "step", "seed": s, "form": form, "q": list(grid if quick else fine)} for s in seeds for form in FORMS
    ]
    plans = [{"kind": "schedule", "seed": s, "schedule": schedule} for s in seeds for schedule in SCHEDULES]
    return steps + plans


def run_cell(cell: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Certify one start for every q, or one run with a schedule."""
    problem, network = random_instance(SIZE, cell["seed"])
    return _schedule(cell, problem, network) if cell["kind"] == "schedule" else _steps(cell, problem, network)


def _steps(cell: Mapping[str, Any], problem: Any, network: Any) -> list[dict[str, Any]]:
    from dipproofs.certify.api import bound_operator_of
    from dipproofs.certify.at_iterate import certify_at
    from dipproofs.certify.search import Step
    from dipproofs.experiments.batch import run_batch
    from dipproofs.experiments.certified import squared

    form, loss, operator = cell["form"], squared(), bound_operator_of(problem, network)
    start = run_batch([problem], [network], tolerance=START, ends=True).networks[0]
    size = None
    if form == "residual":
        whole = certify_at(problem, start, loss, operator, Step(None, 1.0), form=form)
        ball = whole.quantities.get("norm_AJ_ball")
        size = None if ball is None else ball.upper**2
    rows = []
    for q in cell["q"]:
        step = Step(None, q) if size is None else Step(q / size)
        found = certify_at(problem, start, loss, operator, step, form=form, targets=(TOLERANCE,))
        gamma = found.quantities.get("gamma")
        row: dict[str, Any] = {
            "kind": "step", "form": form, "seed": cell["seed"], "q": q, "verdict": str(found.verdict),
            "gamma": None if gamma is None else gamma.mid,
            "guaranteed": found.guarantees.iterations_to_loss.get(f"{TOLERANCE:g}"), "observed": None,
            "reason": "" if found.proved else next((h.id for h in found.hypotheses if str(h.verdict) != "proved"), ""),
        }  # fmt: skip
        rows.append(row)
    steps = [row["gamma"] for row in rows if row["gamma"]]
    if steps:
        run = run_batch([problem] * len(steps), [start] * len(steps), steps, 200_000, TOLERANCE)
        counts = iter(zip(run.reached, run.iterations))
        for row in rows:
            if row["gamma"]:
                reached, count = next(counts)
                row["observed"] = int(count) if reached else None
    return rows


def _schedule(cell: Mapping[str, Any], problem: Any, network: Any) -> list[dict[str, Any]]:
    from dipproofs.certify.api import certify

    known: dict[str, dict[str, Any]] = {"polynomial": {"power": 0.5}, "cosine": {"horizon": 2000}}
    options = known.get(cell["schedule"], {})
    found = certify(problem, network, None, "auto", cell["schedule"], 5000, TOLERANCE, schedule_options=options,
                    keep_interrupted=False)  # fmt: skip
    promised = found.guarantees.iterations_to_loss.get(f"{TOLERANCE:g}")
    return [
        {
            "kind": "schedule", "schedule": cell["schedule"], "seed": cell["seed"], "verdict": str(found.verdict),
            "form": found.form, "certified_at": found.iteration if found.proved else None,
            "guaranteed": None if promised is None else found.iteration + promised,
            "observed": found.run.iterations if found.run.converged else None,
        }
    ]  # fmt: skip


def _curve(rows: Sequence[dict[str, Any]], form: str, column: str) -> tuple[list[float], list[float]]:
    """Return q and the median over seeds, where every seed has a value."""
    q, median = [], []
    some = chosen(rows, kind="step", form=form)
    for value in sorted({r["q"] for r in some}):
        found = [r[column] for r in some if r["q"] == value and r["verdict"] == "proved" and r[column] is not None]
        if found and len(found) == sum(r["q"] == value for r in some):
            q.append(value)
            median.append(float(np.median(found)))
    return q, median


def figures(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Draw guaranteed and observed iterations against q, and the schedules."""
    with style():
        figure, axes = panels(1, 2, 4.2, 3.4)
        left, right = axes[0]
        for colour, mark, form in zip(CYCLE, MARKS, FORMS):
            left.plot(*_curve(rows, form, "guaranteed"), color=colour, marker=mark, markersize=3.5, label=form)
            left.plot(*_curve(rows, form, "observed"), color=colour, linestyle=":", linewidth=1.2)
        decades(left.yaxis)
        left.set(
            xlabel="q = γL(ρ)  (residual: γM_ρ²)",
            ylabel="iterations from 1e-4 to 1e-7",
            title="guaranteed (marks) and observed (dotted)",
        )
        left.legend(fontsize=8.5)
        positions = np.arange(len(SCHEDULES))
        for offset, column, colour in ((-0.27, "certified_at", CYCLE[2]), (0.0, "observed", CYCLE[0]),
                                       (0.27, "guaranteed", CYCLE[1])):  # fmt: skip
            heights = [
                median(row[column] for row in chosen(rows, kind="schedule", schedule=name)) for name in SCHEDULES
            ]
            name = {"certified_at": "certified at", "observed": "reaches 1e-7 at", "guaranteed": "guaranteed by"}[
                column
            ]
            right.bar(positions + offset, [h or 0 for h in heights], 0.25, color=colour, label=name)
        right.set_xticks(positions, SCHEDULES)
        decades(right.yaxis)
        right.set(ylabel="iteration (median)", title="whole runs by schedule")
        right.grid(axis="x", visible=False)
        low, high = right.get_ylim()
        right.set_ylim(low, high * 6)
        right.legend(fontsize=8.5, ncols=3, columnspacing=0.8, handlelength=1.2)
    return {"q": figure}


def result(rows: Sequence[dict[str, Any]]) -> str:
    """Say which q each form prefers, and what schedules cost."""
    parts = ["| form | certified for q up to | best q | guaranteed there | observed there | at q = ½ | at q = 1 |",
             "|---|---|---|---|---|---|---|"]  # fmt: skip
    for form in FORMS:
        q, guaranteed = _curve(rows, form, "guaranteed")
        if not q:
            parts.append(f"| {form} | none | – | – | – | – | – |")
            continue
        best = int(np.argmin(guaranteed))
        seen = dict(zip(*_curve(rows, form, "observed")))
        table = dict(zip(q, guaranteed))
        at = [f"{table[v]:.0f}" if v in table else "–" for v in (0.5, 1.0)]
        parts.append(f"| {form} | {max(q):g} | {q[best]:g} | {guaranteed[best]:.0f} | "
                     f"{seen.get(q[best], float('nan')):.0f} | {at[0]} | {at[1]} |")  # fmt: skip
    q, guaranteed = _curve(rows, "paper", "guaranteed")
    seen = dict(zip(*_curve(rows, "paper", "observed")))
    if 0.5 in q and 1.0 in q:
        g = dict(zip(q, guaranteed))
        parts += ["", f"The paper's guarantee is {g[1.0] / g[0.5]:.2f} times as long at γ = 1/L as at its optimum "
                  f"γ = 1/(2L); the runs themselves take {seen[1.0] / seen[0.5]:.2f} times as long."]  # fmt: skip
    parts += ["", "| schedule | certified | certified at | reaches 1e-7 at | guaranteed by |", "|---|---|---|---|---|"]
    for name in SCHEDULES:
        some = chosen(rows, kind="schedule", schedule=name)
        proved = sum(r["verdict"] == "proved" for r in some)
        shown = [median(row[column] for row in some) for column in ("certified_at", "observed", "guaranteed")]
        parts.append(f"| {name} | {proved} of {len(some)} | "
                     + " | ".join("–" if v is None else f"{v:.0f}" for v in shown) + " |")  # fmt: skip
    return "\n".join(parts)
