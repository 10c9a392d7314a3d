"""The rules by name of the operation: one entry for each of `dipproofs.graph.OPERATIONS`."""

from __future__ import annotations

from dipproofs.networks.graph_network.nodes.base import NodeRule
from dipproofs.networks.graph_network.nodes.bilinear import Conv, Matmul
from dipproofs.networks.graph_network.nodes.entrywise import Entrywise, Product, Softmax
from dipproofs.networks.graph_network.nodes.linear import Add, Contract, Frozen, Gather, Leaf, Scale, Shift, Sum
from dipproofs.networks.graph_network.nodes.normalise import Normalise

RULES: dict[str, NodeRule] = {
    "parameter": Leaf(),
    "constant": Leaf(),
    "gather": Gather(),
    "contract": Contract(),
    "sum": Sum(),
    "scale": Scale(),
    "shift": Shift(),
    "add": Add(),
    "conv": Conv(),
    "matmul": Matmul(),
    "product": Product(),
    "entrywise": Entrywise(),
    "piecewise": Frozen(),
    "maximum": Frozen(),
    "normalise": Normalise(),
    "softmax": Softmax(),
}

__all__ = ["RULES", "NodeRule"]
