"""Every rounding and underflow constant of `enclosures` against docs/theory.md §8, in exact rationals.

A counterexample to a radius that is one rounding too small is rare, so the radius itself is compared with its
derivation: at least what the analysis asks for, at most what it allows. Inputs are chosen so that one term dominates:
zero matrices leave the underflow terms alone, powers of two leave the rounding factors alone.
"""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dipproofs.enclosures import Bound, IntervalMatrix, cholesky, rounding
from dipproofs.enclosures.cholesky import CholeskyTest, residual_lower_bound, spread_of
from dipproofs.enclosures.norms import euclidean, frobenius_upper, max_abs, operator_upper, power_of_two_scale
from dipproofs.enclosures.radii import only_powers_of_two, outward, radius_norms, rounding_of_product
from dipproofs.enclosures.rounding import TINY, UNIT, above, down, gamma, up
from dipproofs.enclosures.spread import Entrywise
from dipproofs.errors import InputError

u, eta = Fraction(1, 2**53), Fraction(TINY)
RNG = np.random.default_rng(2024)
START = RNG.bit_generator.state
MARGIN = 1 - 8 * u  # the order in which a bound multiplies its rounding factors is its own


@pytest.fixture(autouse=True)
def _same_numbers() -> None:
    """Every check draws the same numbers, whichever ran before."""
    RNG.bit_generator.state = START


def F(x: Any) -> Fraction:
    return Fraction(float(x))


def gam(p: int) -> Fraction:
    """γ_p."""
    return p * u / (1 - p * u)


def within(value: Any, least: Fraction, most: Fraction, what: object = "") -> None:
    """least ≤ value ≤ most, exactly."""
    assert least <= F(value), f"too small by the factor {float(F(value) / least)}: {what}"
    assert F(value) <= most, f"too large by the factor {float(F(value) / most)}: {what}"


def root_up(x: Fraction) -> Fraction:
    """A rational upper bound of √x, good to 2⁻⁹⁰."""
    scaled = x * 4**2200
    return Fraction(math.isqrt(int(scaled)) + 1, 2**2200)


def root_down(x: Fraction) -> Fraction:
    return Fraction(math.isqrt(int(x * 4**2200)), 2**2200)


# --- the arithmetic itself ---------------------------------------------------------------------------------
class Directed(float):
    """Sums and products rounded towards one side, or with subnormal results flushed, in place of binary64."""

    def _rounded(self, exact: Fraction) -> Directed:
        return Directed(MODES[mode[0]](exact))

    def __add__(self, other: float) -> Directed:
        return self._rounded(F(self) + F(other))

    def __sub__(self, other: float) -> Directed:
        return self._rounded(F(self) - F(other))

    def __mul__(self, other: float) -> Directed:
        return self._rounded(F(self) * F(other))

    def __rmul__(self, other: float) -> Directed:
        return self._rounded(F(self) * F(other))

    def __neg__(self) -> Directed:
        return Directed(-float(self))


MODES = {
    "nearest": float,
    "down": down,
    "up": up,
    "to zero": lambda x: down(x) if x > 0 else up(x),
    "flushed": lambda x: 0.0 if abs(x) < eta else float(x),
}
mode = ["nearest"]


@pytest.mark.parametrize("name", MODES)
def test_changed_arithmetic_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """`require_ieee` accepts round to nearest with subnormals, and no other mode."""
    monkeypatch.setattr(rounding, "np", SimpleNamespace(float64=Directed, errstate=np.errstate))
    mode[0] = name
    if name == "nearest":
        rounding.require_ieee()
    else:
        with pytest.raises(ArithmeticError, match="expected IEEE 754"):
            rounding.require_ieee()


# --- norms ------------------------------------------------------------------------------------------------
def test_directed_sums_of_products() -> None:
    """`above` multiplies by the factor for its roundings and adds what an underflow may lose."""
    for terms in (1, 7, 100):
        x = np.array([0.0, 1.0, 3.0])
        for value, got in zip(x, above(x, terms)):
            within(got, F(value) * (1 + gam(terms)) + eta, F(value) * (1 + (2 * terms + 8) * u) + eta * (1 + 8 * u))
    assert above(np.ones(1))[0] == above(np.ones(1), 1)[0]


