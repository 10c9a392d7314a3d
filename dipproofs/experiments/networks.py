"""Experiment: curvature bounds of convolutional networks against lower estimates, over depth and width.

Problem: an 8×8 photograph, a quarter of its pixels seen; 1 to 4 convolutions, with SiLU and LeakyReLU.
Method: gradient descent until an iterate is certified, then a Gauss–Newton polish; at the polished point the bound of
ℓ_A, its best lower estimate (power iteration on difference quotients of the Jacobian), and the units with a kink.
Compared: the bound over the lower estimate; the residual that the bound asks for, s_A²/(2ℓ_A), and the iteration at
which gradient descent reaches a certificate. The bound is proved, the lower estimate and the runs are observed.
Source: docs/theory-graphs.md §3, §5, §7.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dipproofs.experiments.charts import CYCLE, MARKS, panels, style
from dipproofs.experiments.measured import chosen, levels, median
from dipproofs.experiments.photographs import photograph_problem
from dipproofs.sweeps.store import derived_seed

SIDE, SEEN = 8, 16
ACTIVATIONS = ("silu", "leaky-relu")


def cells(quick: bool, seed: int) -> list[dict[str, Any]]:
    """Return a cell for each activation, depth, width and seed."""
    depths, widths = ((1, 2), (4,)) if quick else ((1, 2, 3, 4), (4, 8))
    return [
        {"activation": activation, "depth": depth, "width": width, "seed": derived_seed(seed, "networks", i) % 10**6,
         "max_iterations": 2000 if quick else 10_000}
        for activation in ACTIVATIONS for depth in depths for width in widths for i in range(1)
    ]  # fmt: skip


def run_cell(cell: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Run gradient descent, certify, polish and bound."""
    from dipproofs.certify.api import certify
    from dipproofs.enclosures import IntervalMatrix, sigma_min
    from dipproofs.networks import Convolutional
    from dipproofs.networks.graph_network.ball import bound_nodes
    from dipproofs.networks.graph_network.kinks import examine_kinks
    from dipproofs.networks.graph_network.observe import observe
    from dipproofs.networks.graph_network.point import Point
    from dipproofs.networks.graph_network.polish import polish
    from dipproofs.networks.graph_network.quantities import efforts

    problem = photograph_problem("inpainting", SIDE, 0.0, cell["seed"], rows=SEEN)
    network = Convolutional.init(
        (SIDE, SIDE), channels=cell["width"], depth=cell["depth"], activation=cell["activation"], normalise="none",
        seed=cell["seed"] + 1,
    )  # fmt: skip
    found = certify(problem, network, stop="certified", max_iterations=cell["max_iterations"], keep_interrupted=False)
    A = problem.operator.to_dense()
    polished = polish(found.run.network, A, problem.y)
    point = Point.enclose(polished.network.graph, dict(polished.network.values))
    ball = bound_nodes(point, 1e-12, efforts(point)[-1])
    observed, kinks = observe(ball, IntervalMatrix.from_exact(A)), examine_kinks(ball)
    sigma = max(sigma_min(IntervalMatrix.from_exact(observed.jacobian)).lower - observed.error, 0.0)
    return [
        {
            "activation": cell["activation"], "depth": cell["depth"], "width": cell["width"], "seed": cell["seed"],
            "parameters": network.parameter_count, "verdict": str(found.verdict),
            "certified_at": found.iteration if found.proved else None, "iterations": found.run.iterations,
            "bound": observed.lipschitz, "lower": lower_estimate(polished.network, A),
            "needed": sigma**2 / 2 / observed.lipschitz if observed.lipschitz > 0 else None,
            "residual_at_end": float(np.sqrt(2 * found.run.history.loss[-1])), "residual_polished": polished.residual,
            "moved": polished.moved, "kinks": kinks.units, "margin": kinks.margin * 1e-12 if kinks.units else None,
        }
    ]  # fmt: skip


