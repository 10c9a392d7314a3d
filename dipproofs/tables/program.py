"""A straight-line program of SymPy assignments, run in floats (to search) and in Arb (to verify)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import flint
import numpy as np
import sympy as sp

from dipproofs.enclosures import ArbFunction
from dipproofs.enclosures.floats import compile_floats


class Program:
    """Assignments (symbol, expression) evaluated in order; the value is the last one's.

    Args:
        inputs: symbols that the caller gives, in order.
        steps: assignments; each expression uses inputs and symbols assigned before.

    Example:
        >>> x, y = sp.symbols("x y", positive=True)
        >>> program = Program((x,), [(y, x**2), (sp.Symbol("z"), sp.sqrt(y + 1))])
        >>> float(program.floats(np.array([3.0]))[0]) == 10**0.5, bool(program.balls([flint.arb(3)]) > 3)
        (True, True)
    """

    def __init__(self, inputs: Sequence[sp.Symbol], steps: Sequence[tuple[sp.Symbol, sp.Expr]]) -> None:
        self.inputs = tuple(inputs)
        self.steps = tuple((symbol, sp.sympify(expr)) for symbol, expr in steps)
        self._floats: Callable[..., tuple[Any, ...]] | None = None
        self._balls: _Tape | None = None

    def floats(self, *values: Any) -> Any:
        """Evaluate on NumPy arrays or floats; NaN or inf where floating point fails, without a warning."""
        if self._floats is None:
            self._floats = compile_floats(self.inputs, self.steps)
        with np.errstate(all="ignore"):
            return self._floats(*map(np.asarray, values))[-1]

    def balls(self, values: Sequence[flint.arb]) -> flint.arb:
        """Evaluate on Arb balls at the precision in force; the result encloses the exact value."""
        if self._balls is None:
            self._balls = _Tape(self.inputs, self.steps)
        return self._balls(*values)

    def trace(self, values: Sequence[flint.arb]) -> Mapping[sp.Symbol, flint.arb]:
        """Evaluate on Arb balls and return every assigned symbol's ball."""
        return {symbol: _Tape(self.inputs, self.steps[: i + 1])(*values) for i, (symbol, _) in enumerate(self.steps)}


class _Tape(ArbFunction):
    """All assignments on one tape of Arb operations: a symbol stands for the register of its value."""

    def __init__(self, inputs: Sequence[sp.Symbol], steps: Sequence[tuple[sp.Symbol, sp.Expr]]) -> None:
        super().__init__(inputs, steps[0][1])
        for symbol, expr in steps:
            self._output = self._register[symbol] = self._compile(expr)