def test_largest_entries_and_scales() -> None:
    assert max_abs(np.array([-3.0, 2.0])) == 3.0 == max_abs(np.array([[3.0], [-1.0]]))
    assert max_abs(np.array([])) == 0.0 == max_abs(np.zeros((3, 0))) and max_abs(np.array([-0.0])) == 0.0
    for e in (-1022, -600, -401, 401, 900, 1023):
        for mantissa in (1.0, 1.5, 2 - 2.0**-40):
            largest = math.ldexp(mantissa, e)
            assert Fraction(1, 2) <= Fraction(largest) / Fraction(2) ** power_of_two_scale(largest) <= 1
    for equivalent in (0.0, math.inf, math.nan, 2.0**-400, 1.0, 2.0**400, 2.0**399, 2.0**-399):
        assert power_of_two_scale(equivalent) == 0


@pytest.mark.parametrize("terms", [1, 2, 3, 9, 40, 101])
def test_norms_allow_for_rounding(terms: int) -> None:
    """The sum of squares has relative error γ_t; the factors are granted t+4 roundings, √ and the products two more."""
    for scale in (1.0, 2.0**30, 2.0**-390, 2.0**500, 2.0**-600, 2.0**1000):
        x = np.zeros(terms)
        x[0] = scale
        for axis, array in ((None, x), (0, x), (1, x[None, :]), (0, x[:, None]), (None, x[None, :])):
            low, high = (float(np.max(end)) for end in euclidean(array, axis))
            most = root_up(1 + 2 * (terms + 6) * u) * (1 + 8 * u) * (1 + u / 2)
            within(high / scale, 1 + gam(terms + 4) / 2 + gam(2), most, (terms, scale, axis))
            least = 1 / root_up(1 + 2 * (terms + 6) * u) / (1 + 8 * u) * (1 - 3 * u)
            within(low / scale, least, 1 - gam(terms + 4) / 2 - gam(2) + u, (terms, scale, axis))


@pytest.mark.parametrize("terms", [1, 2, 5, 30])
def test_norms_allow_for_underflow(terms: int) -> None:
    """Every product may lose η, and so may every entry that is scaled down: 4(t+1)η under the root, η at the end."""
    for axis, array in ((None, np.zeros(terms)), (1, np.zeros((2, terms))), (0, np.zeros((terms, 3)))):
        low, high = euclidean(array, axis)
        assert not np.any(low)
        exact = 4 * (terms + 1) * eta
        for value in np.atleast_1d(high):
            within(value, root_down(exact), root_up(exact) * (1 + (terms + 16) * u))
    # far above 1, where entries are scaled, the loss is scaled back; far below it, η at the end is what remains
    tiny = np.full(terms, 3 * 2.0**-1074)
    low, high = (float(end) for end in euclidean(tiny))
    truth = root_up(terms * Fraction(9, 2**2148))
    within(high, truth + eta * (1 - 8 * u), truth * (1 + (terms + 20) * u) + eta * (1 + 4 * u))
    assert low == 0.0  # below 2η nothing is claimed
    for size, positive in ((1.0, False), (1.5, False), (2.1, True), (4.0, True)):
        assert (float(euclidean(np.array([size * TINY]))[0]) > 0) == positive
    assert float(euclidean(np.array([4 * TINY]))[0]) >= 4 * TINY * (1 - 2.0**-45)
    half = np.full(terms, 2.0**-520)  # squares underflow unless scaled
    low, high = (float(end) for end in euclidean(half))
    assert low >= math.sqrt(terms) * 2.0**-520 * (1 - 1e-13) and high <= math.sqrt(terms) * 2.0**-520 * (1 + 1e-13)
    # just inside the range that is not scaled, squares are normal numbers and the loss is invisible
    edge = np.full(terms, 2.0**-400)
    assert float(euclidean(edge)[0]) >= math.sqrt(terms) * 2.0**-400 * (1 - 1e-13)


