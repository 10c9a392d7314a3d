"""`Loss.custom`: a user's profile h(r), from which everything is derived; without one, `AssumedLoss`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import cached_property
from typing import Any

import flint
import numpy as np
import sympy as sp

from dipproofs.certificate.record import Hypothesis
from dipproofs.enclosures import Bound, Verdict, compile_arb
from dipproofs.errors import InputError
from dipproofs.losses.base import Loss
from dipproofs.losses.enclosures import known_values, residual_sizes, sublevel_height
from dipproofs.losses.evaluation import exact_arb
from dipproofs.losses.inversion import DecreasingPrimitive, invert_increasing
from dipproofs.losses.potential import check_potential, read_potential, shape_by_enclosure
from dipproofs.losses.signs import range_on
from dipproofs.theory.losses import resolve_scale
from dipproofs.theory.losses.base import LossNumerics, curvature_max, mu, r
from dipproofs.theory.losses.base import m as m_symbol
from dipproofs.theory.losses.custom import PotentialFacts, custom_theory, profile_facts
from dipproofs.theory.losses.numerics import difference
from dipproofs.theory.losses.shape import edge_of
from dipproofs.theory.numeric import float_function
from dipproofs.theory.symbols import loss_curvature, loss_gradient

_BITS = 320
_log_r = sp.Symbol("log_r", real=True)


class PotentialLoss(Loss):
    """The separable loss c·Σ h(|v_i − y_i|) of a user's profile; ψ, Ψ, Ψ⁻¹, G and Λ are derived and proved.

    Args:
        profile: h as SymPy expression in one symbol (the size r ≥ 0 of a residual), or as text in ``r``.
        scale: c, as for `SquaredError`.
        radius: residual sizes up to which h is checked; a sublevel set that reaches it is refused, and nothing is
            concluded at an iterate with a residual that may reach it.

    Raises:
        InputError: h is not a convex C¹ profile with h(0) = 0 < h(r), or its shape cannot be decided.

    Notes:
        ψ = h⁻¹ or √m·h⁻¹(e/m) by the shape of P_h (`docs/theory.md §5`), by enclosed inversion; Ψ by enclosed
        quadrature of 1/h'. If P_h is neither concave nor convex, ψ = √(2e/μ) with μ = min h'' on the sublevel bracket.
    """

    def __init__(self, profile: Any, scale: str | float = "sum", radius: float = 64.0) -> None:
        h = read_potential(profile)
        facts = profile_facts(h)
        check_potential(facts, radius)
        shape = facts.shape or shape_by_enclosure(facts, radius)
        object.__setattr__(self, "facts", facts)
        object.__setattr__(self, "shape", shape)
        object.__setattr__(self, "radius", float(radius))
        super().__init__(custom_theory(facts, shape, _numerics(facts)), {}, scale)

    facts: PotentialFacts
    shape: str
    radius: float

    @cached_property
    def _key(self) -> tuple[Any, ...]:
        return ("custom", str(self.facts.h), self.scale, self.radius)

    @property
    def convex(self) -> bool:
        """True: decided when the loss was made."""
        return True

    @cached_property
    def concave_psi(self) -> bool:
        """True: ψ inverts a convex profile (or is √(2e/μ))."""
        return True

    def to_json(self) -> dict[str, Any]:
        """Return kind, profile as text, scale, radius and the decided shape."""
        return {
            "kind": "custom", "scale": self.scale, "profile": str(self.facts.h), "radius": self.radius,
            "shape": self.shape,
        }  # fmt: skip

    # --- constants --------------------------------------------------------------------------------------
    def constants(self, y: np.ndarray, loss_0: Bound) -> dict[sp.Symbol, Bound]:
        """Enclose the scale, m, G and Λ (and μ); see `Loss.constants`.

        Raises:
            InputError: the sublevel set reaches residuals beyond `radius`.
        """
        count = np.asarray(y).size
        known = known_values(self, count)
        result = {symbol: Bound.exact(value) for symbol, value in known.items()}
        highest = sublevel_height(self, count, loss_0)
        if highest is None:
            unknown = Bound(0.0, math.inf, loss_0.evidence)
            return result | dict.fromkeys((loss_gradient, loss_curvature, mu), unknown)
        with flint.ctx.workprec(_BITS):
            height, factor = exact_arb(highest), exact_arb(resolve_scale(self.scale, count))
            reach = self._inverse(height)
            self._inside(reach)
            G, curvature, least = self._bounds(height, reach, count)
            result[loss_gradient] = Bound.from_arb(factor * G, loss_0.evidence).nonnegative()
            result[loss_curvature] = Bound.from_arb(factor * curvature, loss_0.evidence).nonnegative()
            if least is not None:
                result[mu] = Bound.from_arb(least, loss_0.evidence).nonnegative()
                result[curvature_max] = Bound.from_arb(curvature, loss_0.evidence).nonnegative()
        return result

    def _bounds(self, height: flint.arb, reach: flint.arb, count: int) -> tuple[flint.arb, flint.arb, flint.arb | None]:
        slope, second = compile_arb((r,), self.facts.slope), compile_arb((r,), self.facts.second_derivative)
        if self.shape == "convex":
            return slope(reach), second(reach), None
        if self.shape in ("concave", "linear"):
            share = self._inverse(height / count)
            return flint.arb(count).sqrt() * slope(share), _at_zero(self.facts.second_derivative), None
        values = range_on(self.facts.second_derivative, r, reach)
        if not values.lower > 0:
            raise InputError(
                f"loss.profile: found h'' between {values.lower:.3g} and {values.upper:.3g} on "
                f"[0, {float(reach.mid()):.3g}], expected it monotone or positive; start closer, or give value and psi"
            )
        highest = flint.arb(values.upper)
        return (2 * highest * height).sqrt(), highest, flint.arb(values.lower)

    def _inside(self, reach: flint.arb) -> None:
        if not reach < self.radius:
            far = f"up to {float(reach.upper()):.3g}" if reach.is_finite() else f"beyond {self.radius:g}"
            raise InputError(
                f"loss.radius: found residuals {far} on the sublevel set, expected less than "
                f"radius = {self.radius:g}; give a larger radius"
            )

    def assumptions(self, v: Any, y: np.ndarray, loss_0: Bound) -> tuple[Hypothesis, Hypothesis]:
        """Decide both on the box |v_i − y_i| < radius, on which h is known; see `Loss.assumptions`."""
        _, far = residual_sizes(v, y)
        sizes = [float(size.upper()) for size in far]
        largest = Bound(0.0, max(sizes) if np.isfinite(sizes).all() else math.inf, loss_0.evidence)
        margin = Bound(self.radius, self.radius) - largest
        verdict = margin.gt(0) if margin.lower > 0 else Verdict.UNDECIDED
        reason = ""
        if not margin.lower > 0:
            reason = (
                f"found residuals |v_i − y_i| up to {largest.upper:.3g}, expected less than radius = {self.radius:g}, "
                "up to which the profile is checked; give a larger radius, or start closer to the data"
            )
        elif verdict is not Verdict.PROVED:
            reason = f"holds for {margin.evidence} values only"
        return self._assumption(verdict, f"; h is convex up to radius = {self.radius:g}", margin, reason)

    # --- ψ, Ψ, Ψ⁻¹ --------------------------------------------------------------------------------------
    def psi_at(self, value: float, constants: Mapping[sp.Symbol, Bound]) -> flint.arb:
        """Enclose ψ at one number, by inversion of h."""
        if self.shape == "mixed":
            return super().psi_at(value, constants)
        with flint.ctx.workprec(_BITS):
            share = self._share(constants)
            return share.sqrt() * self._inverse(exact_arb(value) / (share * self._factor(constants)))

    def Psi_at(self, value: float, constants: Mapping[sp.Symbol, Bound]) -> flint.arb:
        """Enclose Ψ at one number, by quadrature of 1/h'."""
        if self.shape == "mixed":
            return super().Psi_at(value, constants)
        with flint.ctx.workprec(_BITS):
            factor = self._factor(constants)
            size = self._inverse(exact_arb(value) / (self._share(constants) * factor))
            return self._time(size.log()) / factor

    def Psi_inv_at(self, level: float | Fraction, constants: Mapping[sp.Symbol, Bound]) -> flint.arb:
        """Enclose Ψ⁻¹ at one number, by inversion of the quadrature."""
        if self.shape == "mixed":
            return super().Psi_inv_at(level, constants)
        with flint.ctx.workprec(_BITS):
            factor = self._factor(constants)
            size = self._time.inverse(factor * exact_arb(level)).exp()
            if not size.is_finite():
                return flint.arb.nan()
            level_of_size = self._value(size.lower()).union(self._value(size.upper()))  # h increases
            return self._share(constants) * factor * level_of_size

    def _share(self, constants: Mapping[sp.Symbol, Bound]) -> flint.arb:
        return constants[m_symbol].arb() if self.shape == "convex" else flint.arb(1)

    def _value(self, size: flint.arb) -> flint.arb:
        """h at a ball; for an exact size at the precision that it takes to keep 64 bits."""
        function = compile_arb((r,), self.facts.h)
        for bits in (flint.ctx.prec, 1024, 4096):
            with flint.ctx.workprec(bits):
                value = function(size)
                if not size.is_exact() or value.rel_accuracy_bits() >= 64:
                    break
        return value

    def _inverse(self, value: flint.arb) -> flint.arb:
        guess = math.sqrt(max(float(value.mid()), 1e-300))
        return invert_increasing(self._value, value, guess, self.radius)

    @cached_property
    def _time(self) -> DecreasingPrimitive:
        """T(s) = −∫ ds/h'(s) in the coordinate u = ln s, where the integrand is smooth."""
        slope = self.facts.slope
        pieces = slope.args if isinstance(slope, sp.Piecewise) else ((slope, sp.true),)
        parts = []
        for piece, condition in pieces:
            edge = sp.oo if condition == sp.true else sp.log(edge_of(condition))
            parts.append((edge, sp.exp(_log_r) / piece.subs(r, sp.exp(_log_r))))
        return DecreasingPrimitive(parts, _log_r, math.log(min(1.0, self.radius / 2)))


