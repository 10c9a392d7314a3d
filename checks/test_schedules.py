"""What step-size schedules add up to (docs/theory.md §3 remark d): formulas and floats against sums in 200 bits."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import flint
import numpy as np
import pytest
import sympy as sp
from flint import arb

from checks.balls import schedule_factor
from checks.registry import proves
from dipproofs.descent import Backtracking, Constant, Cosine, Polynomial
from dipproofs.descent.schedule import SCHEDULES as RUNTIME
from dipproofs.descent.schedule import make_schedule
from dipproofs.enclosures import compile_arb
from dipproofs.errors import InputError
from dipproofs.theory import schedules
from dipproofs.theory import symbols as s
from dipproofs.theory.schedules import SCHEDULES, count, horizon, power, start

PARAMETERS = {
    "constant": [{}],
    "polynomial": [{"power": a} for a in (0.0, 0.25, 0.5, 0.999999, 1.0, 1.5, 3.0)],
    "cosine": [{"horizon": T} for T in (1, 2, 7, 50, 400, 1000)],
}
CASES = [(kind, options) for kind, many in PARAMETERS.items() for options in many]
SYMBOLS = (start, count, power, horizon)


@proves("schedules.constant.*", "schedules.polynomial.*", "schedules.cosine.*")
@pytest.mark.parametrize(("kind", "options"), CASES)
def test_sums_and_largest_factors_against_the_definition(kind: str, options: dict) -> None:
    """The formulas in 200 bits; the floats of runs on the safe side, no further than what they are granted."""
    assert count not in SCHEDULES[kind].largest.free_symbols
    largest, total = (compile_arb(SYMBOLS, expr) for expr in (SCHEDULES[kind].largest, SCHEDULES[kind].total))
    schedule, a, T = make_schedule(kind, **options), options.get("power", 0), options.get("horizon", 1)
    with flint.ctx.workprec(200):
        for t in (0, 1, 3, 6, 10, 49, 399, 999, 10**6):
            factors = [schedule_factor(schedule, tau) for tau in range(t, t + 601)]
            most = largest(arb(t), arb(0), arb(a), arb(T))
            assert abs(most - factors[0]) < 1e-50 and all(f <= most + 1e-50 for f in factors)
            assert factors[0] <= schedule.supremum(t) <= (factors[0] + 1.01e-12).min(arb(1))
            for i in (0, 3):
                assert abs(float(schedule.factor(t + i)) - factors[i]) < 1e-15
                assert abs(float(schedule.factor(np.float64(t + i))) - factors[i]) < 1e-12
            for n in (0, 1, 2, 3, 10, 50, 300, 600):
                exact, below = sum(factors[:n], arb(0)), total(arb(t), arb(n), arb(a), arb(T))
                # a decreasing factor: the sum exceeds its integral by no more than the first factor
                assert below <= exact + 1e-50 and exact <= below + factors[0] + 1e-50
                lower = schedule.sum_lower(t, n)
                assert lower <= exact
                if kind == "polynomial":
                    assert lower >= below * (1 - 1e-9) - 1e-50 or lower >= n * factors[n] * (1 - 1e-11)
                    assert lower >= below * (1 - 1e-8) - 1e-50 or t >= 10**6 or abs(1 - a) < 1e-5
                elif kind == "cosine":
                    assert lower >= (below - 1.1e-12 * T).max(arb(0))
                else:
                    assert lower == n


def test_sums_far_out_stay_below() -> None:
    """Where the difference of powers loses all digits, count times the last factor is the bound."""
    with flint.ctx.workprec(200):
        for a, t in itertools.product((0.3, 0.5, 0.9999999, 1.0, 1.0000001, 2.0, 3.0), (10**9, 10**14)):
            lower, schedule = Polynomial(a).sum_lower(t, 3), Polynomial(a)
            exact = sum((schedule_factor(schedule, t + i) for i in range(3)), arb(0))
            assert exact * (1 - 1e-7) <= lower <= exact, (a, t)
    zero = Polynomial(0.0)
    assert zero.sum_lower(0, 10) <= 10 and zero.sum_lower(0, 10) > 10 * (1 - 1e-11)
    assert Cosine(10).sum_lower(20, 5) == 0.0 == Cosine(10).sum_lower(10, 5)
    assert Cosine(10**15).sum_lower(0, 10) <= 10
    assert Polynomial(40.0).supremum(6 * 10**8) > 0  # a factor of 1e-351


def test_schedules_by_name_and_refusals() -> None:
    assert make_schedule("constant") == Constant() and make_schedule("cosine", horizon=5, power=None) == Cosine(5)
    assert make_schedule(Cosine(3)) == Cosine(3) and make_schedule("backtracking") == Backtracking()
    assert Polynomial().power == 0.5 and Cosine().horizon == 20000
    assert Cosine(4).to_json() == {"kind": "cosine", "horizon": 4} and Constant().to_json() == {"kind": "constant"}
    for make in (
        lambda: Polynomial(-0.1),
        lambda: Polynomial(math.inf),
        lambda: Polynomial(math.nan),
        lambda: Cosine(0),
        lambda: Cosine(10**15 + 1),
        lambda: make_schedule("no"),
        lambda: make_schedule("constant", power=1.0),
        lambda: Backtracking().sum_lower(0, 1),
    ):
        with pytest.raises(InputError) as error:
            make()
        assert "\n" not in str(error.value)
    assert Polynomial(0.0).power == 0.0 and Cosine(1).horizon == 1 and Cosine(10**15).horizon == 10**15
    assert Backtracking().factor(3) == 1.0 == Backtracking().supremum(9) and Backtracking().diverges
    for gamma, L in ((1.0, 8.0), (0.01, 8.0), (0.0625, 8.0), (1.0, 0.1)):
        least = Backtracking().smallest_step(gamma, L)
        assert min(gamma, 0.5 / L) * (1 - 2e-12) <= least <= min(gamma, 0.5 / L)
        assert gamma * L >= 0.5 or least == gamma
        assert gamma * L < 0.5 or Fraction(least) < Fraction(1, 2) / Fraction(L)


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
