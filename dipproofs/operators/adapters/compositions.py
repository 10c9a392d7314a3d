"""The structure of objects that other libraries compose: products, sums, multiples, transposes, stacks, tags of lineax.

What is found is a candidate: who asks compares it with the object on random arguments (`structure.recognise.agrees`).
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

from dipproofs.errors import InputError
from dipproofs.operators.operator import Operator
from dipproofs.operators.structure import BlockDiagonal, Diagonal, Selection, Separable, Structure, algebra
from dipproofs.operators.structure.recognise import of_sparse

Adapt = Callable[[Any], Operator]
Reader = Callable[[Any, Adapt], Structure | None]
Make = Callable[[list[Structure]], Structure | None]

_LARGEST_FACTOR = 2**20
"""Entries of the factors of a Kronecker product that are tabulated."""


def composition(A: Any, adapt: Adapt) -> Structure | None:
    """Give the structure of an object that is composed of others, or None.

    Args:
        A: an operator of SciPy, PyLops, lineax, scico or deepinv.
        adapt: makes the operators of its parts.
    """
    reader = _READERS.get(type(A).__name__)
    try:
        return None if reader is None else reader(A, adapt)
    except (InputError, ValueError, TypeError, AttributeError):  # tabulated instead, which says what is wrong
        return None


def lineax_structure(A: Any, adapt: Adapt) -> Structure | None:
    """Give the structure that an operator of lineax states of itself or by its tags, or None."""
    lineax, name = sys.modules.get("lineax"), type(A).__name__
    if lineax is None or name == "ComposedLinearOperator":
        return composition(A, adapt)
    if name == "IdentityLinearOperator":
        size = math.prod(A.in_structure().shape)
        return Selection(np.arange(size), size) if A.in_size() == A.out_size() else None
    if lineax.is_diagonal(A):
        return Diagonal(np.asarray(lineax.diagonal(A)))
    if lineax.is_tridiagonal(A):
        return _banded(*(np.asarray(part) for part in lineax.tridiagonal(A)))
    return composition(A, adapt)


def _banded(diagonal: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> Structure | None:
    matrix = sp.csr_array(sp.diags_array([lower, diagonal, upper], offsets=[-1, 0, 1]))
    matrix.eliminate_zeros()
    return of_sparse(matrix) if matrix.nnz else None


def _composed(parts: Sequence[Any], adapt: Adapt, make: Make) -> Structure | None:
    """What `make` finds for the structures of the parts; None if one has none or is complex."""
    found = []
    for part in parts:
        operator = adapt(part)
        if operator.complex_data or operator.is_dense:
            return None
        found.append(operator.structure)
    return make(found)


def _product(found: list[Structure]) -> Structure | None:
    *others, result = found
    for left in reversed(others):
        product = algebra.product(left, result)
        if product is None:
            return None
        result = product
    return result


def _multiple(part: Any, factor: Any, adapt: Adapt) -> Structure | None:
    return _composed([part], adapt, lambda found: algebra.multiple(found[0], float(factor)))


def _transposed(A: Any, adapt: Adapt) -> Structure | None:
    return _composed(A.args, adapt, lambda found: algebra.transpose(found[0]))


def _blocks(found: list[Structure]) -> Structure:
    return BlockDiagonal(tuple(found))


def _kronecker(A: Any, adapt: Adapt) -> Structure | None:
    operators = [adapt(part) for part in (A.Op1, A.Op2)]
    if any(o.complex_data or o.rows * o.columns > _LARGEST_FACTOR for o in operators):
        return None
    return Separable(*(operator.to_dense() for operator in operators))


def _pair(A: Any) -> tuple[Any, Any]:
    """The operators of a composition: lineax has operator1, operator2; scico A, B."""
    return (A.operator1, A.operator2) if hasattr(A, "operator1") else (A.A, A.B)


_READERS: dict[str, Reader] = {
    "_ProductLinearOperator": lambda A, adapt: _composed(A.args, adapt, _product),
    "_ScaledLinearOperator": lambda A, adapt: _multiple(A.args[0], A.args[1], adapt),
    "_SumLinearOperator": lambda A, adapt: _composed(A.args, adapt, algebra.total),
    "_PowerLinearOperator": lambda A, adapt: _composed([A.args[0]] * A.args[1], adapt, _product),
    "_TransposedLinearOperator": _transposed,
    "_AdjointLinearOperator": _transposed,
    "VStack": lambda A, adapt: _composed(A.ops, adapt, algebra.stack),
    "BlockDiag": lambda A, adapt: _composed(A.ops, adapt, _blocks),
    "Kronecker": _kronecker,
    "ComposedLinearOperator": lambda A, adapt: _composed(_pair(A), adapt, _product),
    "AddLinearOperator": lambda A, adapt: _composed(_pair(A), adapt, algebra.total),
    "MulLinearOperator": lambda A, adapt: _multiple(A.operator, A.scalar, adapt),
    "DivLinearOperator": lambda A, adapt: _multiple(A.operator, 1 / float(A.scalar), adapt),
    "NegLinearOperator": lambda A, adapt: _multiple(A.operator, -1.0, adapt),
    "TaggedLinearOperator": lambda A, adapt: _composed([A.operator], adapt, _product),
    "VerticalStack": lambda A, adapt: _composed(A.ops, adapt, algebra.stack),
    "DiagonalStack": lambda A, adapt: _composed(A.ops, adapt, _blocks),
    "ComposedLinearPhysics": lambda A, adapt: _composed(list(A.physics_list)[::-1], adapt, _product),
}
