"""Turn a chain of entrywise operations into nodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from dipproofs.errors import InputError
from dipproofs.graph.build import GraphBuilder
from dipproofs.graph.tracing import permutations
from dipproofs.graph.tracing.expressions import Expr
from dipproofs.graph.tracing.match import elementary, elu_like, piecewise_linear
from dipproofs.theory.elementary import PIECEWISE, PiecewiseLinear

if TYPE_CHECKING:
    from dipproofs.graph.tracing.algebra import Tracer


def place_of(tracer: Tracer, source: int, expr: Expr) -> int:
    """Return a node that holds the expression of a node's entries.

    Raises:
        InputError: no operations of the graph compute it.
    """
    b = tracer.builder
    if expr.op == "x":
        return source
    if expr.op == "constant":
        return b.constant(np.full(b.shape(source), expr.value))
    if expr.affine is not None:
        return _affine(tracer, source, *expr.affine)
    pieces = piecewise_linear(expr)
    if pieces is not None:
        return permutations.entrywise(b, source, lambda x: b.piecewise(x, pieces))
    known = elementary(expr)
    if known is not None:
        name, inner, a, d = known
        x = permutations.entrywise(b, place_of(tracer, source, inner), lambda x: b.entrywise(x, name))
        return _affine(tracer, x, a, d)
    corner = elu_like(expr)
    if corner is not None:
        return _elu(tracer, source, *corner)
    return _by_structure(tracer, source, expr)


def _affine(tracer: Tracer, x: int, a: float, c: float) -> int:
    b = tracer.builder
    return permutations.entrywise(b, x, lambda y: b.shift(b.scale(y, a), c))


def _elu(tracer: Tracer, source: int, b: float, s: float, p: float, d: float) -> int:
    def nodes(x: int) -> int:
        g = tracer.builder
        smooth = g.scale(g.entrywise(g.scale(x, b), "elu"), s)
        corner = g.piecewise(x, PiecewiseLinear((0.0,), (0.0, p)))
        return g.shift(g.add(smooth, corner) if p else smooth, d)

    return permutations.entrywise(tracer.builder, source, nodes)


def _by_structure(tracer: Tracer, source: int, expr: Expr) -> int:
    b = tracer.builder
    rule = _RULES.get(expr.op)
    if rule is None:
        raise InputError(
            f"trace: found the entrywise operation {expr.op} in a form that is not continuous or not known, expected"
            f" one of the functions of docs/reference/graph-format.md; use one of those"
        )
    if rule == "unary":
        x = place_of(tracer, source, expr.args[0])
        return permutations.entrywise(b, x, lambda y: _UNARY[expr.op](b, y))
    if expr.op == "pow":
        return _power(tracer, source, expr)
    if expr.op == "mul" and expr.args[0] is expr.args[1]:
        x = place_of(tracer, source, expr.args[0])
        return permutations.entrywise(b, x, lambda y: b.entrywise(y, "square"))
    first, second = (tracer.lazy(place_of(tracer, source, part)) for part in expr.args)
    return tracer.place(tracer.nodes_of(expr.op, first, second))


def _power(tracer: Tracer, source: int, expr: Expr) -> int:
    base, exponent = expr.args
    n = exponent.value
    if exponent.op != "constant" or n is None:
        raise InputError("trace: found a power with a trained exponent, expected a number; use exp and log")
    b, x = tracer.builder, place_of(tracer, source, base)
    if n == int(n) and 3 <= n <= 16:
        return permutations.entrywise(b, x, lambda y: _whole_power(tracer, y, int(n)))
    named = {2.0: "square", 0.5: "sqrt", -0.5: "rsqrt", -1.0: "reciprocal"}
    if n in named:
        return permutations.entrywise(b, x, lambda y: b.entrywise(y, named[n]))
    if n == int(n) and -16 <= n < -1:
        return permutations.entrywise(b, x, lambda y: b.entrywise(_whole_power(tracer, y, -int(n)), "reciprocal"))

    def general(y: int) -> int:
        return b.entrywise(b.scale(b.entrywise(y, "log"), n), "exp")

    return permutations.entrywise(b, x, general)


def _whole_power(tracer: Tracer, x: int, n: int) -> int:
    b = tracer.builder
    if n == 1:
        return x
    half = _whole_power(tracer, x, n // 2)
    squared = b.entrywise(half, "square")
    return squared if n % 2 == 0 else b.product(squared, x)


def _named(name: str) -> Callable[[GraphBuilder, int], int]:
    return lambda b, x: b.entrywise(x, name)


ROOTS = ("sqrt", "rsqrt", "square", "reciprocal")
#: Operators that are elementary functions by themselves.
NAMED = ("exp", "log", "tanh", "sigmoid", "erf", "sin", "cos", "sinh", "cosh", "asinh", "atan", *ROOTS)
_UNARY: dict[str, Callable[[GraphBuilder, int], int]] = {
    **{name: _named(name) for name in NAMED},
    "neg": lambda b, x: b.scale(x, -1.0),
    "abs": lambda b, x: b.piecewise(x, PIECEWISE["abs"]),
    "log1p": lambda b, x: b.entrywise(b.shift(x, 1.0), "log"),
    "expm1": lambda b, x: b.shift(b.entrywise(x, "exp"), -1.0),
    "exp2": lambda b, x: b.entrywise(b.scale(x, float(np.log(2.0))), "exp"),
    "erfc": lambda b, x: b.shift(b.scale(b.entrywise(x, "erf"), -1.0), 1.0),
}
_RULES: dict[str, str] = {
    **dict.fromkeys(_UNARY, "unary"),
    **dict.fromkeys(("add", "sub", "mul", "div", "max", "min", "pow"), "binary"),
}
