"""Bounds with less simple areas, evaluated again from the profiles: numerical quadrature and numerical best radii.

Shares no code with the tables: formulas are those of docs/theory.md §3, §4 and §6, written out.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import mpmath as mp
import pytest

from checks.width_draws import cell
from dipproofs.tables.cells import WidthCell
from dipproofs.tables.width import smallest_widths


def _moment(power: int, derivative: bool) -> mp.mpf:
    """E φ^p or E φ'^p for tanh."""

    def g(a: mp.mpf) -> mp.mpf:
        value = mp.sech(a) ** 2 if derivative else mp.tanh(a)
        return value**power * mp.exp(-a * a / 2) / mp.sqrt(2 * mp.pi)

    return mp.quad(g, [-16, -6, -3, -1, 0, 1, 3, 6, 16])


with mp.workdps(50):
    B1, B2 = mp.mpf(1), 4 / (3 * mp.sqrt(3))
    C2, E4, D2, F4 = _moment(2, False), _moment(4, False), _moment(2, True), _moment(4, True)


def number(value: Fraction) -> mp.mpf:
    return mp.mpf(value.numerator) / value.denominator


def omega(form: str, q: mp.mpf, split: bool = False) -> mp.mpf:
    """ω of docs/theory.md §3, or of the split path."""
    if form == "flow":
        return mp.mpf(1)
    if form == "concave":
        return 1 - q / 2
    if form == "paper":
        return (1 - q / 2) / (1 + (2 if split else 1) * q)
    return 3 * mp.log(1 + 2 * q) / (4 * q) - mp.mpf(1) / 2 if split else 2 * mp.log(1 + q) / q - 1


class Events:
    """The events' bounds at one width.

    Args:
        shares: of δ, for b from below, for b from above, and for each other event.
    """

    def __init__(self, c: WidthCell, k: mp.mpf, shares: Sequence[Fraction]) -> None:
        r, n, kappa = c.rank, c.n, number(c.kappa)
        lo, hi, t = (-mp.log(number(c.delta * share)) for share in shares)
        s = [1 - (1 - 1 / kappa) * mp.mpf(i) / max(1, r - 1) for i in range(r)]
        frobenius, fourth = mp.fsum(x**2 for x in s), mp.fsum(x**4 for x in s)
        self.k, self.sigma, self.n, self.r, self.q = k, 1 / kappa, n, r, number(c.q)
        square = {"rademacher": 1, "uniform": 3, "gaussian": mp.inf}[c.law]
        low = max(mp.mpf(0), C2 - mp.sqrt(2 * lo * E4 / k)), max(mp.mpf(0), C2 - 1 / k)
        self.b = max(mp.mpf(0), mp.sqrt(low[0]), mp.sqrt(low[1]) - mp.sqrt(2 * lo / k))
        v = (mp.sqrt(C2) + mp.sqrt(2 * hi / k)) ** 2
        y2 = (frobenius if c.y_norm is None else number(c.y_norm) ** 2) * (1 + number(c.noise)) ** 2
        self.R = mp.sqrt(v * frobenius + y2 + 2 * mp.sqrt(t * (v**2 * fourth + 2 * v * y2)) + 2 * v * t)
        tau = t + mp.log(k)
        if c.bound == "baseline":
            below, column = D2 * mp.sqrt(2 * square * n * (t + mp.log(n)) / (k * D2)), square * n
        else:
            below = mp.sqrt(2 * min(n * square, r + 2) * F4 * (t + mp.log(r)) / k)
            column = min(square * n, r + 2 * mp.sqrt(r * tau) + 2 * tau)
        self.s_in, self.c = mp.sqrt(max(mp.mpf(0), D2 - below)), mp.sqrt(column)

    def ell(self, rho: mp.mpf, train: str) -> mp.mpf:
        """ℓ(ρ)."""
        if train == "inner":
            return B2 * self.c / mp.sqrt(self.k)
        x = B2 * (self.c + rho)
        return (x + mp.sqrt(x**2 + 4 * B1**2)) / (2 * mp.sqrt(self.k))


def evenly(events: int) -> list[Fraction]:
    return [Fraction(1, events)] * 3


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
        e = Events(c, mp.mpf(width), evenly(5 if train == "both" else 4))
        assert (rank_integral(e, train, omega(c.form, e.q)) > e.R) == sufficient


@pytest.mark.parametrize(("train", "bound"), [("both", "block"), ("both", "rank"), ("inner", "rank")])
@pytest.mark.parametrize("q", ["1", "1/10"])
def test_residual(train: str, bound: str, q: str) -> None:
    c = cell(form="residual", bound=bound, train=train, q=Fraction(q), n=12, m=4)
    k = smallest_widths([c])[c].k
    assert k is not None
    shares = {"block": 4, "rank": 5 if train == "both" else 4}[bound]
    enough, tenth = (Events(c, mp.mpf(width), evenly(shares)) for width in (k, max(1, k // 2)))
    assert residual_integral(enough, train, bound) > enough.R * mp.mpf("0.999")
    assert residual_integral(tenth, train, bound) < tenth.R


@pytest.mark.parametrize("law", ["rademacher", "gaussian"])
def test_sparse(law: str) -> None:
    """The Riemann sum is below the integral of the profile, and not by much more than a fifth."""
    c = cell(bound="sparse", train="inner", law=law, n=60, m=30)
    k = smallest_widths([c])[c].k
    assert k is not None
    e = Events(c, mp.mpf(k), evenly(4))
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

    exact = omega(c.form, e.q) * e.sigma * mp.sqrt(k) / B2 * mp.quad(profile, mp.linspace(0, mp.mpf(3) / 4, 65))
    assert e.R < exact < mp.mpf("1.3") * e.R
