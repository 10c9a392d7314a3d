"""Experiment: a photograph blurred by operators of increasing condition number.

Problem: Gaussian blur of standard deviation σ, noise 2 %; two-layer generator and synthesis generator (DCT).
Compared: data error and signal error along the run, the certified envelope of the data error, the proved bound of the
signal error, and the iteration τ* from which ‖y_τ − Πȳ‖ ≤ 2‖Πε‖ is guaranteed.
Beside it, half of the photograph: the two-layer generator and a skip network on unseen pixels (`unseen`).
Source: docs/theory.md §3, §7.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dipproofs.experiments import unseen
from dipproofs.experiments.charts import CERTIFIED, GUARANTEED, INK, OBSERVED, OTHER, decades, panels, style
from dipproofs.experiments.measured import chosen, levels
from dipproofs.experiments.photographs import generator, photograph_problem, upper
from dipproofs.sweeps.store import derived_seed

NOISE = 0.02
MODELS = ("two-layer", "synthesis")


def cells(quick: bool, seed: int) -> list[dict[str, Any]]:
    """Return a cell for each blur and generator."""
    side, width = (16, 256) if quick else (24, 576)
    sigmas = (0.4, 0.7, 1.0) if quick else (0.3, 0.45, 0.6, 0.8, 1.0)
    return [
        {"sigma": sigma, "model": model, "side": side, "width": width, "atoms": 36 if quick else 100,
         "seed": derived_seed(seed, "image") % 10**6, "max_iterations": 1500 if quick else 5000}
        for sigma in sigmas for model in MODELS
    ] + unseen.cells(quick, derived_seed(seed, "image") % 10**6)  # fmt: skip


def run_cell(cell: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Run, watching the signal error, and certify."""
    if cell.get("kind") == unseen.KIND:
        return unseen.run_cell(cell)
    from dipproofs.certify.api import certify
    from dipproofs.descent import descend

    problem = photograph_problem("blur", cell["side"], NOISE, cell["seed"], sigma=cell["sigma"])
    atoms = cell["atoms"] if cell["model"] == "synthesis" else None
    network = generator(cell["side"], cell["width"], atoms, cell["seed"] + 7)
    found = certify(problem, network, max_iterations=cell["max_iterations"], tolerance=1e-10,
                    keep_interrupted=False)  # fmt: skip
    x_true = problem.x_true
    assert x_true is not None
    size, observed = float(np.linalg.norm(x_true)), float(np.linalg.norm(problem.y))
    A = problem.operator.to_dense()
    # with fewer atoms than data only the part of the data in Im(AB) can be fitted
    fitted = np.eye(A.shape[0]) if network.basis is None else np.linalg.qr(A @ network.basis)[0].T
    errors: list[tuple[int, float, float]] = []

    def watch(tau: int, here: Any, value: float) -> None:
        x = here().network.output()
        data = float(np.linalg.norm(fitted @ (A @ x - problem.y))) / observed
        errors.append((tau, data, float(np.linalg.norm(x - x_true)) / size))

    # a constant step, or the automatic one again: the same run, but for what freezing the step changes
    steps = found.run.steps
    descend(problem, network, None, steps[0][1] if len(steps) == 1 else "auto", max_iterations=found.run.iterations,
            tolerance=0.0, watcher=watch, keep_interrupted=False)  # fmt: skip
    singular = np.linalg.svd(A, compute_uv=False)
    common = {"sigma": cell["sigma"], "model": cell["model"], "kappa": float(singular[0] / singular[-1])}
    signal = found.guarantees.extra.get("recovery", {})
    last = found.final if found.final is not None and found.final.proved else found
    after = last.guarantees.extra.get("recovery", {})
    stop = found.guarantees.early_stopping_iteration
    summary: dict[str, Any] = {
        **common, "kind": "summary", "verdict": str(found.verdict), "certified_at": found.iteration,
        "iterations": found.run.iterations, "loss": float(found.run.history.loss[-1]),
        "tau_star": None if stop is None else found.iteration + stop,
        "error": errors[-1][2], "best_error": min(e[2] for e in errors),
        "restricted_injectivity": str(signal.get("restricted_injectivity", {}).get("verdict", "undecided")),
        "proved": _relative((after.get("sharp") or {}).get("error") or last.guarantees.recovery_error, size),
        "noise": float(np.linalg.norm(fitted @ (problem.y - A @ x_true))) / observed,
        "reason": "" if found.proved else next((h.reason for h in found.hypotheses if str(h.verdict) != "proved"), ""),
    }  # fmt: skip
    rows = [summary]
    rows += [
        {**common, "kind": "curve", "curve": "run", "iteration": t, "data_error": d, "signal_error": e}
        for t, d, e in errors
    ]
    for name, cert in (("first", found), ("last", last)):
        rows += _envelope(common, name, cert, found.run.iterations, observed)
    return rows


def _relative(bound: Any, size: float) -> float | None:
    value = upper(bound)
    return None if value is None else value / size


