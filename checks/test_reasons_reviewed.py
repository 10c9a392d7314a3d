"""Changes that had been taken for harmless and are not: the smallest case in which each of them makes a claim wrong.

Every check here comes from reading the reasons in `docs/theory.md` against docs/theory.md §8.
"""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

import flint
import mpmath as mp
import numpy as np
import pytest
import sympy as sp

from checks.test_criteria_tight import judge_of
from dipproofs.certify import constants, decide
from dipproofs.certify.constants import Plan, call
from dipproofs.certify.decide import Judge
from dipproofs.certify.guarantees import _ceil, stretch
from dipproofs.certify.operator_bounds import bound_operator
from dipproofs.descent import Backtracking
from dipproofs.enclosures import (
    Bound,
    Evidence,
    IntervalMatrix,
    Verdict,
    bound,
    cholesky,
    functions,
    row_space,
    singular,
)
from dipproofs.enclosures.cholesky import CholeskyTest, residual_lower_bound
from dipproofs.enclosures.rounding import TINY
from dipproofs.errors import InputError
from dipproofs.networks.two_layer.enclosure import vector_norm
from dipproofs.theory import symbols as s
from dipproofs.theory.architectures.two_layer import CONSTANTS
from dipproofs.theory.losses import huber
from dipproofs.theory.width.levels import _without_overflow
from dipproofs.verify.arithmetic import area

PAPER = Plan("paper", "paper", "both")


# --- enclosures ------------------------------------------------------------------------------------------------
def test_the_residual_bound_is_not_above_an_exact_eigenvalue() -> None:
    """M = τI and L = 0 leave no residual, so that only the last rounding stands between τ and the claim."""
    for tau in (3.0, 1.0, 0.1, -2.0):
        assert residual_lower_bound(IntervalMatrix(np.eye(2) * tau), tau, np.zeros((2, 2))) <= tau
    for m in (2.0**-60, 2.0**-40, 0.0):  # the residual is almost τ, so that its last digits are what is left
        assert residual_lower_bound(IntervalMatrix(np.full((1, 1), m)), 1.0, np.zeros((1, 1))) <= m


def test_the_residual_bound_pays_for_the_sum_of_norms(monkeypatch: pytest.MonkeyPatch) -> None:
    """Norms ½ + ½ leave nothing of τ = 1: whatever is above 0 would be a digit too many."""
    monkeypatch.setattr(cholesky, "operator_upper", lambda *_: 0.5)
    assert -1e-14 <= residual_lower_bound(IntervalMatrix(np.eye(2)), 1.0, np.zeros((2, 2))) <= -(2.0**-51)


def test_the_trace_is_rounded_up_before_it_is_paid(monkeypatch: pytest.MonkeyPatch) -> None:
    """30 pivots near 1 and one of the size of the price: its last digit does not hide a price that is too small."""
    seen: list[np.ndarray] = []

    def keep(work: np.ndarray) -> bool:
        seen.append(work.copy())
        return True

    monkeypatch.setattr(cholesky, "factorise", keep)
    u, rng = Fraction(1, 2**53), np.random.default_rng(5)
    for n, size in ((31, 3e-13), (31, 6e-13), (64, 2e-12)):
        diagonal = 1 + rng.random(n)
        diagonal[-1] = size
        assert CholeskyTest(np.diag(diagonal), np.zeros(n)).proves(0.0)
        start = np.nextafter(np.nextafter(diagonal, -np.inf), -np.inf)
        growth = (n + 9) * u / (1 - (n + 9) * u)
        exact = [Fraction(x) for x in start]
        price = growth / (1 - growth) * sum(exact) + 4 * Fraction(TINY) * n * (2 * (n + 1) + max(exact))
        work = seen.pop()
        assert all(Fraction(work[i, i]) <= exact[i] - price for i in range(n))


