"""The operations of a graph by name: a closed list; a new one is one new class and one line here.

It also needs a rule in `dipproofs.graph.lower_jax`, in `networks.graph_network` and in `verify`.
"""

from __future__ import annotations

from dipproofs.graph.operations.base import Operation
from dipproofs.graph.operations.convolution import Conv
from dipproofs.graph.operations.entrywise import Entrywise
from dipproofs.graph.operations.gather import Gather
from dipproofs.graph.operations.leaves import Constant, Parameter
from dipproofs.graph.operations.linear import Add, Contract, Scale, Shift, Sum
from dipproofs.graph.operations.normalisation import Normalise, Softmax
from dipproofs.graph.operations.piecewise import Maximum, Piecewise
from dipproofs.graph.operations.products import Matmul, Product

#: Every operation by name.
OPERATIONS: dict[str, Operation] = {
    operation.name: operation
    for operation in (
        Parameter(),
        Constant(),
        Gather(),
        Contract(),
        Sum(),
        Scale(),
        Shift(),
        Add(),
        Conv(),
        Matmul(),
        Product(),
        Entrywise(),
        Piecewise(),
        Maximum(),
        Normalise(),
        Softmax(),
    )
}

__all__ = ["OPERATIONS", "Operation"]
