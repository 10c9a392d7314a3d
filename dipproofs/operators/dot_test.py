"""The adjoint (dot) test: is ⟨A x, w⟩ = ⟨x, Aᵀ w⟩ up to rounding?

Linearity is tested first, with entries in multiples of 1/8, at the same tolerance.

Tolerance. x and w have random signs, so ‖x‖ = √n, ‖w‖ = √m and products with them are exact. A sum of N
rounded terms has an error of about u√N times the norm of its terms, u the unit roundoff (probabilistic
rounding analysis: N. J. Higham and T. Mary, SIAM J. Sci. Comput. 41, 2019). With N = m + n and a factor 16
for the map's own algorithm (fast transforms are more accurate than sums),

    tolerance = 16 u √(m+n) ‖A‖_F √m.

If B is passed as the adjoint, ⟨A x, w⟩ − ⟨x, B w⟩ has standard deviation ‖B − Aᵀ‖_F, so wrong adjoints
are far outside. The test guards against mistakes; no proof rests on it, since certificates use the matrix.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dipproofs.errors import InputError

_TRIALS = 3
_FACTOR = 16.0


def dot_test(
    forward: Callable[[np.ndarray], np.ndarray],
    adjoint: Callable[[np.ndarray], np.ndarray] | None,
    matrix: np.ndarray,
    name: str,
    *,
    roundoff: float = 2.0**-53,
    seed: int = 0,
) -> None:
    """Compare a map and its adjoint with each other, and the map with the matrix made from it.

    Args:
        forward: x (n,) ↦ A x (m,).
        adjoint: w (m,) ↦ Aᵀ w (n,), or None to test only that `forward` is linear.
        matrix: (m, n), the columns `forward` gave on the unit vectors.
        name: what messages call the operator.
        roundoff: unit roundoff of the arithmetic in which the maps work.
        seed: of the random vectors.

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
    tolerance = _FACTOR * roundoff * np.sqrt(m + n) * float(np.linalg.norm(exact)) * np.sqrt(m)
    rng = np.random.default_rng(seed)
    for _ in range(_TRIALS):
        x: np.ndarray = rng.integers(-8, 9, n) / 8.0
        gap = float(np.abs(forward(x).astype(np.float64) - exact @ x).max())
        if not gap <= tolerance:
            raise InputError(
                f"{name}: not linear: A applied to a sum differs from the sum of A applied to the terms by "
                f"{gap:.3g} (tolerance {tolerance:.1g}); expected a linear map"
            )
    if adjoint is None:
        return
    for _ in range(_TRIALS):
        x, w = rng.integers(0, 2, n) * 2.0 - 1.0, rng.integers(0, 2, m) * 2.0 - 1.0
        left, right = float(forward(x).astype(np.float64) @ w), float(x @ adjoint(w).astype(np.float64))
        if not abs(left - right) <= tolerance:
            raise InputError(
                f"{name}: the adjoint fails the dot test: ⟨A x, w⟩ = {left:.6g} but ⟨x, Aᵀ w⟩ = {right:.6g} "
                f"(tolerance {tolerance:.1g}); expected the transpose of A"
            )