def custom_loss(profile: Any = None, **options: Any) -> Loss:
    """Make a loss of the user's own.

    Args:
        profile: h(r) as SymPy expression in one symbol or as text in ``r``: everything is derived, nothing assumed.
        options: for a profile `scale` and `radius` (see `PotentialLoss`); without one `value`, `psi`, `curvature` and
            the further arguments of `AssumedLoss`.

    Example:
        >>> loss = custom_loss("sqrt(1 + r**2) - 1")
        >>> loss.shape, loss.assumed
        ('concave', ())
    """
    if profile is None:
        from dipproofs.losses.assumed import AssumedLoss

        return AssumedLoss(**options)
    if "psi" in options or "value" in options:
        raise InputError("loss.custom: found a profile together with psi or value, expected one or the other")
    return PotentialLoss(profile, **options)


def _at_zero(second: sp.Expr) -> flint.arb:
    value = second.args[0][0].subs(r, 0) if isinstance(second, sp.Piecewise) else second.subs(r, 0)
    if value.has(sp.nan, sp.zoo, sp.oo):
        value = sp.limit(second, r, 0, "+")
    if not value.is_finite:
        raise InputError(f"loss.profile: found h''(0) = {value}, expected a Lipschitz gradient (assumption A1)")
    return compile_arb((), value)()


def _numerics(facts: PotentialFacts) -> LossNumerics:
    made: dict[tuple[str, str], Callable[..., Any]] = {}

    def function(xp: Any, name: str) -> Callable[..., Any]:
        library = "jax" if xp.__name__.startswith("jax") else "numpy"
        if (library, name) not in made:
            made[library, name] = float_function(r, getattr(facts, name), library)
        return made[library, name]

    def entry(xp: Any, d: Any, y: Any, parameters: Any) -> Any:
        return function(xp, "h")(xp.abs(d)) + 0 * d

    def slope(xp: Any, d: Any, y: Any, parameters: Any) -> Any:
        return xp.sign(d) * function(xp, "slope")(xp.abs(d))

    return LossNumerics(difference, entry, slope)
