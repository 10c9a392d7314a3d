"""What is trained: networks with their forward map, gradient and exact arrays."""

from __future__ import annotations

from dipproofs.networks.two_layer import TwoLayer

__all__ = ["TwoLayer"]
