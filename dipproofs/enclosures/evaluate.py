"""From a SymPy expression to an enclosure: every formula of the theory evaluated in Arb ball arithmetic."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

import flint
import sympy

from dipproofs.enclosures.bound import Bound
from dipproofs.enclosures.evidence import Evidence
from dipproofs.enclosures.functions import Constant, Operation, operation_of
from dipproofs.errors import InputError

DEFAULT_BITS = 128


class ArbFunction:
    """A SymPy expression compiled to a list of Arb operations, common subexpressions shared.

    Args:
        symbols: The arguments, in order.
        expression: Expression in these symbols; no floating-point literal, no undefined function.

    Raises:
        InputError: A symbol has no value, a Float occurs, or a function has no enclosure.

    Notes:
        Works at the precision of `flint.ctx.prec` at the time of the call. Proved: a ball returned for balls
        contains the value at every point of them. A domain error (√ of a negative ball, division by a ball
        around 0) gives NaN or infinite balls, hence the whole line in `enclose`. Declared signs of symbols
        (`positive=True`) are taken as facts.

    Example:
        >>> import flint, sympy
        >>> x = sympy.Symbol("x", positive=True)
        >>> slope = compile_arb((x,), 1 - sympy.tanh(x) ** 2)
        >>> bool(slope(flint.arb(1)) > 0)
        True
    """

    def __init__(self, symbols: Sequence[sympy.Symbol], expression: sympy.Expr) -> None:
        self.symbols = tuple(symbols)
        self.expression = sympy.sympify(expression)
        self._tape: list[tuple[Operation, tuple[int, ...]]] = []
        self._register: dict[Any, int] = {symbol: place for place, symbol in enumerate(self.symbols)}
        self._output = self._compile(self.expression)

    def _compile(self, node: Any) -> int:
        known = self._register.get(node)
        if known is not None:
            return known
        if isinstance(node, sympy.Symbol):
            raise InputError(
                f"enclosure: found no value for the symbol {node}, expected one of "
                f"{', '.join(str(s) for s in self.symbols) or 'no symbols at all'}"
            )
        operation, arguments = operation_of(node)
        places = tuple(self._compile(argument) for argument in arguments)
        self._tape.append((operation, places))
        self._register[node] = len(self.symbols) + len(self._tape) - 1
        return self._register[node]

    def __call__(self, *values: flint.arb) -> flint.arb:
        if len(values) != len(self.symbols):
            raise InputError(f"enclosure: found {len(values)} values, expected {len(self.symbols)}")
        registers = [value if isinstance(value, flint.arb) else flint.arb(value) for value in values]
        for operation, places in self._tape:
            registers.append(operation(*[registers[place] for place in places]))
        result = registers[self._output]
        return result if isinstance(result, flint.arb) else flint.arb.nan()

    def batch(self, *columns: Sequence[flint.arb]) -> list[flint.arb]:
        """Evaluate at many points, one sequence of balls per symbol; faster than point by point."""
        length = len(columns[0]) if columns else 1
        registers: list[Any] = list(columns)
        for operation, places in self._tape:
            if isinstance(operation, Constant):
                registers.append([operation()] * length)
                continue
            inputs = [registers[place] for place in places]
            registers.append(list(map(operation, *inputs)))
        return list(registers[self._output])


@lru_cache(maxsize=4096)
def _compiled(symbols: tuple[sympy.Symbol, ...], expression: sympy.Expr) -> ArbFunction:
    return ArbFunction(symbols, expression)


def compile_arb(symbols: Iterable[sympy.Symbol], expression: sympy.Expr) -> ArbFunction:
    """Compile an expression to a function of Arb balls (cached).

    Args:
        symbols: The arguments, in order.
        expression: SymPy expression in them.

    Returns:
        A callable `(arb, …) -> arb`, see `ArbFunction`; `batch` evaluates it on lists.

    Raises:
        InputError: The expression has a Float, a free symbol or a function without enclosure.
    """
    return _compiled(tuple(symbols), sympy.sympify(expression))


def call(expression: sympy.Expr, values: Mapping[Any, Any]) -> flint.arb:
    """Evaluate an expression on Arb balls, given by symbol."""
    symbols = sorted_symbols(expression)
    return compile_arb(symbols, expression)(*[values[symbol] for symbol in symbols])


@cache
def sorted_symbols(expression: sympy.Expr) -> tuple[sympy.Symbol, ...]:
    """Return the symbols of an expression, by name."""
    return tuple(sorted(expression.free_symbols, key=str))


def enclose(
    expression: sympy.Expr,
    values: Mapping[sympy.Symbol, Bound] | None = None,
    bits: int = DEFAULT_BITS,
    max_bits: int = 4096,
) -> Bound:
    """Enclose the value of an expression over the intervals of its symbols.

    Args:
        expression: SymPy expression without Float.
        values: A `Bound` for every free symbol (others are ignored).
        bits: Working precision of Arb to begin with.
        max_bits: Precision at which to stop; it doubles as long as the ball is undefined or wider than a
            float and still shrinks.

    Returns:
        A Bound that contains the value at every point of the input intervals, with the weakest evidence of
        the inputs used. (−inf, inf) where the expression is not defined on the whole input.

    Raises:
        InputError: A symbol without value, a Float, an unsupported function, or a value that contradicts the
            symbol's declared sign.

    Notes:
        Proved (`docs/theory.md §8`; Arb: F. Johansson, IEEE Trans. Comput. 66, 2017).

    Example:
        >>> import sympy
        >>> q = sympy.Symbol("q", positive=True)
        >>> omega = enclose(2 * sympy.log(1 + q) / q - 1, {q: Bound.exact(1)})
        >>> omega.contains(0.38629436111989063), omega.relative_width < 1e-15
        (True, True)
    """
    expression = sympy.sympify(expression)
    given = values or {}
    symbols, evidence = _used(expression, given)
    function = compile_arb(symbols, expression)
    inputs_exact = all(given[symbol].is_point for symbol in symbols)
    before = math.inf
    while True:
        with flint.ctx.workprec(bits):
            ball = function(*[given[symbol].arb() for symbol in symbols])
            sharp = not ball.is_nan() and ball.rel_accuracy_bits() > 56
            result = Bound.from_arb(ball, evidence)
        radius = radius_of(ball)
        stalled = not inputs_exact and (radius > before / 2 or math.isfinite(radius))
        if sharp or stalled or radius == 0 or 2 * bits > max_bits:
            return result
        before, bits = radius, 2 * bits


def _used(expression: sympy.Expr, values: Mapping[sympy.Symbol, Bound]) -> tuple[tuple[sympy.Symbol, ...], Evidence]:
    """The free symbols in a fixed order and the weakest evidence of their values, after checking them."""
    symbols = tuple(sorted(expression.free_symbols, key=lambda s: (s.name, hash(s))))
    for symbol in symbols:
        if symbol not in values:
            raise InputError(f"enclosure: found no value for the symbol {symbol}, expected a Bound for it")
        value = values[symbol]
        if not isinstance(value, Bound):
            raise InputError(f"enclosure: found {value!r} for {symbol}, expected a Bound (use Bound.exact)")
        if (symbol.is_nonnegative and value.upper < 0) or (symbol.is_nonpositive and value.lower > 0):
            raise InputError(f"enclosure: found {value} for {symbol}, which contradicts its declared sign")
    return symbols, Evidence.weakest(values[symbol].evidence for symbol in symbols)


def radius_of(value: flint.arb) -> float:
    """Radius of a ball as a float (inf for NaN), for comparisons only."""
    return math.inf if value.is_nan() else float(value.rad())
