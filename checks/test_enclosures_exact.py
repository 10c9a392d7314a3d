"""Matrix enclosures on small adversarial inputs, against exact rationals: containment, sharpness to a derived limit.

Subnormal and huge entries, exact ties, cancellation, 1×1, repeated and dependent rows; and the inner steps (error-free
splitting, integer scaling, Hadamard's bound, preconditioned singular values), which the outer results would hide.
"""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from checks.test_enclosures import contains, fractions, multiply
from checks.test_enclosures_constants import F, gam, root_up, u, within
from dipproofs.enclosures import (
    Bound,
    IntervalMatrix,
    Verdict,
    accurate,
    eigenvalues,
    krylov,
    lambda_max,
    lambda_min,
    matrix_rank,
    norm,
    rank,
    row_space,
    row_space_basis,
    sigma_min,
)
from dipproofs.enclosures.accurate import accurate_product
from dipproofs.enclosures.gram import Gram
from dipproofs.enclosures.norms import euclidean
from dipproofs.enclosures.rounding import TINY, require_ieee
from dipproofs.enclosures.spread import Entrywise, RankOne
from dipproofs.errors import InputError

eta = Fraction(TINY)
RNG = np.random.default_rng(77)
START = RNG.bit_generator.state


@pytest.fixture(autouse=True)
def _same_numbers() -> None:
    """Every check draws the same numbers, whichever ran before."""
    RNG.bit_generator.state = START


def exact_product(x: np.ndarray, y: np.ndarray) -> list[list[Fraction]]:
    return multiply(fractions(x), fractions(y))


# --- products in twice the precision ------------------------------------------------------------------------


def test_splitting_is_exact() -> None:
    """x = x₁+x₂+x₃, multiples of 2^(−β) and 2^(−2β), a rest of at most 2^(−2β−1); two_sum is exact."""
    x = np.concatenate([RNG.uniform(-1, 1, 50), [1.0, -1.0, 0.5 + 2.0**-52, 2.0**-30, 0.0, 3 * 2.0**-60]])
    for bits in (8, 15, 26):
        for value, a, b, c in zip(x, *accurate.split(x, bits)):
            assert F(value) == F(a) + F(b) + F(c)
            assert (F(a) * 2**bits).denominator == 1 and (F(b) * 4**bits).denominator == 1
            assert abs(F(c)) <= Fraction(1, 2 * 4**bits) and abs(F(b)) <= Fraction(1, 2 * 2**bits) and abs(F(a)) <= 1
    for a, b in itertools.product((1.0, 1e16, -1e16, 0.1, 3e-9), repeat=2):
        s, e = accurate.two_sum(np.array([a]), np.array([b]))
        assert F(s[0]) + F(e[0]) == F(a) + F(b) and s[0] == a + b


@pytest.mark.parametrize("p", [1, 2, 3, 5, 8, 9, 40, 500])
def test_accurate_products(p: int) -> None:
    """Containment under cancellation, and a radius of about u|XY| + 3pγ_{p+2}2^(−2β−1), β = ⌊(53−⌈lg p⌉)/2⌋."""
    bits = (53 - math.ceil(math.log2(max(p, 2)))) // 2
    assert p * 4**bits <= 2**53 < (p if p > 1 else 2) * 4 ** (bits + 1) * 2
    for scale in (1.0, 1e-150, 1e150):
        x, y = RNG.standard_normal((3, p)) * scale, RNG.standard_normal((p, 2))
        if p >= 3:
            x[0, -1] = -np.dot(x[0, :-1], y[:-1, 0]) / y[-1, 0]  # the first entry nearly cancels
        product = accurate_product(x, y)
        exact = exact_product(x, y)
        assert contains(product, exact)
        trailing = 3 * p * gam(p + 2) / (2 * 4**bits)
        for (i, j), rad in np.ndenumerate(product.radius()):
            rows, columns = 2 * F(np.abs(x[i]).max()), 2 * F(np.abs(y[:, j]).max())
            assert (
                F(rad) <= u * abs(exact[i][j]) * 2 + (trailing + 12 * u * p * Fraction(3, 2**bits)) * rows * columns * 2
            )
    # zeros leave the bound of the trailing products alone, which is at least what their analysis asks for
    zero = accurate_product(np.zeros((1, p)), np.ones((p, 1)))
    assert zero.mid[0, 0] == 0
    within(zero.radius()[0, 0] / 2, trailing * (1 + 6 * u), trailing * (1 + 22 * u) + 20 * (p + 2) * eta)
    if p > 1:  # derivation: x₁y₃ and x₃y are below 2^(−2β−1), x₂(y−y₁) below 2^(−2β−2), with p products each
        assert trailing >= Fraction(5, 2) * p * gam(p) / (2 * 4**bits)
    # exact leading parts: an entry that cancels is known to the last digit
    small = accurate_product(np.array([[1.0, 2.0**40, -(2.0**40)]]), np.ones((3, 1)))
    assert small.mid[0, 0] == 1.0 and small.radius()[0, 0] < 1e-15
    tiny = accurate_product(np.array([[2.0**-1060]]), np.array([[2.0**-10]]))
    assert abs(F(tiny.mid[0, 0]) - Fraction(1, 2**1070)) <= F(tiny.radius()[0, 0]) <= 4 * eta
    within(accurate_product(np.zeros((1, 1)), np.array([[2.0**-1060]])).radius()[0, 0], 2 * eta, 2 * eta * (1 + 4 * u))


