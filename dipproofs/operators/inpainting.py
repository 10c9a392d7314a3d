"""Inpainting: some pixels are observed, the others are not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dipproofs.arguments.files import SINGLE, take
from dipproofs.arguments.schema import count_or_fraction, integer, seed, text
from dipproofs.arguments.setting import Setting
from dipproofs.errors import InputError
from dipproofs.operators.operator import Operator
from dipproofs.operators.options import OperatorOptions
from dipproofs.operators.structure import Selection

#: Pixels of a mask that is drawn.
MOST_PIXELS = 2**27


@dataclass(frozen=True)
class InpaintingOperator(OperatorOptions):
    """`kind = "inpainting"`: rows of the identity, in increasing order: a mask of your own, or a random one.

    Args:
        rows: the number m of observed pixels, or their fraction (0.5 by default; m rounds to the nearest), drawn
            without replacement; not with `mask`.
        columns: n; may be left out when `signal.shape` or `mask` is given.
        seed: of the random generator (0 by default); not with `mask`.
        mask: a picture or an array (`.npy`, `.npz`, `.mat`), relative to the problem file: pixels that are not 0 are
            observed. PNG keeps zeros; JPEG does not.
        key: the mask's name in an `.npz` or `.mat` file.
    """

    rows: int | float | None = count_or_fraction(None)
    columns: int | None = integer(None, minimum=1)
    seed: int | None = seed(None)
    mask: str | None = text(None, expected='the path of a picture, such as "mask.png", or of an array')
    key: str | None = text(None, expected="the name of an array")

    def check(self) -> None:
        """Refuse a random mask beside one that is given."""
        for name in ("rows", "seed"):
            value = getattr(self, name)
            if self.mask is not None and value is not None:
                raise InputError(
                    f"operator.{name}: found {value} beside mask, which says what is observed; leave {name} out"
                )
        if self.mask is None and self.key is not None:
            raise InputError("operator.key: names the array of a mask's file; expected operator.mask, or no key")
        if self.mask is None:
            object.__setattr__(self, "rows", 0.5 if self.rows is None else self.rows)
            object.__setattr__(self, "seed", self.seed or 0)

    def build(self, setting: Setting) -> Operator:
        """Read the mask, or draw the observed pixels."""
        if self.mask is not None:
            return self._from_mask(setting, self.mask)
        n = setting.columns(self.columns)
        assert self.rows is not None and self.seed is not None
        if n > MOST_PIXELS:
            raise InputError(f"operator.columns: found {n} pixels, expected at most {MOST_PIXELS}; use a smaller image")
        m = number_of_rows(self.rows, n)
        indices = random_subset(m, n, self.seed)
        return selection_operator(indices, n, domain_shape=setting.shape)

    def _from_mask(self, setting: Setting, path: str) -> Operator:
        arrays = setting.load(path)
        mask = take(arrays, self.key or "mask", path)
        if path.lower().endswith((".jpg", ".jpeg")) and set(arrays) == {SINGLE}:
            _refuse_grey(mask, path)
        shape: Any = setting.shape or (tuple(mask.shape) if mask.ndim == 2 and 1 not in mask.shape else None)
        n = mask.size
        for name, stated in (("operator.columns", self.columns), ("signal.shape", setting.shape)):
            if stated is not None and np.prod(stated) != n:
                found = list(stated) if isinstance(stated, tuple) else stated
                raise InputError(
                    f"{name}: found {found}, but {path} has {' × '.join(map(str, mask.shape))} = {n} pixels; leave "
                    f"{name} out, or resize the mask"
                )
        indices = np.flatnonzero(mask)
        if indices.size == 0:
            raise InputError(f"{path}: found only zeros, expected observed pixels, which are not 0")
        return selection_operator(indices, n, domain_shape=shape)


def _refuse_grey(mask: np.ndarray, path: str) -> None:
    """JPEG changes zeros to small numbers, which would count as observed."""
    middle = np.count_nonzero((mask > 0) & (mask < mask.max()))
    if middle:
        raise InputError(
            f"{path}: found {middle} grey pixels in a JPEG, whose compression changes zeros; save the mask as PNG, or "
            "as .npy of 0 and 1"
        )


def selection_operator(indices: np.ndarray, columns: int, domain_shape: tuple[int, ...] | None = None) -> Operator:
    """Make the operator that keeps the given coordinates.

    Args:
        indices: (m,) distinct integers in [0, n).
        columns: n.
        domain_shape: the signal's shape as an image, or None.

    Example:
        >>> selection_operator(np.array([0, 2]), 3).to_dense()
        array([[1., 0., 0.],
               [0., 0., 1.]])
    """
    return Operator(
        Selection(np.asarray(indices, np.int64), columns),
        range_shape=domain_shape,
        range_indices=indices,
        kind="inpainting",
        domain_shape=domain_shape,
    )


def number_of_rows(rows: int | float, columns: int) -> int:
    """Give m from a count or a fraction of n; at most n.

    Example:
        >>> number_of_rows(0.5, 9), number_of_rows(3, 9)
        (4, 3)
    """
    count = rows if isinstance(rows, int) else max(1, round(rows * columns))
    if count > columns:
        raise InputError(f"operator.rows: found {count}, expected at most the number of columns {columns}")
    return count


def random_subset(count: int, total: int, seed: int) -> np.ndarray:
    """Draw `count` of 0 … total−1 without replacement, sorted."""
    return np.sort(np.random.default_rng(seed).permutation(total)[:count])