@pytest.mark.parametrize("exponent", [-20, 0, 20])
def test_the_error_of_a_product_has_both_norms(exponent: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """α ≥ 2γ‖Y‖‖S‖ for Y = 2^e, S = 2^−e: the product of the norms, whatever each of them is."""
    monkeypatch.setattr(singular, "gamma", lambda terms: 2.0**-5)
    y, inverse = np.full((1, 1), 2.0**exponent), np.full((1, 1), 2.0**-exponent)
    found = singular._preconditioned_lower(y, inverse, Bound.exact(1), False)
    assert math.sqrt(1 - 2.0**-4 - 2.0**-10) * (1 - 1e-12) <= found <= math.sqrt(1 - 2.0**-4 - 2.0**-10)


def test_distances_from_orthonormality_are_rounded_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Norms ⅛ + ⅛ give 1 ∓ ¼, floats that no later rounding moves."""
    monkeypatch.setattr(row_space, "operator_upper", lambda *_: 0.125)
    space = row_space.row_space_basis(np.array([[1.0, 2.0, 2.0], [0.0, 1.0, -1.0]]))
    assert space.gram_min.lower <= 0.75 and space.gram_max.upper >= 1.25


def test_a_basis_that_is_too_long_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proposal with BBᵀ ≈ 2I makes the bounds of BBᵀ lie at 2, not at 1."""
    for name in ("_by_cholesky", "_by_qr"):
        monkeypatch.setattr(row_space, name, lambda rows: np.diag([math.sqrt(2) / 3, 1.0]))
    space = row_space.row_space_basis(np.array([[1.0, 2.0, 2.0], [0.0, 1.0, -1.0]]))
    assert space.gram_min.lower <= 2 <= space.gram_max.upper and space.gram_min.upper > 1.9


def test_ends_of_powers_are_outer_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ball for each end: what is returned contains both."""
    ball = flint.arb(2, 0.5)
    monkeypatch.setattr(bound, "power_of_end", lambda *_: ball)
    found, wanted = Bound(3.0, 4.0) ** Fraction(1, 3), Bound.from_arb(ball)
    assert found == wanted and found.lower <= 1.5 and found.upper >= 2.5


def test_comparisons_of_balls_that_touch_are_open() -> None:
    """[a, b] may be b and may be less: neither ≥ b nor its contrary is certain; the same with > at a."""
    ball = flint.arb(0.5, 0.5)
    low, high = ball.lower(), ball.upper()
    assert functions._greater_equal(ball, high) is None and functions._greater_equal(ball, low) is True
    assert functions._greater(ball, low) is None and functions._greater(ball, high) is False
    assert functions._greater_equal(low, high) is False and functions._greater(high, low) is True


# --- operators --------------------------------------------------------------------------------------------
def test_masks_with_signs_keep_them() -> None:
    for A in (-np.eye(3)[[2, 0]], np.eye(3)[[2, 0]], np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0]])):
        found = bound_operator(A)
        assert found.selection is not None
        for array in (np.arange(1.0, 7.0).reshape(3, 2), np.array([1.0, 2.0, 3.0])):
            assert (found.apply_exact(array).mid == A @ array).all()
            assert (found.apply(IntervalMatrix.from_exact(array)).mid == A @ array).all()


def test_deficient_operators_are_refuted() -> None:
    A = np.array([[1.0, 2.0, 4.0], [2.0, 4.0, 8.0], [0.0, 1.0, 1.0]])
    for matrix in (A, A[:, :2].T @ np.ones((3, 3)), A[:2]):
        assert bound_operator(matrix).decision.verdict is Verdict.REFUTED


# --- verdicts and counts ----------------------------------------------------------------------------------
def test_closed_conditions_hold_at_equality() -> None:
    judge = judge_of(PAPER, 0.01, 0.01)
    with flint.ctx.workprec(128):
        found = [judge._closed("x", "", ball, 1, "no").verdict for ball in (flint.arb(1), flint.arb(0.5, 0.25))]
        assert found == [Verdict.PROVED, Verdict.PROVED]
        assert judge._closed("x", "", flint.arb(1, 0.5), 1, "no").verdict is Verdict.UNDECIDED
        assert judge._closed("x", "", flint.arb(3, 0.5), 1, "no").verdict is Verdict.REFUTED


def test_a_margin_that_may_be_negative_does_not_hold() -> None:
    judge = judge_of(PAPER, 0.01, 0.01)
    judge.evidence = Evidence.ESTIMATED
    with flint.ctx.workprec(128):
        for ball, word in ((flint.arb(0, 1), "fails"), (flint.arb(0), "fails"), (flint.arb(2, 1), "holds")):
            assert judge._decide("x", "", ball, "").reason.startswith(word)


def test_ends_of_the_slope_are_outer_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    judge = judge_of(Plan("concave", "observation", "both"), 0.05, 0.05)
    with flint.ctx.workprec(128):
        judge.run()
        ball = flint.arb(2, 0.5)
        monkeypatch.setattr(decide, "call", lambda *_: ball)
        assert judge._path_bound()[1] == Bound.from_arb(ball)


@pytest.mark.parametrize("off", [0.0, 5e-9, -5e-9, 5e-7, -5e-7, 5e-5, -5e-5])
def test_the_papers_radius_is_between_its_ends(off: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """2Rℓ(R) − σ changes its sign between the ends, for a guess on either side."""
    judge = judge_of(PAPER, 0.01, 0.01)
    ell = CONSTANTS["both"].lipschitz_J_full
    with flint.ctx.workprec(128):
        middle = judge.paper_radius().mid
        monkeypatch.setattr(decide, "estimated_paper_radius", lambda *_: middle * (1 + off))
        found = judge.paper_radius()
        for end, sign in ((found.lower, -1), (found.upper, 1)):
            ball = flint.arb(end)
            assert sign * (2 * ball * call(ell, {**judge.start, s.rho: ball}) - judge.start[s.sigma_min_J]) >= 0


@pytest.mark.parametrize("off", [0.5, 0.9, 1.0, 1.001, 1.2, 3.0])
def test_the_path_bound_is_between_its_ends(off: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """ω∫₀^S − ψ_0 changes its sign between the ends, for a guess on either side."""
    judge = judge_of(Plan("concave", "observation", "both"), 0.05, 0.05)
    with flint.ctx.workprec(128):
        assert judge.run().verdict is Verdict.PROVED
        guess = judge._float_root()
        monkeypatch.setattr(Judge, "_float_root", lambda _: guess * off)
        found, F = judge._path_bound()[0], judge.theorem.F
        for end, sign in ((found.lower, -1), (found.upper, 1)):
            low, high = area(F, s.t, flint.arb(end), judge.env, 512)
            omega, psi = judge.env[s.omega], judge.env[s.psi_0]
            assert sign * (omega * low - psi) >= 0 and sign * (omega * high - psi) >= 0
        assert found.lower > 0.4 * guess or off == 3.0


@pytest.mark.parametrize("form", ["concave", "residual"])
def test_a_step_is_refuted_only_if_it_fails_at_the_centre(form: str) -> None:
    """Between the limits at ρ = 0 and at a smaller radius than that of the candidate: another radius may do."""
    plan = Plan(form, "observation", "both")

    def size(rho: float) -> float:
        judge = judge_of(plan, rho, 1.0)
        with flint.ctx.workprec(128):
            judge.run()
            return float(call(judge.theorem.hypotheses["step"].relation.lts, judge.env).mid())

    limit = {"concave": 2.0, "residual": 1.0}[form]
    at_centre, at_half = limit / size(0.0), limit / size(0.5)
    with flint.ctx.workprec(128):
        for gamma, verdict in (((at_centre + at_half) / 2, Verdict.UNDECIDED), (at_centre * 1.01, Verdict.REFUTED)):
            assert judge_of(plan, 1.5, gamma).run().hypotheses[0].verdict is verdict


def test_backtracking_is_counted_with_the_largest_gradient_constant() -> None:
    judge = judge_of(PAPER, 0.01, 0.01)
    with flint.ctx.workprec(128):
        other = Judge(judge.base, replace(judge.candidate, gamma=4.0))
        other.env = {s.lipschitz_grad: flint.arb(1).union(flint.arb(2))}
        count = stretch(other, Backtracking(), 0, 100)
    assert count is not None and 1600 <= count <= 1601  # steps of ¼ at least, where L may be 2


def test_counts_are_not_below_what_a_float_forgets() -> None:
    with flint.ctx.workprec(128):
        for whole in (1, 3, 100, 999):
            count = _ceil(flint.arb(whole) + flint.arb(2) ** -60)
            assert count is not None and count >= whole + 1


def test_integrands_without_variables_are_repeated() -> None:
    points: list[Any] = [flint.arb(0), flint.arb(1), flint.arb(2)]
    assert [float(value) for value in constants.along(sp.Integer(3), {}, points)] == [3.0, 3.0, 3.0]


# --- theory -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("value", [Fraction(1, 2), 2, 6])
def test_the_time_of_a_residual_is_that_of_its_value(value: Any) -> None:
    """T(s) at the residual s whose loss is e is T as a function of e: on both sides of the corner, and in it."""
    given, level = {huber.delta: 2}, sp.Rational(value)
    residual = huber.PROFILE.inverse.subs(given).subs(huber.e, level)
    by_residual = huber.PROFILE.time.subs(given).subs(huber.s, residual)
    assert sp.simplify(by_residual - huber.PROFILE.time_of_value.subs(given).subs(huber.e, level)) == 0


def test_rewriting_without_assumptions() -> None:
    """arcosh(e^z) in the form SymPy keeps for a plain symbol; an asinh of something else stays."""
    z = sp.Symbol("z")
    safe = _without_overflow(sp.asinh(sp.sqrt(2 * sp.exp(z) * sp.sinh(z))))
    assert not safe.has(sp.asinh)
    with mp.workdps(30):
        assert abs(mp.mpf(sp.N(safe.subs(z, 2), 30)) - mp.acosh(mp.exp(2))) < 1e-25
    other = sp.asinh(2 * sp.exp(z) * sp.sinh(z))
    assert _without_overflow(other) == other


@pytest.mark.parametrize("entries", [[1, 2**53 + 1], [-(2**53) - 1, 1], [2**53 + 1]])
def test_one_integer_that_is_no_float_is_enough(entries: list[int]) -> None:
    with pytest.raises(InputError, match="integers above"):
        IntervalMatrix.from_exact(np.array([entries]))
    assert IntervalMatrix.from_exact(np.array([[1, 2**53], [-(2**53), 1]])).is_exact


def test_the_norm_of_an_interval_vector_has_the_ends_of_its_entries() -> None:
    """Entries 3 ± 1 and −4 ± 1: norms from √13 to √41, and neither end is given away."""
    room = 1 + 32 * 2.0**-53  # what the norm of two entries grants for its roundings, and one more for each end
    for mid, rad, low, high in (
        ([3.0, -4.0], [1.0, 1.0], math.sqrt(13), math.sqrt(41)),
        ([0.5, 2.0], [1.0, 0.25], 1.75, math.sqrt(1.5**2 + 2.25**2)),
    ):  # one may be 0
        found = vector_norm(IntervalMatrix(np.array(mid), np.array(rad)))
        assert low / room <= found.lower <= low and high <= found.upper <= high * room


@pytest.mark.parametrize("accurate", [True, False])
def test_a_quotient_does_not_depend_on_the_length_of_its_vector(accurate: bool) -> None:
    """Powers of two change no rounding, so ‖Yv‖/‖v‖ with its error must stay the same to the last bit."""
    rng = np.random.default_rng(3)
    y, v = rng.standard_normal((6, 4)), rng.standard_normal(4)
    expected = singular._quotient_upper(y, v, accurate)
    for power in (-12, 12):
        assert singular._quotient_upper(y, np.ldexp(v, power), accurate) == expected
