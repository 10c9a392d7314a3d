"""φ, φ' and φ'' of every elementary function as registered formulas: derived when they are asked for."""

from __future__ import annotations

from dipproofs.theory.core import define
from dipproofs.theory.elementary import NEW

for _function in NEW:
    for _order, _key in enumerate(("phi", "dphi", "ddphi")):
        define(f"elementary.{_function.name}.{_key}", _function.derivative(_order), f"{_function.name}: {_key}", "§4")
