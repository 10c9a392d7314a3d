"""Proved bounds of the smallest and largest eigenvalue of a symmetric matrix."""

from __future__ import annotations

import math

import numpy as np

from dipproofs.enclosures.bound import Bound
from dipproofs.enclosures.cholesky import CholeskyTest, spread_of
from dipproofs.enclosures.krylov import Guess, largest_eigenpair, smallest_eigenpair
from dipproofs.enclosures.matrix import IntervalMatrix
from dipproofs.enclosures.norms import euclidean, frobenius_upper, max_abs
from dipproofs.enclosures.rounding import TINY, Array, gamma, inflation, require_ieee
from dipproofs.enclosures.spread import Entrywise, Radius
from dipproofs.errors import InputError

_ATTEMPTS = 12
_BADLY_SCALED = 100.0
#: |λ|/gap that is granted to a guess, whose error is about residual²/gap; a second factorisation costs more than width.
_GAP = 32.0


def lambda_min(matrix: IntervalMatrix) -> Bound:
    """Enclose the smallest eigenvalue of a symmetric matrix.

    Args:
        matrix: (n, n); every symmetric matrix within the radius is meant. One triangle decides where the
            midpoint is not exactly symmetric.

    Returns:
        A proved Bound that contains λ_min of all these matrices; it may be wide, never wrong.

    Raises:
        InputError: Not square, or empty.

    Notes:
        Lower end: one shifted Cholesky factorisation per attempt, usually one (Rump's test, see
        `dipproofs.enclosures.cholesky`). Upper end: enclosed Rayleigh quotient of an approximate eigenvector.
        Repeated eigenvalues are no difficulty (`docs/theory.md §8`).

    Example:
        >>> import numpy as np
        >>> bound = lambda_min(IntervalMatrix.from_exact(np.diag([1.0, 2.0, 2.0])))
        >>> bound.contains(1), bound.relative_width < 1e-13
        (True, True)
    """
    return _extreme(matrix, 1)


def lambda_max(matrix: IntervalMatrix) -> Bound:
    """Enclose the largest eigenvalue of a symmetric matrix, like `lambda_min`.

    Example:
        >>> import numpy as np
        >>> lambda_max(IntervalMatrix.from_exact(np.diag([1.0, 2.0, 2.0]))).contains(2)
        True
    """
    return -_extreme(matrix, -1)


def _extreme(matrix: IntervalMatrix, sign: int) -> Bound:
    """Enclosure of λ_min(sign·M)."""
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or matrix.shape[0] == 0:
        raise InputError(f"eigenvalue: found shape {matrix.shape}, expected a square matrix")
    if matrix.shape[0] == 1:
        return matrix.entry(0, 0) if sign > 0 else -matrix.entry(0, 0)
    mid, rad = _symmetric(matrix)
    return least_eigenvalue(mid, None if rad is None else Entrywise(rad), sign)


