"""What is trained: networks with their forward map, gradient and exact arrays."""

from __future__ import annotations

from dipproofs.networks.base import Enclosure, Network
from dipproofs.networks.graph_network import GraphNetwork, from_jax, from_torch
from dipproofs.networks.library import MLP, SIREN, Convolutional, Decoder, Skip
from dipproofs.networks.two_layer import TwoLayer

__all__ = [
    "MLP",
    "SIREN",
    "Convolutional",
    "Decoder",
    "Enclosure",
    "GraphNetwork",
    "Network",
    "Skip",
    "TwoLayer",
    "from_jax",
    "from_torch",
]
