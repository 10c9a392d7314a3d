"""The adjoint (dot) test: is ⟨A x, w⟩ = ⟨x, Aᵀ w⟩ up to rounding?

Linearity is tested first, with entries of few digits from 1e-13 to 1e9, at the same tolerance for ‖x‖∞ = 1.

Tolerance. x and w have random signs, so ‖x‖ = √n, ‖w‖ = √m and products with them are exact. A sum of N
rounded terms has an error of about u√N times the norm of its terms, u the unit roundoff (probabilistic
rounding analysis: N. J. Higham and T. Mary, SIAM J. Sci. Comput. 41, 2019). With N = m + n and a factor 16
for the map's own algorithm (fast transforms are more accurate than sums),

    tolerance = 16 u √(m+n) ‖A‖_F √m.

If B is passed as the adjoint, ⟨A x, w⟩ − ⟨x, B w⟩ has standard deviation ‖B − Aᵀ‖_F, so wrong adjoints
are far outside, unless signs cancel: two entries of B − Aᵀ of one size do so every other time, hence twelve
trials. The test guards against mistakes; no proof rests on it, since certificates use the matrix.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dipproofs.errors import InputError

Map = Callable[[np.ndarray], np.ndarray]

_TRIALS, _DOT_TRIALS = 3, 12
_FACTOR = 16.0
_SINGLE = 2.0**-24
_LARGEST_TABLE = 2**20


def dot_test(
    forward: Map,
    adjoint: Map | None,
    matrix: np.ndarray,
    name: str,
    *,
    roundoff: float = 2.0**-53,
    seed: int = 0,
    complex_domain: bool = False,
    complex_range: bool = False,
) -> None:
    """Compare a map and its adjoint with each other, and the map with the matrix made from it.

    Args:
        forward: x (n,) ↦ A x (m,).
        adjoint: w (m,) ↦ Aᵀ w (n,), or None to test only that `forward` is linear.
        matrix: (m, n), the columns `forward` gave on the unit vectors.
        name: what messages call the operator.
        roundoff: unit roundoff of the arithmetic in which the maps work.
        seed: of the random vectors.
        complex_domain, complex_range: x, w are stacks of real and imaginary parts.

    Raises:
        InputError: the map is not linear, or the adjoint is not its adjoint.

    Example:
        >>> A = np.array([[1.0, 2.0], [0.0, 3.0]])
        >>> dot_test(lambda x: A @ x, lambda w: A @ w, A, "operator")
        Traceback (most recent call last):
        ...
        dipproofs.errors.InputError: operator: the adjoint fails the dot test: ⟨A x, w⟩ = ...
    """
    m, n = int(matrix.shape[0]), int(matrix.shape[1])
    exact = matrix.astype(np.float64)
    tolerance = _tolerance(exact, roundoff)
    rng = np.random.default_rng(seed)
    gap = _linearity_gap(forward, exact, rng)
    if not gap <= tolerance:
        if roundoff < _SINGLE and gap <= _tolerance(exact, _SINGLE):
            raise InputError(
                f"{name}: linear only to {gap:.2g}: the function seems to compute in float32 on the way; use "
                'dtype="float32", or compute in float64 throughout'
            )
        raise InputError(
            f"{name}: not linear: A applied to a sum differs from the sum of A applied to the terms by "
            f"{gap:.3g} (tolerance {tolerance:.1g}); expected a linear map"
        )
    if adjoint is None:
        return
    for _ in range(_DOT_TRIALS):
        x, w = (np.asarray(rng.integers(0, 2, size) * 2.0 - 1.0) for size in (n, m))
        image = adjoint(w).astype(np.float64)
        left, right = float(forward(x).astype(np.float64) @ w), float(x @ image)
        if not abs(left - right) <= tolerance:
            cause = _cause(adjoint, exact, tolerance, rng)
            if complex_range and cause is None:
                cause = _unconjugated(adjoint, exact, tolerance, rng, complex_domain)
            if cause:
                raise InputError(f"{name}: A_adjoint is {cause}; give the transpose, or (A, None)")
            raise InputError(
                f"{name}: the adjoint fails the dot test: ⟨A x, w⟩ = {left:.6g} but ⟨x, Aᵀ w⟩ = {right:.6g} "
                f"(tolerance {tolerance:.1g}); expected the transpose of A, or give (A, None)"
            )


def is_linear(forward: Map, matrix: np.ndarray, roundoff: float = 2.0**-53, seed: int = 0) -> bool:
    """Say whether a map agrees with the matrix made from it, at the tolerance of `dot_test`.

    Example:
        >>> is_linear(lambda x: 2 * x, 2 * np.eye(3)), is_linear(abs, np.eye(3))
        (True, False)
    """
    exact = matrix.astype(np.float64)
    return bool(_linearity_gap(forward, exact, np.random.default_rng(seed)) <= _tolerance(exact, roundoff))


def _tolerance(exact: np.ndarray, roundoff: float) -> float:
    m, n = exact.shape
    return _FACTOR * roundoff * float(np.sqrt(m + n)) * float(np.linalg.norm(exact)) * float(np.sqrt(m))


def _linearity_gap(forward: Map, exact: np.ndarray, rng: np.random.Generator) -> float:
    gaps = []
    for x in arguments(exact.shape[1], rng):
        gaps.append(np.abs(forward(x).astype(np.float64) - exact @ x).max() / (np.abs(x).max() or 1.0))
    return float(np.max(gaps))


def arguments(n: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Random signals of few digits, and large and faint ones that a map which clips, rounds or thresholds changes."""
    small = [np.asarray(rng.integers(-8, 9, n) / 8.0) for _ in range(_TRIALS)]
    large = np.ldexp(rng.integers(-(2**20), 2**20, n).astype(np.float64), -8)
    faint = rng.integers(1, 9, n) * rng.choice([-1.0, 1.0], n)
    return [*small, large, -large, np.ldexp(large, 20), np.ldexp(faint, -13), np.ldexp(faint, -43)]


