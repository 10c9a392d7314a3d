"""Experiment: the loss decreases with a proper step, and need not with one beyond 2/L.

Problem: A Gaussian 5 × 10 with condition number 3, noiseless; tanh network of width k, both layers trained.
Method: gradient descent on ½‖·‖² with γ = c/‖M(θ_0)‖²; ‖M‖² is the curvature of f at a zero-loss point.
Compared: c from 0.25 to 3, and the step proved by the certificate at initialisation (γM_ρ² ≤ 1).
Source: docs/theory.md §3, §3.2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dipproofs.experiments.charts import CYCLE, decades, panels, style
from dipproofs.experiments.instances import Size, random_instance
from dipproofs.experiments.measured import chosen, levels
from dipproofs.experiments.statistics import frequency_text
from dipproofs.sweeps.store import derived_seed

TOLERANCE = 1e-7
FACTORS = (0.25, 0.5, 1.0, 1.5, 1.9, 2.1, 2.5, 3.0)
_POINTS = 120


def cells(quick: bool, seed: int) -> list[dict[str, Any]]:
    """Return a cell for each width and factor, one with the proved step, and one for the curves."""
    widths = (64, 1024) if quick else (16, 64, 256, 1024, 4096)
    seeds = [derived_seed(seed, "descent", i) for i in range(6 if quick else 20)]
    most = 1000 if quick else 3000
    grid: list[dict[str, Any]] = [
        {"kind": "runs", "k": k, "factor": factor, "seeds": seeds, "max_iterations": most}
        for k in widths for factor in (*FACTORS, None)
    ]  # fmt: skip
    return grid + [{"kind": "curve", "k": widths[-1], "factor": c, "seeds": seeds[:1], "max_iterations": 400}
                   for c in FACTORS]  # fmt: skip


def run_cell(cell: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Run the seeds of a cell; in a row, ``factor`` None stands for the proved step."""
    from dipproofs.networks import TwoLayer
    from dipproofs.problems import InverseProblem

    drawn = [random_instance(Size(10, 5, cell["k"]), seed) for seed in cell["seeds"]]
    instances: list[tuple[int, InverseProblem, TwoLayer, float]] = []
    for seed, (problem, network) in zip(cell["seeds"], drawn):
        step = proved_step(problem, network) if cell["factor"] is None else cell["factor"] / curvature(problem, network)
        if step is not None:
            instances.append((seed, problem, network, step))
    if cell["kind"] == "curve":
        return [row for instance in instances for row in _curve(cell, *instance)]
    if not instances:
        return []
    from dipproofs.experiments.batch import run_batch

    seeds, problems, networks, steps = zip(*instances)
    # the proved step can be short
    most = cell["max_iterations"] * (1 if cell["factor"] else 50)
    run = run_batch(problems, networks, steps, most, TOLERANCE)
    return [
        {
            "kind": "run", "k": cell["k"], "factor": cell["factor"], "seed": seed, "gamma": steps[i],
            "reached": int(run.reached[i]), "iterations": int(run.iterations[i]), "rises": int(run.rises[i]),
            "loss": float(run.loss[i]),
        }
        for i, seed in enumerate(seeds)
    ]  # fmt: skip


def curvature(problem: Any, network: Any) -> float:
    """Return ‖M(θ_0)‖² in floats."""
    from dipproofs.networks.activation import numpy_activation

    A = problem.operator.to_dense()
    phi, dphi = numpy_activation(network.activation)(network.W @ network.u)
    N = (A @ network.V) * dphi
    gram = (N @ N.T) * (network.u @ network.u) + (phi @ phi) * (A @ A.T)
    return float(float(np.linalg.eigvalsh(gram)[-1]) / network.width)


def proved_step(problem: Any, network: Any) -> float | None:
    """Return the step for which convergence is proved at initialisation, None where nothing is proved."""
    from dipproofs.certify.api import bound_operator_of
    from dipproofs.certify.at_iterate import certify_at
    from dipproofs.certify.search import Step
    from dipproofs.enclosures import Verdict
    from dipproofs.experiments.certified import squared

    found = certify_at(problem, network, squared(), bound_operator_of(problem, network), Step(None, 1.0))
    gamma = found.quantities.get("gamma")
    return gamma.lower if found.verdict is Verdict.PROVED and gamma is not None else None


