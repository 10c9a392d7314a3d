"""From a JAX function of a pytree of parameters to a graph: the only files that know jaxprs."""

from __future__ import annotations

from dipproofs.graph.trace_jax.trace import trace

__all__ = ["trace"]
