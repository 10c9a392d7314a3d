"""Complex operators, signals and data as real ones: x = a + ib becomes (a, b), A becomes [[Re A, −Im A], [Im A, Re A]].

The stack is an isometry (‖(a, b)‖ = ‖x‖) that carries the complex adjoint to the real transpose, so norms, singular
values (each twice), residuals and errors of the real problem are those of the complex one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from dipproofs.errors import InputError

UNKNOWNS = ("complex", "real")


def stack_vector(values: np.ndarray) -> np.ndarray:
    """Give (Re x, Im x), flat.

    Example:
        >>> stack_vector(np.array([1 + 2j, 3.0])).tolist()
        [1.0, 3.0, 2.0, 0.0]
    """
    flat = np.asarray(values).ravel()
    return np.concatenate([flat.real, flat.imag])


def unstack_vector(stacked: np.ndarray) -> np.ndarray:
    """Give the complex vector of a stack (a, b).

    Example:
        >>> unstack_vector(np.array([1.0, 3.0, 2.0, 0.0])).tolist()
        [(1+2j), (3+0j)]
    """
    half = stacked.shape[0] // 2
    return np.asarray(stacked[:half] + 1j * stacked[half:])


def stack_matrix(matrix: Any, unknowns: str = "complex") -> Any:
    """Give the real matrix of a complex one, dense or sparse.

    Args:
        matrix: (m, n) complex, a NumPy array or a sparse matrix.
        unknowns: "complex" gives [[Re A, −Im A], [Im A, Re A]], (2m, 2n); "real" gives [Re A; Im A], (2m, n).

    Example:
        >>> stack_matrix(np.array([[2 + 3j]])).tolist()
        [[2.0, -3.0], [3.0, 2.0]]
        >>> stack_matrix(np.array([[2 + 3j]]), "real").tolist()
        [[2.0], [3.0]]
    """
    require_unknowns(unknowns)
    real, imaginary = matrix.real, matrix.imag
    rows = [[real, -imaginary], [imaginary, real]] if unknowns == "complex" else [[real], [imaginary]]
    return sp.block_array(rows, format="csr") if sp.issparse(matrix) else np.block(rows)


def require_unknowns(unknowns: Any) -> None:
    """Refuse anything but "complex" and "real"."""
    if unknowns not in UNKNOWNS:
        raise InputError(f'operator: found unknowns {unknowns!r}, expected "complex" or "real" (or None to choose)')
