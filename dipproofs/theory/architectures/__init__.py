"""Families of networks, as data for the theorem: one file each."""

from __future__ import annotations

from dipproofs.theory.architectures import graph_nodes  # registers its formulas
from dipproofs.theory.architectures.base import Architecture
from dipproofs.theory.architectures.graph import GRAPH
from dipproofs.theory.architectures.two_layer import ARCHITECTURES as TWO_LAYER

#: Architectures by id.
ARCHITECTURES: dict[str, Architecture] = {a.id: a for a in (*TWO_LAYER.values(), GRAPH)}

__all__ = ["ARCHITECTURES", "Architecture", "graph_nodes"]