def lower_estimate(network: Any, A: np.ndarray, rounds: int = 12, starts: int = 3) -> float:
    """Return the best value of ‖(M(θ+hv) − M(θ−hv))w‖/2h found by power iteration; evidence estimated.

    Args:
        network: a `GraphNetwork`, h = 1e-7: far below the distance of units from their kinks. A: (m, n).
        rounds: steps from one start, at the most. starts: the directions in which M is largest, and a random one.
    """
    from dipproofs.networks.graph_network.point import Point
    from dipproofs.networks.graph_network.reverse import jacobian_rows

    names, rng, best = list(network.values), np.random.default_rng(0), 0.0
    theta = np.concatenate([network.values[name].ravel() for name in names])
    cuts = np.cumsum([network.values[name].size for name in names])[:-1]
    step = 1e-7

    def jacobian(at: np.ndarray) -> np.ndarray:
        parts = np.split(at, cuts)
        values = {name: part.reshape(network.values[name].shape) for name, part in zip(names, parts)}
        return jacobian_rows(Point.estimate(network.graph, values), network.graph.output, A)

    largest = np.linalg.svd(jacobian(theta), full_matrices=False)[2][: max(starts - 1, 0)]
    for v in [*largest, rng.standard_normal(theta.size)]:
        found = 0.0
        for _ in range(rounds):
            v = v / np.linalg.norm(v)
            quotient = (jacobian(theta + step * v) - jacobian(theta - step * v)) / (2 * step)
            _, sizes, right = np.linalg.svd(quotient, full_matrices=False)
            stalled, found = sizes[0] < 1.002 * found, max(found, float(sizes[0]))
            if stalled:
                break
            v = v + np.sign(v @ right[0] or 1.0) * right[0]
        best = max(best, found)
    return best


def quotient(row: Mapping[str, Any]) -> float | None:
    """Bound over lower estimate."""
    return row["bound"] / row["lower"] if row["lower"] else None


def figures(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Draw quotient, residual asked for, and iteration of the certificate against depth."""
    shown = (
        ("bound of ℓ_A / lower estimate", "linear", quotient),
        ("residual asked for, s_A²/2ℓ_A", "log", lambda row: row["needed"]),
        ("iteration of the first certificate", "linear", lambda row: row["certified_at"]),
    )
    with style():
        figure, axes = panels(1, len(shown), 3.3, 3.0)
        for place, (label, scale, value) in zip(axes[0], shown):
            kinds = [(a, w) for a in ACTIVATIONS for w in levels(rows, "width")]
            for colour, mark, (activation, width) in zip(CYCLE, MARKS, kinds):
                some = chosen(rows, activation=activation, width=width)
                points = [(d, median(map(value, chosen(some, depth=d)))) for d in levels(some, "depth")]
                known = [(d, y) for d, y in points if y is not None]
                place.plot([d for d, _ in known], [y for _, y in known], color=colour, marker=mark, markersize=4,
                           label=f"{activation}, width {width}")  # fmt: skip
            place.set_yscale(scale)
            if scale == "linear":
                place.set_ylim(bottom=0)
            place.set_xticks([int(d) for d in levels(rows, "depth")])
            place.set(xlabel="convolutions", ylabel=label)
        axes[0][0].legend(fontsize=8)
    return {"depth": figure}


def result(rows: Sequence[dict[str, Any]]) -> str:
    """Give one line for each activation, width and depth: medians over the seeds."""
    parts = ["| activation | convolutions | width | parameters | bound / lower estimate | residual asked for | "
             "certified | at iteration | units with a kink, nearest (distance) |", "|" + "---|" * 9]  # fmt: skip
    for activation in ACTIVATIONS:
        for depth in levels(rows, "depth"):
            for width in levels(rows, "width"):
                some = chosen(rows, activation=activation, depth=depth, width=width)
                if some:
                    parts.append(_line(some))
    proved = [r for r in rows if r["verdict"] == "proved"]
    wrong = [r for r in rows if r["lower"] > r["bound"] * (1 + 1e-6)]
    parts += ["", f"Lower estimates above the proved bound: {len(wrong)} of {len(rows)}. Certified by gradient descent "
              f"alone: {len(proved)} of {len(rows)}; after the polish the residual is at most "
              f"{max(r['residual_polished'] for r in rows):.1e}."]  # fmt: skip
    return "\n".join(parts)


def _line(some: Sequence[dict[str, Any]]) -> str:
    first = some[0]
    proved = [r for r in some if r["verdict"] == "proved"]
    at = "–" if not proved else f"{np.median([r['certified_at'] for r in proved]):.0f}"
    ratio, needed = median(map(quotient, some)), median(row["needed"] for row in some)
    margins = [r["margin"] for r in some if r["margin"] is not None]
    kinks = f"{first['kinks']}, {min(margins):.1e}" if margins else "–"
    return (
        f"| {first['activation']} | {first['depth']} | {first['width']} | {first['parameters']} | "
        f"{'–' if ratio is None else f'{ratio:.1f}'} | {'–' if needed is None else f'{needed:.1e}'} | "
        f"{len(proved)} of {len(some)} | {at} | {kinks} |"
    )
