"""From base quantities to the theorem's constants at a radius ρ; in Arb for proofs, in NumPy for the search.

Both evaluate the same SymPy expressions in the same order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import flint
import numpy as np
import sympy as sp

from dipproofs.enclosures import compile_arb
from dipproofs.enclosures.evaluate import call, sorted_symbols
from dipproofs.enclosures.floats import compile_floats
from dipproofs.theory import symbols as s
from dipproofs.theory.architectures import Architecture
from dipproofs.theory.theorem import Theorem, theorem

Environment = dict[Any, Any]

#: Number of panels of the quadrature rules; the midpoint rule's relative error is below 1e-4 at 32.
PANELS = 32


@dataclass(frozen=True)
class Plan:
    """Which form and profile to decide, for which architecture.

    Args:
        form: "paper", "integral", "concave" or "residual".
        profile: id of the profile.
        architecture: of the network.
    """

    form: str
    profile: str
    architecture: Architecture

    @property
    def theorem(self) -> Theorem:
        """What has to be evaluated and decided."""
        return theorem(self.form, self.profile, self.architecture)

    def __str__(self) -> str:
        return f"{self.form}/{self.profile}/{self.architecture.id}"


def evaluate(plan: Plan, environment: Environment, rho: Any, gamma: Any) -> Environment:
    """Extend an environment of Arb balls by every constant at ρ, γ."""
    env = {**environment, s.rho: rho, s.gamma: gamma}
    for symbol, expr in plan.theorem.constants:
        env[symbol] = call(expr, env)
    return env


def along(expr: sp.Expr, env: Mapping[Any, Any], points: list[Any]) -> list[Any]:
    """Evaluate an expression in t at several points."""
    symbols = sorted_symbols(expr)
    columns = [points if symbol == s.t else [env[symbol]] * len(points) for symbol in symbols]
    values = compile_arb(symbols, expr).batch(*columns)
    return values if columns else [values[0]] * len(points)


def integral_lower(expr: sp.Expr, env: Mapping[Any, Any], end: Any) -> flint.arb:
    """Return a ball whose lower end bounds ∫₀^end of a convex function of t from below (midpoint rule)."""
    h = end / PANELS
    return sum(along(expr, env, [h * (2 * i + 1) / 2 for i in range(PANELS)]), flint.arb(0)) * h


def integral_upper(expr: sp.Expr, env: Mapping[Any, Any], end: Any) -> flint.arb:
    """Return a ball whose upper end bounds the same integral from above (trapezoidal rule)."""
    h = end / PANELS
    values = along(expr, env, [h * i for i in range(PANELS + 1)])
    return (sum(values[1:-1], flint.arb(0)) + (values[0] + values[-1]) / 2) * h


# --- the same in NumPy, for many ρ at once ------------------------------------------------------------


@cache
def _numpy(expr: sp.Expr) -> tuple[tuple[sp.Symbol, ...], Callable[..., Any]]:
    symbols = sorted_symbols(expr)
    return symbols, compile_floats(symbols, [(None, expr)])


def float_call(expr: sp.Expr, env: Mapping[Any, Any]) -> Any:
    """Evaluate an expression on NumPy floats or arrays (evidence: estimated)."""
    symbols, function = _numpy(expr)
    return function(*_floats(env, symbols))[0]


def _floats(env: Mapping[Any, Any], symbols: tuple[sp.Symbol, ...]) -> list[Any]:
    """Values as arrays or NumPy numbers: Python's floats raise where NumPy's become infinite."""
    values = [env[symbol] for symbol in symbols]
    return [np.float64(value) if type(value) in (float, int) else value for value in values]


@cache
def _numpy_steps(plan: Plan) -> tuple[tuple[sp.Symbol, ...], tuple[sp.Symbol, ...], Callable[..., Any]]:
    chain = plan.theorem.constants
    made = tuple(symbol for symbol, _ in chain)
    used = set().union(*(expr.free_symbols for _, expr in chain)) - set(made)
    symbols = tuple(sorted(used, key=str))
    return symbols, made, compile_floats(symbols, chain)


def float_evaluate(plan: Plan, environment: Environment, rho: Any, gamma: Any) -> Environment:
    """`evaluate` on NumPy floats; ρ may be an array."""
    symbols, made, function = _numpy_steps(plan)
    env = {**environment, s.rho: rho, s.gamma: gamma}
    with np.errstate(all="ignore"):
        return {**env, **dict(zip(made, function(*_floats(env, symbols)), strict=True))}


@cache
def _numpy_after(plan: Plan, expr: sp.Expr) -> tuple[tuple[sp.Symbol, ...], Callable[..., Any]]:
    needed, chain = set(expr.free_symbols), [(None, expr)]
    for symbol, value in reversed(plan.theorem.constants):
        if symbol in needed:
            needed = needed - {symbol} | value.free_symbols
            chain.insert(0, (symbol, value))
    symbols = tuple(sorted(needed, key=str))
    return symbols, compile_floats(symbols, chain)


def float_at(plan: Plan, expr: sp.Expr, environment: Environment, rho: Any, gamma: Any) -> Any:
    """One expression after `float_evaluate`, of which no more is done than it needs; t is 0."""
    symbols, function = _numpy_after(plan, expr)
    with np.errstate(all="ignore"):
        return function(*_floats({**environment, s.rho: rho, s.gamma: gamma, s.t: 0.0}, symbols))[-1]


def float_cumulative(plan: Plan, env: Environment, ends: np.ndarray) -> np.ndarray:
    """Return ∫₀^{ρ_i} by the midpoint rule for arrays of ρ and of constants."""
    middle = (np.arange(PANELS) + 0.5) / PANELS
    points, expr = ends[:, None] * middle[None, :], plan.theorem.integrand
    given = {symbol: env[symbol] for symbol in sorted_symbols(expr) if symbol != s.t}
    wide = {symbol: value[:, None] if np.ndim(value) == 1 else value for symbol, value in given.items()}
    with np.errstate(all="ignore"):
        values = np.broadcast_to(float_call(expr, {**wide, s.t: points}), points.shape)
    return np.asarray(values.mean(axis=1) * ends)
