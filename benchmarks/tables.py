"""Width tables: cells per second, and the ratio to bisection with SymPy's subs/evalf.

Run: ``python benchmarks/tables.py``. Prints one JSON object; timings are wall-clock seconds of this machine.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from dipproofs.tables import make_table
from dipproofs.tables.cells import INPUTS, WidthCell, ball_inputs, exact_inputs
from dipproofs.tables.losses import named_loss
from dipproofs.tables.width import smallest_widths
from dipproofs.theory.symbols import width as k
from dipproofs.theory.width import WIDTH_BOUNDS
from dipproofs.theory.width.symbols import required

GRID = {
    "n": "10:100000:x10",
    "m": "5,50,500,5000",
    "kappa": "1:1000:x5",
    "noise": "0,0.1",
    "delta": "0.01,0.05",
    "form": "paper,integral,concave,residual",
    "q": "0.5,1",
    "bound": "baseline,block,split",
}
SAMPLE = {"n": "10,1000", "m": "5,50", "kappa": "1,10", "form": "concave", "bound": "block"}


def sympy_width(cell: WidthCell) -> int:
    """Find the width as a person would with the SymPy expressions: bisection on the integers, subs and evalf."""
    import sympy as sp

    (condition,) = WIDTH_BOUNDS[cell.bound].conditions(cell.train, cell.form, cell.profile, cell.law)
    loss = named_loss(cell.loss)
    balls = ball_inputs(exact_inputs(cell, loss), cell)
    known = {s: sp.Float(value.mid().str(25, radius=False), 25) for s, value in zip(INPUTS, balls)}
    margin = condition.integral - required
    for symbol, expr in reversed([*condition.steps, *loss.required.steps]):
        margin = margin.subs(symbol, expr)

    def holds(width: int) -> bool:
        return bool(margin.subs(known).subs(k, width).evalf(15) > 0)

    high = 1
    while not holds(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def main() -> None:
    """Time the grid and the sample."""
    start = time.perf_counter()
    grid = make_table("width", **GRID)
    seconds = time.perf_counter() - start
    sample = [_cell(record) for record in make_table("width", **SAMPLE).records]
    start = time.perf_counter()
    ours = smallest_widths(sample)
    per_cell = (time.perf_counter() - start) / len(sample)
    start = time.perf_counter()
    theirs = [sympy_width(cell) for cell in sample]
    sympy_per_cell = (time.perf_counter() - start) / len(sample)
    agree = all(abs(ours[cell].k - width) <= 1 for cell, width in zip(sample, theirs))
    cells = len(grid.records)
    print(
        json.dumps(
            {
                "cells": cells,
                "seconds": round(seconds, 2),
                "cells_with_a_width": sum(r["k"] is not None for r in grid.records),
                "milliseconds_per_cell": round(1000 * seconds / cells, 3),
                "sample_cells": len(sample),
                "sample_milliseconds_per_cell": round(1000 * per_cell, 3),
                "sympy_milliseconds_per_cell": round(1000 * sympy_per_cell, 1),
                "ratio_grid": round(sympy_per_cell / (seconds / cells)),
                "ratio_sample": round(sympy_per_cell / per_cell),
                "same_widths": agree,
            },
            indent=1,
        )
    )


def _cell(record: Mapping[str, Any]) -> WidthCell:
    words = ("n", "m", "d", "loss", "form", "train", "activation", "law", "profile", "bound")
    numbers = {key: Fraction(str(record[key])) for key in ("kappa", "noise", "q", "delta")}
    return WidthCell(**{key: record[key] for key in words}, **numbers, y_norm=None)


if __name__ == "__main__":
    main()
