"""What a stored network given by a computation graph is, from its description and arrays in a certificate."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from dipproofs.graph import Graph, evaluate

_THETA, _CONSTANT = "theta/", "constant/"


def output(described: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return g(θ), (n,), in floats."""
    constants, values = (
        {name.removeprefix(prefix): a for name, a in arrays.items() if name.startswith(prefix)}
        for prefix in (_CONSTANT, _THETA)
    )
    return evaluate(Graph.from_json(described["graph"], constants), values)


def trained(described: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> list[str]:
    """Return the keys of the trained arrays that are stored."""
    return [name for name in arrays if name.startswith(_THETA)]


def sentence(described: Mapping[str, Any]) -> str:
    """Say in words what the network is."""
    shapes = (described["graph"].get("parameters") or {}).values()
    size = sum(math.prod(shape) for shape in shapes if isinstance(shape, list | tuple))
    words = f"{described.get('label') or 'graph'} network"
    return f"{words}, {_grouped(size)} parameters" if size else words


def _grouped(number: int) -> str:
    return f"{number:,}".replace(",", "\xa0")