def test_frobenius_and_operator_norms_of_radii() -> None:
    """√(‖R‖₁‖R‖_∞) with sums of q resp. p terms, or the Frobenius norm, whichever is smaller."""
    assert operator_upper(None) == 0.0 == operator_upper(np.zeros((0, 3)))
    for p, q in itertools.product((1, 2, 7, 30), repeat=2):
        ones = np.ones((p, q))  # both agree: √(pq)
        exact = root_up(Fraction(p * q))
        within(operator_upper(ones), exact, exact * (1 + (p + q + 22) * u + 4 * p * q * u))
        within(frobenius_upper(ones), exact, exact * (1 + (2 * p * q + 20) * u))
        row, column = float(operator_upper(np.eye(p, q))), min(p, q)
        most = 1 + (p + q + 4) * u + 16 * u + 8 * u if column > 1 else 1 + (p * q + 20) * u
        within(row, 1 + 0 * u, most, (p, q))
    # one long row, where the factors for the sums of q and of 1 term differ
    for p, q in ((1, 200), (200, 1), (2, 150), (150, 2)):
        R = np.zeros((p, q))
        R[0, 0], R[p - 1, q - 1] = 1.0, 1.0
        if min(p, q) == 2:  # √(1·1), Frobenius √2
            least = (1 + gam(q)) ** 1 * (1 + gam(p))
            within(
                operator_upper(R),
                root_down(least),
                root_up((1 + 2 * (q + 2) * u) * (1 + 2 * (p + 2) * u)) * (1 + 20 * u),
            )
    shear = np.array([[1.0, 1.0], [1.0, 0.0]])  # √(2·2) against √3
    within(operator_upper(shear), root_down(Fraction(3)), root_up(Fraction(3)) * (1 + 40 * u))
    tall = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    assert operator_upper(tall) < 1 + 1e-14
    for bad in (math.inf, math.nan):
        R = np.ones((3, 2))
        R[2, 1] = bad
        assert operator_upper(R) == math.inf
        assert operator_upper(R[2]) == math.inf
    within(operator_upper(np.array([3.0, 4.0])), Fraction(5), 5 * (1 + 40 * u))
    with np.errstate(over="ignore"):
        assert operator_upper(np.full((2, 2), 1e308)) == math.inf  # the sums overflow
    # entries so small that √rows·√columns may underflow: η remains
    assert operator_upper(np.zeros((2, 2))) >= TINY


# --- radii ------------------------------------------------------------------------------------------------
def test_which_products_are_rounded() -> None:
    """γ of the most nonzero terms that a product can have, plus 2; none for single powers of two."""
    dense, row = np.full((3, 5), 3.0), np.zeros((3, 5))
    row[:, 2] = 3.0
    mask = np.eye(5)[:3] * -4.0
    B = np.full((5, 4), 0.3)
    sparse = B.copy()
    sparse[2:] = 0.0
    for left, right, terms in (
        (dense, B, 5),
        (row, B, 1),
        (dense, sparse, 2),
        (row, sparse, 1),
        (mask, B, None),
        (dense, np.eye(5), None),
        (dense, np.eye(5) * 3, 1),
        (mask * 3, B, 1),
        (np.zeros((3, 5)), B, None),
        (dense, np.zeros((5, 2)), None),
    ):
        assert rounding_of_product(left, right) == (0.0 if terms is None else gamma(terms + 2))
    pairs = np.eye(5)[:, :3] + 2 * np.eye(5)[:, 1:4]  # two powers of two in a column: their sum is rounded
    assert rounding_of_product(dense, pairs) == gamma(4) == rounding_of_product(pairs.T, B)
    two = np.full((3, 5), 2.0)
    assert rounding_of_product(two, B) == gamma(7) == rounding_of_product(B.T, two.T)
    assert rounding_of_product(np.zeros((0, 5)), B) == 0.0 == rounding_of_product(dense, np.zeros((5, 0)))
    assert only_powers_of_two(np.array([0.0, 2.0, -0.5])) and not only_powers_of_two(np.array([1.0, 3.0]))
    assert only_powers_of_two(np.array([2.0**-1074])) and not only_powers_of_two(np.array([0.75]))


