"""Networks as the verifier reads them, one module a kind."""

from __future__ import annotations

import importlib
from typing import cast

from dipproofs.verify.networks.base import Claims, Interpreter, Kind

#: Modules by kind, loaded when first used.
INTERPRETERS = {"two-layer": "two_layer", "two-layer-synthesis": "two_layer", "graph": "graph"}

__all__ = ["INTERPRETERS", "Claims", "Interpreter", "Kind", "kind_of"]


def kind_of(name: str) -> Kind:
    """Return the module that reads a kind of network.

    Raises:
        ValueError: no such kind.
    """
    if name not in INTERPRETERS:
        raise ValueError(f"network.kind: found {name!r}, expected one of {', '.join(INTERPRETERS)}")
    return cast(Kind, importlib.import_module(f"{__name__}.{INTERPRETERS[name]}"))
