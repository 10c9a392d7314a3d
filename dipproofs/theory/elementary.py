"""Smooth scalar functions by name, for the nodes of computation graphs (docs/theory.md §4).

φ is what is meant; φ' and φ'' are derived from it, or stated in a form that encloses better and checked against it.
Where φ'' jumps (elu, softsign) it is the derivative of φ' almost everywhere: φ' is
Lipschitz, which is all that the theory uses.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import sympy as sp
from sympy.codegen.cfunctions import expm1

from dipproofs.theory.activations import ACTIVATIONS, x
from dipproofs.theory.activations.softplus import SOFTPLUS
from dipproofs.theory.core import later

#: Where a function is defined and smooth, in words.
DOMAINS = {"real": "all numbers", "positive": "numbers > 0", "nonzero": "numbers ≠ 0"}


@dataclass(frozen=True)
class Elementary:
    """A function φ of one real variable `x` with φ' and φ''.

    Args:
        name: name in graphs.
        phi: φ as an expression in `x` that can be enclosed on intervals.
        domain: key of `DOMAINS`.
        first: φ', where the derivative of `phi` would enclose badly.
        second: φ'', likewise.
        numeric: φ, φ' and perhaps φ'' for floats, where the exact forms would overflow or cancel.
    """

    name: str
    phi: sp.Expr
    domain: str = "real"
    first: sp.Expr | None = None
    second: sp.Expr | None = None
    numeric: tuple[sp.Expr, ...] | None = None

    @cached_property
    def dphi(self) -> sp.Expr:
        """φ'."""
        return self.first if self.first is not None else sp.diff(self.phi, x)

    @cached_property
    def ddphi(self) -> sp.Expr:
        """φ''."""
        return self.second if self.second is not None else sp.diff(self.dphi, x)

    def derivative(self, order: int) -> sp.Expr:
        """Return φ, φ' or φ''."""
        return (self.phi, self.dphi, self.ddphi)[order]

    def float_form(self, order: int) -> sp.Expr:
        """Return φ, φ' or φ'' in a form for floating point."""
        known = self.numeric or ()
        return known[order] if order < len(known) else self.derivative(order)


_softplus = SOFTPLUS.phi
_sigmoid = SOFTPLUS.dphi
_t = sp.tanh(_softplus)
_t_numeric = sp.tanh(SOFTPLUS.float_forms[0])
_inner = sp.sqrt(2 / sp.pi) * (x + sp.Rational(44715, 10**6) * x**3)
_slope = sp.diff(_inner, x)
_th = sp.tanh(_inner)


def _mish(t: sp.Expr) -> tuple[sp.Expr, sp.Expr, sp.Expr]:
    """φ = x t with t = tanh(softplus x), t' = (1 − t²)·sigmoid."""
    slope = (1 - t**2) * _sigmoid
    second = -2 * t * slope * _sigmoid + slope * (1 - _sigmoid)
    return x * t, t + x * slope, 2 * slope + x * second


#: Functions that are no activations of two-layer networks.
NEW = (
    Elementary("cos", sp.cos(x)),
    Elementary("exp", sp.exp(x)),
    Elementary("log", sp.log(x), "positive"),
    Elementary("sqrt", sp.sqrt(x), "positive"),
    Elementary("rsqrt", 1 / sp.sqrt(x), "positive"),
    Elementary("reciprocal", 1 / x, "nonzero"),
    Elementary("square", x**2),
    Elementary("sinh", sp.sinh(x)),
    Elementary("cosh", sp.cosh(x)),
    Elementary("asinh", sp.asinh(x), first=1 / sp.sqrt(1 + x**2)),
    Elementary("atan", sp.atan(x)),
    Elementary(
        "elu",
        sp.Piecewise((x, x > 0), (sp.exp(x) - 1, True)),
        numeric=(sp.Max(x, 0) + expm1(sp.Min(x, 0)), sp.exp(sp.Min(x, 0))),
    ),
    Elementary(
        "softsign",
        x / (1 + sp.Abs(x)),
        first=1 / (1 + sp.Abs(x)) ** 2,
        second=-2 * sp.sign(x) / (1 + sp.Abs(x)) ** 3,
    ),
    Elementary("mish", x * _t, first=_mish(_t)[1], second=_mish(_t)[2], numeric=_mish(_t_numeric)),
    Elementary(
        "gelu-tanh",
        x * (1 + _th) / 2,
        first=(1 + _th) / 2 + x * (1 - _th**2) * _slope / 2,
    ),
)

#: Every function that an `entrywise` node may name; those of `ACTIVATIONS` first.
ELEMENTARY: dict[str, Elementary] = {
    **{a.name: Elementary(a.name, a.phi, first=a.dphi, numeric=a.float_forms) for a in ACTIVATIONS.values()},
    **{function.name: function for function in NEW},
}

later("elementary.", "dipproofs.theory.elementary_formulas")


@dataclass(frozen=True)
class PiecewiseLinear:
    """A continuous piecewise linear function as the attributes of a `piecewise` node.

    Args:
        knots: where the slope changes, increasing.
        slopes: one more than knots.
        value: the value at the first knot.
    """

    knots: tuple[float, ...]
    slopes: tuple[float, ...]
    value: float = 0.0


def clip(low: float, high: float) -> PiecewiseLinear:
    """max(low, min(x, high))."""
    return PiecewiseLinear((low, high), (0.0, 1.0, 0.0), low)


def leaky_relu(slope: float = 0.01) -> PiecewiseLinear:
    """x for x > 0, slope·x below."""
    return PiecewiseLinear((0.0,), (slope, 1.0))


#: Piecewise linear activations by name, with the numbers of the deep image prior (leaky-relu: slope 0.2).
PIECEWISE: dict[str, PiecewiseLinear] = {
    "relu": leaky_relu(0.0),
    "leaky-relu": leaky_relu(0.2),
    "abs": PiecewiseLinear((0.0,), (-1.0, 1.0)),
    "relu6": clip(0.0, 6.0),
    "hardtanh": clip(-1.0, 1.0),
}

#: Other names of the same function.
ALIASES: dict[str, str] = {"swish": "silu", "logistic": "sigmoid", "leaky_relu": "leaky-relu", "sine": "sin"}

#: Activations that networks of the library take: smooth ones, and those with a kink.
SMOOTH_ACTIVATIONS = (
    *("silu", "tanh", "sigmoid", "softplus", "sin", "erf", "gelu"),
    *("gelu-tanh", "elu", "mish", "softsign", "atan"),
)
KINKED_ACTIVATIONS = ("leaky-relu", "relu", "relu6", "hardtanh", "abs")