def test_radii_are_rounded_up() -> None:
    for terms, absolute in ((4, TINY), (10, 1.0), (8, 0.0)):
        for size in (0.0, 1.0, 2.0**40):
            (got,) = outward(np.array([size]), terms, absolute)
            least = F(size) * (1 + gam(terms)) + F(absolute) * (1 + gam(4)) * MARGIN
            within(
                got,
                least * (1 - 2 * u),
                (F(size) * (1 + (2 * terms + 6) * u) + F(absolute) * (1 + 14 * u)) * (1 + 2 * u),
            )
    assert outward(np.array([0.0]))[0] >= TINY and outward(np.array([1.0]))[0] > 1 + 4 * UNIT
    rad = np.array([[1.0, math.inf], [2.0, 3.0]])
    assert radius_norms(rad, 0)[1] == math.inf == radius_norms(rad, 1)[0] == radius_norms(rad, None)
    within(radius_norms(rad, 1)[1], root_down(Fraction(13)), root_up(Fraction(13)) * (1 + 40 * u))
    within(radius_norms(rad, 0)[0], root_down(Fraction(5)), root_up(Fraction(5)) * (1 + 40 * u))


# --- sums, scalings, products -------------------------------------------------------------------------------
def draw(shape: tuple[int, ...], spread: int = 20) -> np.ndarray:
    return RNG.standard_normal(shape) * 2.0 ** RNG.integers(-spread, spread, shape)


def radius_of(mid: np.ndarray, kind: int) -> np.ndarray | None:
    return [None, np.abs(mid) * 1e-3, np.full(mid.shape, 2.0**-60), np.zeros(mid.shape)][kind]


def test_sums() -> None:
    """|fl(a+b) − (a+b)| ≤ u|fl(a+b)|, and radii add."""
    for kinds, sign in itertools.product(itertools.product(range(4), repeat=2), (1, -1)):
        a, b = draw((4, 5)), draw((4, 5))
        x, z = IntervalMatrix(a, radius_of(a, kinds[0])), IntervalMatrix(b, radius_of(b, kinds[1]))
        total = x + z if sign > 0 else x - z
        assert total.rad is not None and (total.mid == a + sign * b).all()
        for mid, rad, r, t in zip(*(part.ravel() for part in (total.mid, total.rad, x.radius(), z.radius()))):
            needed = u * abs(F(mid)) + F(r) + F(t)
            within(rad, needed * (1 + 3 * u), needed * (1 + 16 * u) + eta * (1 + 20 * u), (kinds, sign))
    minus = -IntervalMatrix(a, np.abs(a))
    assert (minus.mid == -a).all() and (minus.radius() == np.abs(a)).all()
    part = IntervalMatrix(a, np.abs(a))[1:3, 0]
    assert (part.mid == a[1:3, 0]).all() and (part.radius() == np.abs(a)[1:3, 0]).all() and part.ndim == 1
    assert IntervalMatrix(a)[2].shape == (5,) and IntervalMatrix(a)[1:].rad is None
    with pytest.raises(InputError, match="entry"):
        _ = IntervalMatrix(a)[0, 0]
    zero = IntervalMatrix(np.zeros((1, 1)))
    assert TINY <= float((zero + zero).radius()[0, 0]) <= TINY * (1 + 1e-14)