def _curve(cell: Mapping[str, Any], seed: int, problem: Any, network: Any, step: float) -> list[dict[str, Any]]:
    from dipproofs.descent import descend

    run = descend(problem, network, None, step, max_iterations=cell["max_iterations"], tolerance=TOLERANCE,
                  keep_interrupted=False)  # fmt: skip
    loss = run.history.loss
    shown = np.unique(
        np.concatenate([np.arange(min(40, loss.size)), np.linspace(0, loss.size - 1, _POINTS).astype(int)])
    )
    return [
        {"kind": "curve", "k": cell["k"], "factor": cell["factor"], "seed": seed, "gamma": step,
         "iteration": int(i), "loss": float(loss[i])}
        for i in shown
    ]  # fmt: skip


def figures(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Draw the loss of one run for each factor, and the frequency of monotone decrease."""
    with style():
        figure, axes = panels(1, 2, 4.0, 3.3)
        left, right = axes[0]
        curves = chosen(rows, kind="curve")
        factors = [c for c in (0.25, 1.0, 1.9, 2.1, 2.5, 3.0) if chosen(curves, factor=c)]
        for colour, c in zip(CYCLE, factors):
            some = [r for r in chosen(curves, factor=c) if isinstance(r["loss"], float) and r["loss"] < 1e8]
            left.plot([r["iteration"] for r in some], [r["loss"] for r in some], color=colour, label=f"c = {c:g}",
                      linestyle="-" if c < 2 else "--")  # fmt: skip
        decades(left.yaxis)
        left.set_xlim(0, 120)
        left.set(xlabel="iteration τ", ylabel="loss ½‖r‖²")
        left.legend(ncols=2, fontsize=8)
        left.set_title(f"one run, k = {curves[0]['k']}, γ = c/‖M(θ₀)‖²" if curves else "")
        runs = chosen(rows, kind="run")
        for colour, k in zip(CYCLE, levels(runs, "k")):
            share = [(c, _monotone(chosen(runs, k=k, factor=c))) for c in FACTORS]
            right.plot([c for c, _ in share], [len_ok / max(total, 1) for _, (len_ok, total) in share], marker="o",
                       markersize=4, color=colour, label=f"k = {k}")  # fmt: skip
        right.axvline(2, color="#1b1f23", linewidth=0.9, linestyle=":")
        right.set(xlabel="c = γ‖M(θ₀)‖²", title="frequency: decreases always and reaches 1e-7")
        right.legend(fontsize=8)
        right.set_ylim(-0.04, 1.04)
    return {"steps": figure}


def _monotone(runs: Sequence[dict[str, Any]]) -> tuple[int, int]:
    return sum(1 for r in runs if r["reached"] and r["rises"] == 0), len(runs)


def result(rows: Sequence[dict[str, Any]]) -> str:
    """Say how often the loss decreased at every step."""
    runs = chosen(rows, kind="run")
    proved = chosen(runs, factor=None)
    parts = [
        f"With the step proved at initialisation, {frequency_text(*_monotone(proved))} runs decrease at every step and "
        "reach 1e-7 (widths at which the start is certified: "
        f"{', '.join(map(str, levels(proved, 'k'))) or 'none'})."
    ]
    for k in levels(runs, "k"):
        shares = [f"{_monotone(chosen(runs, k=k, factor=c))[0]} at c = {c:g}" for c in FACTORS]
        total = len(chosen(runs, k=k, factor=1.0))
        parts.append(f"k = {k}: of {total} runs with γ = c/‖M(θ_0)‖², monotone and converged: {', '.join(shares)}.")
    beyond = [r for r in runs if r["factor"] is not None and r["factor"] > 2]
    parts.append(
        f"Beyond c = 2, {frequency_text(sum(1 for r in beyond if r['rises']), len(beyond))} runs have a step at which "
        "the loss rises; those that converge all the same moved to a flatter place, where ‖M‖² is below 2/γ."
    )
    return "\n\n".join(parts)
