"""The shape of the image that a traced function returns."""

from __future__ import annotations

import math
from collections.abc import Sequence

from dipproofs.errors import InputError


def image_shape(shape: tuple[int, ...], wanted: Sequence[int] | None, who: str, *, last: bool) -> tuple[int, ...]:
    """Return the shape asked for, or that of the result without axes of length 1 at the front (and at the end).

    Args:
        shape: of the result. wanted: asked for, or None. who: beginning of the message. last: whether at the end, too.

    Raises:
        InputError: another number of entries.

    Example:
        >>> image_shape((1, 3, 4, 1), None, "from_jax", last=True), image_shape((1, 3, 4, 1), (12,), "x", last=True)
        ((3, 4), (12,))
    """
    if wanted is None:
        core = list(shape) or [1]
        while len(core) > 1 and core[0] == 1:
            core.pop(0)
        while last and len(core) > 2 and core[-1] == 1:
            core.pop()
        return tuple(core)
    target = tuple(int(n) for n in wanted)
    if math.prod(target) != math.prod(shape):
        raise InputError(f"{who}: output_shape: found {target}, expected {math.prod(shape)} entries as in {shape}")
    return target
