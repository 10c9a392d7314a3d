"""A user's loss as a JAX function, with a ψ and constants that the user asserts: evidence `assumed`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import cache, cached_property
from typing import Any

import flint
import numpy as np
import sympy as sp

from dipproofs.certificate.record import Hypothesis
from dipproofs.enclosures import Bound, Evidence, Verdict, compile_arb
from dipproofs.errors import InputError
from dipproofs.losses import enclosures
from dipproofs.losses.base import Loss
from dipproofs.losses.evaluation import exact_arb
from dipproofs.losses.falsification import Search
from dipproofs.losses.inversion import DecreasingPrimitive
from dipproofs.theory.losses import resolve_scale
from dipproofs.theory.losses.assumptions import COMPACT, minimiser_statement
from dipproofs.theory.losses.base import LossNumerics, LossTheory
from dipproofs.theory.losses.numerics import difference
from dipproofs.theory.losses.shape import sign_of
from dipproofs.theory.losses.text import exact, read_formula
from dipproofs.theory.numeric import float_function
from dipproofs.theory.symbols import e, xi
from dipproofs.theory.symbols import loss_0 as f_symbol

_log_e = sp.Symbol("log_e", real=True)
_Psi = sp.Function("Psi")
_Psi_inverse = sp.Function("Psi_inverse")
#: Relative error with which JAX is assumed to evaluate the user's function.
EVALUATION = 2.0**-30


class AssumedLoss(Loss):
    """A JAX function L(v, y) ≥ 0 with a desingularizing function asserted by the user.

    Args:
        value: JAX function of (v, y), both of shape (m,), to a scalar; min_v L(v, y) = 0.
        psi: ψ(e) as SymPy expression in one symbol or text in ``e``, with ψ'(L)‖∇L‖ ≥ 1 where 0 < L < `level`.
        curvature: Λ(f), a Lipschitz constant of ∇L on {L ≤ f}, as number, expression or text in ``f``.
        gradient_bound: G(f) ≥ ‖∇L‖ on {L ≤ f}; by default √(2Λf), true for convex L.
        argmin: function from y to the minimiser of L(·, y), the only one that a descent can reach; by default y.
        scale: c, as for `SquaredError`.
        level: the loss below which ψ is claimed (r_0 of assumption A2).
        convex: whether L is asserted to be convex.
        name: for messages and certificates.

    Raises:
        InputError: ψ is no increasing function with ψ(0) = 0.

    Notes:
        Everything here has evidence `assumed`: certificates are never `proved`. `validate_data` first searches
        for violations of the KL inequality, of G and of Λ.
    """

    def __init__(
        self,
        value: Callable[[Any, Any], Any] | None = None,
        psi: Any = None,
        curvature: Any = None,
        gradient_bound: Any = None,
        *,
        argmin: Callable[[np.ndarray], np.ndarray] | None = None,
        scale: str | float = "sum",
        level: float = math.inf,
        convex: bool = False,
        name: str = "custom",
    ) -> None:
        for key, given in (("value", value), ("psi", psi), ("curvature", curvature)):
            if given is None:
                raise InputError(f"loss.{key}: missing, expected it for a loss without a profile (see Loss.custom)")
        if not callable(value):
            raise InputError(f"loss.value: found {value!r}, expected a JAX function of (v, y)")
        shown = _formula(psi, e, "psi")
        lipschitz = _formula(curvature, f_symbol, "curvature", "f")
        gradient_bound = (
            sp.sqrt(2 * lipschitz * f_symbol)
            if gradient_bound is None
            else _formula(gradient_bound, f_symbol, "gradient_bound", "f")
        )
        _check_psi(shown)
        object.__setattr__(self, "function", value)
        object.__setattr__(self, "minimiser", argmin)
        object.__setattr__(self, "level", float(level))
        object.__setattr__(self, "asserted_convex", convex)
        theory = LossTheory(
            kind="custom", convention=name, structure="function", entry=sp.Integer(0), rule="assumed", psi=shown,
            Psi=_Psi(e), Psi_inv=_Psi_inverse(xi), gradient_bound=gradient_bound, curvature=lipschitz,
            proof="asserted by the user",
            numerics=LossNumerics(difference, difference, difference), registered=False,
        )  # fmt: skip
        assumed = (
            f"ψ(e) = {shown} satisfies ψ'(L)‖∇L‖ ≥ 1 where 0 < L < {level:g}",
            f"∇L is Lipschitz with constant {lipschitz} and bounded by {gradient_bound} on {{L ≤ f}}, f = {f_symbol}",
            f"JAX evaluates L with relative error at most {EVALUATION:.1e}",
            COMPACT,
            minimiser_statement("y" if argmin is None else "argmin(y)"),
        )
        super().__init__(theory, {}, scale, assumed)

    function: Callable[[Any, Any], Any]
    minimiser: Callable[[np.ndarray], np.ndarray] | None
    level: float
    asserted_convex: bool

    @cached_property
    def _key(self) -> tuple[Any, ...]:
        formulas = (self.theory.psi, self.theory.curvature, self.theory.gradient_bound)
        asserted = (self.scale, self.level, self.minimiser, self.asserted_convex, self.theory.convention)
        return ("custom", self.function, *map(str, formulas), *asserted)

    @property
    def convex(self) -> bool:
        """What the user asserts."""
        return self.asserted_convex

    @cached_property
    def concave_psi(self) -> bool:
        """Whether ψ is concave, decided by the sign of ψ''."""
        return _concave(self.theory.psi)

    @property
    def argmin_is_y(self) -> bool:
        """Whether no other minimiser was given."""
        return self.minimiser is None

    def to_json(self) -> dict[str, Any]:
        """Describe the loss; a Python function cannot be written, so it cannot be made again from this."""
        return {
            "kind": "custom", "scale": self.scale, "function": self.theory.convention, "psi": str(self.theory.psi),
            "curvature": str(self.theory.curvature), "assumed": list(self.assumed),
        }  # fmt: skip

    # --- floating point ---------------------------------------------------------------------------------
    def value(self, xp: Any, v: Any, y: Any) -> Any:
        """L(v), scaled."""
        result = float(resolve_scale(self.scale, v.shape[0])) * self.function(v, y)
        return np.asarray(result) if xp is np else result

    def gradient(self, xp: Any, v: Any, y: Any) -> Any:
        """∇L(v) by JAX, scaled."""
        import jax

        result = float(resolve_scale(self.scale, v.shape[0])) * jax.grad(self.function)(v, y)
        return np.asarray(result) if xp is np else result

    def in_domain(self, xp: Any, v: Any) -> Any:
        """Whether every entry is finite; outside its domain the function must return inf or nan."""
        return xp.all(xp.isfinite(v))

    # --- the search for a refutation ----------------------------------------------------------------------
    def validate_data(self, y: np.ndarray) -> None:
        """Try to refute what is asserted, for these observations.

        Raises:
            InputError: a violation of the KL inequality, of G or of Λ was found.
        """
        import jax
        import jax.numpy as jnp

        data = np.asarray(y, dtype=np.float64)
        known = jnp.asarray(data)
        both = jax.jit(jax.value_and_grad(lambda v: self.function(v, known)))
        precision = float(np.finfo(known.dtype).eps)

        def value_and_gradient(v: np.ndarray) -> tuple[float, np.ndarray]:
            level, gradient = both(jnp.asarray(v))
            return float(level), np.asarray(gradient, dtype=np.float64)

        centre = data if self.minimiser is None else np.asarray(self.minimiser(data), dtype=np.float64)
        rounding = math.sqrt(precision)
        search = Search(value_and_gradient, centre, rounding, min(self.level, 1e12), 10 * rounding)
        for name, statement, ratio in self._claims():
            found = search.refute(ratio)
            if found is not None:
                raise InputError(
                    f"loss.{name}: found {statement} = {found.ratio:.4g} at L = {found.level:.4g}, expected at least 1 "
                    f"where 0 < L < {self.level:g}: this {name} is refuted; multiply it by {1.01 / found.ratio:.3g} or "
                    "more, or give a smaller level"
                )

    def _claims(self) -> list[tuple[str, str, Callable[[np.ndarray, float, float], float]]]:
        """What is asserted, as ratios that must be at least 1."""
        slope = float_function(e, sp.diff(self.theory.psi, e), "math")
        gradient_at = float_function(f_symbol, self.theory.gradient_bound, "math")
        curvature_at = float_function(f_symbol, self.theory.curvature, "math")
        return [
            ("psi", "ψ'(L)‖∇L‖", lambda d, level, g: slope(level) * g),
            ("gradient_bound", "G(L)/‖∇L‖", lambda d, level, g: gradient_at(level) / g if g else math.inf),
            (
                "curvature",
                "Λ(L)‖v − argmin‖/‖∇L‖",
                lambda d, level, g: curvature_at(level) * float(np.linalg.norm(d)) / g if g else math.inf,
            ),
        ]

    def assumptions(self, v: Any, y: np.ndarray, loss_0: Bound) -> tuple[Hypothesis, Hypothesis]:
        """Both are the user's own statements, and among `assumed`; see `Loss.assumptions`."""
        return self._assumption(Verdict.UNDECIDED, "", None, "assumed by the user, not proved")

    @property
    def _argmin_words(self) -> str:
        return "y" if self.argmin_is_y else "argmin(y)"

    # --- enclosures, all of evidence `assumed` --------------------------------------------------------------
    def constants(self, y: np.ndarray, loss_0: Bound) -> dict[sp.Symbol, Bound]:
        """Evaluate the asserted G and Λ; see `Loss.constants`."""
        evidence, height = max(loss_0.evidence, Evidence.ASSUMED), enclosures.sublevel_height(self, np.size(y), loss_0)
        if height is not None and height >= self.level:
            raise InputError(
                f"loss.level: found a loss of {float(height):.4g}, expected less than level = {self.level:g}, below "
                "which ψ is claimed; start closer or claim more"
            )
        return {symbol: bound.with_evidence(evidence) for symbol, bound in super().constants(y, loss_0).items()}

    def enclose(self, v: Any, y: np.ndarray) -> Bound:
        """Bound L at an enclosed prediction by its value in the middle, ‖∇L‖ and Λ (evidence assumed)."""
        import jax.numpy as jnp

        mid, rad = enclosures.ends(v)
        centre = float(self.value(np, jnp.asarray(mid), jnp.asarray(y)))
        spread = float(np.linalg.norm(rad)) * (1 + 1e-9)
        slope = float(np.linalg.norm(self.gradient(np, jnp.asarray(mid), jnp.asarray(y))))
        margin = EVALUATION * abs(centre) + 2 * slope * spread
        return Bound(max(centre - margin, 0.0), centre + margin, Evidence.ASSUMED)

    # --- Ψ by quadrature --------------------------------------------------------------------------------
    @cached_property
    def _primitive(self) -> DecreasingPrimitive:
        slope = sp.diff(self.theory.psi, e).subs(e, sp.exp(_log_e))
        return DecreasingPrimitive([(sp.oo, sp.simplify(slope**2 * sp.exp(_log_e)))], _log_e)

    def Psi_at(self, value: float, constants: Mapping[sp.Symbol, Bound]) -> flint.arb:
        """Enclose Ψ at one number."""
        with flint.ctx.workprec(192):
            factor = self._factor(constants)
            return self._primitive((exact_arb(value) / factor).log()) / factor

    def Psi_inv_at(self, level: float | Fraction, constants: Mapping[sp.Symbol, Bound]) -> flint.arb:
        """Enclose Ψ⁻¹ at one number; 0 beyond Ψ(0⁺) where that is finite."""
        with flint.ctx.workprec(192):
            factor = self._factor(constants)
            target = factor * exact_arb(level)
            if self._primitive(flint.arb(-700)) <= target:
                return flint.arb(0).union(factor * flint.arb(-700).exp())
            return factor * self._primitive.inverse(target).exp()


def _formula(given: Any, symbol: sp.Symbol, key: str, letter: str = "e") -> sp.Expr:
    if isinstance(given, str):
        try:
            return read_formula(given, {letter: symbol})
        except ValueError as error:
            raise InputError(f"loss.{key}: {error}") from None
    if isinstance(given, int | float | Fraction) and not isinstance(given, bool):
        return sp.Rational(Fraction(given))
    if isinstance(given, sp.Expr) and len(given.free_symbols) <= 1:
        return exact(given.subs(dict.fromkeys(given.free_symbols, symbol)))
    raise InputError(f"loss.{key}: found {given!r}, expected a SymPy expression in one symbol, or text in {letter}")


def _check_psi(psi: sp.Expr) -> None:
    compile_arb((e,), psi)
    slope = sp.diff(psi, e)
    if sp.limit(psi, e, 0, "+") != 0 or sign_of(slope) in (-1, 0):
        raise InputError(f"loss.psi: found ψ(e) = {psi}, expected an increasing function with ψ(0) = 0")


@cache
def _concave(psi: sp.Expr) -> bool:
    return sign_of(sp.diff(psi, e, 2)) in (-1, 0)
