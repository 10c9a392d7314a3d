"""Least-squares solutions in floats, at the cost of a Cholesky factor where the condition number allows it."""

from __future__ import annotations

import math

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from dipproofs.operators.bounds import OperatorBounds

#: Largest ‖A‖/σ_A for normal equations: each refinement then makes the error about 1e5 times smaller.
_CONDITION = 1e5
_REFINEMENTS = 2


def least_squares(operator: OperatorBounds, b: np.ndarray) -> np.ndarray:
    """Return A⁺b for an injective A, as floats without a guarantee.

    Args:
        operator: A (m, n) of rank n, with its enclosed σ_A and ‖A‖. b: (m,).

    Returns:
        (n,).

    Notes:
        A mask is transposed. AᵀA c = Aᵀb by Cholesky with two refinements where κ(A) ≤ 1e5, an SVD otherwise, which
        takes twenty times as long. A is scaled by a power of two, so that its squares stay in the range of floats.
        Evidence: estimated.

    Example:
        >>> from dipproofs.operators.bounds import bound_operator
        >>> least_squares(bound_operator(np.array([[2.0], [0.0], [1.0]])), np.array([4.0, 7.0, 2.0]))
        array([2.])
    """
    A = operator.matrix.mid
    if operator.selection is not None:
        return np.asarray(A.T @ b)
    if not operator.norm.upper <= _CONDITION * operator.sigma.lower:
        return np.asarray(np.linalg.lstsq(A, b, rcond=None)[0])
    exponent = -math.frexp(operator.norm.upper)[1]
    unit = np.ldexp(A, exponent)
    factor = cho_factor(unit.T @ unit, overwrite_a=True, check_finite=False)
    found = cho_solve(factor, unit.T @ b, check_finite=False)
    for _ in range(_REFINEMENTS):
        found += cho_solve(factor, unit.T @ (b - unit @ found), check_finite=False)
    return np.asarray(np.ldexp(found, exponent))