def test_scalings() -> None:
    """|xv|u for the product, |x|r_v + r_x(|v|+r_v) for the radii; η for every product and for flushed factors."""
    for kinds in itertools.product(range(4), repeat=2):
        a, v = draw((4, 5)), draw((5,))
        x, factors = IntervalMatrix(a, radius_of(a, kinds[0])), IntervalMatrix(v, radius_of(v, kinds[1]))
        cases = [(x.scale_columns(factors), a, x.radius(), factors)]
        cases.append((x.T.scale_rows(factors).T, a, x.radius(), factors))
        for product, mid, rad, f in cases:
            assert (product.mid == mid * v).all() and product.rad is not None
            wide = (np.broadcast_to(row, mid.shape) for row in (f.mid, f.radius()))
            parts = (part.ravel() for part in (product.mid, product.rad, mid, rad, *wide))
            for m, got, s, r, w, t in zip(*parts):
                needed = u * abs(F(m)) + abs(F(s)) * F(t) + F(r) * (abs(F(w)) + F(t))
                within(got, needed * (1 + 6 * u), needed * (1 + 30 * u) + eta * 2**60, kinds)
    for size, factor in ((0.0, 0.0), (3.0, 0.0), (0.0, 5.0)):
        got = IntervalMatrix(np.array([[size]])).scale_columns(IntervalMatrix(np.array([factor]))).radius()[0, 0]
        within(got, eta * F(2 + size + factor), eta * F(2 + size + factor) * (1 + 40 * u))
    x = IntervalMatrix(np.array([[1.5, -2.0]]))
    assert x.scale(1.0) is x and x.scale(Bound(1.0, 1.0)) is x and x.scale(2).mid.tolist() == [[3.0, -4.0]]
    lopsided = Bound(1.0, 1.0 + 3 * 2.0**-52)  # its middle is no float
    for factor in (lopsided, -lopsided, Bound(1.0, 2.0), Bound(-3.0, 0.5), Bound(1.0, 1.0 + 2.0**-40), Bound(0.1, 0.1)):
        y = x.scale(factor)
        for entry, m, r in zip(x.mid[0], y.mid[0], y.radius()[0]):
            ends = [F(entry) * F(factor.lower), F(entry) * F(factor.upper)]
            assert F(m) - F(r) <= min(ends) and max(ends) <= F(m) + F(r)
            assert F(r) <= (max(ends) - min(ends)) / 2 * (1 + 32 * u) + abs(F(m)) * 24 * u + eta * 8
    assert x.scale(0.1).radius().max() <= 0.2 * 2 * UNIT


def test_products() -> None:
    """γ‖x_i‖‖y_j‖ for rounding; ‖x_i‖‖s_j‖ + ‖r_i‖(‖y_j‖+‖s_j‖) for radii; (p+2)η(2+largest norms) for underflow."""
    for kinds in itertools.product(range(4), repeat=2):
        a, b = draw((3, 6), 3), draw((6, 4), 3)
        x, z = IntervalMatrix(a, radius_of(a, kinds[0])), IntervalMatrix(b, radius_of(b, kinds[1]))
        product = x @ z
        assert product.rad is not None
        rows, columns = (F0(end) for end in (euclidean(a, 1)[1], euclidean(b, 0)[1]))
        slack_rows = F0(radius_norms(x.rad, 1)) if x.rad is not None else [Fraction(0)] * 3
        slack_columns = F0(radius_norms(z.rad, 0)) if z.rad is not None else [Fraction(0)] * 4
        for i, j in itertools.product(range(3), range(4)):
            needed = rows[i] * (gam(8) * columns[j] + slack_columns[j])
            needed += slack_rows[i] * (columns[j] + slack_columns[j])
            within(product.rad[i, j], needed * (1 + 4 * u), needed * (1 + 40 * u) + eta * 2**60, (kinds, i, j))
    for p, size, other in ((1, 0.0, 0.0), (4, 0.0, 0.0), (3, 2.0, 0.0), (3, 0.0, 8.0)):
        left, right = np.zeros((2, p)), np.zeros((p, 2))
        left[0, 0], right[0, 1] = size, other
        rad = (IntervalMatrix(left) @ IntervalMatrix(right)).radius()[1, 0]
        exact = (p + 2) * eta * F(2 + size + other)
        within(rad, exact, exact * (1 + (4 * p + 60) * u) + Fraction(2) ** -1500)


