"""What step-size schedules add up to (docs/theory.md §3 remark d), against sums in exact or 200-bit arithmetic."""

from __future__ import annotations

import flint
import pytest
import sympy as sp
from flint import arb

from checks.balls import schedule_factor
from checks.registry import proves
from dipproofs.descent.schedule import SCHEDULES as RUNTIME
from dipproofs.descent.schedule import make_schedule
from dipproofs.enclosures import compile_arb
from dipproofs.theory import schedules
from dipproofs.theory import symbols as s
from dipproofs.theory.schedules import SCHEDULES, count, horizon, power, start

PARAMETERS = {
    "constant": [{}],
    "polynomial": [{"power": a} for a in (0.0, 0.25, 0.5, 1.0, 1.5, 3.0)],
    "cosine": [{"horizon": T} for T in (1, 2, 7, 50, 400)],
}
CASES = [(kind, options) for kind, many in PARAMETERS.items() for options in many]
SYMBOLS = (start, count, power, horizon)


def _value(expr: sp.Expr, options: dict, t: int, n: int) -> arb:
    known = [arb(t), arb(n), arb(options.get("power", 0)), arb(options.get("horizon", 1))]
    return compile_arb(SYMBOLS, expr)(*known)


@proves("schedules.constant.*", "schedules.polynomial.*", "schedules.cosine.*")
@pytest.mark.parametrize(("kind", "options"), CASES)
def test_sums_and_largest_factors_against_the_definition(kind: str, options: dict) -> None:
    assert count not in SCHEDULES[kind].largest.free_symbols
    with flint.ctx.workprec(200):
        for t in (0, 1, 3, 49, 399):
            factors = [schedule_factor(make_schedule(kind, **options), tau) for tau in range(t, t + 600)]
            largest = _value(SCHEDULES[kind].largest, options, t, 0)
            assert abs(largest - factors[0]) < 1e-50 and all(f <= largest + 1e-50 for f in factors)
            total = arb(0)
            for n in (0, 1, 2, 10, 300, 600):
                total = sum(factors[:n], arb(0))
                below = _value(SCHEDULES[kind].total, options, t, n)
                # a decreasing factor: the sum exceeds its integral by no more than the first factor
                assert below <= total + 1e-50 and total <= below + factors[0] + 1e-50


def test_divergence_is_that_of_the_series() -> None:
    for kind in RUNTIME:
        stated = SCHEDULES[kind].diverges
        for a in (sp.Rational(1, 2), sp.Integer(1), sp.Rational(3, 2)):
            runtime = make_schedule(kind, **({"power": float(a)} if kind == "polynomial" else {}))
            assert bool(stated.subs(power, a)) == runtime.diverges
    n = sp.Symbol("n", positive=True, integer=True)
    assert sp.Sum(n ** sp.Rational(-1, 2), (n, 1, sp.oo)).is_convergent() == sp.false
    assert sp.Sum(1 / n, (n, 1, sp.oo)).is_convergent() == sp.false
    assert sp.Sum(n ** sp.Rational(-3, 2), (n, 1, sp.oo)).is_convergent() == sp.true


@proves("schedules.backtracking.*")
def test_backtracking_never_halves_a_step_below_1_over_L() -> None:
    """f decreases by γ(1 − γL/2)‖∇f‖², at least the asked γ‖∇f‖²/2 exactly when γ ≤ 1/L."""
    gamma, L = s.gamma, s.lipschitz_grad
    surplus = gamma * (1 - gamma * L / 2) - gamma / 2
    assert sp.simplify(surplus - gamma * (1 - gamma * L) / 2) == 0
    # so an accepted step is γ_0 itself or more than β/L: in units of γ_0, the total of N steps is
    assert SCHEDULES["backtracking"].total == schedules.count * sp.Min(1, s.shrink / (L * gamma))
    assert SCHEDULES["backtracking"].largest == 1
