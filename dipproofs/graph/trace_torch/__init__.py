"""From a torch module and its input to a graph: the only files that know torch."""

from __future__ import annotations

from dipproofs.graph.trace_torch.trace import trace

__all__ = ["trace"]
