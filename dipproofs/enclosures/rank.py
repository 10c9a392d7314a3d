"""The exact rank of a stored matrix, proved; a numerical rank is not a proof."""

from __future__ import annotations

import math
from dataclasses import dataclass

import flint
import numpy as np

from dipproofs.enclosures.bound import Bound
from dipproofs.enclosures.evidence import Evidence, Verdict
from dipproofs.enclosures.matrix import IntervalMatrix
from dipproofs.enclosures.rounding import Array
from dipproofs.enclosures.singular import sigma_min

WORK_LIMIT = 2e10
"""Modular operations (tens of seconds) after which an exact rank is given up as undecided."""


@dataclass(frozen=True)
class Rank:
    """The rank of a matrix, if it is proved.

    Args:
        value: The exact rank, or None.
        verdict: Proved, or undecided.
        reason: How it was proved, or what stands in the way and what to try.
    """

    value: int | None
    verdict: Verdict
    reason: str


def matrix_rank(matrix: IntervalMatrix, work_limit: float = WORK_LIMIT, smallest: Bound | None = None) -> Rank:
    """Prove the rank of a matrix of stored floats.

    Args:
        matrix: (m, n). With radii, only full rank can be proved.
        work_limit: Bound on the modular arithmetic spent on a rank-deficient matrix.
        smallest: `sigma_min(matrix)`, if it is known already.

    Returns:
        A Rank; `value` is None when nothing is proved.

    Notes:
        Full rank follows from σ_min > 0. Otherwise floats are scaled, exactly, to integers: the rank modulo
        a prime is a lower bound, and it is the rank when the primes that agree have a product above
        Hadamard's bound of the next larger minors (a nonzero minor cannot be divisible by all of them).

    Example:
        >>> import numpy as np
        >>> matrix_rank(IntervalMatrix.from_exact(np.diag([1.0, 1.0, 1e-20]))).value
        3
        >>> matrix_rank(IntervalMatrix.from_exact(np.array([[0.1, 0.2], [0.2, 0.4]]))).value
        1
    """
    if not matrix.mid.any() and matrix.is_exact:
        return Rank(0, Verdict.PROVED, "the matrix is zero")
    if smallest is None:
        smallest = sigma_min(matrix)
    if smallest.lower > 0 and smallest.evidence is Evidence.PROVED:
        return Rank(min(matrix.shape), Verdict.PROVED, f"full rank: smallest singular value in {smallest}")
    if not matrix.is_exact:
        return Rank(
            None,
            Verdict.UNDECIDED,
            f"smallest singular value in {smallest} may be 0 and the entries are not exact; make them exact",
        )
    reduced = distinct_part(matrix.mid)
    if reduced.shape != matrix.shape and sigma_min(IntervalMatrix.from_exact(reduced)).lower > 0:
        return Rank(min(reduced.shape), Verdict.PROVED, "zero and repeated rows and columns removed, then full rank")
    return _modular_rank(reduced, work_limit)


def distinct_part(a: Array) -> Array:
    """The matrix without zero or repeated rows and columns; its rank is the same."""
    for _ in range(2):
        a = np.unique(a + 0.0, axis=0)
        a = a[a.any(axis=1)].T
    return np.ascontiguousarray(a)


def integer_matrix(a: Array) -> tuple[flint.fmpz_mat, int]:
    """Rows and columns scaled by powers of two to integers, and the bit length of the largest entry.

    Exact: every float is an integer times a power of two.
    """
    mantissa, exponent = np.frexp(a)
    numerators = (mantissa * 2.0**53).astype(np.int64)
    exponents = exponent.astype(np.int64) - 53
    nonzero = numerators != 0
    # Move trailing zero bits of the numerators into the exponents.
    low = np.where(nonzero, numerators & -numerators, 1)
    shift = np.round(np.log2(low.astype(np.float64))).astype(np.int64)
    numerators, exponents = numerators >> shift, exponents + shift
    huge = np.int64(1 << 40)
    exponents = np.where(nonzero, exponents, huge)
    row = exponents.min(axis=1, keepdims=True)
    exponents = np.where(nonzero, exponents - np.where(row == huge, 0, row), huge)
    column = exponents.min(axis=0, keepdims=True)
    exponents = np.where(nonzero, exponents - column, 0)
    entries = [int(v) << int(e) for v, e in zip(numerators.ravel().tolist(), exponents.ravel().tolist())]
    bits = max((abs(entry).bit_length() for entry in entries), default=0)
    return flint.fmpz_mat(a.shape[0], a.shape[1], entries), bits


def _modular_rank(a: Array, work_limit: float) -> Rank:
    m, n = a.shape
    full = min(m, n)
    cost = float(m) * n * full
    if cost > work_limit:
        return _undecided(m, n, "one elimination modulo a prime is beyond the work limit")
    integers, bits = integer_matrix(a)
    rank, agreed, prime, spent = -1, 0, 1 << 62, 0.0
    while True:
        prime = _previous_prime(prime)
        found = int(flint.nmod_mat(integers, prime).rank())
        spent += cost
        if found == full:
            return Rank(full, Verdict.PROVED, f"full rank modulo {prime}")
        if found > rank:
            rank, agreed = found, 0
        # Every prime so far has rank ≤ `rank`; all of them divide every minor of order rank + 1.
        agreed += 1
        needed = math.ceil((rank + 1) * (bits + 0.5 * math.log2(rank + 1) + 1e-9) / 61.99) + 1
        total = agreed
        if total >= needed:
            return Rank(rank, Verdict.PROVED, f"rank {rank} modulo {total} primes, beyond Hadamard's bound")
        if spent + (needed - total) * cost > work_limit:
            return _undecided(m, n, f"rank at least {rank}; {needed} primes needed to prove that it is no more")


def _previous_prime(number: int) -> int:
    number -= 1 + number % 2 if number % 2 == 0 else 2
    while not flint.fmpz(number).is_prime():
        number -= 2
    return number


def _undecided(m: int, n: int, obstacle: str) -> Rank:
    return Rank(
        None,
        Verdict.UNDECIDED,
        f"rank of the {m}×{n} operator not proved: {obstacle}; remove dependent rows or perturb the operator "
        "so that its rank is full",
    )
