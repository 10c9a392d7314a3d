"""Circular convolutions, diagonal in the discrete Fourier transform, in one or two dimensions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import flint
import numpy as np

from dipproofs.enclosures import Bound
from dipproofs.operators.structure.base import Spectrum, Stored
from dipproofs.operators.structure.fourier_zeros import vanishes

_BITS = 128


@dataclass(frozen=True, eq=False)
class Circulant(Stored):
    """(A x)_{i,j} = Σ_{s,t} c_{s,t} x_{i−s, j−t}, indices modulo (height, width).

    Args:
        kernel: (height, width) floats: the first column of A as an image, so the response to a unit at (0, 0).

    Notes:
        A is normal; its eigenvalues are the discrete Fourier transform of c and its singular values their sizes. They
        are enclosed by Arb's transform in ball arithmetic at 128 bits; whether one that may be 0 is 0 is decided
        exactly (a cyclotomic polynomial divides an integer polynomial). Evidence: proved; cost n log n.

    Example:
        >>> kernel = np.zeros((1, 4)); kernel[0, :2] = 0.5
        >>> found = Circulant(kernel).spectrum()  # (1 + i^k)/2: the alternating signal is lost
        >>> found.norm.contains(1), found.smallest.upper == 0, found.rank, found.smallest_nonzero.contains(0.5**0.5)
        (True, True, 3, True)
    """

    kernel: np.ndarray
    kind = "circulant"

    @property
    def shape(self) -> tuple[int, int]:
        """(n, n)."""
        return self.kernel.size, self.kernel.size

    def dense(self) -> np.ndarray:
        """The matrix."""
        height, width = self.kernel.shape
        rows, columns = (np.subtract.outer(np.arange(size), np.arange(size)) % size for size in (height, width))
        blocks = self.kernel[rows[:, None, :, None], columns[None, :, None, :]]
        return np.ascontiguousarray(blocks.reshape(self.shape))

    def matvec(self, x: np.ndarray) -> np.ndarray:
        """A x in floats, by fast transforms."""
        return self._convolved(x, np.fft.rfft2(self.kernel.astype(np.float64)))

    def rmatvec(self, w: np.ndarray) -> np.ndarray:
        """Aᵀ w in floats, by fast transforms."""
        return self._convolved(w, np.fft.rfft2(self.kernel.astype(np.float64)).conj())

    def _convolved(self, x: np.ndarray, spectrum: np.ndarray) -> np.ndarray:
        images = np.moveaxis(x.reshape(*self.kernel.shape, -1), -1, 0)
        result = np.fft.irfft2(np.fft.rfft2(images) * spectrum, s=self.kernel.shape)
        return np.ascontiguousarray(np.moveaxis(result, 0, -1)).reshape(x.shape)

    def spectrum(self) -> Spectrum:
        """Enclose |DFT c|."""
        return stacked_spectrum([self.kernel])


def stacked_spectrum(kernels: Sequence[np.ndarray]) -> Spectrum:
    """Enclose the singular values √Σ|DFT c_i|² of circular convolutions above one another.

    Args:
        kernels: (height, width) floats each, of one shape.
    """
    shape = (kernels[0].shape[0], kernels[0].shape[1])
    (lower, upper), where = squared_moduli(kernels[0].astype(np.float64))
    for kernel in kernels[1:]:
        (low, high), _ = squared_moduli(kernel.astype(np.float64))
        lower, upper = np.nextafter(lower + low, -np.inf), np.nextafter(upper + high, np.inf)
    doubtful = np.flatnonzero(~(lower > 0))
    zero = _vanish_together(kernels, [where[i] for i in doubtful])
    lost = doubtful[[flag is True for flag in zero]] if doubtful.size else doubtful
    multiplicity = sum(_multiplicity(where[i], shape) for i in lost)
    rank = kernels[0].size - multiplicity if None not in zero else None
    rest = np.setdiff1d(np.arange(lower.size), lost)
    largest = _root(float(lower.max()), float(upper.max()))
    least = _root(float(lower[rest].min()), float(upper[rest].min())) if rest.size else Bound.exact(0)
    return Spectrum(largest, Bound.exact(0) if lost.size else least, rank, least)


def _vanish_together(kernels: Sequence[np.ndarray], frequencies: list[tuple[int, int]]) -> list[bool | None]:
    """Whether all transforms are exactly 0 at a frequency; None where that is not decided."""
    if not frequencies:
        return []
    found: list[bool | None] = []
    for flags in zip(*(vanishes(kernel, frequencies) for kernel in kernels)):
        found.append(False if False in flags else None if None in flags else True)
    return found


def squared_moduli(kernel: np.ndarray) -> tuple[tuple[np.ndarray, np.ndarray], list[tuple[int, int]]]:
    """Enclose |DFT c|² at one frequency of each pair ±(k, l).

    Returns:
        Arrays of lower and upper ends, and the frequencies (k, l).
    """
    height, width = kernel.shape
    with flint.ctx.workprec(_BITS):
        filled = [i for i in range(height) if kernel[i].any()]
        rows = {i: flint.acb.dft([flint.acb(value) for value in kernel[i].tolist()]) for i in filled}
        zero, lower, upper, where = flint.acb(0), [], [], []
        for l in range(width // 2 + 1):  # the others are conjugate
            column = flint.acb.dft([rows[i][l] if i in rows else zero for i in range(height)])
            for k in range(height // 2 + 1 if 2 * l in (0, width) else height):
                real, imaginary = column[k].real, column[k].imag
                square = real * real + imaginary * imaginary
                low = float(square.lower())
                lower.append(math.nextafter(low, -math.inf) if low > 0 else low)
                upper.append(math.nextafter(float(square.upper()), math.inf))
                where.append((k, l))
    return (np.array(lower), np.array(upper)), where


def _multiplicity(frequency: tuple[int, int], shape: tuple[int, int]) -> int:
    """1 for a frequency that is its own opposite, else 2."""
    return 1 if all(2 * k % size == 0 for k, size in zip(frequency, shape)) else 2


def _root(lower: float, upper: float) -> Bound:
    return Bound(max(lower, 0.0), upper).sqrt()
