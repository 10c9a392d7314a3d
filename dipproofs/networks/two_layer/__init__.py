"""The two-layer network: parameters, forward map, enclosures."""

from __future__ import annotations

from dipproofs.networks.two_layer.network import TwoLayer

__all__ = ["TwoLayer"]