def test_every_shape_of_operands() -> None:
    """Vectors and matrices on either side, parts, transposes, norms of rows and of columns: the exact results."""
    A, v, w = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), np.array([1.0, -1.0, 2.0]), np.array([2.0, 3.0])
    x, y, z = (IntervalMatrix(array, np.full(array.shape, 0.25)) for array in (A, v, w))
    for product, exact, shape in (
        (x @ y, A @ v, (2,)),
        (z @ x, w @ A, (3,)),
        (y @ y, np.array([v @ v]), (1,)),
        (x @ x.T, A @ A.T, (2, 2)),
        (x @ A.T, A @ A.T, (2, 2)),
        (x.gram(), A @ A.T, (2, 2)),
        (x.T.gram(), A.T @ A, (3, 3)),
    ):
        assert product.shape == shape and (product.mid == exact).all() and product.ndim == len(shape)
        assert (product.radius() > 0.5).all() and (product.radius() < 20).all()
    for norms, exact in ((x.row_norms(), np.linalg.norm(A, axis=1)), (x.column_norms(), np.linalg.norm(A, axis=0))):
        slack = 0.25 * math.sqrt(3 if len(exact) == 2 else 2)
        assert norms[0].shape == norms[1].shape == exact.shape
        assert np.allclose(norms[0], exact - slack, rtol=1e-14) and np.allclose(norms[1], exact + slack, rtol=1e-14)
        assert (norms[0] < exact - slack * 0.9999).all() and (norms[1] >= (exact + slack) * (1 - 1e-15)).all()
    for norms in (y.row_norms(), y.column_norms()):
        assert abs(norms[1] - (math.sqrt(6) + 0.25 * math.sqrt(3))) < 1e-14
    assert (
        x.entry(1, 2) == Bound(5.75, 6.25)
        and y.entry(0) == Bound(0.75, 1.25)
        and IntervalMatrix(A).entry(0, 1) == Bound(2.0, 2.0)
    )
    assert x.T.shape == (3, 2) and (x.T.mid == A.T).all() and x.T.T.mid.tolist() == A.tolist()
    assert (-x + x).radius().min() >= 0.5 and ((x - x).mid == 0).all() and (x + x).mid[1, 2] == 12.0
    tripled = x.apply_arb(lambda ball: 3 * ball)
    assert (tripled.mid == 3 * A).all() and (tripled.radius() >= 0.75).all() and (tripled.radius() < 0.7501).all()


def test_overflow_makes_single_entries_unknown() -> None:
    """An entry that overflows has midpoint 0 and radius inf; the others keep their enclosures."""
    big, one = np.array([[1e308, 1.0], [1.0, 1.0]]), IntervalMatrix(np.ones((2, 2)))
    x = IntervalMatrix(big)
    for result in (
        x + x,
        x - (-x),
        x.scale(4),
        x.scale(Bound(3.0, 5.0)),
        x.scale_rows(IntervalMatrix(np.full(2, 4.0))),
    ):
        assert result.mid[0, 0] == 0.0 and result.radius()[0, 0] == math.inf
        assert (
            np.isfinite(result.mid).all()
            and np.isfinite(result.radius().ravel()[1:]).all()
            and (result.mid.ravel()[1:] > 1).all()
        )
    for result in (x @ x, x.gram()):
        assert result.mid[0, 0] == 0.0 and result.radius()[0, 0] == math.inf and np.isfinite(result.mid).all()
    assert np.isfinite((x @ one).mid).all() and (one @ one).mid[0, 0] == 2.0
    unknown = IntervalMatrix(np.ones((2, 2)), np.array([[math.inf, 0.0], [0.0, 0.0]]))
    assert (unknown + one).radius()[0, 0] == math.inf and (unknown + one).radius()[1, 1] < 1e-15
    assert (unknown @ one).radius()[0, 0] == math.inf and (unknown @ one).radius()[1, 1] < 1e-14
    assert (
        unknown.norm_fro_upper() == math.inf
        and unknown.row_norms()[1][0] == math.inf
        and unknown.row_norms()[1][1] < 1.5
    )
    assert unknown.entry(0, 0) == Bound.unknown() and not unknown.is_exact


