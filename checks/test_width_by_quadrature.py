"""Bounds with less simple areas, evaluated again from the profiles: numerical quadrature and numerical best radii.

Shares no code with the tables: formulas are those of docs/theory.md §3, §4 and §6, written out.
"""

from __future__ import annotations

import mpmath as mp
import pytest

from checks.width_draws import cell
from dipproofs.tables.cells import WidthCell
from dipproofs.tables.width import smallest_widths

B1, B2 = mp.mpf(1), 4 / (3 * mp.sqrt(3))


def _moment(power: int, derivative: bool) -> mp.mpf:
    def g(a: mp.mpf) -> mp.mpf:
        value = mp.sech(a) ** 2 if derivative else mp.tanh(a)
        return value**power * mp.exp(-a * a / 2) / mp.sqrt(2 * mp.pi)

    return mp.quad(g, [-16, -4, -1, 0, 1, 4, 16])


C2, E4, D2, F4 = _moment(2, False), _moment(4, False), _moment(2, True), _moment(4, True)


class Events:
    """The events' bounds at one width."""

    def __init__(self, c: WidthCell, k: mp.mpf, shares: int) -> None:
        r, n, kappa = c.rank, c.n, mp.mpf(c.kappa.numerator) / c.kappa.denominator
        t = mp.log(shares * c.delta.denominator / mp.mpf(c.delta.numerator))
        s = [1 - (1 - 1 / kappa) * mp.mpf(i) / max(1, r - 1) for i in range(r)]
        frobenius, fourth = mp.fsum(x**2 for x in s), mp.fsum(x**4 for x in s)
        self.k, self.sigma, self.n, self.r, self.t = k, 1 / kappa, n, r, t
        self.q = mp.mpf(c.q.numerator) / c.q.denominator
        self.square = {"rademacher": 1, "uniform": 3, "gaussian": mp.inf}[c.law]
        low = max(mp.mpf(0), C2 - mp.sqrt(2 * t * E4 / k)), max(mp.mpf(0), C2 - 1 / k)
        self.b = max(mp.mpf(0), mp.sqrt(low[0]), mp.sqrt(low[1]) - mp.sqrt(2 * t / k))
        v = (mp.sqrt(C2) + mp.sqrt(2 * t / k)) ** 2
        self.R = mp.sqrt(v * frobenius + frobenius + 2 * mp.sqrt(t * (v**2 * fourth + 2 * v * frobenius)) + 2 * v * t)
        spread = mp.sqrt(2 * min(n * self.square, r + 2) * F4 * (t + mp.log(r)) / k)
        self.s_in = mp.sqrt(max(mp.mpf(0), D2 - spread))
        tau = t + mp.log(k)
        self.c = mp.sqrt(min(self.square * n, r + 2 * mp.sqrt(r * tau) + 2 * tau))

    def ell(self, rho: mp.mpf, train: str) -> mp.mpf:
        """ℓ(ρ)."""
        if train == "inner":
            return B2 * self.c / mp.sqrt(self.k)
        x = B2 * (self.c + rho)
        return (x + mp.sqrt(x**2 + 4 * B1**2)) / (2 * mp.sqrt(self.k))


def rank_integral(e: Events, train: str, omega: mp.mpf) -> mp.mpf:
    """ω∫σ_A(s−ℓ(t)t)₊dt by quadrature."""
    s = mp.sqrt(e.s_in**2 + (e.b**2 if train == "both" else 0))
    if s == 0:
        return mp.mpf(0)
    low, high = mp.mpf(0), s * mp.sqrt(e.k)
    for _ in range(120):
        middle = (low + high) / 2
        low, high = (middle, high) if e.ell(middle, train) * middle < s else (low, middle)
    return omega * e.sigma * mp.quad(lambda t: s - e.ell(t, train) * t, mp.linspace(0, low, 9))


def residual_integral(e: Events, train: str, bound: str) -> mp.mpf:
    """max over ρ of ∫₀^ρ(F−x(ρ))dt, scanned; with ℓ in place of its linear bound, so at least that of the tables."""
    root, best = mp.sqrt(e.k), mp.mpf(0)
    s = e.b if bound == "block" else mp.sqrt(e.s_in**2 + (e.b**2 if train == "both" else 0))
    if s == 0:
        return best
    ell0 = B1 / root if bound == "block" else (B2 * e.c + (B1 if train == "both" else 0)) / root
    second = 0 if bound == "block" or train == "inner" else B2 / root
    for i in range(1, 400):
        rho = s * root * mp.mpf(i) / 200
        x = max(mp.mpf(0), e.ell(rho, train) - e.sigma * ell0) * e.q * e.R / (2 * s)
        end = e.sigma * (s - ell0 * rho - second * rho**2)
        if end > x:
            best = max(best, e.sigma * (s * rho - ell0 * rho**2 / 2 - second * rho**3 / 3) - x * rho)
    return best


@pytest.mark.parametrize("law", ["rademacher", "uniform", "gaussian"])
@pytest.mark.parametrize("train", ["both", "inner"])
def test_rank(train: str, law: str) -> None:
    c = cell(bound="rank", train=train, law=law, n=40, m=7)
    k = smallest_widths([c])[c].k
    assert k is not None
    for width, sufficient in ((k, True), (k * 999 // 1000, False)):
        e = Events(c, mp.mpf(width), 5 if train == "both" else 4)
        assert (rank_integral(e, train, 1 - e.q / 2) > e.R) == sufficient


@pytest.mark.parametrize(("train", "bound"), [("both", "block"), ("both", "rank"), ("inner", "rank")])
@pytest.mark.parametrize("q", ["1", "1/10"])
def test_residual(train: str, bound: str, q: str) -> None:
    from fractions import Fraction

    c = cell(form="residual", bound=bound, train=train, q=Fraction(q), n=12, m=4)
    k = smallest_widths([c])[c].k
    assert k is not None
    shares = {"block": 4, "rank": 5 if train == "both" else 4}[bound]
    enough, tenth = (Events(c, mp.mpf(width), shares) for width in (k, max(1, k // 2)))
    assert residual_integral(enough, train, bound) > enough.R * mp.mpf("0.999")
    assert residual_integral(tenth, train, bound) < tenth.R


@pytest.mark.parametrize("law", ["rademacher", "gaussian"])
def test_sparse(law: str) -> None:
    """The Riemann sum is below the integral of the profile, and not by much more than a fifth."""
    c = cell(bound="sparse", train="inner", law=law, n=60, m=30)
    k = smallest_widths([c])[c].k
    assert k is not None
    e = Events(c, mp.mpf(k), 4)
    t = mp.log(4 * 32 / mp.mpf("0.1"))

    def profile(node: mp.mpf) -> mp.mpf:
        """s − √(max‖PV_S‖²/k) for √ε = node; t = node·√k/B₂."""
        count = node**2 * k + 1
        level = t + count * (1 + mp.log(k / count))
        if law == "gaussian":
            size = (mp.sqrt(e.r) + mp.sqrt(count) + mp.sqrt(2 * level)) ** 2
        else:
            sizes = []
            for dimension, degrees in ((e.r, count), (count, e.r)):
                x = level + dimension * mp.log(17)
                sizes.append(mp.mpf(64) / 49 * (degrees + 2 * mp.sqrt(degrees * x) + 2 * x))
            size = min(sizes)
        return max(mp.mpf(0), e.s_in - mp.sqrt(size / k))

    exact = (1 - e.q / 2) * e.sigma * mp.sqrt(k) / B2 * mp.quad(profile, mp.linspace(0, mp.mpf(3) / 4, 65))
    assert e.R < exact < mp.mpf("1.3") * e.R
