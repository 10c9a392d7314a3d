"""Experiment: probability of reaching loss 1e-7 against (k, n) and (k, m), for each train mode.

Problem: A Gaussian with condition number 3, x̄ ~ N(0, I), noiseless; tanh network, V uniform with variance 1.
Method: gradient descent on ½‖·‖², step 0.9/‖M‖².
Compared: runs that reach the tolerance; runs certified there or before; runs certified at initialisation.
Source: docs/theory.md §3, §6; arXiv 2403.05395, numerical section ("k linear in n, at least quadratic in m").
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dipproofs.experiments.charts import CERTIFIED, GUARANTEED, OBSERVED, heat, panels, style
from dipproofs.experiments.instances import Size
from dipproofs.experiments.measured import certified_text, chosen, levels, mean, measured_runs
from dipproofs.experiments.statistics import fitted_power, half_boundary, power_text
from dipproofs.sweeps.store import derived_seed

TOLERANCE = 1e-7
TRAIN = ("inner", "outer", "both")
_AXES = {"n": "signal length n", "m": "observations m"}


def cells(quick: bool, seed: int) -> list[dict[str, Any]]:
    """Return the grid: n at fixed m, m at fixed n; the same seeds in every cell."""
    widths: dict[str, tuple[int, ...]]
    if quick:
        sizes = {"n": [(n, 4) for n in (8, 16, 32)], "m": [(16, m) for m in (2, 4, 8)]}
        widths, seeds, most = dict.fromkeys(TRAIN, (2, 4, 8, 16, 64, 256)), 5, 5000
    else:
        sizes = {"n": [(n, 4) for n in (8, 16, 32, 64)], "m": [(32, m) for m in (2, 4, 8, 16)]}
        widths = {
            "inner": (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 128, 256, 1024),
            "outer": (1, 2, 8, 64, 512),
            "both": (1, 2, 4, 8, 32, 64, 128, 256, 512, 1024),
        }
        seeds, most = 20, 20000
    return [
        {
            "axis": axis, "n": n, "m": m, "k": k, "train": train, "max_iterations": most,
            "seeds": [derived_seed(seed, "overparametrization", i) for i in range(seeds)],
        }
        for axis, pairs in sizes.items() for train in TRAIN for n, m in pairs for k in widths[train]
    ]  # fmt: skip


def run_cell(cell: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Run all seeds of a cell and certify them."""
    size = Size(cell["n"], cell["m"], cell["k"], cell["train"])
    rows = measured_runs(size, cell["seeds"], cell["max_iterations"], TOLERANCE)
    return [{"axis": cell["axis"], **row} for row in rows]


def boundaries(rows: Sequence[dict[str, Any]], axis: str, train: str, column: str) -> tuple[list[int], list[float]]:
    """Return the sizes along an axis and the width at which a frequency crosses ½ at each."""
    some = chosen(rows, axis=axis, train=train)
    sizes, widths = levels(some, axis), levels(some, "k")
    found = []
    for size in sizes:
        frequency = [mean([r for r in some if r[axis] == size and r["k"] == k], column) for k in widths]
        found.append(half_boundary(widths, frequency))
    return sizes, found


def figures(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Draw the frequency over the grid with the three boundaries."""
    drawn = {}
    rows = [{**row, "anytime": int(bool(row["certified"]))} for row in rows]
    with style():
        for axis in _AXES:
            figure, axes = panels(1, 3, 3.1, 3.6)
            image: Any = None
            for place, train in zip(axes[0], TRAIN):
                some = chosen(rows, axis=axis, train=train)
                sizes, widths = levels(some, axis), levels(some, "k")
                values = np.array(
                    [[mean([r for r in some if r[axis] == s and r["k"] == k], "reached") for s in sizes]
                     for k in widths]
                )  # fmt: skip
                image = heat(place, sizes, widths, values, f"train = {train}")
                for column, colour, line, label in (
                    ("reached", OBSERVED, "-", "half of the runs reach 1e-7"),
                    ("anytime", CERTIFIED, "--", "half are certified on the way"),
                    ("certified_start", GUARANTEED, ":", "half are certified at the start"),
                ):
                    _, border = boundaries(rows, axis, train, column)
                    height = [_position(widths, value) for value in border]
                    place.plot(range(len(sizes)), height, line, color=colour, marker="o", markersize=4, label=label)
                place.set_ylim(-0.5, len(widths) - 0.5)
                place.set_xlabel(_AXES[axis])
            axes[0][0].set_ylabel("width k")
            figure.colorbar(image, ax=list(axes[0]), label="frequency of reaching 1e-7", pad=0.015)
            figure.legend(*axes[0][0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
            drawn[f"k-{axis}"] = figure
    return drawn


def _position(widths: Sequence[int], value: float) -> float:
    """Place a width on an axis that shows the grid's widths at 0, 1, 2, …."""
    if not np.isfinite(value):
        return float("nan")
    return float(np.interp(np.log(value), np.log(widths), np.arange(len(widths))))


def result(rows: Sequence[dict[str, Any]]) -> str:
    """Say where the boundaries lie, how they grow, and what was certified."""
    parts = [certified_text(rows), "", "Width k at which half of the runs succeed:", ""]
    parts += [
        "| train | along | reaches 1e-7 | growth | certified at the start | growth |",
        "|---|---|---|---|---|---|",
    ]
    for axis in _AXES:
        for train in TRAIN:
            line = f"| {train} | "
            for position, column in enumerate(("reached", "certified_start")):
                sizes, border = boundaries(rows, axis, train, column)
                if position == 0:
                    line += f"{axis} = {', '.join(map(str, sizes))} | "
                smallest = levels(chosen(rows, axis=axis, train=train), "k")
                texts = [_width_text(value, smallest) for value in border]
                inside = [smallest[0] < value < np.inf for value in border]
                fit = (
                    fitted_power(*zip(*[p for p, ok in zip(zip(sizes, border), inside) if ok])) if any(inside) else None
                )
                line += f"{', '.join(texts)} | {f'{axis}^({power_text(fit)})' if fit else '–'} | "
            parts.append(line.strip())
    parts += ["", _verdict(rows)]
    return "\n".join(parts)


def _width_text(value: float, widths: Sequence[int]) -> str:
    if value == widths[0]:
        return f"≤ {widths[0]}"
    return f"> {widths[-1]}" if not np.isfinite(value) else f"{value:.3g}"


def _verdict(rows: Sequence[dict[str, Any]]) -> str:
    """Hold the paper's reading of its experiment against the fitted exponents."""
    found = {}
    for axis in _AXES:
        sizes, border = boundaries(rows, axis, "inner", "reached")
        smallest = min(row["k"] for row in chosen(rows, train="inner"))
        pairs = [(s, b) for s, b in zip(sizes, border) if smallest < b < np.inf]
        found[axis] = fitted_power(*zip(*pairs)) if len(pairs) > 2 else None
    if found["n"] is None or found["m"] is None:
        return "The grid is too small to fit how the boundary grows."
    say = {}
    for axis, claimed in (("n", 1.0), ("m", 2.0)):
        slope, error = found[axis] or (math.nan, math.nan)
        say[axis] = "consistent with" if abs(slope - claimed) <= max(3 * error, 0.25) else "not"
    return (
        f"With the inner layer trained, the boundary of reaching the tolerance grows like n^({power_text(found['n'])}) "
        f"at fixed m ({say['n']} linear in n) and like m^({power_text(found['m'])}) at fixed n ({say['m']} quadratic "
        "in m). W moves only along u, so at least m hidden units are needed there; with the outer layer trained, "
        "the map is onto for every k with φ(a) ≠ 0."
    )
