"""How far a polish moved the parameters, measured again: the claim of existence counts from the run's end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import flint
import numpy as np

from dipproofs.certificate.read import is_number

POLISHED, RUN = "theta/", "theta_run/"
_BITS = 128


def check_polish(record: Mapping[str, Any], final: Mapping[str, np.ndarray] | None) -> list[str]:
    """Return what is wrong with ``polish`` of a record.

    Args:
        record: the certificate. final: arrays of its ``final``, the polished point, or None where there is none.
    """
    stated = record.get("polish")
    if stated is None:
        return []
    moved = stated.get("moved") if isinstance(stated, dict) else None
    if moved is None or not is_number(moved) or not moved >= 0:
        return [f"polish.moved: found {moved!r}, expected a number ≥ 0"]
    names = [name.removeprefix(POLISHED) for name in final or () if name.startswith(POLISHED)]
    if final is None or not names:
        return ["polish: found no polished parameters, expected them in the arrays of final"]
    missing = [n for n in names if RUN + n not in final or final[RUN + n].shape != final[POLISHED + n].shape]
    if missing:
        return [
            f"polish: found no array {RUN}{missing[0]} of the shape of {POLISHED}{missing[0]}, expected the run's end"
        ]
    with flint.ctx.workprec(_BITS):
        square = flint.arb(0)
        for name in names:
            here, there = final[POLISHED + name].ravel(), final[RUN + name].ravel()
            for i in np.flatnonzero(here != there):
                square += (flint.arb(float(here[i])) - flint.arb(float(there[i]))) ** 2
        if bool(flint.arb(float(moved)) ** 2 >= square):
            return []
    return [f"polish.moved: found {moved!r}, expected at least {float(square.sqrt())!r}, the distance of the arrays"]