def test_accurate_products_bound_their_rounding() -> None:
    """Every operation on the small terms is covered by 12u of their sizes, and the last sum by u|mid|."""
    for trial in range(60):
        p = 2 + trial % 7
        x = RNG.integers(-(2**50), 2**50, (2, p)).astype(float) * 2.0 ** RNG.integers(-3, 3, (2, p))
        y = RNG.integers(-(2**50), 2**50, (p, 2)).astype(float)
        x[1] = x[0] * (1 + RNG.standard_normal(p) * 1e-9)
        product = accurate_product(x, y)
        exact = exact_product(x, y)
        assert contains(product, exact)
        for (i, j), rad in np.ndenumerate(product.radius()):
            assert F(rad) >= u * abs(F(product.mid[i, j]))
    many = accurate_product(np.ones((700, 2)), np.ones((2, 1)))  # more rows than one block
    assert (many.mid == 2).all() and many.shape == (700, 1)
    assert accurate_product(np.zeros((0, 3)), np.zeros((3, 2))).shape == (0, 2)
    assert accurate_product(np.zeros((2, 3)), np.zeros((3, 0))).shape == (2, 0)


# --- rank -------------------------------------------------------------------------------------------------
def test_integer_scaling_is_exact() -> None:
    """Rows and columns times powers of two: the integers have the ratios of the floats, and the bits that are said."""
    for a in (
        np.array([[0.5, 3.0], [2.0**-1074, 1e308]]),
        np.array([[1.0, 0.0], [0.1, -7.0], [0.0, 0.0]]),
        np.array([[0.75]]),
        np.array([[2.0**100, 2.0**-100, 3.0]]),
        -np.array([[6.0, 4.0], [10.0, 2.0**-3]]),
        RNG.standard_normal((4, 3)),
    ):
        integers, bits = rank.integer_matrix(a)
        table = [[int(integers[i, j]) for j in range(a.shape[1])] for i in range(a.shape[0])]
        assert max(abs(v).bit_length() for row in table for v in row) == bits
        for (i, j), value in np.ndenumerate(a):
            assert (value == 0) == (table[i][j] == 0)
        for i, j in itertools.combinations(range(a.shape[0]), 2):
            for k, l in itertools.combinations(range(a.shape[1]), 2):
                assert (
                    F(a[i, k]) * F(a[j, l]) * table[i][l] * table[j][k]
                    == F(a[i, l]) * F(a[j, k]) * table[i][k] * table[j][l]
                )
        for i in range(a.shape[0]):  # every row is the row of floats times powers of two
            for j in range(a.shape[1]):
                if a[i, j]:
                    ratio = abs(Fraction(table[i][j]) / F(a[i, j]))
                    assert ratio > 0 and (ratio.numerator & (ratio.numerator - 1)) == 0 == (
                        ratio.denominator & (ratio.denominator - 1)
                    )
                    assert (table[i][j] > 0) == (a[i, j] > 0)
    assert rank.integer_matrix(np.array([[8.0, 24.0]]))[1] <= 2  # common powers of two are taken out
    assert rank.integer_matrix(np.array([[1.0, 2.0**-40], [2.0**40, 1.0]]))[1] <= 41
    assert rank.integer_matrix(np.zeros((2, 2)))[1] == 0


