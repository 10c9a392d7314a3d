"""The adjoints of gathers and convolutions for many rows at a time: slices and matrix products, no loops."""

from __future__ import annotations

import math

import numpy as np

from dipproofs.verify.arithmetic.floats import UNIT, frobenius, gamma
from dipproofs.verify.graph.point import Parts, Point
from dipproofs.verify.graph.windows import Windows, progression

#: Entries of the products of a few rows with a kernel, which should stay in a cache.
_ENTRIES = 1 << 18


def gather(point: Point, place: int, B: np.ndarray) -> Parts:
    """Every entry of an input collects the adjoints of its copies."""
    node = point.graph.nodes[place]
    plans = point.once(("plans", place), lambda: _plans(point, place))
    parts: Parts = []
    for source, (order, starts, targets) in zip(node.inputs, plans):
        size, copies = math.prod(point.graph.nodes[source].shape), int(np.diff(starts).max(initial=0))
        if not point.graph.trained[source]:
            parts.append(None)
            continue
        taken = B[:, order]
        if len(targets) == size and starts[-1] == copies * size:
            part = taken if copies == 1 else taken.reshape(len(B), size, copies).sum(axis=2)
        else:
            part = np.zeros((len(B), size))
            if len(targets):
                part[:, targets] = np.add.reduceat(taken, starts[:-1], axis=1)
        parts.append((np.ascontiguousarray(part), gamma(copies) * math.sqrt(copies) if copies > 1 else 0.0))
    return parts


def _plans(point: Point, place: int) -> list[tuple[slice | np.ndarray, np.ndarray, np.ndarray]]:
    """For each input: its readers sorted by what they read, where those of each read entry begin, the read entries."""
    node, plans, first = point.graph.nodes[place], [], 0
    indices = point.graph.constants[node["indices"]].ravel()
    for source in node.inputs:
        size = math.prod(point.graph.nodes[source].shape)
        readers = np.flatnonzero((indices >= first) & (indices < first + size))
        read = indices[readers] - first
        order = readers[np.argsort(read, kind="stable")]
        targets, starts = np.unique(np.sort(read), return_index=True)
        plans.append((progression(order), np.append(starts, len(readers)), targets))
        first += size
    return plans


def conv(point: Point, place: int, B: np.ndarray) -> Parts:
    """To the image by the kernel's matrix and a sum over the taps, to the kernel by the matrix of what was read.

    Notes:
        An entry to the image sums at most outputs·taps products, one to the kernel as many as there are positions.
    """
    node, view, trained = point.graph.nodes[place], point.windows(place), point.graph.trained
    x, w = node.inputs
    padded, flat, y = np.append(point.mid(x).ravel(), 0.0), point.mid(w).ravel(), B.reshape(len(B), view.groups, -1)
    parts: Parts = [None, None]
    if trained[x]:
        error = gamma(view.outputs * len(view.reads) + 4) * view.kappa * frobenius(flat)
        error += view.kappa * frobenius(point.rad(w))
        parts[0] = _to_image(view, flat, y), error * (1 + 8 * UNIT)
    if trained[w]:
        error = gamma(view.reads.shape[1] + 4) * view.kappa * frobenius(padded)
        error += view.kappa * frobenius(point.rad(x))
        parts[1] = _to_kernel(view, padded, y), error * (1 + 8 * UNIT)
    return parts


def _to_image(view: Windows, flat: np.ndarray, y: np.ndarray) -> np.ndarray:
    rows, taps, positions = len(y), len(view.reads), view.reads.shape[1]
    result = np.zeros((rows, view.groups, view.inputs, *view.image))
    step = max(1, _ENTRIES // (taps * view.inputs * positions))
    for group in range(view.groups):
        matrix = flat[view.weights(group)].reshape(view.outputs, view.inputs, taps)
        matrix = np.ascontiguousarray(matrix.transpose(2, 1, 0).reshape(-1, view.outputs))
        for first in range(0, rows, step):
            given = y[first : first + step, group].reshape(-1, view.outputs, positions)
            spread = (matrix @ given).reshape(-1, taps, view.inputs, *view.positions)
            target = result[first : first + step, group]
            for tap, (read, at) in enumerate(view.slices):
                target[(..., *read)] += spread[(slice(None), tap, slice(None), *at)]
    return result.reshape(rows, -1)


def _to_kernel(view: Windows, padded: np.ndarray, y: np.ndarray) -> np.ndarray:
    rows, taps, parts = len(y), len(view.reads), []
    for group in range(view.groups):  # the weights of a group lie together, transposed or not
        read = np.ascontiguousarray(padded[view.entries(group)].T)
        found = y[:, group].reshape(rows * view.outputs, -1) @ read
        if view.transposed:
            found = found.reshape(rows, view.outputs, view.inputs, taps).swapaxes(1, 2)
        parts.append(found.reshape(rows, -1))
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
