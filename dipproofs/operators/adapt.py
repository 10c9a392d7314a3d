"""`as_operator`: adapt what people already have to a forward operator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

from dipproofs.arguments.arrays import exact_array, to_numpy
from dipproofs.errors import InputError, named_arguments
from dipproofs.operators.adapters import objects
from dipproofs.operators.adapters.functions import from_functions, required_shape
from dipproofs.operators.adapters.real_stacks import require_unknowns, stack_matrix
from dipproofs.operators.operator import Operator
from dipproofs.operators.sparse import sparse_operator


@named_arguments
def as_operator(
    A: Any,
    *,
    in_shape: Sequence[int] | None = None,
    convert: Callable[[np.ndarray], Any] | None = None,
    dtype: str | None = None,
    unknowns: str | None = None,
) -> Operator:
    """Adapt a forward operator.

    Args:
        A: one of
            an `Operator` (given back as it is);
            a matrix (m, n): NumPy, JAX, torch, nested lists, `scipy.sparse`;
            an operator of SciPy, PyLops, lineax, scico, deepinv, ODL or SigPy;
            a pair (A, A_adjoint) of functions, or an object with methods `A` and `A_adjoint`;
            a pair (A, None): a NumPy or PyTorch function alone, whose matrix is tabulated and transposed;
            a function written in JAX, whose adjoint is found by transposition.
        in_shape: for functions, the shape of their argument, for instance (1, 1, 64, 64).
        convert: for pairs, what turns a NumPy array into their argument, for instance `torch.from_numpy`.
        dtype: for functions, "float64" or "float32": the precision in which they are applied; by default
            double precision where the function takes it. A function that gives float32 numbers is tested with
            the tolerance of float32.
        unknowns: for complex operators, whether the signal is "complex" or "real"; by default complex, but real
            for functions that take real signals only.

    Returns:
        The operator. Its matrix holds the numbers that the functions gave on the unit vectors. A complex operator
        becomes the real one of stacked real and imaginary parts, [[Re A, −Im A], [Im A, Re A]] (for a real signal
        [Re A; Im A]).

    Raises:
        InputError: a non-finite, zero or empty operator, one that is not linear, or an adjoint that fails the dot
            test; of a scaled adjoint the factor is named.

    Example:
        >>> as_operator([[1.0, 2.0]])
        Operator(matrix, 1×2)
        >>> as_operator([[1.0, 2.0j]])
        Operator(matrix, 2×4, complex 1×2)
        >>> as_operator((lambda x: 2 * x, lambda w: 3 * w), in_shape=(4,))
        Traceback (most recent call last):
        ...
        dipproofs.errors.InputError: operator: A_adjoint is 1.5 times the transpose of A (dot test...
    """
    if dtype not in (None, "float64", "float32"):
        raise InputError(f"operator: found dtype {dtype!r}, expected float64 or float32")
    if unknowns is not None:
        require_unknowns(unknowns)
    if isinstance(A, Operator):
        return A.complexified() if unknowns == "complex" and not A.complex_data else A
    if sp.issparse(A):
        return _matrix(A, unknowns)
    if objects.is_scico(A):
        return objects.from_scico(A, unknowns, as_operator)
    if objects.is_linear_operator(A):
        return objects.from_linear_operator(A, unknowns, as_operator)
    if objects.is_lineax(A):
        structure = objects.structure_of_lineax(A, as_operator)
        if structure is not None:
            return as_operator(Operator(structure), unknowns=unknowns)
        return objects.from_lineax(A, lambda matrix: _matrix(matrix, unknowns))
    if isinstance(A, tuple | list) and len(A) == 2 and callable(A[0]) and (A[1] is None or callable(A[1])):
        shape = required_shape(in_shape)
        return from_functions(A[0], A[1], shape, convert=convert, dtype=dtype, unknowns=unknowns)
    if objects.is_physics(A):
        return objects.from_physics(A, in_shape, convert, dtype, unknowns)
    if in_shape is None and objects.is_callable_with_adjoint(A):
        return objects.from_callable_with_adjoint(A, dtype, unknowns)
    if callable(A) and not hasattr(A, "__array__"):
        from dipproofs.operators.from_jax import from_jax

        return from_jax(A, required_shape(in_shape), dtype, unknowns)
    return _matrix(A, unknowns)


def _matrix(A: Any, unknowns: str | None) -> Operator:
    """Adapt a matrix, dense or sparse."""
    if not sp.issparse(A):
        A = _sparse_of_other_libraries(A)
    values = A if sp.issparse(A) else exact_array(A, "matrix operator", ndim=2, complex_allowed=True)
    if values.dtype.kind != "c":
        operator = sparse_operator(values) if sp.issparse(values) else Operator(values)
        return operator.complexified() if unknowns == "complex" else operator
    chosen = unknowns or "complex"
    stacked = stack_matrix(values, chosen)
    tags: dict[str, Any] = {"complex_signal": chosen == "complex", "complex_data": True}
    return sparse_operator(stacked, **tags) if sp.issparse(stacked) else Operator(stacked, **tags)


def _sparse_of_other_libraries(A: Any) -> Any:
    """JAX's and torch's sparse matrices as SciPy's."""
    if getattr(A, "is_sparse", False) is True or str(getattr(A, "layout", "")) == "torch.sparse_csr":
        dense = A.detach().to_dense()
        return sp.csr_array(to_numpy(dense))
    if type(A).__module__.startswith("jax.experimental.sparse") and hasattr(A, "todense"):
        return sp.csr_array(np.asarray(A.todense()))
    return A
