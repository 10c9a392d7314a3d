"""Steps that are searched for (docs/theory-methods.md §9): derived, attacked with the worst accepted steps, and caught.

The theorem says nothing of the steps' lengths: whatever is accepted with f(θ) − f(θ⁺) ≥ cγ‖∇f‖² keeps path and rate.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import sympy as sp

import dipproofs as dp
from checks.registry import proves
from dipproofs.descent.schedule import Backtracking
from dipproofs.theory import formula
from dipproofs.theory import symbols as s
from dipproofs.theory.architectures import ARCHITECTURES
from dipproofs.theory.theorem import theorem

c, F, norm, gamma, slope = sp.symbols("c F g gamma p", positive=True)


@proves("forms.backtracking.omega")
def test_omega_is_the_sufficient_decrease() -> None:
    """ψ(f) − ψ(f⁺) ≥ ψ'(f)(f − f⁺) for concave ψ, f − f⁺ ≥ cγ‖∇f‖², ψ'(f) ≥ F/‖∇f‖: at least cFΔ, Δ = γ‖∇f‖."""
    fall = c * gamma * norm**2
    assert sp.simplify((F / norm) * fall - c * F * (gamma * norm)) == 0
    assert formula("forms.backtracking.omega").expr == s.decrease
    a, b = sp.symbols("a b", positive=True)  # concavity is what is used: ψ(a) − ψ(b) − ψ'(a)(a − b) for ψ = √e
    rest = sp.sqrt(a) - sp.sqrt(b) - (a - b) / (2 * sp.sqrt(a))
    assert sp.simplify(rest - (sp.sqrt(a) - sp.sqrt(b)) ** 2 / (2 * sp.sqrt(a))) == 0


@proves("forms.backtracking.rate")
def test_the_rate_is_that_of_the_shortest_accepted_step() -> None:
    """Ψ(f⁺) − Ψ(f) ≥ ψ'²(f − f⁺) ≥ cγ_τF²; with γL ≤ 1 a trial is accepted, so γ_τ ≥ γ·min(1, β/q)."""
    fall = c * gamma * norm**2
    assert sp.simplify((F / norm) ** 2 * fall - c * gamma * F**2) == 0
    q = sp.Symbol("q", positive=True)
    surplus = (1 - q / 2) - c  # of the descent lemma over what is asked, in units of γ‖∇f‖²
    assert surplus.subs({q: 1, c: sp.Rational(1, 2)}) == 0 and sp.diff(surplus, q) < 0 and sp.diff(surplus, c) < 0
    rate = formula("forms.backtracking.rate").expr
    assert sp.simplify(rate - s.decrease * sp.Min(1, s.shrink / s.q)) == 0
    shrink = Fraction(1, 2)
    for trial in (Fraction(n, 7) for n in range(1, 200)):  # the trials of a run that accepts as late as it may
        taken = trial
        while taken > 1:
            taken *= shrink
        assert taken >= min(trial, shrink) and taken / trial >= min(1, shrink / trial)


def worst_path(decrease: Fraction, count: int = 4000) -> Fraction:
    """f = x²/2 from x = 1, each step the longest that is accepted: γ = 2(1 − c), x⁺ = (2c − 1)x; the path, exactly."""
    x, path = Fraction(1), Fraction(0)
    gamma_ = 2 * (1 - decrease)
    for _ in range(count):
        new = x - gamma_ * x
        assert x**2 / 2 - new**2 / 2 == decrease * gamma_ * x**2  # accepted, without anything to spare
        path, x = path + abs(new - x), new
        if abs(x) < Fraction(1, 10**12):
            break
        x = x.limit_denominator(10**40)
    return path


@pytest.mark.parametrize("decrease", [Fraction(1, 2), Fraction(1, 4), Fraction(1, 20), Fraction(1, 200)])
def test_the_longest_accepted_steps_stay_within_the_path(decrease: Fraction) -> None:
    """ψ(f) = √(2f) = |x|, F = 1: S = |x_0|/c. As c → 0 it is reached up to the factor 1 − c."""
    path, bound = worst_path(decrease), 1 / decrease
    assert path <= bound
    assert path >= (1 - decrease) * bound * Fraction(99, 100)
    if decrease < Fraction(1, 2):  # the negative control: c stated twice too large is caught
        assert path > bound / 2


