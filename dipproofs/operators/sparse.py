"""Operators stored as sparse matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from dipproofs.arguments.arrays import exact_array
from dipproofs.errors import InputError
from dipproofs.operators.operator import Operator, check_size
from dipproofs.operators.structure.recognise import of_sparse

_SPARSE_BELOW = 0.05
"""Below this density the sparse kernel is used; above it the dense product is faster."""


def sparse_operator(
    matrix: Any,
    *,
    kind: str = "sparse matrix",
    domain_shape: tuple[int, ...] | None = None,
    range_shape: tuple[int, ...] | None = None,
    range_indices: np.ndarray | None = None,
    complex_signal: bool = False,
    complex_data: bool = False,
) -> Operator:
    """Adapt a `scipy.sparse` matrix or array; entries stored twice are summed.

    Raises:
        InputError: complex, non-finite, zero or empty.

    Example:
        >>> sparse_operator(sp.eye_array(3)).to_dense()[0]
        array([1., 0., 0.])
    """
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise InputError(f"{kind} operator: found shape {matrix.shape}, expected a matrix of at least 1×1")
    check_size(*matrix.shape)
    csr = sp.csr_array(matrix, copy=True)  # what follows works in place, and the matrix is made when first needed
    csr.sum_duplicates()
    csr.eliminate_zeros()
    m, n = csr.shape
    if csr.nnz == 0:
        raise InputError(f"{kind} operator: found the zero operator, expected at least one entry different from 0")
    values = exact_array(csr.data, f"{kind} operator")
    csr = sp.csr_array((values, csr.indices, csr.indptr), shape=(m, n))
    common: dict[str, Any] = {"kind": kind, "domain_shape": domain_shape, "range_shape": range_shape}
    common |= {"range_indices": range_indices, "complex_signal": complex_signal, "complex_data": complex_data}
    if csr.nnz > _SPARSE_BELOW * m * n and not _one_entry_a_row(csr):
        return Operator(csr.toarray(), **common)
    return Operator(of_sparse(csr), **common)


def _one_entry_a_row(csr: sp.csr_array) -> bool:
    """Whether it may be a selection or a diagonal, however small."""
    return bool((np.diff(csr.indptr) <= 1).all())
