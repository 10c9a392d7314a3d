"""Families of networks, as data for the theorem: one file each."""

from __future__ import annotations

from dipproofs.theory.architectures import graph_nodes  # registers its formulas
from dipproofs.theory.architectures.base import Architecture, NetworkFormat
from dipproofs.theory.architectures.graph import FORMATS as GRAPH_FORMATS
from dipproofs.theory.architectures.graph import GRAPH
from dipproofs.theory.architectures.graph import STATED as GRAPH_STATED
from dipproofs.theory.architectures.two_layer import ARCHITECTURES as TWO_LAYER
from dipproofs.theory.architectures.two_layer import FORMATS as TWO_LAYER_FORMATS
from dipproofs.theory.architectures.two_layer import STATED as TWO_LAYER_STATED

#: Architectures by id.
ARCHITECTURES: dict[str, Architecture] = {a.id: a for a in (*TWO_LAYER.values(), GRAPH)}

#: Quantities that a proof states beside those of every network, where its architecture has them.
STATED = frozenset({"sigma_J", "lipschitz_J", *TWO_LAYER_STATED, *GRAPH_STATED})

#: What certificates store, by kind of network.
FORMATS: dict[str, NetworkFormat] = {**TWO_LAYER_FORMATS, **GRAPH_FORMATS}

__all__ = ["ARCHITECTURES", "FORMATS", "STATED", "Architecture", "NetworkFormat", "graph_nodes"]
