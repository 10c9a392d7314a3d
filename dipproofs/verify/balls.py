"""Matrices of Arb balls, and eigenvalues of symmetric ones by residual certificates (docs/theory.md §8).

Floating-point LAPACK only proposes: every proposal is a matrix of exact floats whose defect is then
computed in ball arithmetic. `Balls` is the exact path (128 bits); `large.Slices` has the same methods.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
from flint import arb, arb_mat, ctx

TIGHT = 1e-10


def upper(x: arb) -> arb:
    """The upper end of a ball, as an exact ball."""
    return arb(x.upper())


def between(low: arb, high: arb) -> arb:
    """The ball around two ends."""
    return arb(low.lower()).union(arb(high.upper()))


class Balls:
    """A matrix of Arb balls at the precision in force."""

    fine: type[Balls]

    def __init__(self, mat: arb_mat) -> None:
        self.mat, self.shape = mat, (mat.nrows(), mat.ncols())

    @classmethod
    def of(cls, array: np.ndarray) -> Balls:
        """Take a 2-D array of floats as the exact numbers they are."""
        return cls(arb_mat(*array.shape, np.asarray(array, dtype=np.float64).ravel().tolist()))

    @classmethod
    def column(cls, entries: list[arb]) -> Balls:
        """One column."""
        return cls(arb_mat(len(entries), 1, entries))

    def beside(self, other: Balls) -> Balls:
        """The block matrix [self, other]."""
        rows = zip(self.mat.tolist(), other.mat.tolist())
        return Balls(arb_mat([left + right for left, right in rows]))

    @property
    def T(self) -> Balls:
        """Transpose."""
        return Balls(self.mat.transpose())

    def __matmul__(self, other: Balls) -> Balls:
        return Balls(self.mat * other.mat)

    def __add__(self, other: Balls) -> Balls:
        return Balls(self.mat + other.mat)

    def __sub__(self, other: Balls) -> Balls:
        return Balls(self.mat - other.mat)

    def times(self, factor: arb) -> Balls:
        """Multiply by a scalar."""
        return Balls(self.mat * factor)

    def scaled(self, factors: list[arb]) -> Balls:
        """Multiply column j by factors[j]."""
        entries, k = self.mat.entries(), self.shape[1]
        return Balls(arb_mat(*self.shape, [x * factors[i % k] for i, x in enumerate(entries)]))

    def arbs(self) -> list[arb]:
        """Entries, row by row."""
        return self.mat.entries()

    def mid(self) -> np.ndarray:
        """Nearby floats, without guarantee."""
        return np.array([float(x) for x in self.mat.entries()]).reshape(self.shape)

    def exact(self) -> Balls:
        """The matrix of midpoints."""
        return Balls(self.mat.mid())

    def frobenius(self) -> arb:
        """Upper bound of the Frobenius norm."""
        return upper(upper(sum((x * x for x in self.mat.entries()), arb(0))).sqrt())

    def largest_column(self) -> arb:
        """The largest Euclidean norm of a column."""
        squares, k = [x * x for x in self.mat.entries()], self.shape[1]
        largest = arb(0)
        for j in range(k):
            largest = largest.max(sum(squares[j::k], arb(0)))
        return largest.sqrt()

    def diagonal(self) -> list[arb] | None:
        """The diagonal, if everything else is exactly 0."""
        entries, n = self.mat.entries(), self.shape[0]
        rest = (x for i, x in enumerate(entries) if i % (n + 1))
        return entries[:: n + 1] if all(x.is_zero() for x in rest) else None

    def small_vector(self) -> Balls:
        """A vector that is nearly mapped to 0, a proposal: inverse iteration near 0 at high precision."""
        shift = self.frobenius() / arb(2) ** (2 * ctx.prec)
        with ctx.workprec(4 * ctx.prec):
            identity = Balls.of(np.eye(self.shape[0]))
            inverse = Balls((self.exact() + identity.times(shift.mid())).mat.inv())
            return (inverse @ (inverse @ Balls.of(np.ones((self.shape[0], 1))))).exact()


Balls.fine = Balls  # the class for products with vectors


def largest(K: Any) -> arb:
    """Enclose the largest eigenvalue of a symmetric matrix.

    From below by a Rayleigh quotient; from above, for any lower-triangular L, by
    λ_max(K) ≤ τ + ‖τI − K − LLᵀ‖, since LLᵀ is positive semidefinite.
    """
    diagonal = K.diagonal()
    if diagonal is not None:
        return reduce(arb.max, diagonal)
    size, norm = K.shape[0], K.frobenius()
    if not norm > 0:
        return between(-norm, norm)
    unit = arb(2) ** round(float(norm.log() / arb(2).log()))  # keeps the floats in range
    K, high = K.times(1 / unit), norm / unit
    middle, identity = K.mid(), np.eye(size)
    values, vectors = np.linalg.eigh((middle + middle.T) / 2)
    z = type(K).of(vectors[:, -1:])
    low = _quotient(K, z)
    for slack in (0.5, 8.0, 128.0):
        tau = values[-1] + slack * size * 2.0**-53 * max(abs(values[-1]), abs(values[0]))
        try:
            factor = type(K).of(np.tril(np.linalg.cholesky(tau * identity - middle)))
        except np.linalg.LinAlgError:
            continue
        defect = (type(K).of(tau * identity) - K - factor @ factor.T).frobenius()
        high = arb(high.min(arb(tau) + defect).upper())
        break
    return between(low, high) * unit


def _quotient(K: Any, z: Any) -> arb:
    return (z.T @ (K @ z)).arbs()[0] / (z.T @ z).arbs()[0]


def smallest(K: Any, N: Any) -> arb:
    """Enclose the smallest eigenvalue of K = NNᵀ.

    As −λ_max(−K); where that is not tight, through W with ‖WᵀKW − I‖ ≤ β: K⁻¹ is W(WᵀKW)⁻¹Wᵀ, so that
    λ_min(K) is between (1−β)/λ_max(WWᵀ) and (1+β)/λ_max(WWᵀ), whatever the condition number.
    """
    direct = -largest(K.times(arb(-1)))
    if direct.is_exact() or (direct > 0 and direct.rad() < TIGHT * direct.mid()):
        return direct
    found = whitened(N)
    if found is not None:
        W, beta = found
        return arb(1, upper(beta)) / largest(W @ W.T)
    low, high = arb(0).max(arb(direct.lower())), arb(direct.upper())
    try:
        quotient = arb(_quotient(K, K.small_vector()).upper())
    except (ZeroDivisionError, np.linalg.LinAlgError):
        quotient = high
    return between(low, quotient if quotient < high else high)


def whitened(N: Any) -> tuple[Any, arb] | None:
    """Return W and β < 1e-10 with ‖WᵀNNᵀW − I‖ ≤ β, or None if that fails.

    W is proposed by QR. A step W' = W(3I−H)/2 with H = WᵀNNᵀW = I − E has H' − I = −¾E² − ¼E³ exactly.
    """
    size = type(N).of(np.eye(N.shape[0]))
    try:
        W = type(N).of(np.linalg.inv(np.linalg.qr(N.mid().T, mode="r")))
    except np.linalg.LinAlgError:
        return None
    for _ in range(4):
        Z = W.T @ N
        H = Z @ Z.T
        defect = (H - size).frobenius()
        if defect < TIGHT:
            return W, defect
        if not defect < 0.5:
            return None
        W = W @ (size.times(arb(3)) - H).times(arb(1) / 2)
        if defect < 1e-5:
            return W, upper(defect**2 * (3 + defect) / 4)
        W = W.exact()
    return None
