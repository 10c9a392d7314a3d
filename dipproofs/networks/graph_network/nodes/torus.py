"""Norm of a convolution from its symbol on a torus that is large enough (docs/theory-graphs.md §3)."""

from __future__ import annotations

import flint
import numpy as np

from dipproofs.enclosures.norms import frobenius_upper
from dipproofs.enclosures.rounding import TINY, Array, gamma, inflation
from dipproofs.enclosures.spectral import spectral_upper
from dipproofs.enclosures.upward import add_up

_LARGEST = 4096


def convolution_norm(kernel: Array, space: tuple[int, ...], dilation: tuple[int, ...]) -> float:
    """Upper bound of ‖x ↦ k∗x‖ for any shift, stride and zero padding, on images of a given size.

    Args:
        kernel: (O, C, *taps) exact floats.
        space: lengths of the axes of the image that the (not transposed) convolution reads.
        dilation: by axis.

    Notes:
        Zero-padded convolution is a compression of the circular one on a torus of length n + (k−1)·dilation or more.
        Symbol by sums of products with roots of unity, which Arb rounds correctly. Evidence proved.

    Example:
        >>> import numpy as np
        >>> bound = convolution_norm(np.array([[[1.0, -1.0]]]), (4,), (1,))
        >>> 1.9 < bound < 2.0
        True
    """
    outputs, channels, *taps = kernel.shape
    symbol = kernel.astype(complex)
    terms = 1
    for axis, (k, n, step) in enumerate(zip(taps, space, dilation)):
        length = min(n + (k - 1) * step, _LARGEST) if k > 1 else 1
        if n + (k - 1) * step > _LARGEST and k > 1:
            return absolute_norm(kernel)
        frequencies = length // 2 + 1 if axis == len(taps) - 1 else length  # k is real: −ω gives the same norm
        phases = _roots(length)[np.outer(np.arange(k) * step, np.arange(frequencies)) % length]
        symbol = np.moveaxis(np.tensordot(symbol, phases, axes=(2, 0)), -1, symbol.ndim - 1)
        terms *= k
    matrices = np.moveaxis(symbol.reshape(outputs, channels, -1), -1, 0)
    absolute = np.abs(kernel).reshape(outputs, channels, -1).sum(axis=2) * inflation(terms)
    slack = gamma(8 * sum(taps) + 64) * frobenius_upper(absolute) * inflation(8) + 8 * TINY * kernel.size
    return min(float(add_up(spectral_upper(matrices).max(), np.asarray(slack))), absolute_norm(kernel))


def absolute_norm(kernel: Array) -> float:
    """Upper bound of the norm of the convolution with |k|, and so of that with k."""
    flat = np.abs(kernel).reshape(kernel.shape[0], kernel.shape[1], -1)
    return float(spectral_upper(flat.sum(axis=2) * inflation(flat.shape[2] + 2)))


def _roots(length: int) -> np.ndarray:
    """exp(2πi·j/length), both parts the float nearest to the exact number up to one unit in the last place."""
    with flint.ctx.workprec(80):
        angles = [flint.fmpq(2 * j, length) for j in range(length)]
        return np.array([complex(float(flint.arb.cos_pi_fmpq(a)), float(flint.arb.sin_pi_fmpq(a))) for a in angles])
