"""Operations that are written as others: torch's own decompositions, where there is no rule here."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from torch._decomp import core_aten_decompositions, decomposition_table

from dipproofs.graph.trace_torch.buffers import FACTORIES
from dipproofs.graph.trace_torch.interpreter import RANDOM, RULES

#: Decomposed too, though torch counts them as basic.
_BASIC = ("linalg_vector_norm", "addmv", "grid_sampler_2d", "cumsum")


@cache
def decompositions() -> dict[Any, Callable[..., Any]]:
    """Return by operation what computes the same by others."""
    found = dict(core_aten_decompositions())
    found |= {op: how for op, how in decomposition_table.items() if _name(op) in _BASIC}
    return {op: how for op, how in found.items() if not _kept(_name(op))}


def _name(op: Any) -> str:
    return str(op.overloadpacket.__name__) if hasattr(op, "overloadpacket") else str(op)


def _kept(name: str) -> bool:
    return name.rstrip("_") in RULES or name in RULES or name in FACTORIES or name.startswith(RANDOM)
