"""Networks given by a computation graph."""

from __future__ import annotations

from dipproofs.networks.graph_network.network import GraphNetwork

__all__ = ["GraphNetwork"]