def test_ranks_by_every_path() -> None:
    for a, value, reason in (
        (np.zeros((3, 2)), 0, "zero"),
        (np.eye(3)[:2], 2, "full rank: smallest"),
        (np.diag([1.0, 1e-200]), 2, "full rank"),
        (np.vstack([np.eye(3), np.eye(3)[:2], np.zeros((1, 3))])[:, [0, 1, 2, 2]], 3, "removed"),
        (np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [0.0, 0.0, 1.0]]), 2, "primes"),
        (np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, -0.0]]), 1, ""),
        (np.array([[1.0, 1.0 + 2.0**-52], [1.0, 1.0]]), 2, ""),
    ):
        for matrix in (a, a.T):
            found = matrix_rank(IntervalMatrix(matrix))
            assert found.value == value and found.verdict is Verdict.PROVED and reason in found.reason, (matrix, found)
    dependent = np.array([[1.0, 2.0, 4.0], [3.0, 5.0, 7.0], [4.0, 7.0, 11.0]])
    assert matrix_rank(IntervalMatrix(dependent)).value == 2
    assert (
        matrix_rank(IntervalMatrix(dependent), smallest=Bound(0.5, 1.0)).value == 3
    )  # what is handed over is believed
    assert matrix_rank(IntervalMatrix(dependent), smallest=Bound.estimated(0.5)).value == 2
    assert matrix_rank(IntervalMatrix(dependent), smallest=Bound(0.0, 1.0)).value == 2
    stacked = np.vstack([dependent, dependent[:1], np.zeros((1, 3))])  # a repeated row removed, still dependent
    assert matrix_rank(IntervalMatrix(stacked)).value == 2 == matrix_rank(IntervalMatrix(stacked.T)).value
    fuzzy = matrix_rank(IntervalMatrix(dependent, np.full((3, 3), 1e-30)))
    assert fuzzy.value is None and fuzzy.verdict is Verdict.UNDECIDED
    assert matrix_rank(IntervalMatrix(np.eye(2), np.full((2, 2), 1e-3))).value == 2
    assert matrix_rank(IntervalMatrix(np.zeros((2, 2)), np.full((2, 2), 1e-3))).value is None
    assert matrix_rank(IntervalMatrix(np.zeros((2, 2)), np.zeros((2, 2)))).value == 0
    assert rank.distinct_part(np.array([[0.0, 1.0, -0.0, 1.0], [0.0, 2.0, 0.0, 2.0], [-0.0, 1.0, 0.0, 1.0]])).shape == (
        2,
        1,
    )
    assert rank.distinct_part(np.array([[1.0, 0.0], [1.0, -0.0]])).tolist() == [[1.0]]
    kept = rank.distinct_part(np.array([[3.0, 0.0, 2.0], [1.0, 0.0, 2.0], [3.0, 0.0, 2.0]]))
    assert sorted(map(sorted, kept.tolist())) in ([[1.0, 2.0], [2.0, 3.0]], [[1.0, 3.0], [2.0, 2.0]])


# --- eigenvalues and singular values --------------------------------------------------------------------------
ROOT_2, ROOT_15 = root_up(Fraction(2)), root_up(Fraction(15))  # closer than any enclosure
SYMMETRIC = [  # matrices with their extreme eigenvalues
    (np.array([[2.0, 1.0], [1.0, 2.0]]), 1, 3),
    (np.array([[3.0, -1.0], [-1.0, 3.0]]), 2, 4),
    (np.diag([5.0, -3.0, 2.0]), -3, 5),
    (np.array([[-2.0, 1.0], [1.0, -2.0]]), -3, -1),
    (np.array([[0.0, 1.0], [1.0, 0.0]]), -1, 1),
    (np.eye(5), 1, 1),
    (np.ones((4, 4)), 0, 4),
    (np.array([[3.0, -1.0, 0.0], [-1.0, 3.0, -1.0], [0.0, -1.0, 3.0]]), 3 - ROOT_2, 3 + ROOT_2),
    (np.zeros((3, 3)), 0, 0),
    (np.array([[7.0]]), 7, 7),
    (np.kron(np.array([[2.0, 1.0], [1.0, 2.0]]), np.eye(30)), 1, 3),
    (np.full((60, 60), -1.0) + 61 * np.eye(60), 1, 61),
]
RECTANGULAR = [  # matrices and a vector with their extreme singular values
    (np.array([[3.0, 0.0], [4.0, 0.0]]), 0, 5),
    (np.array([[1.0, 1.0], [1.0, -1.0]]), ROOT_2, ROOT_2),
    (np.array([[3.0, 4.0]]), 5, 5),
    (np.array([[2.0], [0.0]]), 2, 2),
    (np.diag([1.0, -8.0, 4.0]), 1, 8),
    (np.array([[0.0, 2.0, 0.0], [0.5, 0.0, 0.0]]), Fraction(1, 2), 2),
    (np.ones((3, 5)), 0, ROOT_15),
    (np.zeros((2, 3)), 0, 0),
    (np.array([[1.0, 2.0], [2.0, 1.0]]), 1, 3),
    (np.array([[5.0, 3.0], [3.0, 5.0]]), 2, 8),
    (np.array([3.0, -4.0]), 5, 5),
]


def sharp(bound: Bound, exact: Any, slack: Any) -> None:
    assert bound.lower <= exact <= bound.upper, (bound, float(exact))
    assert F(bound.upper) - F(bound.lower) <= slack, (bound, float(exact), float(slack))


@pytest.mark.parametrize("exponent", [0, -1030, -700, -299, -310, 310, 301, 700, 960])
def test_eigenvalues_are_sharp_at_every_scale(exponent: int) -> None:
    """To the norm's last digits."""
    scale = Fraction(2) ** exponent
    for M, *ends in SYMMETRIC:
        n, scaled = len(M), IntervalMatrix(np.ldexp(M, exponent))
        slack = (40 * n * n + 4000) * u * F(abs(M).sum(axis=1).max()) * scale + (n + 4) ** 3 * 400 * eta * max(1, scale)
        for bound, value in zip((lambda_min(scaled), lambda_max(scaled)), ends):
            sharp(bound, value * scale, slack)


