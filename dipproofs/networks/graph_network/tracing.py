"""Networks from JAX functions and torch modules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dipproofs.errors import InputError, named_arguments
from dipproofs.networks.graph_network.network import GraphNetwork


@named_arguments
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


@named_arguments
def from_torch(module: Any, z: Any, *, output_shape: Sequence[int] | None = None) -> GraphNetwork:
    """Return the network of a torch module for a fixed input.

    Args:
        module: a `torch.nn.Module` in the mode in which it is used: in training mode batch normalisation uses the
            statistics of the one image, as the deep image prior does; in evaluation mode it is a fixed affine map.
        z: the fixed input, a tensor (1, C, …) or what `module` takes; a tuple for several inputs.
        output_shape: shape of the image; by default that of the result without leading axes of length 1.

    Returns:
        The network; its parameters are the keys of the state_dict with ``/`` for ``.``. Those without `requires_grad`
        are constants.

    Raises:
        InputError: torch is not installed, something has no graph operation (it is named, with what to do), or outputs
            or gradients of the graph differ from the module's.

    Notes:
        The graph is compared with the module in float64 at several parameters.
        Source: docs/reference/graph-format.md.
    """
    try:
        from dipproofs.graph.trace_torch import trace
    except ImportError as error:
        if error.name and not error.name.startswith("torch"):
            raise
        raise InputError('from_torch: torch is not installed; pip install "dipproofs[torch]"') from None
    return GraphNetwork(*trace(module, z, output_shape=output_shape), label="torch module")
