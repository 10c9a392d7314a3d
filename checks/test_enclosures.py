"""Every enclosure contains the true value, decided exactly; and a broken enclosure is caught.

The oracle is exact: a symmetric matrix of integers is positive semidefinite if and only if the coefficients
of its characteristic polynomial (computed by FLINT over the integers) alternate in sign, because all its
roots are real. So `λ_min ≥ τ` for a dyadic τ is decided without rounding, whatever the conditioning.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import lru_cache

import flint
import mpmath
import numpy as np
import pytest

from checks.test_elementary import DEFINITIONS
from dipproofs.enclosures import (
    Bound,
    IntervalMatrix,
    Verdict,
    apply_arb,
    compile_arb,
    lambda_max,
    lambda_min,
    matrix_rank,
    norm,
    residual_lower_bound,
    row_space_basis,
    sigma_min,
)
from dipproofs.theory.activations import ACTIVATIONS, x

Matrix = np.ndarray
SHAPES = [(1, 1), (2, 2), (2, 5), (3, 3), (5, 4), (6, 6), (7, 9), (12, 12), (16, 20)]


# --- the exact oracle -------------------------------------------------------------------------------------
def fractions(a: Matrix) -> list[list[Fraction]]:
    return [[Fraction(float(x)) for x in row] for row in a]


def scaled_integers(rows: list[list[Fraction]]) -> flint.fmpz_mat:
    """A positive multiple of a matrix, in the smallest integers."""
    scale = math.lcm(*[x.denominator for row in rows for x in row])
    integers = [[x.numerator * (scale // x.denominator) for x in row] for row in rows]
    common = math.gcd(*[x for row in integers for x in row]) or 1
    return flint.fmpz_mat([[x // common for x in row] for row in integers])


def exact_gram(a: Matrix) -> list[list[Fraction]]:
    """The smaller of A Aᵀ and AᵀA, exactly."""
    return _exact_gram((a if a.shape[0] <= a.shape[1] else a.T).astype(np.float64).tobytes(), min(a.shape))


@lru_cache(maxsize=4)  # both ends of a spectrum are asked for
def _exact_gram(content: bytes, rows: int) -> list[list[Fraction]]:
    exact = fractions(np.frombuffer(content).reshape(rows, -1))
    scale = math.lcm(*[x.denominator for row in exact for x in row])
    integers = flint.fmpz_mat([[x.numerator * (scale // x.denominator) for x in row] for row in exact])
    gram = integers * integers.transpose()
    return [[Fraction(int(gram[i, j]), scale**2) for j in range(rows)] for i in range(rows)]


def psd(rows: list[list[Fraction]], tau: Fraction, sign: int = 1, strict: bool = False) -> bool:
    """Whether sign·(M − τI) is positive semidefinite (definite, if strict), exactly."""
    n = len(rows)
    shifted = [[sign * (rows[i][j] - (tau if i == j else 0)) for j in range(n)] for i in range(n)]
    coefficients = [int(c) for c in scaled_integers(shifted).charpoly().coeffs()]
    signed = [c * (-1) ** (n - k) for k, c in enumerate(coefficients)]
    return all(c > 0 for c in signed) if strict else all(c >= 0 for c in signed)


def lambda_min_in(rows: list[list[Fraction]], bound: Bound) -> bool:
    low = bound.lower == -math.inf or psd(rows, Fraction(bound.lower))
    return low and (bound.upper == math.inf or not psd(rows, Fraction(bound.upper), strict=True))


def lambda_max_in(rows: list[list[Fraction]], bound: Bound) -> bool:
    high = bound.upper == math.inf or psd(rows, Fraction(bound.upper), sign=-1)
    return high and (bound.lower == -math.inf or not psd(rows, Fraction(bound.lower), sign=-1, strict=True))


def squared(bound: Bound) -> tuple[Fraction, Fraction | float]:
    upper: Fraction | float = math.inf if math.isinf(bound.upper) else Fraction(bound.upper) ** 2
    return Fraction(bound.lower) ** 2, upper


def sigma_min_in(a: Matrix, bound: Bound) -> bool:
    gram = exact_gram(a)
    low, high = squared(bound)
    return psd(gram, low) and (high == math.inf or not psd(gram, high, strict=True))


def norm_in(a: Matrix, bound: Bound) -> bool:
    gram = exact_gram(a)
    low, high = squared(bound)
    return (high == math.inf or psd(gram, high, sign=-1)) and not psd(gram, low, sign=-1, strict=True)


# --- the instances ----------------------------------------------------------------------------------------
def orthogonal(rng: np.random.Generator, n: int) -> Matrix:
    return np.linalg.qr(rng.standard_normal((n, n)))[0]


def with_values(rng: np.random.Generator, shape: tuple[int, int], values: Matrix) -> Matrix:
    p = min(shape)
    return orthogonal(rng, shape[0])[:, :p] * values @ orthogonal(rng, shape[1])[:p]


def random_matrix(rng: np.random.Generator, shape: tuple[int, int]) -> Matrix:
    return rng.standard_normal(shape)


def ill_conditioned(rng: np.random.Generator, shape: tuple[int, int]) -> Matrix:
    return with_values(rng, shape, np.geomspace(1, 10.0 ** -rng.uniform(1, 12), min(shape)))


def repeated(rng: np.random.Generator, shape: tuple[int, int]) -> Matrix:
    return with_values(rng, shape, rng.choice([1.0, 2.0], size=min(shape)))


def integer_repeated(rng: np.random.Generator, shape: tuple[int, int]) -> Matrix:
    return np.eye(*shape) * float(rng.integers(1, 5)) + (0.0 if rng.integers(2) else 1.0)


def rank_deficient(rng: np.random.Generator, shape: tuple[int, int]) -> Matrix:
    r = max(min(shape) - 1, 1)
    left, right = rng.integers(-9, 10, (shape[0], r)), rng.integers(-9, 10, (r, shape[1]))
    return (left @ right) * 2.0 ** int(rng.integers(-20, 20))


def nearly_deficient(rng: np.random.Generator, shape: tuple[int, int]) -> Matrix:
    a = rank_deficient(rng, shape)
    return a * (1 + 1e-15 * rng.standard_normal(shape))


def tiny(rng: np.random.Generator, shape: tuple[int, int]) -> Matrix:
    return rng.standard_normal(shape) * 1e-300


def subnormal(rng: np.random.Generator, shape: tuple[int, int]) -> Matrix:
    return rng.integers(-50, 50, shape) * 5e-324


def huge(rng: np.random.Generator, shape: tuple[int, int]) -> Matrix:
    return rng.standard_normal(shape) * 1e300


def mixed_scales(rng: np.random.Generator, shape: tuple[int, int]) -> Matrix:
    return rng.standard_normal(shape) * 10.0 ** rng.uniform(-160, 160, (shape[0], 1))


def graded(rng: np.random.Generator, shape: tuple[int, int]) -> Matrix:
    return rng.standard_normal(shape) * 10.0 ** rng.uniform(-8, 8, (shape[0], 1))


def single_precision(rng: np.random.Generator, shape: tuple[int, int]) -> Matrix:
    return rng.standard_normal(shape).astype(np.float32)


def mask(rng: np.random.Generator, shape: tuple[int, int]) -> Matrix:
    return np.eye(*shape)[rng.permutation(shape[0])]


FAMILIES: list[Callable[[np.random.Generator, tuple[int, int]], Matrix]] = [
    random_matrix, ill_conditioned, repeated, integer_repeated, rank_deficient, nearly_deficient, tiny,
    subnormal, huge, mixed_scales, graded, single_precision, mask,
]  # fmt: skip


def instances(family: Callable[..., Matrix], count: int) -> Iterator[Matrix]:
    rng = np.random.default_rng(sum(map(ord, family.__name__)))
    for index in range(count):
        yield family(rng, SHAPES[index % len(SHAPES)])


@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.__name__)
def test_singular_values_contain_the_truth(family: Callable[..., Matrix]) -> None:
    useful = 0
    for a in instances(family, 90):
        smallest, largest = sigma_min(IntervalMatrix(a)), norm(IntervalMatrix(a))
        assert sigma_min_in(a, smallest), (family.__name__, a.shape, smallest)
        assert norm_in(a, largest), (family.__name__, a.shape, largest)
        useful += largest.is_finite and largest.width <= max(1e-9 * largest.upper, 1e-322)
    assert useful >= 85


def definite(gram: list[list[flint.arb]], tau: flint.arb, sign: int = 1) -> bool:
    """Whether sign·(G − τI) is positive definite, by the pivots of LDLᵀ at 400 bits; all signs are proved."""
    n = len(gram)
    work = [[sign * (gram[i][j] - (tau if i == j else 0)) for j in range(i + 1)] for i in range(n)]
    for k in range(n):
        pivot = work[k][k]
        if pivot < 0:
            return False
        assert pivot > 0, "400 bits do not decide the sign of a pivot"
        for i in range(k + 1, n):
            factor = work[i][k] / pivot
            for j in range(k + 1, i + 1):
                work[i][j] -= factor * work[j][k]
    return True


@pytest.mark.parametrize("shape", [(40, 40), (50, 90), (90, 60)])
@pytest.mark.parametrize("family", [random_matrix, ill_conditioned, repeated, graded, single_precision])
def test_larger_matrices_contain_the_truth(family: Callable[..., Matrix], shape: tuple[int, int]) -> None:
    a = np.asarray(family(np.random.default_rng(shape[1]), shape), dtype=np.float64)
    smallest, largest = sigma_min(IntervalMatrix(a)), norm(IntervalMatrix(a))
    with flint.ctx.workprec(400):
        x = flint.arb_mat((a if shape[0] <= shape[1] else a.T).tolist())
        gram = (x * x.transpose()).tolist()
        low, high = flint.arb(smallest.lower) ** 2, flint.arb(smallest.upper) ** 2
        assert definite(gram, low) and not definite(gram, high)
        low, high = flint.arb(largest.lower) ** 2, flint.arb(largest.upper) ** 2
        assert definite(gram, high, sign=-1) and not definite(gram, low, sign=-1)
    assert smallest.relative_width < 1e-2 and largest.relative_width < 1e-9


@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.__name__)
def test_eigenvalues_contain_the_truth(family: Callable[..., Matrix]) -> None:
    for a in instances(family, 60):
        p = min(a.shape)
        square = np.asarray(a, dtype=np.float64)[:p, :p]
        for m in (np.tril(square) + np.tril(square, -1).T, _rounded_gram(square)):
            if not np.isfinite(m).all():
                continue
            rows = fractions(m)
            low, high = lambda_min(IntervalMatrix(m)), lambda_max(IntervalMatrix(m))
            assert lambda_min_in(rows, low), (family.__name__, low)
            assert lambda_max_in(rows, high), (family.__name__, high)
            residual = residual_lower_bound(IntervalMatrix(m), 0.0, np.linalg.cholesky(np.eye(p)))
            assert residual == -math.inf or psd(rows, Fraction(residual))


def _rounded_gram(a: Matrix) -> Matrix:
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        return a @ a.T


def test_wide_matrices_contain_the_truth_for_their_members() -> None:
    rng = np.random.default_rng(5)
    informative = 0
    for index in range(150):
        shape = SHAPES[index % len(SHAPES)]
        mid = rng.standard_normal(shape)
        rad = rng.random(shape) * 10.0 ** rng.uniform(-14, -2)
        member = mid + rad * rng.choice([-0.999, 0.0, 0.999], shape)
        x = IntervalMatrix(mid, rad)
        smallest, largest = sigma_min(x), norm(x)
        assert sigma_min_in(member, smallest) and norm_in(member, largest)
        informative += smallest.lower > 0
        gram = exact_gram(member if shape[0] <= shape[1] else member.T)
        enclosed = (x if shape[0] <= shape[1] else x.T).gram()
        if shape[0] <= shape[1]:
            assert lambda_min_in(gram, lambda_min(enclosed))
            assert contains(enclosed, gram)
    assert informative >= 75


def contains(enclosure: IntervalMatrix, exact: list[list[Fraction]]) -> bool:
    radius = enclosure.radius()
    return all(
        not math.isfinite(radius[i, j]) or abs(Fraction(enclosure.mid[i, j]) - x) <= Fraction(radius[i, j])
        for i, row in enumerate(exact)
        for j, x in enumerate(row)
    )


def multiply(x: list[list[Fraction]], y: list[list[Fraction]]) -> list[list[Fraction]]:
    return [[sum((a * b for a, b in zip(row, column)), Fraction(0)) for column in zip(*y)] for row in x]


@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.__name__)
def test_matrix_arithmetic_contains_the_truth(family: Callable[..., Matrix]) -> None:
    rng = np.random.default_rng(11)
    for a in instances(family, 36):
        x = IntervalMatrix(a)
        b = rng.standard_normal((a.shape[1], 3)) * 10.0 ** rng.integers(-3, 3)
        v = rng.standard_normal(a.shape[1])
        fa, fb, fv = fractions(a), fractions(b), [Fraction(t) for t in v]
        assert contains(x @ IntervalMatrix(b), multiply(fa, fb))
        assert contains(x.scale_columns(IntervalMatrix(v)), [[s * t for s, t in zip(r, fv)] for r in fa])
        assert contains(x.scale(Bound.exact(0.1)), [[s * Fraction(0.1) for s in r] for r in fa])
        third = Bound.exact(1) / 3
        assert contains(x.scale(third), [[s / 3 for s in r] for r in fa])
        total = x @ IntervalMatrix(b) - (x @ IntervalMatrix(b)).scale(third)
        assert contains(total, [[s * Fraction(2, 3) for s in r] for r in multiply(fa, fb)])
        low, high = x.row_norms()
        for row, below, above in zip(fa, low, high):
            square = sum((s * s for s in row), Fraction(0))
            assert Fraction(below) ** 2 <= square and (math.isinf(above) or square <= Fraction(above) ** 2)
        fro = x.norm_fro_upper()
        assert math.isinf(fro) or sum((s * s for r in fa for s in r), Fraction(0)) <= Fraction(fro) ** 2


@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.__name__)
def test_proved_ranks_are_the_exact_ranks(family: Callable[..., Matrix]) -> None:
    decided = 0
    for a in instances(family, 36):
        rank = matrix_rank(IntervalMatrix(a))
        if rank.verdict is Verdict.PROVED:
            decided += 1
            assert rank.value == scaled_integers(fractions(a)).rank(), (family.__name__, a.shape, rank)
    assert decided >= 30


@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.__name__)
def test_row_spaces_span_exactly_the_row_space(family: Callable[..., Matrix]) -> None:
    decided = 0
    for a in instances(family, 27):
        space = row_space_basis(a)
        if not space.is_decided:
            continue
        decided += 1
        assert space.rank == scaled_integers(fractions(a)).rank()
        assert space.rank == 0 or (space.gram_min.lower > 0 and space.B.shape == (space.rank, a.shape[1]))
        # The smallest singular value of A on its row space is at least that of the bound below.
        if space.rank == min(a.shape):
            assert space.sigma_min(IntervalMatrix(a).T).upper >= sigma_min(IntervalMatrix(a)).lower
    assert decided >= 20


# --- functions entry by entry -----------------------------------------------------------------------------
@pytest.mark.parametrize("name", [*ACTIVATIONS, "slope of tanh"])
def test_activations_contain_the_truth(name: str) -> None:
    if name in ACTIVATIONS:
        expression, reference = ACTIVATIONS[name].phi, DEFINITIONS[name]
    else:
        expression, reference = ACTIVATIONS["tanh"].dphi, lambda t: 1 - mpmath.tanh(t) ** 2
    rng = np.random.default_rng(3)
    values = np.concatenate(
        [
            rng.standard_normal(400) * 3,
            10.0 ** rng.uniform(-310, 2, 200),
            [0.0, -0.0, 5e-324, 30.0, -30.0, -200.0],
        ]
    )
    result = apply_arb(compile_arb((x,), expression), IntervalMatrix(values))
    relative = 0
    with mpmath.workprec(1500):
        for value, mid, rad in zip(values, result.mid, result.rad):
            truth = reference(mpmath.mpf(float(value)))
            assert abs(mpmath.mpf(float(mid)) - truth) <= mpmath.mpf(float(rad)), (name, value)
            relative += bool(rad <= 1e-15 * abs(mid) + 1e-300)
    assert relative >= 0.95 * values.size


# --- negative controls ------------------------------------------------------------------------------------
def test_a_cholesky_that_runs_to_its_end_is_no_proof() -> None:
    """Control: the naive test "Cholesky succeeded" calls singular matrices positive definite."""
    rng = np.random.default_rng(0)
    naive = 0
    for _ in range(40):
        a = rng.integers(-9, 10, (40, 39)).astype(float)
        gram = a @ a.T  # exact and singular
        with contextlib.suppress(np.linalg.LinAlgError):
            naive += bool(np.isfinite(np.linalg.cholesky(gram)).all())
        assert lambda_min(IntervalMatrix(gram)).lower <= 0
        assert sigma_min(IntervalMatrix(a @ a.T)).lower == 0
    assert naive > 0


def test_products_without_their_radius_are_caught() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal((6, 8)), rng.standard_normal((8, 6))
    assert contains(IntervalMatrix(a) @ IntervalMatrix(b), multiply(fractions(a), fractions(b)))
    assert not contains(IntervalMatrix(a @ b), multiply(fractions(a), fractions(b)))


def test_the_oracle_rejects_shifted_enclosures() -> None:
    rng = np.random.default_rng(2)
    for _ in range(40):
        a = rng.standard_normal((5, 7))
        bound = sigma_min(IntervalMatrix(a))
        assert not sigma_min_in(a, Bound(bound.upper * (1 + 1e-9), bound.upper * 2))
        assert not sigma_min_in(a, Bound(bound.lower / 2, bound.lower * (1 - 1e-9)))
