"""What tracing needs whatever framework the function came from: lazy entrywise chains, recognition, comparison."""

from __future__ import annotations

from dipproofs.graph.tracing.algebra import Lazy, Poison, Tracer, Value

__all__ = ["Lazy", "Poison", "Tracer", "Value"]
