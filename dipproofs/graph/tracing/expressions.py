"""Scalar expressions in one variable, as tracing meets them entry by entry; evaluated in floats."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from scipy.special import erf, erfc, expit, logit


class Expr:
    """A node of an expression; equal expressions are the same object (`make`)."""

    __slots__ = ("__dict__", "args", "op", "value")
    _known: ClassVar[dict[tuple[Any, ...], Expr]] = {}

    def __init__(self, op: str, args: tuple[Expr, ...], value: float | None) -> None:
        self.op, self.args, self.value = op, args, value

    @classmethod
    def make(cls, op: str, *args: Expr, value: float | None = None) -> Expr:
        """Return the expression; operations on constants are done."""
        if op not in ("x", "constant") and args and all(a.op == "constant" for a in args):
            return constant(float(OPERATORS[op](*[np.float64(a.value or 0.0) for a in args])))
        if op in ("ne", "eq") and args[0] is args[1]:  # a test for NaN
            return constant(float(op == "eq"))
        if op == "select" and args[0].op == "constant":
            return args[2] if args[0].value else args[1]
        key = (op, tuple(map(id, args)), None if value is None else (value, math.copysign(1.0, value)))
        found = cls._known.get(key)
        if found is None:
            found = cls._known[key] = cls(op, args, value)
        return found

    @cached_property
    def nodes(self) -> tuple[Expr, ...]:
        """All parts, arguments before what uses them."""
        seen: dict[int, Expr] = {}
        for arg in self.args:
            seen.update((id(e), e) for e in arg.nodes)
        seen[id(self)] = self
        return tuple(seen.values())

    @cached_property
    def affine(self) -> tuple[float, float] | None:
        """(a, c) if the expression is a·x + c by its form, else None."""
        if self.op == "x":
            return 1.0, 0.0
        if self.op == "constant":
            return 0.0, float(self.value or 0.0)
        parts = [arg.affine for arg in self.args]
        if any(p is None for p in parts):
            return None
        (a, c), (b, d) = [*parts, (0.0, 0.0)][:2]  # type: ignore[misc]
        if self.op == "neg":
            return -a, -c
        if self.op in ("add", "sub"):
            s = 1 if self.op == "add" else -1
            return a + s * b, c + s * d
        if self.op == "mul" and 0.0 in (a, b):
            return (a * d, c * d) if b == 0 else (b * c, d * c)
        if self.op == "div" and b == 0 and d != 0:
            return a / d, c / d
        return None

    def constants(self) -> list[float]:
        """Return the finite constants in it."""
        found = {float(e.value or 0.0) for e in self.nodes if e.op == "constant"}
        return sorted(c for c in found if math.isfinite(c))

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Return the values at some points (NaN and infinities where they arise)."""
        values: dict[int, Any] = {}
        with np.errstate(all="ignore"):
            for e in self.nodes:
                if e.op == "x":
                    values[id(e)] = points
                elif e.op == "constant":
                    values[id(e)] = np.full(points.shape, e.value)
                else:
                    values[id(e)] = OPERATORS[e.op](*[values[id(a)] for a in e.args])
        return np.asarray(values[id(self)], dtype=np.float64)


def constant(value: float) -> Expr:
    """Return a constant."""
    return Expr.make("constant", value=float(value))


X = Expr.make("x")


def cuts(expr: Expr) -> Iterator[Expr]:
    """Yield the parts through which every way from the top to the variable goes, innermost first."""
    varying = [e for e in expr.nodes if any(n.op == "x" for n in e.nodes)]
    for part in varying:
        if part.op == "x" or not _reaches_around(expr, part):
            yield part


def _reaches_around(expr: Expr, part: Expr) -> bool:
    stack, seen = [expr], set()
    while stack:
        e = stack.pop()
        if e is part or id(e) in seen:
            continue
        if e.op == "x":
            return True
        seen.add(id(e))
        stack.extend(e.args)
    return False


def _truth(a: Any) -> Any:
    return np.asarray(a) != 0


def _power(a: Any, b: Any) -> Any:
    return np.power(a, b)


#: Float meaning of every operator; comparisons give 0 or 1. `select` is (condition, if false, if true).
OPERATORS: dict[str, Callable[..., Any]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "neg": np.negative,
    "pow": _power,
    "square": np.square,
    "reciprocal": lambda a: 1.0 / a,
    "exp": np.exp,
    "exp2": np.exp2,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "tanh": np.tanh,
    "sigmoid": expit,
    "logit": logit,
    "erf": erf,
    "erfc": erfc,
    "sin": np.sin,
    "cos": np.cos,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "asinh": np.arcsinh,
    "atan": np.arctan,
    "sqrt": np.sqrt,
    "rsqrt": lambda a: 1.0 / np.sqrt(a),
    "abs": np.abs,
    "sign": np.sign,
    "max": np.maximum,
    "min": np.minimum,
    "gt": lambda a, b: np.greater(a, b) * 1.0,
    "ge": lambda a, b: np.greater_equal(a, b) * 1.0,
    "lt": lambda a, b: np.less(a, b) * 1.0,
    "le": lambda a, b: np.less_equal(a, b) * 1.0,
    "eq": lambda a, b: np.equal(a, b) * 1.0,
    "ne": lambda a, b: np.not_equal(a, b) * 1.0,
    "and": lambda a, b: (_truth(a) & _truth(b)) * 1.0,
    "or": lambda a, b: (_truth(a) | _truth(b)) * 1.0,
    "not": lambda a: (~_truth(a)) * 1.0,
    "is_finite": lambda a: np.isfinite(a) * 1.0,
    "select": lambda p, a, b: np.where(_truth(p), b, a),
}
#: Where slopes may jump.
KINKS = ("abs", "sign", "max", "min", "gt", "ge", "lt", "le", "eq", "ne", "select")
#: Operators whose value is true or false.
LOGIC = ("gt", "ge", "lt", "le", "eq", "ne", "and", "or", "not", "is_finite")
