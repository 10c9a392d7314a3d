"""Products of matrices with any axes, brought to `matmul` or, with a constant factor, to `contract`."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from dipproofs.graph.tracing.algebra import Lazy, Poison, Tracer, Value


def matrix_product(
    tracer: Tracer,
    a: Value,
    b: Value,
    contracted: tuple[Sequence[int], Sequence[int]],
    batch: tuple[Sequence[int], Sequence[int]] = ((), ()),
) -> Value:
    """Sum over the contracted axes; the result has the batch axes, then the free ones of a, then those of b.

    Args:
        tracer: where nodes are added.
        a, b: factors.
        contracted: axes of a, axes of b.
        batch: axes of a, axes of b that are kept side by side.
    """
    a, b = (v if isinstance(v, Lazy | Poison) else np.asarray(v) for v in (a, b))
    for value in (a, b):
        if isinstance(value, Poison):
            return value
    if not isinstance(a, Lazy) and not isinstance(b, Lazy):
        return _known(np.asarray(a), np.asarray(b), contracted, batch)
    (left, right), (left_batch, right_batch) = contracted, batch
    if len(left) == 1 and not left_batch:
        if isinstance(b, np.ndarray) and b.ndim == 2:
            return _along(tracer, a, np.moveaxis(np.asarray(b), right[0], 1), left[0], last=True)
        if isinstance(a, np.ndarray) and a.ndim == 2:
            return _along(tracer, b, np.moveaxis(np.asarray(a), left[0], 1), right[0], last=False)
    shape_a, shape_b = tracer.shape(a), tracer.shape(b)
    free_a = [i for i in range(len(shape_a)) if i not in (*left, *left_batch)]
    free_b = [i for i in range(len(shape_b)) if i not in (*right, *right_batch)]
    leading = [shape_a[i] for i in left_batch]
    p, q = math.prod(shape_a[i] for i in free_a), math.prod(shape_a[i] for i in left)
    r = math.prod(shape_b[i] for i in free_b)
    rows = tracer.move(a, lambda index: index.transpose(*left_batch, *free_a, *left).reshape(*leading, p, q))
    columns = tracer.move(b, lambda index: index.transpose(*right_batch, *right, *free_b).reshape(*leading, q, r))
    y = _product(tracer, rows, columns, math.prod(leading))
    target = (*leading, *(shape_a[i] for i in free_a), *(shape_b[i] for i in free_b))
    return tracer.move(y, lambda index: index.reshape(target))


def _along(tracer: Tracer, value: Value, matrix: np.ndarray, axis: int, *, last: bool) -> Value:
    """A constant matrix along an axis, which then moves to the end or to the front."""
    y = tracer.contract(value, matrix, axis)
    return tracer.move(y, lambda index: np.moveaxis(index, axis, -1 if last else 0))


def _product(tracer: Tracer, rows: Value, columns: Value, batches: int) -> Value:
    if batches == 1:
        flat = [tracer.move(v, lambda index: index.reshape(index.shape[-2:])) for v in (rows, columns)]
        if not isinstance(flat[0], Lazy):
            return tracer.contract(flat[1], np.asarray(flat[0]), 0)
        if not isinstance(flat[1], Lazy):
            return tracer.contract(flat[0], np.asarray(flat[1]).T, 1)
        return tracer.of(tracer.builder.matmul, *flat)
    return tracer.of(tracer.builder.matmul, rows, columns)


def _known(
    a: np.ndarray,
    b: np.ndarray,
    contracted: tuple[Sequence[int], Sequence[int]],
    batch: tuple[Sequence[int], Sequence[int]],
) -> np.ndarray:
    letters = iter("abcdefghijklmnopqrstuvwxyz")
    names_a, names_b = [""] * a.ndim, [""] * b.ndim
    for i, j in [*zip(*batch), *zip(*contracted)]:
        names_a[i] = names_b[j] = next(letters)
    names_a, names_b = [n or next(letters) for n in names_a], [n or next(letters) for n in names_b]
    out = [names_a[i] for i in batch[0]]
    out += [n for i, n in enumerate(names_a) if i not in (*contracted[0], *batch[0])]
    out += [n for j, n in enumerate(names_b) if j not in (*contracted[1], *batch[1])]
    return np.asarray(np.einsum(f"{''.join(names_a)},{''.join(names_b)}->{''.join(out)}", a, b))