@pytest.mark.parametrize("exponent", [0, 99, 101, -101, -99, -500, -1040, 500, 1000])
def test_singular_values_are_sharp_at_every_scale(exponent: int) -> None:
    """To their own last digits, of vectors to the last but few; a value of 0 to the square root of that."""
    scale = Fraction(2) ** exponent
    for X, *ends in RECTANGULAR:
        units, lost = (100, 20) if X.ndim == 1 else (4000, 100)
        for scaled in (IntervalMatrix(np.ldexp(X, exponent)), IntervalMatrix(np.ldexp(X.T, exponent))):
            for bound, value in zip((sigma_min(scaled), norm(scaled)), ends):
                zero = 0 if value else Fraction(9, 10**7) * scale + Fraction(1, 10**150)
                sharp(bound, value * scale, units * u * value * scale + lost * eta + zero)
                assert bound.lower >= 0


def test_radii_widen_eigenvalues_by_their_norm() -> None:
    for r, exponent in itertools.product((2.0**-20, 2.0**-3), (0, 400, -400)):
        M, R = np.ldexp(np.array([[2.0, 1.0], [1.0, 2.0]]), exponent), np.ldexp(np.full((2, 2), r), exponent)
        for bound, value in ((lambda_min(IntervalMatrix(M, R)), 1), (lambda_max(IntervalMatrix(M, R)), 3)):
            ends = [(value + s * 2 * F(r)) * Fraction(2) ** exponent for s in (-1, 1)]
            assert bound.lower <= ends[0] and ends[1] * (1 - Fraction(1, 2**40)) <= bound.upper
            assert bound.lower >= ends[0] - Fraction(2) ** (exponent - 30) - abs(ends[0]) * F(r) * 4
            assert bound.upper <= ends[1] + Fraction(2) ** (exponent - 30) + abs(ends[1]) * F(r) * 4
    infinite = np.zeros((2, 2))
    infinite[0, 1] = infinite[1, 0] = math.inf
    assert (
        lambda_min(IntervalMatrix(np.eye(2), infinite))
        == Bound.unknown()
        == lambda_max(IntervalMatrix(np.eye(2) * 1e200, infinite))
    )
    one = IntervalMatrix(np.array([[3.0]]), np.array([[0.5]]))
    assert lambda_min(one) == lambda_max(one) == Bound(2.5, 3.5)
    lopsided = IntervalMatrix(
        np.array([[2.0, 9.0], [1.0, 2.0]]), np.array([[0.0, 50.0], [0.25, 0.0]])
    )  # the lower triangle is meant
    low = lambda_min(lopsided)
    assert low.lower <= 0.75 and low.upper >= 1.25 * (1 - 1e-15) and low.lower > 0.68 and low.upper < 1.3
    for shape in ((2, 3), (0, 0), (3,)):
        with pytest.raises(InputError, match="square"):
            lambda_min(IntervalMatrix(np.zeros(shape)))
    require_ieee()


def test_hard_matrices_are_still_decided() -> None:
    """Graded diagonals by the balanced test; singular ones end at or below 0; large steps end at the norm."""
    d = 2.0 ** -np.linspace(0.0, 12.0, 10)
    graded = (d[:, None] * (np.eye(10) * 0.5 + 0.5)) * d
    found = lambda_min(IntervalMatrix(graded))
    assert found.lower > 0.2 * found.upper > 0
    singular_one = np.outer(np.arange(1.0, 9.0), np.arange(1.0, 9.0))
    found = lambda_min(IntervalMatrix(singular_one))
    assert found.lower <= 0 <= found.upper and found.width < 1e-9
    assert eigenvalues.least_eigenvalue(singular_one, None, 1, False).lower == -math.inf
    easy = eigenvalues.least_eigenvalue(np.eye(4) * 2, None, 1, False)
    assert (easy.lower > 1.9 and easy.upper == math.nextafter(2.0, 3)) or easy.upper >= 2
    assert eigenvalues.least_eigenvalue(np.eye(3) * 2, Entrywise(np.full((3, 3), 1e-3)), -1).lower <= -2.003
    big = RNG.standard_normal((130, 130))
    big = big + big.T
    for i, j in ((0, 129), (129, 0), (64, 63), (70, 128), (1, 0)):  # of an asymmetric one the lower triangle is meant
        other = big.copy()
        other[i, j] += 50.0
        meant = np.tril(other) + np.tril(other, -1).T
        assert lambda_max(IntervalMatrix(other)) == lambda_max(IntervalMatrix(meant))