def least_eigenvalue(
    mid: Array, radius: Radius | None, sign: int = 1, thorough: bool = True, factor: Array | None = None
) -> Bound:
    """Enclose λ_min(sign·M) over all symmetric M within a radius of the midpoint.

    Args:
        mid: (n, n) exactly symmetric and finite. radius: of any shape, see `dipproofs.enclosures.spread`.
        sign: +1, or −1 for −λ_max(M). thorough: give up early when it is hard, if False.
        factor: (n, n) approximate Cholesky factor of mid, if it is known already, for the proposal.
    """
    require_ieee()
    if radius is not None and not radius.is_finite:
        return Bound.unknown()
    largest = max_abs(mid)
    exponent = math.frexp(largest)[1] if largest and not 2.0**-300 <= largest <= 2.0**300 else 0
    if exponent:
        with np.errstate(under="ignore", over="ignore"):
            mid = np.ldexp(mid, -exponent)
            radius = Entrywise(np.full_like(mid, TINY)) if radius is None else radius.shifted(-exponent)
        if not radius.is_finite:
            return Bound.unknown()
    bound = _bounds(mid, radius, sign, thorough, None if exponent else factor)
    if not exponent:
        return bound
    return bound * Bound.exact(2.0 ** (exponent // 2)) * Bound.exact(2.0 ** (exponent - exponent // 2))


def _symmetric(matrix: IntervalMatrix) -> tuple[Array, Array | None]:
    """An exactly symmetric midpoint and radii that hold for the symmetric members."""
    mid, rad = symmetrised(matrix.mid), matrix.rad
    return mid, rad if rad is None or mid is matrix.mid else _mirrored(rad)


def symmetrised(mid: Array) -> Array:
    """The matrix itself if it is symmetric, else a copy whose lower triangle counts twice."""
    return mid if _is_symmetric(mid) else _mirrored(mid)


def _mirrored(matrix: Array) -> Array:
    lower = np.tril_indices(matrix.shape[0], -1)
    matrix = matrix.copy()
    matrix.T[lower] = matrix[lower]
    return matrix


def _is_symmetric(mid: Array, block: int = 64) -> bool:
    """Whether M = Mᵀ bit for bit; in blocks that fit the cache."""
    n = mid.shape[0]
    starts = range(0, n, block)
    return all(
        np.array_equal(mid[i : i + block, j : j + block], mid[j : j + block, i : i + block].T)
        for i in starts
        for j in range(0, i + 1, block)
    )


def _bounds(mid: Array, radius: Radius | None, sign: int, thorough: bool, factor: Array | None) -> Bound:
    guess = smallest_eigenpair(mid, factor) if sign > 0 else _negated(largest_eigenpair(mid))
    upper = _rayleigh_upper(mid, radius, guess.vector, sign)
    upper = min(upper, _diagonal_upper(mid, radius, sign))
    lower = _lower(mid, radius, sign, guess, upper, thorough)
    return Bound(lower, upper)


def _negated(guess: Guess) -> Guess:
    return Guess(-guess.value, guess.vector, guess.error)


def _lower(mid: Array, radius: Radius | None, sign: int, guess: Guess, upper: float, thorough: bool) -> float:
    """The best proved τ ≤ λ_min(sign·M), from a few shifted factorisations."""
    n = mid.shape[0]
    plain = CholeskyTest(mid, spread_of(radius, np.ones(n)), sign)
    value = min(guess.value, upper)
    diagonal = sign * np.diagonal(mid)
    price = plain.constant(float(np.maximum(diagonal - value, 0.0).sum())) + float(plain.spread.max())
    step = 1.25 * price + 1e-15 * abs(value) + _GAP * guess.error * min(guess.error / (abs(value) + TINY), 1.0)
    if value < 4 * step and not thorough:
        return -math.inf
    if 0 < value < 4 * step and float(diagonal.max()) > _BADLY_SCALED * float(diagonal.min()) > 0:
        balanced = CholeskyTest(mid, spread_of(radius, np.sqrt(diagonal)), sign)
        for fraction in (1 - 1e-6, 1 - 1e-3, 0.9, 0.3, 0.01):
            if balanced.proves(fraction * value, balanced=True):
                return fraction * value
    for _ in range(_ATTEMPTS):
        tau = value - step
        if plain.proves(tau):
            return tau
        step *= 8
    slack = 0.0 if radius is None else radius.norm()
    return -(frobenius_upper(mid) + slack) * inflation(4)


def _diagonal_upper(mid: Array, radius: Radius | None, sign: int) -> float:
    """λ_min ≤ every diagonal entry."""
    diagonal = sign * np.diagonal(mid)
    slack = 0.0 if radius is None else radius.diagonal()
    return float(np.nextafter(diagonal + slack, np.inf).min())


def _rayleigh_upper(mid: Array, radius: Radius | None, x: Array, sign: int) -> float:
    """Upper bound of the Rayleigh quotient of x over all members."""
    if not np.isfinite(x).all() or not x.any():
        return math.inf
    n = x.size
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        numerator = sign * float(x @ (mid @ x))
        low, high = (float(v) for v in euclidean(x))
        error = gamma(2 * n + 6) * frobenius_upper(mid) * high * high
        if radius is not None:
            error += radius.quadratic(x)
        error = error * inflation(8) + 8 * n * (n + 2) * TINY * (2 + max_abs(mid))
    if not math.isfinite(numerator) or not math.isfinite(error) or low <= 0:
        return math.inf
    return ((Bound.exact(numerator) + Bound(-error, error)) / (Bound(low, high) * Bound(low, high))).upper
