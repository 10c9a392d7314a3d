"""Arrays of Arb balls: NumPy object arrays, with fast matrix products."""

from __future__ import annotations

import math
from typing import Any

import flint
import numpy as np

from dipproofs.enclosures.rounding import TINY, UNIT, Array, inflation

#: Bits of the forward pass: its rounding stays far below that of the float64 values made of it.
BITS = 128
_ENTRIES = 1 << 19
Balls = np.ndarray[Any, np.dtype[np.object_]]


def exact_balls(array: Array) -> Balls:
    """Balls of radius 0 around floats."""
    return as_array(list(map(flint.arb, np.asarray(array, dtype=np.float64).ravel().tolist())), np.shape(array))


def as_array(values: list[flint.arb], shape: tuple[int, ...]) -> Balls:
    """A list of balls as an array."""
    result = np.empty(len(values), dtype=object)
    result[:] = values
    return result.reshape(shape)


def product(left: Balls, right: Balls) -> Balls:
    """Matrix product (m, p) by (p, n), some columns at a time to bound the memory."""
    m, p = left.shape
    n = right.shape[1]
    matrix = flint.arb_mat(m, p, left.ravel().tolist())
    step = max(1, _ENTRIES // max(p, 1))
    parts = []
    for start in range(0, n, step):
        columns = right[:, start : start + step]
        result = matrix * flint.arb_mat(p, columns.shape[1], columns.ravel().tolist())
        parts.append(as_array(result.entries(), (m, columns.shape[1])))
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)


def to_floats(balls: Balls) -> tuple[Array, Array]:
    """Midpoints and radii, the rounding of midpoints included; an undefined ball gets radius infinity."""
    flat = balls.ravel().tolist()
    mid = np.fromiter(map(float, flat), np.float64, len(flat))
    rad = np.fromiter(map(float, map(flint.arb.rad, flat)), np.float64, len(flat))
    exact = rad == 0.0
    if exact.any():  # a ball that is a float needs no radius: parameters, constants, structural zeros
        exact &= np.fromiter((bool(flint.arb(m) == b) for m, b in zip(mid.tolist(), flat)), bool, len(flat))
    with np.errstate(invalid="ignore", over="ignore"):
        rad = np.where(exact, 0.0, (rad + 2 * UNIT * np.abs(mid)) * inflation(4) + 2 * TINY)
        bad = ~(np.isfinite(mid) & np.isfinite(rad))
    if bad.any():
        mid, rad = np.where(bad, 0.0, mid), np.where(bad, math.inf, rad)
    return mid.reshape(balls.shape), rad.reshape(balls.shape)