def _cause(adjoint: Map, exact: np.ndarray, tolerance: float, rng: np.random.Generator) -> str | None:
    """What a wrong adjoint is instead of Aᵀ: a multiple of it, or Aᵀ between weighted spaces."""
    weights = np.asarray(rng.standard_normal(exact.shape[0]))
    found, right = adjoint(weights).astype(np.float64), exact.T @ weights
    square = float(right @ right)
    if not square > 0:
        return None
    factor = float(found @ right) / square
    allowed = 8 * tolerance * max(1.0, abs(factor))
    if factor != 0 and float(np.linalg.norm(found - factor * right)) <= allowed:
        return f"{factor:.6g} times the transpose of A (dot test; a weighted inner product?)"
    if exact.size > _LARGEST_TABLE:
        return None
    table = np.stack([adjoint(unit).astype(np.float64) for unit in np.eye(exact.shape[0])], axis=1)
    for axis, what in ((0, "rows"), (1, "columns")):
        ratio = _ratios(table, exact.T, axis)
        if ratio is not None and np.abs(table - np.expand_dims(ratio, 1 - axis) * exact.T).max() <= allowed:
            return (
                f"the transpose of A with its {what} multiplied by weights from {ratio.min():.4g} to "
                f"{ratio.max():.4g} (dot test; a weighted inner product?)"
            )
    return None


def _unconjugated(
    adjoint: Map, exact: np.ndarray, tolerance: float, rng: np.random.Generator, complex_domain: bool
) -> str | None:
    """Whether a complex map's transpose was given in place of its adjoint."""
    m, n = exact.shape
    weights, conjugate_w = np.asarray(rng.standard_normal(m)), np.repeat([1.0, -1.0], m // 2)
    conjugate_x = np.repeat([1.0, -1.0], n // 2) if complex_domain else np.ones(n)
    gap = adjoint(weights).astype(np.float64) - conjugate_x * (exact.T @ (conjugate_w * weights))
    return "the transpose of A without complex conjugation" if np.linalg.norm(gap) <= 8 * tolerance else None


def _ratios(table: np.ndarray, right: np.ndarray, axis: int) -> np.ndarray | None:
    """Least-squares factors of the rows (axis 0) or columns (axis 1)."""
    squares = (right * right).sum(axis=1 - axis)
    if not (squares > 0).all():
        return None
    return np.asarray((table * right).sum(axis=1 - axis) / squares)
