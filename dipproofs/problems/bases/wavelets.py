"""Orthonormal wavelets with periodic boundary, coarse scales first (PyWavelets)."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from dipproofs.errors import InputError

_GOLDEN = 0.6180339887498949


def haar_atoms(shape: tuple[int, int], atoms: int, images: np.ndarray | None = None) -> np.ndarray:
    """Give Haar atoms, (n, atoms) float64; with 4^j atoms of a square image they span blocks.

    Example:
        >>> haar_atoms((2, 2), 1).ravel().round(12)
        array([0.5, 0.5, 0.5, 0.5])
    """
    return wavelet_atoms("haar", shape, atoms)


def daubechies2_atoms(shape: tuple[int, int], atoms: int, images: np.ndarray | None = None) -> np.ndarray:
    """Give Daubechies atoms with 2 vanishing moments, (n, atoms) float64."""
    return wavelet_atoms("db2", shape, atoms)


def daubechies4_atoms(shape: tuple[int, int], atoms: int, images: np.ndarray | None = None) -> np.ndarray:
    """Give Daubechies atoms with 4 vanishing moments, (n, atoms) float64."""
    return wavelet_atoms("db4", shape, atoms)


def wavelet_atoms(wavelet: str, shape: tuple[int, int], atoms: int) -> np.ndarray:
    """Give the first `atoms` wavelets from coarse to fine.

    Within a scale the positions are taken in an evenly spread order, so that an incomplete scale covers the
    whole image. Axes of length 1 are not transformed.

    Raises:
        InputError: a side that is not even, so that no scale fits.
    """
    import pywt

    axes = tuple(axis for axis in (0, 1) if shape[axis] > 1)
    depth = min((_halvings(shape[axis]) for axis in axes), default=0)
    if depth == 0:
        raise InputError(
            f"network.basis: {wavelet} needs sides that are even, found a signal of shape {shape}; "
            "choose signal.shape with sides divisible by a power of 2"
        )
    reach = pywt.Wavelet(wavelet).dec_len
    while depth > 1 and min(shape[axis] for axis in axes) >> (depth - 1) < reach:
        depth -= 1
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Level value")  # periodic: there is no boundary effect
        template = pywt.wavedecn(np.zeros(shape), wavelet, mode="periodization", level=depth, axes=axes)
    flat, slices = pywt.coeffs_to_array(template, axes=axes)
    order = _coarse_to_fine(flat.shape, slices)[:atoms]
    columns = np.empty((shape[0] * shape[1], len(order)))
    for column, position in enumerate(order):
        unit = np.zeros(flat.size)
        unit[position] = 1.0
        coefficients = pywt.array_to_coeffs(unit.reshape(flat.shape), slices, output_format="wavedecn")
        image = pywt.waverecn(coefficients, wavelet, mode="periodization", axes=axes)
        columns[:, column] = image.ravel()
    return columns


def _halvings(size: int) -> int:
    return (size & -size).bit_length() - 1


def _coarse_to_fine(shape: tuple[int, ...], slices: Any) -> np.ndarray:
    index = np.arange(int(np.prod(shape))).reshape(shape)
    groups = [index[slices[0]].ravel()]
    for level in slices[1:]:
        bands = np.stack([index[level[name]].ravel() for name in sorted(level)], axis=1)
        spread = np.argsort((np.arange(len(bands)) * _GOLDEN) % 1.0, kind="stable")
        groups.append(bands[spread].ravel())
    first = groups[0]
    groups[0] = first[np.argsort((np.arange(len(first)) * _GOLDEN) % 1.0, kind="stable")]
    return np.concatenate(groups)