def F0(x: np.ndarray) -> list[Fraction]:
    return [F(value) for value in np.atleast_1d(x)]


# --- Cholesky ---------------------------------------------------------------------------------------------
GRANTED = 8  # roundings granted to BLAS per entry, beyond the theorem's


@pytest.mark.parametrize("n", [1, 2, 5, 40, 300])
def test_the_price_of_rounding(n: int) -> None:
    """c ≥ γ/(1−γ)·trace with γ = γ_{n+1}, and the roundings granted."""
    test = CholeskyTest(np.eye(n), np.zeros(n))
    growth = gam(n + 1 + GRANTED)
    for trace in (0.0, 1.0, 2.0**30):
        needed = growth / (1 - growth) * F(trace)
        within(test.constant(trace), needed + eta, needed * (1 + 24 * u) + eta * (1 + 4 * u))


def factorise(array: np.ndarray) -> bool:
    """Whether LAPACK's factorisation is accepted."""
    return cholesky.factorise(np.array(array, order="F"))


def test_factorisations_that_end_without_a_factor() -> None:
    assert factorise(np.eye(3)) is True
    for bad in (
        np.diag([1.0, -1.0]),
        np.array([[1.0, 2.0], [2.0, 1.0]]),
        np.array([[1.0, math.nan], [math.nan, 1.0]]),
        np.diag([math.inf, 1.0]),
        np.diag([math.nan, 1.0]),
        np.array([[1e-300, 1e300], [1e300, 1e300]]),
        np.zeros((1, 1)),
        np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [math.inf, 0.0, 1.0]]),
    ):
        assert factorise(bad) is False
    upper = np.array([[1.0, 5.0], [0.5, 1.0]])  # one triangle is read
    assert factorise(upper) is True


def test_spread_of_radii() -> None:
    """s = (R d)/d, rounded up: diagonal dominance of diag(s) − E after scaling by d."""
    assert (spread_of(None, np.ones(3)) == 0).all()
    for n in (1, 2, 6):
        rad, d = np.abs(draw((n, n), 4)), 2.0 ** RNG.integers(-30, 30, n) * (1 + RNG.random(n))
        rad = np.maximum(rad, rad.T)
        for i, got in enumerate(spread_of(Entrywise(rad), d)):
            needed = sum((F(rad[i, j]) * F(d[j]) for j in range(n)), Fraction(0)) / F(d[i])
            within(got, needed, needed * (1 + (4 * n + 30) * u) + eta * 2**70)
        for weight in (1.0, 4.0, 0.125):
            (got, *_) = spread_of(Entrywise(np.zeros((n, n))), np.full(n, weight))
            needed = eta * (n + 1) * (1 + 1 / F(weight))
            within(got, needed * (1 - 4 * u), needed * (1 + 4 * u))
        mixed = np.full(n, 4.0)
        mixed[-1] = 0.5
        assert spread_of(Entrywise(np.zeros((n, n))), mixed)[0] >= TINY * (n + 1) * 3 * (1 - 1e-15)


def test_residual_bounds_are_what_the_residual_says() -> None:
    """τ − ‖M − τI − LLᵀ‖, rounded down; exact numbers leave only rounding."""
    L = np.array([[1.0, 0.0], [0.5, 2.0]])
    for tau, defect in ((0.25, 0.0), (-1.0, 0.125), (0.25, -0.125)):
        M = L @ L.T + (tau + defect) * np.eye(2)
        got = residual_lower_bound(IntervalMatrix(M), tau, L + np.triu(np.full((2, 2), 7.0), 1))
        exact = F(tau) - abs(F(defect))
        within(got, exact - 400 * u * 8, exact)
        radius = 2.0**-10
        got = residual_lower_bound(IntervalMatrix(M, np.eye(2) * radius), tau, L)
        within(got, exact - F(radius) - 400 * u * 8, exact - F(radius))


# --- eigenvalues ------------------------------------------------------------------------------------------
