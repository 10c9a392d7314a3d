"""Networks given by a computation graph."""

from __future__ import annotations

from dipproofs.networks.graph_network.network import GraphNetwork
from dipproofs.networks.graph_network.tracing import from_jax, from_torch

__all__ = ["GraphNetwork", "from_jax", "from_torch"]
