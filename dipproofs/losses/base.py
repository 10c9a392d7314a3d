"""The runtime class of a loss: numerics for the descent, enclosures for the certificate.

Everything is derived from a `LossTheory` (`dipproofs.theory.losses`) and the values of its parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache, cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import flint
import numpy as np
import sympy as sp

from dipproofs.certificate.record import Hypothesis
from dipproofs.enclosures import Bound, Verdict
from dipproofs.errors import InputError
from dipproofs.losses import enclosures, rates
from dipproofs.losses.evaluation import exact_arb, tight
from dipproofs.losses.options import checked_parameters, checked_scale
from dipproofs.theory.losses import LOSSES, LossTheory, resolve_scale
from dipproofs.theory.losses.assumptions import COMPACT, minimiser_statement, reason
from dipproofs.theory.losses.base import m as m_symbol
from dipproofs.theory.losses.base import y as y_symbol
from dipproofs.theory.losses.shape import convex_entry, decide_concave_psi
from dipproofs.theory.symbols import e, xi

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Shaped


@dataclass(frozen=True, eq=False, repr=False)
class Loss:
    """A loss L(v) = c·L₁(v) with its parameters, on predictions v and observations y of shape (m,).

    Args:
        theory: symbolic description at scale 1.
        parameters: value of every parameter, by name.
        scale: c, as a positive number or one of "sum" (1), "half" (½), "mean" (1/m), "half-mean" (1/(2m)).
        assumed: statements that the user asserts and that are not proved; not empty makes evidence `assumed`.

    Raises:
        InputError: a parameter or the scale is out of range.

    Notes:
        ψ, Ψ, Ψ⁻¹, G and Λ are those of `docs/theory.md §5`; `constants` encloses them (evidence proved).
    """

    theory: LossTheory
    parameters: Mapping[str, float] = field(default_factory=dict)
    scale: str | float = "sum"
    assumed: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "parameters", MappingProxyType(checked_parameters(self.theory, self.parameters)))
        object.__setattr__(self, "scale", checked_scale(self.scale))

    @cached_property
    def _key(self) -> tuple[Any, ...]:
        return (self.kind, self.scale, *sorted(self.parameters.items()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Loss) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    # --- what it is -------------------------------------------------------------------------------------
    @property
    def kind(self) -> str:
        """Name in problem files."""
        return self.theory.kind

    @property
    def convention(self) -> str:
        """The loss in one line, with its scale and parameters."""
        chosen = "".join(f", {name} = {value:g}" for name, value in self.parameters.items())
        return f"{self._scale_text()}{self.theory.convention}{chosen}"

    def __repr__(self) -> str:
        chosen = "".join(f", {name}={value!r}" for name, value in self.to_json().items() if name != "kind")
        return f"Loss({self.kind!r}{chosen})"

    def __str__(self) -> str:
        return f"{self.kind}: {self.convention}"

    def _scale_text(self) -> str:
        named = {"sum": "", "half": "½·", "mean": "(1/m)·", "half-mean": "(1/(2m))·"}
        return named[self.scale] if isinstance(self.scale, str) else f"{self.scale:g}·"

    @property
    def argmin_is_y(self) -> bool:
        """Whether L_y is minimal exactly at y (what docs/theory.md §7 needs)."""
        return bool(self._with_parameters(self.theory.argmin) == y_symbol)

    @property
    def convex(self) -> bool:
        """Whether L_y is convex, decided by the sign of the second derivative of its entries."""
        return _decisions(self.kind)[0]

    @cached_property
    def concave_psi(self) -> bool:
        """Whether ψ is concave (form `concave` needs it): ψ' = 1/h'∘h⁻¹ decreases because h is convex."""
        return _decisions(self.kind)[1]

    @property
    def domain(self) -> str:
        """Where the loss is defined, entry by entry, in words."""
        low, high = (self._with_parameters(end) for end in self.theory.domain)
        if low == -sp.oo and high == sp.oo:
            return "every entry of A g(u,θ) is real"
        return f"every entry of A g(u,θ) is in ]{_number_text(low)}, {_number_text(high)}["

    @property
    def bounded_domain(self) -> bool:
        """Whether there are real numbers at which the loss is not defined."""
        return self.theory.domain != (-sp.oo, sp.oo)

    @property
    def projects_data(self) -> bool:
        """Whether y may be replaced by its projection on Im(A) when rank A < m (squared loss only)."""
        return self.kind == "squared"

    @property
    def residual_scale(self) -> float | None:
        """2c for c·‖r‖², with which form `residual` multiplies γ; None for other losses or when c needs m."""
        if self.kind != "squared":
            return None
        if self.scale in ("mean", "half-mean"):
            return None
        return 2.0 * float(resolve_scale(self.scale, 1))

    def residual_scale_for(self, observations: int) -> Fraction | None:
        """2c as an exact number for m observations (squared loss), else None."""
        return 2 * resolve_scale(self.scale, observations) if self.kind == "squared" else None

    # --- symbolic ---------------------------------------------------------------------------------------
    @property
    def psi(self) -> sp.Expr:
        """ψ in `theory.symbols.e`, the scale and the parameters."""
        return self.theory.psi_scaled

    @property
    def Psi(self) -> sp.Expr:
        """Ψ, a primitive of −(ψ')²."""
        return self.theory.Psi_scaled

    @property
    def Psi_inv(self) -> sp.Expr:
        """Ψ⁻¹ in `theory.symbols.xi`."""
        return self.theory.Psi_inv_scaled

    def _with_parameters(self, expr: sp.Expr) -> sp.Expr:
        exact = {p.symbol: sp.Rational(Fraction(self.parameters[p.name])) for p in self.theory.parameters}
        return expr.subs(exact) if exact else expr

    # --- floating point (any precision: runs are followed in long double, which jaxtyping does not name) ---
    def value(self, xp: Any, v: Shaped[Any, " m"], y: Shaped[Any, " m"]) -> Shaped[Any, ""]:
        """L(v) as a scalar; ``xp`` is numpy or jax.numpy, v and y have shape (m,)."""
        numerics, factor = self.theory.numerics, float(resolve_scale(self.scale, v.shape[0]))
        d = numerics.displacement(xp, v, y, self.parameters)
        if self.theory.structure == "radial":
            return factor * numerics.entry(xp, xp.sqrt(xp.sum(d * d)), y, self.parameters)
        return factor * xp.sum(numerics.entry(xp, d, y, self.parameters))

    def gradient(self, xp: Any, v: Shaped[Any, " m"], y: Shaped[Any, " m"]) -> Shaped[Any, " m"]:
        """∇L(v), shape (m,)."""
        numerics, factor = self.theory.numerics, float(resolve_scale(self.scale, v.shape[0]))
        d = numerics.displacement(xp, v, y, self.parameters)
        if self.theory.structure == "radial":
            return factor * numerics.slope(xp, xp.sqrt(xp.sum(d * d)), y, self.parameters) * d
        return factor * numerics.slope(xp, d, y, self.parameters)

    def in_domain(self, xp: Any, v: Shaped[Any, "..."]) -> Bool[Any, ""]:
        """Whether every entry of v is finite and inside the loss's domain (a Boolean scalar)."""
        low, high = (float(self._with_parameters(end)) for end in self.theory.domain)
        return xp.all(xp.isfinite(v) & (v > low) & (v < high))

    # --- data -------------------------------------------------------------------------------------------
    def validate_data(self, y: np.ndarray) -> None:
        """Refuse observations outside the loss's range.

        Raises:
            InputError: the first offending entry, what is expected, and what to do.
        """
        found, first, end = self._outside(y, self.theory.data_domain)
        if found:
            raise InputError(
                f"y: {found} (first y[{first}] = {end:g}), expected all inside for loss {self.kind}; "
                f"{self.theory.advice.get('data', 'check the data')}"
            )

    def refuse_start(self, v: np.ndarray) -> None:
        """Refuse a start whose prediction is outside the loss's domain.

        Raises:
            InputError: how many entries are outside, and what to do.
        """
        found, _, end = self._outside(v, self.theory.domain, " of A g(u,θ_0)")
        if found:
            raise InputError(
                f"start: {found} (first {end:g}), expected all inside for loss {self.kind}; "
                f"{self.theory.advice.get('start', 'choose another start')}"
            )

    def _outside(self, values: np.ndarray, domain: tuple[sp.Expr, sp.Expr], of: str = "") -> tuple[str, int, float]:
        """Say how many entries are outside a domain, "" for none; place and value of the first."""
        flat = np.asarray(values, dtype=np.float64).ravel()
        low, high = (float(self._with_parameters(end)) for end in domain)
        bad = np.flatnonzero(~((flat > low) & (flat < high)))
        if not bad.size:
            return "", 0, 0.0
        said = f"found {bad.size} of {flat.size} entries{of} outside ]{low:g}, {high:g}["
        return said, int(bad[0]), float(flat[bad[0]])

    # --- enclosures -------------------------------------------------------------------------------------
    def constants(self, y: Float[np.ndarray, " m"], loss_0: Bound) -> dict[sp.Symbol, Bound]:
        """Enclose every symbol of ψ, Ψ, Ψ⁻¹, with G and Λ on the sublevel set {L ≤ upper(loss_0)}.

        Args:
            y: (m,) observations, exact floats.
            loss_0: enclosure of L at the certified iterate.

        Returns:
            Bounds by symbol: parameters, scale, m, data constants, `loss_gradient`, `loss_curvature`.
        """
        return enclosures.constants(self, np.asarray(y), loss_0)

    def enclose(self, v: Any, y: np.ndarray) -> Bound:
        """Enclose L at an enclosed prediction v (`enclosures.IntervalMatrix` of shape (m,), or exact floats)."""
        return enclosures.loss_value(self, v, np.asarray(y))

    def assumptions(self, v: Any, y: np.ndarray, loss_0: Bound) -> tuple[Hypothesis, Hypothesis]:
        """Decide (A1), id ``compact``, and that the argmin is the only minimiser in reach, id ``minimiser``.

        Args:
            v: enclosed prediction at the iterate (or floats, in estimated arithmetic).
            y: (m,) observations. loss_0: enclosure of L there.
        """
        why = reason(self.kind)
        verdict = Verdict.PROVED if why else Verdict.UNDECIDED
        return self._assumption(verdict, f"; {why}" if why else "")

    def _assumption(
        self, verdict: Verdict, suffix: str, margin: Bound | None = None, reason: str = ""
    ) -> tuple[Hypothesis, Hypothesis]:
        """Both hypotheses, decided alike."""
        return (
            Hypothesis("compact", COMPACT + suffix, verdict, margin, reason),
            Hypothesis("minimiser", minimiser_statement(self._argmin_words) + suffix, verdict, margin, reason),
        )

    @property
    def _argmin_words(self) -> str:
        return "y" if self.argmin_is_y else f"argmin L_y = {self._with_parameters(self.theory.argmin)}"

    def psi_bound(self, f: Bound, constants: Mapping[sp.Symbol, Bound]) -> Bound:
        """Enclose ψ(f), by monotonicity from its two ends."""
        return rates.psi_bound(self, f, constants)

    def Psi_bound(self, f: Bound, constants: Mapping[sp.Symbol, Bound]) -> Bound:
        """Enclose Ψ(f); [·, inf] where f may be 0 and Ψ(0⁺) = ∞."""
        return rates.Psi_bound(self, f, constants)

    def Psi_inv_bound(self, xi: Bound, constants: Mapping[sp.Symbol, Bound]) -> Bound:
        """Enclose Ψ⁻¹(ξ)."""
        return rates.Psi_inv_bound(self, xi, constants)

    def psi_at(self, value: float, constants: Mapping[sp.Symbol, Bound]) -> flint.arb:
        """Enclose ψ at one number."""
        return tight(self.psi, {**self._sharp(constants), e: value})

    def Psi_at(self, value: float, constants: Mapping[sp.Symbol, Bound]) -> flint.arb:
        """Enclose Ψ at one number."""
        return tight(self.Psi, {**self._sharp(constants), e: value})

    def Psi_inv_at(self, level: float | Fraction, constants: Mapping[sp.Symbol, Bound]) -> flint.arb:
        """Enclose Ψ⁻¹ at one number."""
        return tight(self.Psi_inv, {**self._sharp(constants), xi: level})

    def _sharp(self, constants: Mapping[sp.Symbol, Bound]) -> dict[sp.Symbol, Any]:
        """The constants, with exact numbers in place of floats around them for the scale and the parameters."""
        return {**constants, **enclosures.known_values(self, int(constants[m_symbol].lower))}

    def _factor(self, constants: Mapping[sp.Symbol, Bound]) -> flint.arb:
        return exact_arb(resolve_scale(self.scale, int(constants[m_symbol].lower)))

    # --- writing ----------------------------------------------------------------------------------------
    def to_json(self) -> dict[str, Any]:
        """Return kind, scale and parameters, from which `Loss.from_json` makes the loss again."""
        return {"kind": self.kind, "scale": self.scale, **self.parameters}

    @staticmethod
    def custom(profile: Any = None, **options: Any) -> Loss:
        """Make a loss from a profile h(r), or from a JAX function and a ψ that is assumed; see `custom_loss`."""
        from dipproofs.losses.custom import custom_loss

        return custom_loss(profile, **options)

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Loss:
        """Read what `to_json` wrote."""
        from dipproofs.losses import make_loss

        rest = {key: value for key, value in data.items() if key not in ("kind", "convention", "assumed", "projected")}
        return make_loss(str(data.get("kind")), **rest)


def _number_text(end: sp.Expr) -> str:
    return "∞" if end == sp.oo else f"{float(end):g}"


@cache
def _decisions(kind: str) -> tuple[bool, bool]:
    """Whether L is convex and whether ψ is concave, decided once for each loss of the theory."""
    return convex_entry(LOSSES[kind]), decide_concave_psi(LOSSES[kind])