def test_radii_move_singular_values_by_their_norm() -> None:
    for exponent in (0, 300, -300):
        mid, rad = np.ldexp(np.diag([2.0, 1.0]), exponent), np.ldexp(np.full((2, 2), 0.125), exponent)
        for x in (IntervalMatrix(mid, rad), IntervalMatrix(mid, rad).T):
            for bound, value in ((sigma_min(x), 1), (norm(x), 2)):
                ends = [(value + s * Fraction(1, 4)) * Fraction(2) ** exponent for s in (-1, 1)]
                assert bound.lower <= ends[0] and bound.upper >= ends[1]
                assert F(bound.lower) >= ends[0] * (1 - 1000 * u) and F(bound.upper) <= ends[1] * (1 + 1000 * u)
        wide = IntervalMatrix(mid, 16 * rad)
        assert sigma_min(wide).lower == 0.0 and norm(wide).lower == 0.0
        zero = IntervalMatrix(0 * mid, rad)
        assert norm(zero).lower == 0 == sigma_min(zero).lower
        assert F(norm(zero).upper) >= Fraction(1, 4) * Fraction(2) ** exponent >= F(norm(zero).upper) * (1 - 100 * u)
        vector = IntervalMatrix(mid[0], rad[0])
        slack = root_up(Fraction(1, 32)) * Fraction(2) ** exponent
        assert F(norm(vector).upper) >= 2 * Fraction(2) ** exponent + slack * (1 - 4 * u)
        assert F(norm(vector).upper) <= (2 * Fraction(2) ** exponent + slack) * (1 + 100 * u)
    unknown = IntervalMatrix(np.eye(2), np.array([[0.0, math.inf], [0.0, 0.0]]))
    assert norm(unknown) == Bound(0.0, math.inf) == sigma_min(unknown)
    assert norm(IntervalMatrix(np.zeros((0, 3)))) == Bound.exact(0)
    with pytest.raises(InputError, match="at least one row"):
        sigma_min(IntervalMatrix(np.zeros((0, 3))))


@pytest.mark.parametrize(
    ("n", "condition"),
    [(12, 1e3), (12, 1e6), (12, 1e9), (12, 1e12), (12, 1e14), (50, 1e2), (300, 1e4), (200, 1e8), (120, 1e12)],
)
def test_ill_conditioned_singular_values_are_narrow(n: int, condition: float) -> None:
    """The careful path, where the Gram matrix is useless; exactness of containment is decided by `test_enclosures`."""
    rng = np.random.default_rng(int(math.log10(condition)))
    left, right = (np.linalg.qr(rng.standard_normal((size, size)))[0] for size in (n, n + 3))
    x = left * np.geomspace(1, 1 / condition, n) @ right[:n]
    found = sigma_min(IntervalMatrix(x))
    assert found.relative_width < (1e-6 if condition < 1e10 else 1e-3 if condition < 1e13 else 3e-2) and found.contains(
        found.mid
    )
    assert sigma_min(IntervalMatrix(x.T)).relative_width <= found.relative_width * 2
    assert abs(found.mid * condition - 1) < 1e-14 * condition + 1e-8
    (square,) = [Gram.of_rows(x).smallest()]
    assert F(square.upper) >= F(found.lower) ** 2 and F(square.lower) <= F(found.upper) ** 2


# --- radii of Gram matrices -----------------------------------------------------------------------------------
def test_radii_of_rank_one_cover_their_entries() -> None:
    """spread, quadratic form, diagonal, norm and shift of R = f·bbᵀ + a, as of the full matrix."""
    for n, f, a in itertools.product((1, 2, 5), (0.0, 0.5, 2.0**-50), (0.0, 2.0**-60, 1.0)):
        b = np.abs(RNG.standard_normal(n)) * 2.0 ** RNG.integers(-5, 5, n)
        rank_one = RankOne(f, b, a)
        R = [[F(f) * F(s) * F(t) + F(a) for t in b] for s in b]
        d, x = 2.0 ** RNG.integers(-3, 4, n) * (1 + RNG.random(n)), RNG.standard_normal(n)
        upward = np.array([[math.nextafter(float(entry), math.inf) for entry in row] for row in R])
        for radius, wider in ((rank_one, 1), (Entrywise(upward), 1 + 4 * u)):
            slack = 1 + (6 * n + 40) * u
            for i, got in enumerate(radius.spread(d)):
                needed = sum((R[i][j] * F(d[j]) for j in range(n)), Fraction(0)) / F(d[i])
                within(got, needed, needed * slack * wider + eta * 2**40)
            needed = sum((R[i][j] * abs(F(x[i])) * abs(F(x[j])) for i in range(n) for j in range(n)), Fraction(0))
            within(radius.quadratic(x), needed, needed * slack * wider + eta * 2**40)
            for i, got in enumerate(radius.diagonal()):
                within(got, R[i][i], R[i][i] * slack * wider + eta * 2**10)
            exact = F(f) * sum((F(t) ** 2 for t in b), Fraction(0)) + n * F(a)  # ‖f·bbᵀ‖ + ‖a·11ᵀ‖
            if radius is rank_one:
                within(radius.norm(), exact, exact * (slack + 20 * u) + eta * 2**10)
            else:
                assert (
                    float(np.linalg.norm(upward, 2)) * (1 - 1e-12)
                    <= radius.norm()
                    <= float(np.linalg.norm(upward)) * (1 + 1e-12) + 4 * TINY
                )
            for e in (-701, -700, -3, 0, 5, 300):
                moved = radius.shifted(e)
                for i, got in enumerate(moved.diagonal()):
                    exact_entry = R[i][i] * Fraction(2) ** e
                    within(
                        got,
                        exact_entry,
                        exact_entry * 2 * slack * wider
                        + eta * 2**12 * max(1, Fraction(2) ** e)
                        + eta * 2**12 * F(max(b)),
                    )
        assert (
            rank_one.is_finite and not RankOne(math.inf, b, a).is_finite and not RankOne(f, b * math.inf, a).is_finite
        )
        assert not RankOne(f, b, math.inf).is_finite and not Entrywise(upward * math.inf).is_finite
    assert abs(float(np.max(RankOne(0.5, np.array([1.0, 2.0]), 0.0).shifted(2).diagonal())) - 8) < 1e-9
    for weight in (1.0, 0.25):
        (got, *_) = RankOne(0.0, np.array([0.0, 3.0]), 0.0).spread(np.full(2, weight))
        needed = eta * (2 + 4) * F(1 + 1 / weight) * (2 + 3)
        within(got, needed * (1 - 8 * u), needed * (1 + 8 * u))
    assert (
        RankOne(0.0, np.zeros(2), 0.0).quadratic(np.ones(2)) >= 4 * TINY
        and RankOne(0.0, np.zeros(2), 0.0).norm() >= 4 * TINY
    )
    assert RankOne(0.0, np.zeros(2), 0.0).diagonal()[0] >= 4 * TINY
    assert (Entrywise(np.zeros((2, 2))).shifted(5).rad == TINY).all()
    within(
        RankOne(1.0, np.zeros(1), 0.0).quadratic(np.full(1, 1.0)), 4 * eta * (1 - u), 4 * eta * (1 + u) + eta**2 * 99
    )


