"""Which networks `[network]` can ask for."""

from __future__ import annotations

from dipproofs.problems.library_options import LIBRARY
from dipproofs.problems.network_base import NetworkOptions
from dipproofs.problems.two_layer_options import FileNetworkOptions, SynthesisOptions, TwoLayerOptions

NETWORKS: dict[str, type[NetworkOptions]] = {
    "two-layer": TwoLayerOptions,
    "two-layer-synthesis": SynthesisOptions,
    **LIBRARY,
    "file": FileNetworkOptions,
}
"""The kinds of `[network]` by name."""
