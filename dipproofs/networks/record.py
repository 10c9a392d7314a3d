"""A stored network: its output, its trained arrays and what it is in words, whatever its kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from dipproofs.errors import InputError
from dipproofs.networks.graph_network import record as graph_network
from dipproofs.networks.two_layer import record as two_layer


class Record(Protocol):
    """What a kind of network tells of its description and arrays in a certificate."""

    def output(self, described: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return g(θ), (n,), in floats."""

    def trained(self, described: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> list[str]:
        """Return the keys of the trained arrays that are stored."""

    def sentence(self, described: Mapping[str, Any]) -> str:
        """Say in words what the network is."""


#: How to read a stored network, by its kind.
RECORDS: dict[str, Record] = {"two-layer": two_layer, "two-layer-synthesis": two_layer, "graph": graph_network}


def record_of(described: Mapping[str, Any]) -> Record:
    """Return how to read a network of this description (``certificate["network"]``).

    Raises:
        InputError: a kind that no network has.
    """
    kind = described.get("kind", "two-layer")
    if kind not in RECORDS:
        raise InputError(f"certificate network.kind: found {kind!r}, expected one of {', '.join(RECORDS)}")
    return RECORDS[kind]