def _envelope(common: Mapping[str, Any], name: str, cert: Any, end: int, observed: float) -> list[dict[str, Any]]:
    from dipproofs.report.series import envelope_curve

    curve = envelope_curve(cert, max(end, cert.iteration + max(1, end // 8))) if cert.proved else None
    if curve is None:
        return []
    few = np.unique(np.linspace(0, curve.x.size - 1, 60).astype(int))
    return [
        {**common, "kind": "curve", "curve": name, "iteration": int(x), "data_error": float(np.sqrt(2 * y)) / observed}
        for x, y in zip(curve.x[few], curve.y[few])
    ]


def figures(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Draw the curves of every blur and generator."""
    sigmas = levels([row for row in rows if row.get("kind") != unseen.KIND], "sigma")
    with style():
        figure, axes = panels(len(MODELS), len(sigmas), 2.7, 2.5)
        for i, model in enumerate(MODELS):
            for j, sigma in enumerate(sigmas):
                _panel(axes[i][j], chosen(rows, model=model, sigma=sigma))
                axes[i][j].set_title(_title(rows, model, sigma), fontsize=8.5)
            axes[i][0].set_ylabel("relative error")
        for place in axes[-1]:
            place.set_xlabel("iteration τ + 1")
        names: dict[str, Any] = {}
        for place in axes.ravel():
            names |= {label: handle for handle, label in zip(*place.get_legend_handles_labels())}
        figure.legend(names.values(), names.keys(), loc="outside upper center", ncols=3,
                      columnspacing=1.2, handlelength=1.6)  # fmt: skip
    return {"errors": figure}


def _title(rows: Sequence[dict[str, Any]], model: str, sigma: float) -> str:
    kappa = chosen(rows, model=model, sigma=sigma)[0]["kappa"]
    return f"{model}, σ = {sigma:g}, κ = {kappa:.3g}"


def _panel(place: Any, rows: Sequence[dict[str, Any]]) -> None:
    run = chosen(rows, kind="curve", curve="run")
    x = [r["iteration"] + 1 for r in run]
    place.plot(x, [r["data_error"] for r in run], color=OBSERVED, label="data error ‖Π(y_τ − y)‖")
    place.plot(x, [r["signal_error"] for r in run], color=OTHER, label="signal error")
    for name, line in (("first", "--"), ("last", ":")):
        points = chosen(rows, kind="curve", curve=name)
        place.plot([r["iteration"] + 1 for r in points], [r["data_error"] for r in points], line, color=GUARANTEED,
                   label="certified envelope of the data error" if name == "first" and points else None)  # fmt: skip
    summary = chosen(rows, kind="summary")[0]
    if summary["tau_star"] is not None:
        place.axvline(summary["tau_star"] + 1, color=CERTIFIED, linewidth=1.2, linestyle="-.", label="τ*")
    if summary["proved"] is not None and summary["proved"] < 30:
        place.axhline(summary["proved"], color=CERTIFIED, linewidth=1, label="proved signal error at the end")
    place.axhline(summary["noise"], color=INK, linewidth=0.8, linestyle=(0, (1, 2)), label="noise ‖Πε‖")
    decades(place.xaxis)
    decades(place.yaxis)


def result(rows: Sequence[dict[str, Any]]) -> str:
    """Give one line for each blur and generator."""
    parts = ["| generator | σ | κ(A) | verdict | certified at | τ* | iterations | signal error (best on the way) | "
             "restricted injectivity | proved signal error at the end |", "|" + "---|" * 10]  # fmt: skip
    for r in chosen(rows, kind="summary"):
        tau = "–" if r["tau_star"] is None else str(r["tau_star"])
        proved = "–" if r["proved"] is None else f"{r['proved']:.3g}"
        parts.append(
            f"| {r['model']} | {r['sigma']:g} | {r['kappa']:.3g} | {r['verdict']} | "
            f"{r['certified_at'] if r['verdict'] == 'proved' else '–'} | {tau} | {r['iterations']} | "
            f"{r['error']:.3f} ({r['best_error']:.3f}) | {r['restricted_injectivity']} | {proved} |"
        )
    summaries = chosen(rows, kind="summary")
    wrong = [r for r in summaries if r["proved"] is not None and r["proved"] < r["error"] * (1 - 1e-9)]
    parts += [
        "",
        f"Proved bounds below the true error: {len(wrong)} of {sum(r['proved'] is not None for r in summaries)}.",
    ]
    late = []
    for r in summaries:
        if r["tau_star"] is not None:
            run = chosen(rows, kind="curve", curve="run", model=r["model"], sigma=r["sigma"])
            first = next((c["iteration"] for c in run if c["data_error"] <= r["noise"]), None)
            if first:
                late.append(r["tau_star"] / first)
    if late:
        parts.append(
            f"τ* is {np.median(late):.2g} times (median) the first watched iteration at which the data error itself "
            "is at most ‖Πε‖."
        )
    return "\n".join([*parts, "", unseen.result(rows)]).strip()
