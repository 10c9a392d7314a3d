"""Subsampled Fourier measurements in real form, as in magnetic resonance imaging.

The discrete Fourier transform of a real image is known from one frequency of each pair ±ω. With
c = √2/√n (1/√n at the frequencies that are their own opposite) the rows c cos⟨ω, t⟩ and c sin⟨ω, t⟩ are an
orthonormal basis of R^n: the scaled real parts and (negated) imaginary parts of the transform.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dipproofs.arguments.setting import Setting
from dipproofs.operators.inpainting import number_of_rows
from dipproofs.operators.kernels import Arrays
from dipproofs.operators.operator import Operator, check_size
from dipproofs.operators.transforms import FrequencyOptions, in_order


@dataclass(frozen=True)
class FourierOperator(FrequencyOptions):
    """`kind = "fourier"`: cosine and sine coefficients at chosen frequencies; A Aᵀ = I up to rounding.

    Args:
        rows: the number m of real measurements, or their fraction of n. The last frequency may contribute
            its cosine only.
    """

    def build(self, setting: Setting) -> Operator:
        """Choose the frequencies and make the operator."""
        shape = setting.image_shape(self.columns)
        size = (shape[0], shape[1]) if len(shape) == 2 else (1, shape[0])
        n = size[0] * size[1]
        m = number_of_rows(self.rows, n)
        check_size(m, n)
        frequency, imaginary, scale = measurements(size, m, self.selection, self.seed)

        def dense() -> np.ndarray:
            return fourier_rows(size, frequency, imaginary, scale)

        return Operator(
            dense,
            (m, n),
            kernel=FourierKernel(size),
            arrays=(frequency, imaginary, scale),
            kind="fourier",
            domain_shape=shape,
        )


@dataclass(frozen=True)
class FourierKernel:
    """Chosen parts of the fast Fourier transform; arrays = (frequency, imaginary, scale), each (m,)."""

    shape: tuple[int, int]

    def apply(self, arrays: Arrays, x: Any) -> Any:
        import jax.numpy as jnp

        frequency, imaginary, scale = arrays
        spectrum = jnp.fft.fft2(x.reshape(self.shape)).ravel()[frequency]
        part = jnp.where(imaginary, -spectrum.imag, spectrum.real)
        return part * jnp.asarray(scale, x.dtype)

    def adjoint(self, arrays: Arrays, w: Any) -> Any:
        import jax
        import jax.numpy as jnp

        frequency, imaginary, scale = arrays
        value = w * jnp.asarray(scale, w.dtype)
        zero = jnp.zeros_like(value)
        term = jax.lax.complex(jnp.where(imaginary, zero, value), jnp.where(imaginary, value, zero))
        spectrum = jnp.zeros(self.shape[0] * self.shape[1], term.dtype).at[frequency].add(term)
        return jnp.fft.fft2(spectrum.reshape(self.shape)).real.ravel().astype(w.dtype)


def measurements(
    shape: tuple[int, int], count: int, selection: str, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Choose measurements: flat frequency index, whether it is the sine, and the scale; each (count,).

    Example:
        >>> frequency, imaginary, _ = measurements((1, 4), 4, "low", 0)
        >>> frequency.tolist(), imaginary.tolist()
        ([0, 1, 1, 2], [False, False, True, False])
    """
    height, width = shape
    n = height * width
    k, l = (a.ravel() for a in np.mgrid[:height, :width])
    opposite = (-k % height) * width + (-l % width)
    half = np.flatnonzero(np.arange(n) <= opposite)
    radius = (np.minimum(k, height - k) / height) ** 2 + (np.minimum(l, width - l) / width) ** 2
    chosen = half[in_order(radius[half], selection, seed)]
    own = opposite[chosen] == chosen
    frequency = np.repeat(chosen, np.where(own, 1, 2))[:count]
    imaginary = np.concatenate([[False], frequency[1:] == frequency[:-1]])[:count]
    scale = np.where(opposite[frequency] == frequency, 1.0, np.sqrt(2.0)) / np.sqrt(n)
    return frequency, imaginary, scale


def fourier_rows(shape: tuple[int, int], frequency: np.ndarray, imaginary: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Give the rows of the real Fourier basis, (m, height·width) float64."""
    height, width = shape
    k, l = frequency // width, frequency % width
    turn = np.multiply.outer(k, np.arange(height)) % height / height
    along = np.multiply.outer(l, np.arange(width)) % width / width
    phase = 2.0 * np.pi * ((turn[:, :, None] + along[:, None, :]) % 1.0).reshape(len(frequency), -1)
    return np.asarray(np.where(imaginary[:, None], np.sin(phase), np.cos(phase)) * scale[:, None])
