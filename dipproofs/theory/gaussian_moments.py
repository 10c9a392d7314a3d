"""Moments of φ(a) and φ'(a) for a ~ N(0,1), as integrals and, where known, in closed form (docs/theory.md §4, §6).

The width bounds need C_φ² = Eφ², C_φ'² = Eφ'², Eφ⁴ and Eφ'⁴. Every activation gives them as integrals; the enclosures
(`dipproofs.tables.moments`) integrate those, and the checks compare them with the closed forms given here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import sympy as sp

from dipproofs.theory.activations import ACTIVATIONS, Activation
from dipproofs.theory.activations.base import standard_normal_density, x
from dipproofs.theory.core import define, quantity

_SOURCE = "§6"

C_phi = quantity("C_phi", r"C_\varphi", "√Eφ(a)², a ~ N(0,1)", _SOURCE, "lower")
C_dphi = quantity("C_dphi", r"C_{\varphi'}", "√Eφ'(a)², a ~ N(0,1)", _SOURCE, "lower")
fourth_phi = quantity("fourth_phi", r"\mathsf{E}\varphi^4", "Eφ(a)⁴, a ~ N(0,1)", _SOURCE)
fourth_dphi = quantity("fourth_dphi", r"\mathsf{E}\varphi'^4", "Eφ'(a)⁴, a ~ N(0,1)", _SOURCE)


@dataclass(frozen=True)
class GaussianMoment:
    """E[g(a)^power], g = φ or φ', a ~ N(0,1).

    Args:
        activation: name of the activation.
        function: "phi" or "dphi".
        power: 2 or 4.
        integral: the unevaluated integral over the line.
        closed_form: its value, or None where no elementary one is known.
    """

    activation: str
    function: str
    power: int
    integral: sp.Integral
    closed_form: sp.Expr | None


def gaussian_moment(activation: Activation, function: str, power: int) -> GaussianMoment:
    """Return the moment of an activation as a `GaussianMoment`.

    Args:
        activation: the activation.
        function: "phi" or "dphi".
        power: a positive integer.

    Example:
        >>> from dipproofs.theory.activations import SIN
        >>> gaussian_moment(SIN, "phi", 2).closed_form
        1/2 - exp(-2)/2
    """
    integrand = getattr(activation, function) ** power * standard_normal_density(x)
    integral = sp.Integral(integrand, (x, -sp.oo, sp.oo))
    return GaussianMoment(activation.name, function, power, integral, _CLOSED.get((activation.name, function, power)))


def gaussian_moments(activation: Activation) -> Iterator[GaussianMoment]:
    """Yield the four moments that the width bounds use: Eφ², Eφ'², Eφ⁴, Eφ'⁴."""
    for power in (2, 4):
        for function in ("phi", "dphi"):
            yield gaussian_moment(activation, function, power)


# cos and sin: power reduction and E cos(ja) = e^{−j²/2}. erf: Eφ'^{2p} are Gaussian integrals; Eerf(a)² is the
# orthant formula (2/π)arcsin(2σ²/(1+2σ²)) at σ = 1.
_CLOSED: dict[tuple[str, str, int], sp.Expr] = {
    ("sin", "phi", 2): (1 - sp.exp(-2)) / 2,
    ("sin", "dphi", 2): (1 + sp.exp(-2)) / 2,
    ("sin", "phi", 4): (3 - 4 * sp.exp(-2) + sp.exp(-8)) / 8,
    ("sin", "dphi", 4): (3 + 4 * sp.exp(-2) + sp.exp(-8)) / 8,
    ("erf", "phi", 2): 2 * sp.asin(sp.Rational(2, 3)) / sp.pi,
    ("erf", "dphi", 2): 4 / (sp.pi * sp.sqrt(5)),
    ("erf", "dphi", 4): 16 / (3 * sp.pi**2),
}

MOMENTS: dict[str, tuple[GaussianMoment, ...]] = {
    name: tuple(gaussian_moments(activation)) for name, activation in ACTIVATIONS.items()
}

for _name, _moments in MOMENTS.items():
    for _moment in _moments:
        define(
            f"moments.{_name}.{_moment.function}_{_moment.power}",
            _moment.integral,
            f"{_name}: E of {'φ' if _moment.function == 'phi' else 'φ′'}(a)^{_moment.power}, a ~ N(0,1)",
            _SOURCE,
        )
