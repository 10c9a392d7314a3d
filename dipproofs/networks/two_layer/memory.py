"""The memory of a certificate of a two-layer network, said before the run and refused where the machine has less."""

from __future__ import annotations

import os
from dataclasses import dataclass

from dipproofs.errors import InputError

_GIB = 2.0**30
#: Less than this is not worth a line.
_WORTH = 2 * _GIB


@dataclass(frozen=True)
class Sizes:
    """What the memory depends on.

    Args:
        m, n, k: rows and columns of A (or AB), and the width. mask: A is a mask, of which no matrix is made.

    Notes:
        Of n×k there are V, its start, two steps of the descent and the arrays of two certificates; of m×k AV, AV
        times φ' and a copy; of the Gram matrix five: midpoint, a guess, its factor, radii, a product. A matrix A that
        is no mask adds itself, an enclosure, a basis and a Gram matrix of order m (evidence: estimated, measured by
        `benchmarks/size.py`).
    """

    m: int
    n: int
    k: int
    mask: bool

    @property
    def bytes(self) -> float:
        """Bytes, about and rather too many.

        Example:
            >>> round(Sizes(8192, 16384, 4096, True).bytes / 2**30, 1)
            4.7
        """
        order = min(self.m, self.k) if self.mask else self.m
        entries = 6.0 * self.n * self.k + 3.0 * self.m * self.k + 5.0 * order**2
        if not self.mask:
            entries += 3.0 * self.m * self.n + 3.0 * self.m**2
        return 8 * entries + 0.35 * _GIB


def available() -> float:
    """Return the bytes of the machine's memory; infinite where it does not say."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE")) * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return float("inf")


def announcement(sizes: Sizes) -> str:
    """Say how much memory certificates may take, if that is much.

    Example:
        >>> announcement(Sizes(8192, 16384, 4096, True))
        'certificates for 8192 data, 16384 unknowns and width 4096 may take about 4.7 GiB'
        >>> announcement(Sizes(100, 200, 300, False))
        ''
    """
    if sizes.bytes < _WORTH:
        return ""
    return (
        f"certificates for {sizes.m} data, {sizes.n} unknowns and width {sizes.k} may take about "
        f"{sizes.bytes / _GIB:.1f} GiB"
    )


def require(sizes: Sizes, limit: float | None = None) -> None:
    """Refuse what does not fit, before anything is allocated.

    Args:
        sizes: of the problem. limit: bytes, by default the machine's memory.

    Raises:
        InputError: one line with a cure.

    Example:
        >>> require(Sizes(8192, 16384, 4096, False), 2.0**30)
        Traceback (most recent call last):
        ...
        dipproofs.errors.InputError: memory: 8192 data, ... need about 11.1 GiB, found 1.0 GiB: use a smaller width, ...
    """
    limit = available() if limit is None else limit
    if not sizes.bytes <= limit:
        cure = "use a smaller width, or a smaller picture" + ("" if sizes.mask else ", or fewer observations")
        raise InputError(
            f"memory: {sizes.m} data, {sizes.n} unknowns and width {sizes.k} need about "
            f"{sizes.bytes / _GIB:.1f} GiB, found {limit / _GIB:.1f} GiB: {cure}"
        )
