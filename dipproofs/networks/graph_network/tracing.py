"""Networks from JAX functions and torch modules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dipproofs.networks.graph_network.network import GraphNetwork


def from_jax(apply: Callable[[Any], Any], params: Any, *, output_shape: Sequence[int] | None = None) -> GraphNetwork:
    """Return the network of a JAX function: Flax, Equinox, Haiku or plain JAX.

    Args:
        apply: function of the parameters alone; returns the image, of any shape. Inputs are fixed inside of it.
        params: pytree; its float arrays are trained, anything that is no array is passed on.
        output_shape: shape of the image; by default that of the result without leading and trailing axes of length 1.

    Returns:
        The network; its parameters are named by their paths in the pytree, parts joined by ``/``.

    Raises:
        InputError: something has no graph operation (the primitive is named, with what to do), or outputs or gradients
            of the graph differ from the function's.

    Notes:
        The graph is compared with the function in float64 at several parameters.
        Source: docs/reference/graph-format.md.

    Example:
        >>> import numpy as np, jax.numpy as jnp
        >>> z = np.linspace(-1, 1, 12).reshape(3, 4)
        >>> network = from_jax(lambda p: jnp.tanh(p["w"] @ z), {"w": np.ones((2, 3))})
        >>> network.output_shape, list(network.parameters())
        ((2, 4), ['w'])
    """
    from dipproofs.graph.trace_jax import trace

    return GraphNetwork(*trace(apply, params, output_shape=output_shape), label="JAX function")