def any_steps(problem: dp.InverseProblem, net: dp.TwoLayer, decrease: float, seed: int) -> tuple[list, list, list]:
    """A descent with any accepted steps: trials of random length and random factors; losses, path, steps."""
    rng = np.random.default_rng(seed)
    A, y, u = problem.operator.to_dense(), problem.y, net.u
    W, V, root = net.W.copy(), net.V.copy(), np.sqrt(net.width)

    def loss(W: np.ndarray, V: np.ndarray) -> float:
        r = A @ (V @ np.tanh(W @ u)) / root - y
        return float(r @ r) / 2

    losses, path, steps = [loss(W, V)], [0.0], []
    for _ in range(60):
        phi = np.tanh(W @ u)
        z = A.T @ (A @ (V @ phi) / root - y) / root
        dV, dW = np.outer(z, phi), np.outer((1 - phi**2) * (V.T @ z), u)
        size = np.sqrt(np.sum(dV**2) + np.sum(dW**2))
        trial = 10.0 ** rng.uniform(-1, 2)
        while not loss(W - trial * dW, V - trial * dV) <= losses[-1] - decrease * trial * size**2:
            trial *= rng.uniform(0.3, 0.95)
        W, V = W - trial * dW, V - trial * dV
        losses.append(loss(W, V))
        path.append(path[-1] + trial * size)
        steps.append(trial)
        if losses[-1] < 1e-18:
            break
    return losses, path, steps


@pytest.mark.parametrize("decrease", [0.5, 0.2, 0.05])
def test_certified_networks_under_any_accepted_steps(decrease: float) -> None:
    """Path, and the loss after N steps from what the accepted steps add up to, wherever the hypotheses are proved."""
    proved = 0
    for seed in range(24):
        rng = np.random.default_rng(seed)
        A = rng.standard_normal((3, 6)) / 2
        net = dp.TwoLayer.init(n=6, width=96, input_dimension=3, seed=seed)
        y = A @ net.output() + rng.standard_normal(3) * 10 ** rng.uniform(-2.5, -1)
        problem = dp.InverseProblem(A, y)
        cert = certified(problem, net, decrease)
        if not cert.proved:
            continue
        proved += 1
        assert cert.form == "backtracking"
        losses, path, steps = any_steps(problem, net, decrease, seed)
        S, F_inf = cert.quantities["S"], cert.quantities["F_inf"]
        assert path[-1] <= S.upper * (1 + 1e-9)
        for before, after, step in zip(losses, losses[1:], steps, strict=False):
            if after > 1e-14:  # Ψ(e) = −ln(e)/2 for ½‖·‖²
                assert np.log(before / after) / 2 >= decrease * step * F_inf.lower**2 * (1 - 1e-6)
    assert proved >= 8


def certified(problem: dp.InverseProblem, net: dp.TwoLayer, decrease: float) -> dp.Certificate:
    from dipproofs.certify.api import bound_operator_of
    from dipproofs.certify.at_iterate import certify_at
    from dipproofs.certify.search import Step

    loss, schedule = dp.SquaredError(scale="half"), Backtracking(decrease=decrease)
    return certify_at(problem, net, loss, bound_operator_of(problem, net), Step(100.0), schedule=schedule)


def test_the_theorem_asks_for_half_at_most() -> None:
    hypotheses = theorem("backtracking", "observation", ARCHITECTURES["two-layer/both"]).hypotheses
    step = hypotheses["step"].relation
    assert step.subs(s.decrease, sp.Rational(1, 2)) == sp.true
    assert step.subs(s.decrease, sp.Rational(51, 100)) == sp.false
    with pytest.raises(dp.InputError, match="decrease"):
        Backtracking(decrease=0.6)
    with pytest.raises(dp.InputError, match="shrink"):
        Backtracking(shrink=1.0)
