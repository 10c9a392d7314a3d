"""The norm of a zero-padded convolution: it is a compression of a circular one (docs/theory-graphs.md §3)."""

from __future__ import annotations

import math

import numpy as np
from flint import arb, ctx, fmpq

from dipproofs.verify.arithmetic.floats import SMALLEST, gamma, norm, scaled

_LONGEST = 4096


def convolution_norm(kernel: np.ndarray, space: tuple[int, ...], dilation: tuple[int, ...]) -> float:
    """Upper bound of ‖x ↦ k∗x‖, whatever the shift, the stride and the zero padding.

    Args:
        kernel: (O, C, *taps) exact floats. space: lengths of the image on the side of x. dilation: by axis.

    Example:
        >>> 1.9 < convolution_norm(np.array([[[1.0, -1.0]]]), (4,), (1,)) < 2.0
        True
    """
    outputs, channels, *taps = kernel.shape
    unit, kernel = scaled(kernel)
    return unit * _norm_of_size_one(kernel, outputs, channels, taps, space, dilation) + SMALLEST


def _norm_of_size_one(
    kernel: np.ndarray, outputs: int, channels: int, taps: list[int], space: tuple[int, ...], dilation: tuple[int, ...]
) -> float:
    plain = norm(np.abs(kernel).reshape(outputs, channels, -1).sum(axis=2) * (1 + gamma(math.prod(taps) + 4)))
    sizes = [n + (k - 1) * step if k > 1 else 1 for n, k, step in zip(space, taps, dilation)]
    if max(sizes) > _LONGEST:
        return plain
    symbol = kernel.astype(complex)
    for k, step, size in zip(taps, dilation, sizes):
        phases = _roots(size)[np.outer(np.arange(k) * step, np.arange(size)) % size]
        symbol = np.moveaxis(np.tensordot(symbol, phases, axes=(2, 0)), -1, 2 + len(taps) - 1)
    matrices = np.moveaxis(symbol.reshape(outputs, channels, -1), -1, 0)
    # each entry is a sum over the taps of numbers of size |k|; roots of unity are correctly rounded
    total = float(np.sqrt((np.abs(kernel).reshape(outputs, channels, -1).sum(axis=2) ** 2).sum()))
    slack = gamma(16 * (sum(taps) + 8)) * total * (1 + gamma(kernel.size + 16))
    return min(plain, (_largest_norm(matrices) + slack) * (1 + 2.0**-44))


def _largest_norm(matrices: np.ndarray) -> float:
    """Upper bound of the largest operator norm of complex matrices (F, O, C): λ ≤ τ + ‖τI − MᴴM − LLᴴ‖ for any L."""
    if matrices.shape[1] < matrices.shape[2]:
        matrices = matrices.swapaxes(1, 2)
    rows, n = matrices.shape[1:]
    whole = math.sqrt(max(float((np.abs(m) ** 2).sum()) for m in matrices)) * (1 + gamma(8 * (rows * n + 8)))
    if whole == 0.0 or not math.isfinite(whole):
        return whole
    gram = (matrices.conj().swapaxes(1, 2) @ matrices) / whole**2
    guess = float(np.linalg.eigvalsh(gram)[:, -1].max())
    for slack in (1e-12, 1e-9, 1e-6, 1e-3):
        shifted = guess * (1 + slack) * np.eye(n) - gram
        try:
            factor = np.linalg.cholesky(shifted)
        except np.linalg.LinAlgError:
            continue
        rest = shifted - factor @ factor.conj().swapaxes(1, 2)
        away = float(np.sqrt((np.abs(rest) ** 2).sum(axis=(1, 2)).max()))
        # entries of the gram matrix and of LLᴴ err by γ of their absolute products, whose sums are at most 1 and τn
        rounding = gamma(8 * (rows + n + 8)) * (2 + 2 * n * (guess + 1))
        return min(whole, whole * math.sqrt(guess * (1 + slack) + away * (1 + 2.0**-40) + rounding) * (1 + 2.0**-44))
    return whole


def _roots(length: int) -> np.ndarray:
    with ctx.workprec(80):
        turns = [fmpq(2 * j, length) for j in range(length)]
        return np.array([complex(float(arb.cos_pi_fmpq(a)), float(arb.sin_pi_fmpq(a))) for a in turns])
