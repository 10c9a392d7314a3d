"""The smallest eigenvalue of NNᵀ in plain float64, as well as a claim needs it (docs/theory.md §8).

For any W with ‖WNNᵀWᵀ − I‖ ≤ β < 1: (1−β)(WᵀW)⁻¹ ⪯ NNᵀ ⪯ (1+β)(WᵀW)⁻¹, so that λ_min(NNᵀ) lies between (1−β) and
(1+β) divided by λ_max(WWᵀ). With N = H + E, H of floats with m rows and n columns, and in whatever order BLAS sums,

    Z = fl(WH):   ‖Z − WN‖_F ≤ ε = γ_m‖W‖_F‖H‖_F + ‖W‖_F‖E‖_F
    Q = fl(ZZᵀ):  ‖ZZᵀ − I‖ ≤ β₀ = ‖Q − I‖_F + γ_n‖Z‖_F²,   ‖Z‖ ≤ √(1 + β₀)
    β = β₀ + 2ε√(1 + β₀) + ε².

One product, two symmetric ones and two Cholesky factors; `splitting` takes ten times as many. Enough wherever cond N
is far below 2⁵³ times the relative width that is asked for. Beyond, Z is a product of `Rounded`, with its smaller ε. W
and every factor are proposals, whose residuals decide.
"""

from __future__ import annotations

import math

import numpy as np
from flint import arb

from dipproofs.verify.arithmetic.expressions import between, upper
from dipproofs.verify.arithmetic.extremes import lanczos
from dipproofs.verify.arithmetic.floats import SMALLEST, UNIT, frobenius, gamma, largest_eigenvalue
from dipproofs.verify.arithmetic.rounded import Rounded

#: Norms between which nothing here over- or underflows by more than `SMALLEST`, with condition numbers to 2^53.
_RANGE = 2.0**100


def least_eigenvalue(N: Rounded, goal: float, gram: np.ndarray | None = None) -> arb | None:
    """Enclose λ_min(NNᵀ) to a relative radius below ``goal``; None where that fails.

    Args:
        N: m×n, m ≤ n.
        goal: of the radius, relative to λ_min. gram: floats near HHᵀ, if they are known (a proposal).

    Example:
        >>> found = least_eigenvalue(Rounded(np.diag([3.0, 1.0])), 1e-9)
        >>> found is not None and bool(found.contains(1))
        True
    """
    m, n = N.shape
    if not 1 / _RANGE < N.length < _RANGE or rounding_of_square(m, n) >= goal / 2:
        return None
    W = _proposed(N, goal, gram)
    if W is None:
        return None
    size = frobenius(W)
    away = (arb(gamma(m + 4)) * N.length + N.error) * size + SMALLEST
    if 2 * away < goal / 4:
        Z = W @ N.values
    elif 2 * N.error * size < goal / 4:  # the product is split, the errors of N stay
        product = Rounded(W) @ N
        Z, away = product.values, product.error
    else:
        return None
    beta = _defect(Z, away)
    if not beta < goal:  # also where it is not finite
        return None
    found: arb = arb(1, beta) / largest_of_rows(W)
    return found if found.rad() < goal * found.mid() else None


def rounding_of_square(m: int, n: int) -> float:
    """About the error, relative to the norm, of a product ZZᵀ of a nearly orthonormal m×n matrix and of a factor."""
    return gamma(n + 8) * m + gamma(m + 8) * m


def _proposed(N: Rounded, goal: float, gram: np.ndarray | None) -> np.ndarray | None:
    """W with WNNᵀWᵀ near I, in floats: by Cholesky, or where that loses too much by QR of Nᵀ."""
    H, m = N.values, N.shape[0]
    try:
        W = lower_inverse(np.linalg.cholesky(H @ H.T if gram is None else gram))
    except np.linalg.LinAlgError:
        W = None
    if W is not None and UNIT * (frobenius(W) * N.length) ** 2 / math.sqrt(m) < goal / 4:
        return W
    return lower_inverse(triangle_of(H))


def triangle_of(H: np.ndarray) -> np.ndarray:
    """The lower triangle Rᵀ of HᵀQ = R, in floats."""
    R: np.ndarray = np.linalg.qr(H.T, mode="r")  # type: ignore[assignment]
    return R.T


def lower_inverse(L: np.ndarray) -> np.ndarray | None:
    """L⁻¹ of a lower triangle, in floats; None where that is not finite."""
    from scipy.linalg.lapack import dtrtri

    inverse, info = dtrtri(np.asfortranarray(L.T), lower=0)  # its transpose lies as LAPACK wants it
    return np.ascontiguousarray(inverse.T) if info == 0 and math.isfinite(frobenius(inverse)) else None


def _defect(Z: np.ndarray, away: arb) -> arb:
    """β from Z and ε."""
    m, n = Z.shape
    Q = Z @ Z.T
    Q[np.arange(m), np.arange(m)] -= 1.0
    length = arb(frobenius(Z))
    first = arb(frobenius(Q)) * (1 + arb(2) ** -50) + gamma(n + 4) * length**2 + SMALLEST
    return upper(first + 2 * away * (1 + first).sqrt() + away**2)


def largest_of_rows(W: np.ndarray) -> arb:
    """Enclose λ_max(WWᵀ) for a matrix of exact floats of moderate size, in plain float64.

    From inside ‖Wᵀz‖/‖z‖ of a proposed z, off by at most γ_m‖W‖_F; from outside τ + ‖τI − fl(WWᵀ) − LLᵀ‖.

    Example:
        >>> bool(largest_of_rows(np.diag([3.0, 1.0])).contains(9))
        True
    """
    m, size = W.shape[0], frobenius(W)
    square = W @ W.T
    guess, z = lanczos(lambda v: square @ v, m) if m > 1 else (float(square[0, 0]), np.ones(1))
    high = arb(largest_eigenvalue(square, guess)) + gamma(W.shape[1] + 4) * arb(size) ** 2 + SMALLEST
    image, length = W.T @ z, arb(frobenius(z))
    seen = (
        arb(frobenius(image)) * (1 - 2 * gamma(image.size + 16) - 2.0**-42)
        - gamma(m + 4) * arb(size) * length
        - SMALLEST
    )
    low = (seen / length).nonnegative_part() ** 2
    return between(low.min(high), high)