def test_radii_grant_their_sums_enough_roundings() -> None:
    """Ones make every sum exact, so that the factor for rounding stands alone: n terms, or n + n, may be rounded."""
    for n in (1, 3, 64):
        ones = np.ones(n)
        for radius in (RankOne(1.0, ones, 0.0), RankOne(0.0, ones, 1.0), Entrywise(np.ones((n, n)))):
            for value, exact, terms in (
                (float(radius.spread(ones).min()), n, n + 2),
                (radius.quadratic(ones), n * n, 2 * n + 2),
                (radius.norm(), n, 4 if isinstance(radius, RankOne) else n),
            ):
                within(value, exact * (1 + gam(terms)), exact * (1 + (6 * n + 80 + n * n) * u))
            if isinstance(radius, RankOne):
                within(float(radius.diagonal().min()), 1 + gam(4), 1 + 20 * u)
    for e in (-5, 0, 5):
        moved = RankOne(0.5, np.zeros(2), 0.0).shifted(e)
        assert moved.absolute == TINY and (moved.weights == TINY).all() and moved.factor == 0.5


def test_gram_matrices_cover_the_exact_one() -> None:
    """|fl(XXᵀ) − XXᵀ| ≤ γ_{p+2}‖x_i‖‖x_j‖ and underflow; scaled by d as well."""
    for p, scale in itertools.product((1, 3, 7), (1.0, 2.0**-530, 2.0**200)):
        x = RNG.standard_normal((3, p)) * scale
        d = np.array([3.0, -0.1, 0.0])
        gram = Gram.of_rows(x)
        exact = exact_product(x, x.T)
        for g, factors in ((gram, np.ones(3)), (gram.scaled(d), d), (gram.scaled(d).scaled(d), d * d)):
            for i, j in itertools.product(range(3), repeat=2):
                weight = F(factors[i]) * F(factors[j])
                if g is not gram and factors is not d:
                    weight = F(d[i]) ** 2 * F(d[j]) ** 2
                radius = F(g.radius.factor) * F(g.radius.weights[i]) * F(g.radius.weights[j]) + F(g.radius.absolute)
                error = abs(F(g.mid[i, j]) - weight * exact[i][j])
                assert error <= radius
                norms = root_up(exact[i][i]) * root_up(exact[j][j]) * abs(weight)
                rounding = (gam(p + 2) + (60 if g is not gram else 0) * u) * norms * Fraction(13, 10)
                limit = rounding + 2000 * (p + 2) * eta * max(1, F(scale)) ** 2
                assert radius <= limit, (p, scale, float(radius / limit))
    x = np.array([[3.0, 4.0]])
    within(Gram.of_rows(x).radius.factor, gam(4) * (1 + gam(4)), gam(4) * (1 + 16 * u))
    within(Gram.of_rows(np.zeros((2, 3))).radius.absolute, 5 * eta * 2, 5 * eta * 2 * (1 + 40 * u))
    biggest = F(euclidean(np.array([[3.0, 4.0]]), 1)[1][0])
    within(Gram.of_rows(x).radius.absolute, 4 * eta * (2 + 2 * biggest), 4 * eta * (2 + 2 * biggest) * (1 + 40 * u))
    assert Gram.of_rows(np.eye(3)).radius.factor == 0.0  # products of powers of two are exact
    for factors in (np.array([3.0]), np.array([-0.1]), np.array([0.0])):
        (weight,) = Gram.of_rows(x).scaled(factors).radius.weights
        exact_weight = abs(F(factors[0])) * biggest
        within(weight, exact_weight * (1 + 4 * u) + eta * (1 - u), exact_weight * (1 + 16 * u) + eta * (1 + 4 * u))
    over = Gram.of_rows(np.full((2, 2), 1e200))
    assert over.largest() == Bound.unknown() == over.smallest()
    exact_scaled = Gram.of_rows(np.eye(2)).scaled(np.array([3.0, 5.0]))
    within(exact_scaled.radius.factor, Fraction(21, 10) * u, 5 * u)
    assert exact_scaled.largest().contains(25) and exact_scaled.smallest().contains(9)
    assert exact_scaled.largest().relative_width < 1e-13 and exact_scaled.smallest().relative_width < 1e-13
    wanted = (2 + 2) * (2 + 2 * 1) * 25 * eta + (4 + 1) * eta
    within(exact_scaled.radius.absolute, wanted * (1 + 10 * u), wanted * (1 + 99 * u))


