"""Enclosures of the Gaussian moments of an activation: rigorous quadrature with proved tails (docs/theory.md §6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import flint
import sympy as sp

from dipproofs.enclosures import compile_arb
from dipproofs.theory.activations import ACTIVATIONS, Activation
from dipproofs.theory.activations.base import x

BITS = 256
#: The integral is cut at ±CUT; what is left out is below e^{−CUT²/2}·polynomial.
CUT = 20

Analytic = Callable[[Any, bool], Any]


@dataclass(frozen=True)
class ActivationConstants:
    """What the width bounds need of an activation, enclosed by Arb balls.

    Args:
        B_1, B_2: bounds of |φ'| and |φ''|.
        C_phi, C_dphi: √Eφ², √Eφ'² under N(0,1).
        fourth_phi, fourth_dphi: Eφ⁴, Eφ'⁴.
    """

    B_1: flint.arb
    B_2: flint.arb
    C_phi: flint.arb
    C_dphi: flint.arb
    fourth_phi: flint.arb
    fourth_dphi: flint.arb


@lru_cache(maxsize=64)
def activation_constants(name: str) -> ActivationConstants:
    """Enclose the constants of a registered activation at 256 bits.

    Args:
        name: key of `dipproofs.theory.ACTIVATIONS`.

    Notes:
        Proved: Arb's adaptive quadrature of the analytic integrand on [−20, 20], plus a proved tail.

    Example:
        >>> round(float(activation_constants("tanh").C_phi.mid()), 6)
        0.627929
    """
    activation = ACTIVATIONS[name]
    with flint.ctx.workprec(BITS):
        return ActivationConstants(
            compile_arb((), activation.B_1)(),
            compile_arb((), activation.B_2)(),
            enclose_moment(activation, "phi", 2).sqrt(),
            enclose_moment(activation, "dphi", 2).sqrt(),
            enclose_moment(activation, "phi", 4),
            enclose_moment(activation, "dphi", 4),
        )


def enclose_moment(activation: Activation, function: str, power: int) -> flint.arb:
    """Enclose E[φ(a)^power] or E[φ'(a)^power] (even power), a ~ N(0,1), at the precision in force.

    Notes:
        Tail: |φ'| ≤ B₁ and |φ(a)| ≤ |φ(0)|+B₁|a| ≤ (|φ(0)|+B₁)|a| for |a| ≥ 1. With Q(T) ≤ p(T)/T, p the density,
        ∫_T^∞ a⁴p = (T³+3T)p(T)+3Q(T), and a² ≤ a⁴ there.
    """
    g = _analytic(getattr(activation, function))

    def integrand(z: Any, analytic: bool) -> Any:
        return g(z, analytic) ** power * (-(z * z) / 2).exp()

    body = flint.acb.integral(integrand, -CUT, CUT, rel_tol=flint.arb(2) ** (20 - flint.ctx.prec))
    root = (2 * flint.arb.pi()).sqrt()
    tail = _tail(activation, function, power) * flint.arb(0).union(flint.arb(1))
    return body.real / root + tail


def _tail(activation: Activation, function: str, power: int) -> flint.arb:
    """Upper bound of the part of the moment outside [−CUT, CUT]."""
    cut = flint.arb(CUT)
    density = (-(cut**2) / 2).exp() / (2 * flint.arb.pi()).sqrt()
    slope = compile_arb((), activation.B_1)()
    if function == "dphi":
        return 2 * slope**power * density / cut
    if power > 4:
        raise ValueError(f"tail of φ: power {power}, expected at most 4")
    size = abs(compile_arb((x,), activation.phi)(flint.arb(0))) + slope
    return 2 * size**power * ((cut**3 + 3 * cut) * density + 3 * density / cut)


# --- SymPy expression -> acb function that reports where it is not analytic ----------------------------------
def _analytic(expr: sp.Expr) -> Analytic:
    """Compile an expression in x to a function (acb, analytic) -> acb as `acb.integral` wants it."""
    if expr == x:
        return lambda z, _: z
    if expr.is_Rational:
        value = flint.acb(flint.arb(flint.fmpq(int(expr.p), int(expr.q))))
        return lambda z, _: value
    if not expr.has(x):
        constant = flint.acb(compile_arb((), expr)())
        return lambda z, _: constant
    parts = [_analytic(argument) for argument in expr.args]
    if expr.is_Add:
        return lambda z, a: _fold(lambda p, q: p + q, [part(z, a) for part in parts])
    if expr.is_Mul:
        return lambda z, a: _fold(lambda p, q: p * q, [part(z, a) for part in parts])
    if expr.is_Pow and expr.exp.is_Integer:
        base, exponent = parts[0], int(expr.exp)
        return lambda z, a: base(z, a) ** exponent
    for kind, apply in _ENTIRE.items():
        if isinstance(expr, kind):
            inner = parts[0]
            return lambda z, a, apply=apply, inner=inner: apply(inner(z, a))  # type: ignore[misc]
    if isinstance(expr, sp.log):
        inner = parts[0]
        return lambda z, a: inner(z, a).log(analytic=a)
    raise NotImplementedError(f"moments: {type(expr).__name__} has no analytic continuation here; add it to _ENTIRE")


#: Entire and meromorphic functions; poles show up as infinite balls, which the quadrature subdivides.
_ENTIRE: dict[Any, Callable[[Any], Any]] = {
    sp.exp: lambda z: z.exp(),
    sp.tanh: lambda z: z.tanh(),
    sp.sin: lambda z: z.sin(),
    sp.cos: lambda z: z.cos(),
    sp.erf: lambda z: z.erf(),
}


def _fold(operation: Callable[[Any, Any], Any], values: list[Any]) -> Any:
    total = values[0]
    for value in values[1:]:
        total = operation(total, value)
    return total
