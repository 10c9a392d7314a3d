"""Enclosures of the Gaussian moments of an activation: rigorous quadrature with proved tails (docs/theory.md §6)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import flint

from dipproofs.enclosures import compile_arb
from dipproofs.losses.analytic import holomorphic
from dipproofs.theory.activations import ACTIVATIONS, Activation
from dipproofs.theory.activations.base import x

BITS = 256
#: The integral is cut at ±CUT; what is left out is below e^{−CUT²/2}·polynomial.
CUT = 20


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
    g = holomorphic(getattr(activation, function), x)

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
