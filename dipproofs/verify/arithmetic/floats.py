"""Norms of matrices of exact floats, from float64 products with error bounds of their own (docs/theory.md §8).

Only this is assumed of BLAS: a computed inner product of n terms differs from the exact one by at most γ_n|x|·|y|, in
whatever order it was summed. Cholesky factors are proposals; their residuals decide.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

UNIT, SMALLEST = 2.0**-53, 2.0**-1000
#: Squares of numbers between its inverse and this neither over- nor underflow by anything that counts.
_TAME = 2.0**300
_SLACKS = (1e-12, 1e-9, 1e-6, 1e-3, 0.1)


def gamma(terms: int) -> float:
    """Bound of the relative error of a sum of so many products, rounded up."""
    return terms * UNIT / (1 - terms * UNIT) * (1 + 2.0**-40)


def frobenius(x: np.ndarray) -> float:
    """Upper bound of the Frobenius norm; infinite where an entry is not finite.

    Example:
        >>> 5.0 <= frobenius(np.array([3.0, 4.0])) < 5.001
        True
    """
    flat = x.ravel(order="K")  # no copy, whichever way the entries lie
    with np.errstate(over="ignore", invalid="ignore"):
        square = float(np.vdot(flat, flat))
    unit = 1.0
    if not 1 / _TAME**2 < square < _TAME**2:  # also where an entry is not finite
        largest = most(x)
        if largest == 0.0 or not math.isfinite(largest):
            return largest if largest == 0.0 else math.inf
        unit, scaled = largest, flat / largest
        square = float(np.vdot(scaled, scaled))
    return unit * math.sqrt(square * (1 + gamma(x.size + 8))) * (1 + 2.0**-44) + SMALLEST


def most(x: np.ndarray) -> float:
    """The largest absolute entry, NaN if one is; 0 where there is none."""
    return max(float(x.max()), -float(x.min())) if x.size else 0.0


def lengths(rows: np.ndarray) -> np.ndarray:
    """Upper bounds of the Euclidean norms of the rows of a matrix."""
    whole = most(rows)
    if whole < _TAME:
        squares = np.einsum("...i,...i->...", rows, rows)
        if (squares > 1 / _TAME).all():
            return np.asarray(np.sqrt(squares * (1 + gamma(rows.shape[-1] + 8))) * (1 + 2.0**-44))
    largest = np.abs(rows).max(axis=-1, initial=0.0)
    if not np.isfinite(largest).all():
        known = np.isfinite(largest)
        return np.where(known, lengths(np.where(known[..., None], rows, 0.0)), np.inf)
    scaled = rows / np.where(largest > 0, largest, 1.0)[..., None]
    squares = np.einsum("...i,...i->...", scaled, scaled) * (1 + gamma(rows.shape[-1] + 8))
    return np.asarray(np.where(largest > 0, largest * np.sqrt(squares) * (1 + 2.0**-44) + SMALLEST, 0.0))


def largest_eigenvalue(gram: np.ndarray, guess: float | None = None) -> float:
    """Upper bound of the largest eigenvalue of a symmetric matrix of floats of size near 1: λ ≤ τ + ‖τI − G − LLᵀ‖."""
    n, size = len(gram), frobenius(gram)
    if not math.isfinite(size) or size == 0.0:
        return size
    guess = largest_pair(lambda x: gram @ x, n)[0] if guess is None else guess
    one = np.arange(n)
    for slack in _SLACKS:
        tau = guess * (1 + slack) + slack * UNIT * size
        shifted = -gram
        shifted[one, one] += tau
        try:
            factor = np.linalg.cholesky(shifted)
        except np.linalg.LinAlgError:
            continue
        size_of_factor = frobenius(factor)
        shifted -= factor @ factor.T
        rounding = gamma(n + 8) * size_of_factor * size_of_factor + gamma(8) * (math.sqrt(n) * tau + size)
        return min(size, (tau + frobenius(shifted) + rounding) * (1 + 2.0**-44))
    return size


def largest_pair(apply: Callable[[np.ndarray], np.ndarray], n: int) -> tuple[float, np.ndarray]:
    """The largest eigenvalue of a symmetric map ≥ 0 and its vector, in floats; for large n nearly. No bound."""
    if n <= 400:
        values, vectors = np.linalg.eigh(apply(np.eye(n)))
        return float(values[-1]), vectors[:, -1]
    block = np.linalg.qr(np.random.default_rng(0).standard_normal((n, 8)))[0]
    blocks = [block]
    for _ in range(15):  # a block Krylov space
        block = apply(block)
        for _ in range(2):
            for known in blocks:
                block = block - known @ (known.T @ block)
            block = np.linalg.qr(block)[0]
        blocks.append(block)
    basis = np.hstack(blocks)
    values, vectors = np.linalg.eigh(basis.T @ apply(basis))
    return float(values[-1]), basis @ vectors[:, -1]


def scaled(x: np.ndarray) -> tuple[float, np.ndarray]:
    """A power of two, and the matrix divided by it, of moderate size: exact but for underflow below 2⁻¹⁰⁰⁰."""
    largest = most(x)
    if 1 / _TAME < largest < _TAME or not (largest > 0 and math.isfinite(largest)):
        return 1.0, x
    unit = 2.0 ** math.frexp(largest)[1]
    return unit, x / unit


def norm(x: np.ndarray) -> float:
    """Upper bound of the operator norm of a matrix of exact floats.

    Example:
        >>> 2.0 <= norm(np.diag([1.0, 2.0, 2.0])) < 2.0001
        True
    """
    rows, columns = x.shape
    whole = frobenius(x)
    if whole == 0.0 or not math.isfinite(whole) or min(rows, columns) == 1:
        return whole
    unit, x = scaled(x if rows <= columns else x.T)
    gram, error = gram_of(x)
    return min(whole, unit * math.sqrt(largest_eigenvalue(gram) + error) * (1 + 2.0**-44) + SMALLEST)


def gram_of(x: np.ndarray) -> tuple[np.ndarray, float]:
    """x xᵀ in floats for x of moderate size, exactly symmetric, and how far it is from the exact one."""
    gram = x @ x.T
    error = gamma(x.shape[1] + 4) * frobenius(x) ** 2 * (1 + 2.0**-44) + SMALLEST
    return np.tril(gram) + np.tril(gram, -1).T, error


def smallest_eigenvalue(gram: np.ndarray, guess: float, error: float) -> float:
    """Lower bound of the smallest eigenvalue of all symmetric matrices within ``error`` of a matrix, or 0."""
    n = len(gram)
    for slack in (0.0, 1e-9, 1e-6, 1e-3):
        tau = guess * (1 - slack) - 4 * error
        if not tau > 0:
            return 0.0
        try:
            factor = np.linalg.cholesky(gram - tau * np.eye(n))
        except np.linalg.LinAlgError:
            continue
        rest = gram - tau * np.eye(n) - factor @ factor.T
        size = frobenius(factor)
        rounding = gamma(n + 8) * size * size + gamma(8) * (math.sqrt(n) * tau + frobenius(gram))
        return max(tau - (frobenius(rest) + rounding + error) * (1 + 2.0**-44), 0.0)
    return 0.0


def weighted(x: np.ndarray, factors: np.ndarray, measure: Callable[[np.ndarray], float] = norm) -> float:
    """Upper bound of ‖x diag(factors)‖, factors ≥ 0, in one of the norms here; infinite where a factor is."""
    top = float(factors.max(initial=0.0))
    if not math.isfinite(top):
        return math.inf
    lost = SMALLEST * math.sqrt(x.size)
    return (measure(x * factors) + 2 * UNIT * top * frobenius(x) + lost) * (1 + 2.0**-44) if top > 0 else 0.0
