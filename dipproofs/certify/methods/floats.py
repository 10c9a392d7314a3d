"""What proposes: chains of constants evaluated on floats, compiled once."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import sympy as sp

from dipproofs.enclosures.floats import compile_floats

#: What is proposed keeps this much slack, so that enclosures can confirm it.
MARGIN = 1e-6


@cache
def chain(constants: tuple[tuple[sp.Symbol, sp.Expr], ...], extra: tuple[sp.Expr, ...] = ()) -> tuple[Any, Any]:
    """Compile constants and further expressions: (symbols needed, function of them)."""
    made = {symbol for symbol, _ in constants}
    exprs = [expr for _, expr in constants] + list(extra)
    needed = tuple(sorted(set().union(*(e.free_symbols for e in exprs)) - made, key=str))
    return needed, compile_floats(needed, [*constants, *((None, e) for e in extra)])


def evaluate_floats(constants: Any, env: dict[Any, Any], extra: tuple[sp.Expr, ...] = ()) -> dict[Any, Any]:
    """Evaluate a chain on floats or arrays; the extra expressions come under their index."""
    needed, function = chain(constants, extra)
    with np.errstate(all="ignore"):
        values = function(*[np.asarray(env[symbol], dtype=np.float64) for symbol in needed])
    names = [symbol for symbol, _ in constants] + list(range(len(extra)))
    return {**env, **dict(zip(names, values, strict=True))}


def exactly(target: float) -> str:
    """Write a target so that reading it gives the same number: the count is proved for that number only."""
    short = f"{target:g}"
    return short if float(short) == target else repr(float(target))