# --- row spaces -----------------------------------------------------------------------------------------------
def gram_ends(space: Any) -> tuple[Fraction, Fraction]:
    """The extreme eigenvalues of mid·midᵀ for a basis of two rows, exactly enough."""
    B = space.B.mid
    G = exact_product(B, B.T)
    trace, det = G[0][0] + G[1][1], G[0][0] * G[1][1] - G[0][1] ** 2
    root = root_up(max(trace * trace - 4 * det, Fraction(0)))
    return (trace - root) / 2, (trace + root) / 2


@pytest.mark.parametrize("scale", [1.0, 2.0**-45, 2.0**60, 2.0**-900, 2.0**700])
@pytest.mark.parametrize("kind", ["plain", "graded", "nearly dependent", "stiff", "doubled"])
def test_row_spaces_contain_their_gram(kind: str, scale: float) -> None:
    a = np.array([[1.0, 2.0, 2.0], [0.0, 1.0, -1.0]])
    if kind == "graded":
        a[1] *= 2.0**-100
    elif kind == "nearly dependent":
        a[1] = a[0] * (1 + 2.0**-20 * np.array([1.0, -1.0, 2.0]))
    elif kind == "stiff":
        a[1] = a[0] * (1 + 2.0**-44 * np.array([1.0, -1.0, 2.0]))
    elif kind == "doubled":
        a = np.vstack([a, 2 * a[:1]])
    space = row_space_basis(a * scale)
    assert space.rank == 2 and space.is_decided and not space.is_whole_space and space.B.shape == (2, 3)
    low, high = gram_ends(space)
    assert F(space.gram_min.lower) <= low and F(space.gram_max.upper) >= high
    assert space.gram_min.lower > 0.4 and space.gram_max.upper < 1.6
    if kind in ("plain", "graded", "doubled"):
        assert space.gram_min.relative_width < 1e-12
    if kind in ("plain", "doubled"):  # B spans the rows
        assert (np.abs(space.B.mid @ np.cross(a[0], a[1])) <= 1e-13).all()


