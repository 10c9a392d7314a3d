"""The pieces of midpoint–radius arithmetic: admissible input, rounding of products, radii rounded up."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from dipproofs.enclosures.norms import euclidean, max_abs
from dipproofs.enclosures.rounding import TINY, Array, gamma, inflation
from dipproofs.enclosures.spread import RankOne
from dipproofs.errors import InputError


def rounding_of_product(left: Array, right: Array) -> float:
    """γ for the entries of a product: only nonzero terms are rounded.

    Products with ±2^e are exact, so picking rows by a mask costs nothing.
    """
    if left.size == 0 or right.size == 0:
        return 0.0
    if left.shape[1] > 1 and left[0].all() and right[:, 0].all():
        return gamma(left.shape[1] + 2)  # a full row and a full column: no fewer terms
    by_rows = int(np.count_nonzero(left, axis=1).max())
    by_columns = int(np.count_nonzero(right, axis=0).max())
    if by_rows <= 1 and only_powers_of_two(left):
        return 0.0
    if by_columns <= 1 and only_powers_of_two(right):
        return 0.0
    return gamma(min(by_rows, by_columns) + 2)


def gram_radius(rows: Array) -> RankOne:
    """Radii around fl(XXᵀ), X exact (n, p), for any order of summation."""
    terms = rows.shape[1]
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        norms = euclidean(rows, 1)[1]
        factor = rounding_of_product(rows, rows.T) * inflation(4)
        absolute = (terms + 2) * TINY * (2 + 2 * float(norms.max(initial=0.0))) * inflation(6)
        return RankOne(factor, norms, absolute)


def only_powers_of_two(x: Array) -> bool:
    """Whether every nonzero entry is ±2^e."""
    values = x[x != 0]
    return bool((np.abs(np.frexp(values)[0]) == 0.5).all())


def radius_norms(rad: Array, axis: int | None) -> Array:
    """Upper bounds of norms of radii, inf where a radius is."""
    if math.isfinite(max_abs(rad)):
        return euclidean(rad, axis)[1]
    known = np.isfinite(rad)
    return np.where(known.all(axis=axis), euclidean(np.where(known, rad, 0.0), axis)[1], math.inf)


def outward(rad: Array, terms: int = 4, absolute: float = TINY) -> Array:
    """Inflate a computed radius in place so that it covers its own rounding errors."""
    rad *= inflation(terms)
    rad += absolute * inflation(4)
    return rad


def as_row(rad: Array | None) -> Array | None:
    """A vector of radii as a row."""
    return None if rad is None else rad[None, :]


def as_column(rad: Array | None) -> Array | None:
    """A vector of radii as a column."""
    return None if rad is None else rad[:, None]


def all_finite(x: Array) -> bool:
    """Whether every entry is finite; a finite sum, which is quicker to have, says so."""
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(x.sum()) or np.isfinite(x).all())


def exact_array(array: ArrayLike, name: str) -> Array:
    """The array as float64 without changing any number, or an InputError."""
    given = np.asarray(array)
    if given.dtype.kind in "iub":
        exact = given.astype(np.float64)
        if given.size and max(abs(int(given.max())), abs(int(given.min()))) > 2**53:
            raise InputError(f"{name}: found integers above 2**53, expected numbers that float64 holds exactly")
    elif given.dtype in (np.float64, np.float32, np.float16):
        exact = np.asarray(given, dtype=np.float64)
    else:
        raise InputError(f"{name}: found entries of type {given.dtype}, expected float32 or float64")
    if not 1 <= exact.ndim <= 2:
        raise InputError(f"{name}: found {exact.ndim} dimensions, expected a vector or a matrix")
    if not all_finite(exact):
        raise InputError(f"{name}: found non-finite entries (NaN or infinity), expected finite numbers")
    return exact
