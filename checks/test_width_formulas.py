"""The random events of the width bounds, each solved from its tail bound exp(−…) = exp(−t) (docs/theory.md §6)."""

from __future__ import annotations

import sympy as sp

from checks.everywhere import same
from checks.registry import proves
from dipproofs.theory import formula
from dipproofs.theory.width.events import tail as t
from dipproofs.theory.width.symbols import (
    B_1,
    C_dphi,
    C_phi,
    b_hi,
    delta,
    entry_bound,
    fourth_dphi,
    fourth_phi,
    frobenius2,
    k,
    n,
    norm_A,
    proxy,
    rank,
    schatten4,
    y_norm2,
)

s, lam = sp.symbols("s lambda", positive=True)


def event(name: str) -> sp.Expr:
    return formula(f"width.events.{name}").expr


def without_positive_part(expr: sp.Expr) -> sp.Expr:
    return expr.replace(sp.Max, lambda *args: next(a for a in args if a != 0))


def positive(expr: sp.Expr) -> sp.Expr:
    return expr.subs({x: sp.Symbol(x.name, positive=True) for x in expr.free_symbols})


def equal(left: sp.Expr, right: sp.Expr) -> bool:
    return same(positive(left), positive(right))


@proves("width.events.b_lo_laplace", "width.events.s_in")
def test_laplace_transform_of_a_sum_of_squares() -> None:
    """E e^{−λX} ≤ exp(−λEX+λ²EX²/2): the mean of k copies falls below EX−s with prob. ≤ e^{−ks²/2EX²}."""
    second = sp.Symbol("second", positive=True)
    width = sp.Symbol("k", positive=True)
    exponent = lam * s - lam**2 * second / (2 * width)  # of k copies, λ scaled by 1/k
    best = sp.solve(sp.diff(exponent, lam), lam)[0]
    reached = sp.solve(sp.simplify(exponent.subs(lam, best)) - t, s)
    shift = next(root for root in reached if root.subs({t: 1, second: 1, width: 1}) > 0)
    lower = sp.sqrt(C_phi**2 - shift.subs({second: fourth_phi, width: k}))
    assert equal(without_positive_part(event("b_lo_laplace")) ** 2, lower**2)
    # matrices: a factor r in front, t + ln r in place of t, and E‖Pv‖²(⟨v,·⟩)² ≤ ϱ in place of 1
    (fourth,) = (x for x in event("s_in").free_symbols if "varrho" in x.name)
    inner = C_dphi**2 - shift.subs(t, t + sp.log(rank)).subs({second: fourth * fourth_dphi, width: k})
    assert equal(without_positive_part(event("s_in")) ** 2, inner)


@proves("width.events.b_lo_lipschitz", "width.events.b_hi", "width.events.b_lo")
def test_concentration_of_lipschitz_functions() -> None:
    """‖φ(a)‖/√k is B₁/√k-Lipschitz: deviation s has probability ≤ exp(−ks²/(2B₁²)); its variance is ≤ B₁²/k."""
    width, slope = sp.symbols("k B", positive=True)
    shift = sp.solve(width * s**2 / (2 * slope**2) - t, s)[0].subs({width: k, slope: B_1})
    mean = sp.sqrt(C_phi**2 - B_1**2 / k)  # E(b)² = E b² − Var b
    assert equal(without_positive_part(event("b_lo_lipschitz")), mean - shift)
    assert equal(event("b_hi"), C_phi + shift)  # E b ≤ √(E b²)
    names = {x.name for x in event("b_lo").args}  # the first is non-negative, so 0 need not be written
    assert event("b_lo").func is sp.Max and {r"b_{\mathrm{Laplace}}", r"b_{\mathrm{Lipschitz}}"} <= names


@proves("width.events.variance", "width.events.residual")
def test_loss_at_the_start() -> None:
    """‖σAg−y‖² for Gaussian g: mean σ²‖A‖_F²+‖y‖², χ² tail 2√(v t)+2bt, v = σ⁴‖AAᵀ‖_F²+2σ²‖Aᵀy‖², b = σ²‖A‖²."""
    assert equal(event("variance"), proxy * b_hi**2)
    (variance,) = (x for x in event("residual").free_symbols if x.name == r"\sigma^2")
    mean = variance * frobenius2 + y_norm2
    v = variance**2 * schatten4 + 2 * variance * norm_A**2 * y_norm2
    wanted = mean + 2 * sp.sqrt(v * t) + 2 * variance * norm_A**2 * t
    assert equal(event("residual") ** 2, wanted)


@proves("width.events.fourth_moment", "width.events.chernoff", "width.events.s_in_chernoff")
def test_inner_block_constants() -> None:
    """E‖Pv‖²⟨v,z⟩² ≤ min{nD², r+2} for |v_j| ≤ D, resp. EV⁴ ≤ 3; Chernoff: exp(−η²μ/(2R)) with R = B₁²D²n/k, μ = C²."""
    assert event("fourth_moment") == sp.Min(n * entry_bound**2, rank + 2)
    # Gaussian v: E‖Pv‖²⟨v,z⟩² = (r−1)·1 + 3 for a unit z in the range of P
    assert equal((rank - 1) * 1 + 3, rank + 2)
    eta = sp.Symbol("eta", positive=True)
    largest, mean = sp.symbols("R mu", positive=True)
    root = sp.solve(eta**2 * mean / (2 * largest) - t, eta)[0]
    wanted = root.subs(t, t + sp.log(n)).subs({largest: B_1**2 * entry_bound**2 * n / k, mean: C_dphi**2})
    assert equal(event("chernoff") ** 2, wanted**2)
    (relative,) = (x for x in event("s_in_chernoff").free_symbols if x.name == "eta")
    assert equal(without_positive_part(event("s_in_chernoff")) ** 2, C_dphi**2 * (1 - relative))


@proves("width.events.column*")
def test_columns() -> None:
    """‖Pv‖² ≤ ν²(r+2√(rτ)+2τ) with probability 1−e^{−τ}; τ = t+ln k makes it hold for k columns at once."""
    assert equal(event("column_exponent"), t + sp.log(k))
    (tau,) = (x for x in event("column").free_symbols if x.name == "tau_c")
    chi = sp.sqrt(proxy * (rank + 2 * sp.sqrt(rank * tau) + 2 * tau))
    assert event("column").func is sp.Min
    assert any(equal(bound**2, chi**2) for bound in event("column").args)
    assert any(equal(bound**2, entry_bound**2 * n) for bound in event("column").args)
    assert equal(event("column_textbook") ** 2, entry_bound**2 * n)
    assert delta.is_positive