def test_row_spaces_of_coordinates() -> None:
    for a, used in (
        (np.eye(3)[[2, 0]], [0, 2]),
        (np.array([[0.0, 5.0, 0.0], [0.0, -2.0, 0.0]]), [1]),
        (np.zeros((2, 3)), []),
        (np.eye(3) * 1e-300, [0, 1, 2]),
        (np.array([[1.0, 1.0], [1.0, 2.0], [3.0, 5.0]]), [0, 1]),
    ):
        space = row_space_basis(a)
        assert space.coordinates is not None and space.coordinates.tolist() == used and space.rank == len(used)
        assert space.gram_min == space.gram_max == Bound.exact(1) and space.B.shape == (len(used), a.shape[1])
        assert (space.B.mid == np.eye(a.shape[1])[used]).all()
        assert space.is_whole_space == (len(used) == a.shape[1])
        X = IntervalMatrix(RNG.standard_normal((a.shape[1], 4)))
        assert (space.restrict(X).mid == X.mid[used]).all()
    J = np.diag([3.0, 1.0, 2.0])
    assert row_space_basis(np.eye(3)[[2, 0]]).sigma_min(IntervalMatrix(J)).contains(2)
    assert row_space_basis(np.eye(3)[[2, 0]]).sigma_min(IntervalMatrix(J[:, :1])) == Bound.exact(0)
    assert row_space_basis(np.eye(3)[[2, 0]]).sigma_min(IntervalMatrix(J[:, [2, 0]])).contains(2)  # p = r
    tilted = row_space_basis(np.array([[1.0, 1.0, 0.0]]))  # z = (1,1,0)/√2: ‖Jᵀz‖² = (9+1)/2
    found = tilted.sigma_min(IntervalMatrix(J))
    assert F(found.lower) ** 2 <= 5 <= F(found.upper) ** 2 and found.relative_width < 1e-12
    coarse = row_space.RowSpace((1, 3), 1, tilted.decision, Bound(0.81, 0.81), Bound(1.21, 1.21), None, tilted.basis)
    found = coarse.sigma_min(IntervalMatrix(J))
    assert abs(found.lower - math.sqrt(5) / 1.1) < 1e-9 and abs(found.upper - math.sqrt(5) / 0.9) < 1e-9
    fuzzy = row_space_basis(IntervalMatrix(np.array([[1.0, 2.0], [2.0, 4.0]]), np.full((2, 2), 1e-9)))
    assert not fuzzy.is_decided and fuzzy.rank is None
    with pytest.raises(ValueError, match="no basis"):
        _ = fuzzy.B
    wide = row_space_basis(IntervalMatrix(np.array([[1.0, 2.0, 0.0], [0.0, 1.0, 1.0]]), np.full((2, 3), 1e-9)))
    assert (
        wide.is_decided
        and wide.gram_min.lower < 1 - 1e-9
        and wide.gram_max.upper > 1 + 1e-9
        and wide.gram_min.width < 1e-6
    )
    between = row_space_basis(np.array([[1.0, 1.0, 0.0], [2.0, 2.0, 0.0], [0.0, 1.0, 1.0]]))  # a dependent row
    assert between.rank == 2 and between.gram_min.lower > 0.9
    mid, rad = np.array([[1.0, 2.0**50], [1.0, 1.0]]), np.array([[1.0, 1.0], [1.0, 0.0]])
    scaled = row_space.equilibrated(IntervalMatrix(mid, rad))
    assert (scaled.mid == mid * [[2.0**-51], [0.5]]).all() and scaled.rad is not None
    for got, wanted in zip(scaled.rad.ravel(), (2.0**-51, 2.0**-51, 0.5, 0.0)):
        within(got, F(wanted) or eta, F(wanted) + eta)
    lost = np.array([[1e300, 5e-324], [1.0, 1.0]])  # a row that would lose digits stays
    assert (row_space.equilibrated(IntervalMatrix(lost)).mid[0] == lost[0]).all()


# --- proposals: no guarantee, but near the truth, or every proof after them would fail ---------------------------
@pytest.mark.parametrize("n", [5, 48, 49, 60, 120])
def test_proposals_are_near(n: int) -> None:
    rng = np.random.default_rng(n)
    q = np.linalg.qr(rng.standard_normal((n, n)))[0]
    for values in (
        np.geomspace(1, 1e-4, n),
        np.linspace(-3, 1, n),
        np.linspace(-1, 3, n),
        np.r_[np.zeros(2), np.linspace(1, 2, n - 2)],
        np.ones(n),
    ):
        M = (q * values) @ q.T
        M = (M + M.T) / 2
        for guess, value in ((krylov.smallest_eigenpair(M), values.min()), (krylov.largest_eigenpair(M), values.max())):
            assert abs(np.linalg.norm(guess.vector) - 1) < 1e-12 and guess.error >= 0
            quotient = float(guess.vector @ M @ guess.vector)
            assert abs(quotient - guess.value) <= 1e-9 * np.abs(values).max()
            assert abs(guess.value - value) <= 1e-6 * max(abs(value), 1e-3 * np.abs(values).max()), (
                n,
                guess.value,
                value,
            )
        top = krylov.top_vector(lambda v, M=M: M @ (M @ v), n)
        assert abs(np.linalg.norm(M @ top) - np.abs(values).max()) < 1e-4 * np.abs(values).max()
    assert krylov.largest(lambda v: v * math.nan, 3).vector.shape == (3,)


def test_an_eigenpair_is_found_where_eigenvalues_coincide() -> None:
    rng = np.random.default_rng(0)
    for _ in range(60):  # for some of them LAPACK's search by index comes back empty
        q = np.linalg.qr(rng.standard_normal((12, 12)))[0]
        M = (q @ q.T + (q @ q.T).T) / 2
        for pair in (krylov.largest_eigenpair, krylov.smallest_eigenpair):
            assert abs(pair(M).value - 1) < 1e-12


def test_large_indefinite_matrices_are_proposed_by_lanczos() -> None:
    n = 410
    values = np.linspace(-5.0, 1.0, n)
    values[0] = -9.0
    q = np.linalg.qr(np.random.default_rng(0).standard_normal((n, n)))[0]
    M = (q * values) @ q.T
    M = (M + M.T) / 2
    guess = krylov.smallest_eigenpair(M)
    assert abs(guess.value + 9) < 1e-6 and abs(guess.vector @ M @ guess.vector + 9) < 1e-6
    found = lambda_min(IntervalMatrix(M))
    assert found.lower <= -9 + 1e-11 and found.upper >= -9 - 1e-11 and found.relative_width < 1e-10
