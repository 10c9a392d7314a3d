"""The largest eigenvalue of ±K for symmetric floats with an error: proposed by Lanczos, decided by a factor."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from flint import arb

from dipproofs.verify.arithmetic.expressions import between
from dipproofs.verify.arithmetic.floats import UNIT
from dipproofs.verify.arithmetic.rounded import Rounded

_STEPS, _SLACKS = 400, (2e-11, 3e-10, 1e-8, 1e-6)
#: Residual of an eigenvector, relative to the eigenvalue, whose square is small beside the slack.
_RESIDUAL = 1e-7


def largest(K: Rounded, sign: int, goal: float = math.inf) -> arb:
    """Enclose the largest eigenvalue of ±K, K symmetric.

    From inside by a Rayleigh quotient; from outside, for any L, by λ ≤ τ + ‖τI ∓ K − LLᵀ‖.

    Args:
        K: symmetric. sign: ±1.
        goal: relative radius without which the result is of no use; then nothing is factorised in vain.

    Example:
        >>> found = largest(Rounded(np.diag([1.0, 3.0])), -1)
        >>> found.contains(-1), float(found.rad()) < 1e-9
        (True, True)
    """
    K = Rounded((K.values + K.values.T) / 2, K.error + 2 * UNIT * arb(K.length)) if _skew(K.values) else K
    value, vector = _proposed(K.values, sign)
    z = K.like(vector[:, None])
    low, high = (z.T @ (K @ z)).entries()[0] / (z.T @ z).entries()[0] * sign, K.size
    one, scale = np.arange(len(vector)), len(vector) * UNIT * K.length
    if not 0.025 * scale + K.error < goal * abs(value):
        return between(low, high)
    for slack in _SLACKS:
        tau = value + slack * abs(value) + 0.05 * scale
        shifted = -sign * K.values
        shifted[one, one] += tau
        try:
            factor = np.linalg.cholesky(shifted)
        except np.linalg.LinAlgError:
            continue
        L = K.like(factor)
        rounding = 4 * UNIT * arb(float(np.linalg.norm(shifted[one, one]))) + K.error
        high = high.min(tau + (K.like(shifted) - L @ L.T).size + rounding)
        break
    return between(low, high)


def _skew(values: np.ndarray) -> bool:
    return not np.array_equal(values, values.T)


def _proposed(K: np.ndarray, sign: int) -> tuple[float, np.ndarray]:
    """The largest eigenvalue of ±K and its vector, nearly; no bound."""
    n = len(K)
    if n <= 300:
        values, vectors = np.linalg.eigh(K)
        return (float(values[-1]), vectors[:, -1]) if sign > 0 else (-float(values[0]), vectors[:, 0])
    if sign > 0:
        return lanczos(lambda v: K @ v, n)
    from scipy.linalg import solve_triangular

    try:
        factor = np.linalg.cholesky(K)
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(K)
        return -float(values[0]), vectors[:, 0]

    def inverse(v: np.ndarray) -> np.ndarray:
        half = solve_triangular(factor, v, lower=True, check_finite=False)
        found: np.ndarray = solve_triangular(factor, half, lower=True, trans="T", check_finite=False)
        return found

    _, vector = lanczos(inverse, n)
    return -float(vector @ (K @ vector)), vector


def lanczos(apply: Callable[[np.ndarray], np.ndarray], n: int) -> tuple[float, np.ndarray]:
    """The largest eigenvalue of a symmetric map, from below, and its unit vector; no bound.

    Example:
        >>> round(lanczos(lambda v: np.arange(1.0, 6.0) * v, 5)[0], 9)
        5.0
    """
    basis = np.zeros((min(n, _STEPS), n))
    v = np.random.default_rng(0).standard_normal(n)
    basis[0] = v / np.linalg.norm(v)
    diagonal: list[float] = []
    off_diagonal: list[float] = []
    for j in range(len(basis)):
        w = apply(basis[j])
        diagonal.append(float(basis[j] @ w))
        for _ in range(2):
            w = w - basis[: j + 1].T @ (basis[: j + 1] @ w)
        beta = float(np.linalg.norm(w))
        last = j + 1 == len(basis) or beta <= UNIT * abs(diagonal[0])
        if last or j % 8 == 7:
            T = np.diag(diagonal) + np.diag(off_diagonal, 1) + np.diag(off_diagonal, -1)
            values, vectors = np.linalg.eigh(T)
            if last or beta * abs(vectors[-1, -1]) <= _RESIDUAL * abs(values[-1]):
                vector = vectors[:, -1] @ basis[: j + 1]
                return float(values[-1]), vector / np.linalg.norm(vector)
        off_diagonal.append(beta)
        basis[j + 1] = w / beta
    raise AssertionError("the last step returns")
