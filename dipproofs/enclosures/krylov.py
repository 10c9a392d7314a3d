"""Guesses, without guarantee, of extreme eigenvalues and their vectors; the proofs come afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.linalg import blas, eigh, lapack

from dipproofs.enclosures.rounding import Array

_DENSE = 48
#: How many Ritz vectors are kept.
_OTHERS = 12
#: Lanczos looks at its Ritz values once in so many steps.
_CHECK = 4
_DENSE_INDEFINITE = 400


@dataclass(frozen=True)
class Guess:
    """An approximate eigenpair: value, unit vector and residual estimate; and some of the next vectors, (n, ·)."""

    value: float
    vector: Array
    error: float
    others: Array | None = None


def largest(apply: Callable[[Array], Array], size: int, steps: int = 60, tolerance: float = 1e-6) -> Guess:
    """Lanczos with full reorthogonalisation for the largest eigenvalue of a symmetric map.

    Args:
        apply: The map, (n,) to (n,).
        size: n.
        steps: Most applications.
        tolerance: Relative residual at which to stop.
    """
    with np.errstate(all="ignore"):
        return _lanczos(apply, size, min(steps, size), tolerance)


def _lanczos(apply: Callable[[Array], Array], size: int, steps: int, tolerance: float) -> Guess:
    rng = np.random.default_rng(20060301)
    basis = np.empty((steps, size))
    q = rng.standard_normal(size)
    basis[0] = q / np.linalg.norm(q)
    alpha, beta = np.zeros(steps), np.zeros(steps)
    value, weights, error, count = 0.0, np.ones((1, 1)), np.inf, 1
    for k in range(steps):
        w = apply(basis[k])
        alpha[k] = basis[k] @ w
        for _ in range(2):
            w = w - basis[: k + 1].T @ (basis[: k + 1] @ w)
        beta[k] = np.linalg.norm(w)
        if not (np.isfinite(alpha[k]) and np.isfinite(beta[k])):
            break
        last = k + 1 == steps or beta[k] <= 1e-13 * np.abs(alpha[: k + 1]).max()
        if (k % _CHECK) and k > _CHECK and not last:
            basis[k + 1] = w / beta[k]
            continue
        values, vectors = np.linalg.eigh(np.diag(alpha[: k + 1]) + np.diag(beta[:k], 1) + np.diag(beta[:k], -1))
        value, weights, count = float(values[-1]), vectors[:, : -1 - _OTHERS : -1], k + 1
        error = float(beta[k] * abs(weights[-1, 0]))
        # The Ritz value is far better than its residual: its error is about residual²/gap.
        if error <= tolerance * abs(value) or k + 1 == steps or beta[k] <= 1e-14 * abs(value):
            break
        basis[k + 1] = w / beta[k]
    ritz = basis[:count].T @ weights
    vector = ritz[:, 0]
    return Guess(value, vector / np.linalg.norm(vector), error, ritz[:, 1:])


def top_vector(apply: Callable[[Array], Array], size: int) -> Array:
    """Approximate eigenvector of the largest eigenvalue, with little of the others in it."""
    vector = largest(apply, size).vector
    with np.errstate(all="ignore"):
        for _ in range(2):
            image = apply(vector)
            length = np.linalg.norm(image)
            if not 0 < length < np.inf:
                break
            vector = image / length
    return vector


def top_vectors(apply: Callable[[Array], Array], size: int) -> Array:
    """Approximate leading eigenvectors, (n, k) and orthonormal, the first one as good as `top_vector`.

    Args:
        apply: A symmetric map of (n, ·) to (n, ·). size: n.
    """
    guess = largest(apply, size)
    assert guess.others is not None
    with np.errstate(all="ignore"):
        vectors = np.column_stack([guess.vector, guess.others])
        for _ in range(2):
            image = apply(vectors)
            if not np.isfinite(image).all():
                break
            vectors = np.linalg.qr(image)[0]
        else:
            projected = vectors.T @ apply(vectors)
            if np.isfinite(projected).all():
                vectors = vectors @ np.linalg.eigh(projected)[1][:, ::-1]
    return vectors


def _dense_pair(mid: Array, index: int) -> Guess:
    """Eigenpair by its index; LAPACK's search by index can come back empty when eigenvalues coincide."""
    values, vectors = eigh(mid, subset_by_index=[index, index], check_finite=False)
    if values.size == 0:
        all_values, all_vectors = eigh(mid, check_finite=False)
        values, vectors = all_values[index : index + 1], all_vectors[:, index : index + 1]
    return Guess(float(values[0]), vectors[:, 0], 0.0)


def smallest_eigenpair(mid: Array, factor: Array | None = None) -> Guess:
    """Approximate smallest eigenpair of a symmetric matrix: inverse Lanczos if it is positive definite.

    Args:
        mid: (n, n). factor: `factor_of(mid)`, if it is known already.
    """
    n = mid.shape[0]
    if n <= _DENSE:
        return _dense_pair(mid, 0)
    noise = n * 2.0**-50 * float(np.abs(np.diagonal(mid)).sum())
    for shift in (0.0, noise):
        guess = _inverse_lanczos(factor_of(mid, shift) if shift or factor is None else factor, shift)
        if guess is not None:
            return guess
    if n <= _DENSE_INDEFINITE:
        return _dense_pair(mid, 0)
    top = float(np.linalg.norm(mid))
    guess = largest(lambda x: top * x - mid @ x, n)
    return Guess(top - guess.value, guess.vector, guess.error)


def factor_of(mid: Array, shift: float = 0.0) -> Array | None:
    """Approximate Cholesky factor of a symmetric matrix (its lower triangle; above it stands something else)."""
    work = mid.T.copy(order="F")
    if shift:
        work[np.diag_indices_from(work)] += shift
    factor, info = lapack.dpotrf(work, lower=1, overwrite_a=1, clean=0)
    return None if info != 0 or not np.isfinite(factor.sum()) else np.asarray(factor)


def _inverse_lanczos(factor: Array | None, shift: float) -> Guess | None:
    """Smallest eigenpair of a matrix from the factor of its shift by `shift`; None where there is none."""
    if factor is None:
        return None
    guess = largest(lambda x: _solve(factor, x), factor.shape[0])
    if not (guess.value > 0 and np.isfinite(guess.value)):
        return None
    value = 1.0 / guess.value
    return Guess(value - shift, guess.vector, min(guess.error * value * value, value))


def largest_eigenpair(mid: Array) -> Guess:
    """Approximate largest eigenpair of a symmetric matrix."""
    n = mid.shape[0]
    if n <= _DENSE:
        return _dense_pair(mid, n - 1)
    # Shift by the norm so that the largest eigenvalue, not the most negative one, is dominant.
    transposed = np.asfortranarray(mid.T)
    return largest(lambda x: np.asarray(blas.dsymv(1.0, transposed, x, lower=1)), n)


def _solve(factor: Array, x: Array) -> Array:
    y = blas.dtrsv(factor, x, lower=1, trans=0)
    return np.asarray(blas.dtrsv(factor, y, lower=1, trans=1, overwrite_x=1))
