"""Trace `apply(params)` and compare the graph with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from dipproofs.errors import InputError, one_line
from dipproofs.graph.format import Graph
from dipproofs.graph.trace_jax.interpreter import Interpreter
from dipproofs.graph.trace_jax.leaves import Leaves
from dipproofs.graph.trace_jax.widen import decimal, widened
from dipproofs.graph.tracing.algebra import Tracer
from dipproofs.graph.tracing.compare import Pullback, compare
from dipproofs.graph.tracing.output_shape import image_shape

#: Agreement asked for with a function that runs in float32, relative to the largest entry.
SINGLE = 2e-3


def trace(
    apply: Callable[[Any], Any], params: Any, *, output_shape: Sequence[int] | None = None
) -> tuple[Graph, dict[str, np.ndarray]]:
    """Return the graph of a JAX function and its parameters by name.

    Args:
        apply: function of the parameters alone; returns one real array, the image. Inputs are fixed inside of it.
        params: pytree. Its float arrays are the parameters, whose number formats are kept; other leaves are constants.
        output_shape: shape of the image, by default that of the result without axes of length 1 at both ends.

    Raises:
        InputError: something cannot be represented (the primitive is named), or the graph computes something else.

    Notes:
        Traced and compared in float64. Source: docs/reference/graph-format.md.
    """
    leaves = Leaves.of(params)
    function = leaves.function(apply)
    with jax.enable_x64(True), jax.default_matmul_precision("highest"):
        try:
            graph = _in_double(function, leaves, output_shape)
        except Exception as error:
            if "float16" in str(error) or all(value.dtype == np.float64 for value in leaves.values.values()):
                raise _refusal(error) from None
            graph = None
    if graph is None:  # arrays closed over in float32 do not mix with float64 in every operation
        graph = _in_single(function, leaves, output_shape)
    return graph, leaves.values


def _in_double(function: Callable[..., Any], leaves: Leaves, output_shape: Sequence[int] | None) -> Graph:
    """Trace with parameters in float64."""
    closed = _jaxpr(function, [jnp.asarray(value, jnp.float64) for value in leaves.values.values()])
    graph, shape = _graph(closed, leaves, output_shape)
    if any(v.aval.dtype == np.float32 for v in _variables(closed.jaxpr)):
        raise InputError(
            "from_jax: found float32 values computed from float64 parameters, expected one format; mix none"
        )
    compare(graph, leaves.values, _pullback(function, leaves, shape), "from_jax")
    return graph


def _in_single(function: Callable[..., Any], leaves: Leaves, output_shape: Sequence[int] | None) -> Graph:
    """Trace as the user runs it, read every operation as one of real numbers, compare in both precisions."""
    with jax.default_matmul_precision("highest"):
        try:
            closed = _jaxpr(function, [jnp.asarray(value) for value in leaves.values.values()])
        except Exception as error:
            raise _refusal(error) from None
        with jax.enable_x64(True):
            graph, shape = _graph(closed, leaves, output_shape, decimal)
            compare(graph, leaves.values, _pullback(widened(closed), leaves, shape), "from_jax")
        compare(graph, leaves.values, _pullback(function, leaves, shape, native=True), "from_jax", SINGLE)
    return graph


def _jaxpr(function: Callable[..., Any], arguments: list[Any]) -> Any:
    closed = jax.make_jaxpr(function)(*arguments)
    if len(closed.out_avals) != 1:
        raise InputError(f"from_jax: apply returns {len(closed.out_avals)} arrays, expected one image")
    out = closed.out_avals[0]
    if not jnp.issubdtype(out.dtype, jnp.floating):
        raise InputError(f"from_jax: apply returns {out.dtype}, expected real floating-point numbers")
    return closed


def _graph(
    closed: Any, leaves: Leaves, output_shape: Sequence[int] | None, literal: Callable[[Any], Any] = np.asarray
) -> tuple[Graph, tuple[int, ...]]:
    out = closed.out_avals[0]
    shape = image_shape(out.shape, output_shape, "from_jax", last=True)
    tracer = Tracer()
    inputs = [tracer.parameter(name, value.shape) for name, value in leaves.values.items()]
    result = Interpreter(tracer, literal).run(closed.jaxpr, closed.consts, inputs)
    return tracer.finish(tracer.spread(result[0], out.shape), shape), shape


def _pullback(
    function: Callable[..., Any], leaves: Leaves, shape: tuple[int, ...], *, native: bool = False
) -> Pullback:
    @jax.jit
    def both(arrays: list[Any], cotangent: Any) -> tuple[Any, Any]:
        result, pull = jax.vjp(function, *arrays)
        return result, pull(cotangent.reshape(result.shape).astype(result.dtype))

    def value_and_pullback(
        values: dict[str, np.ndarray], cotangent: np.ndarray
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        formats = {name: value.dtype if native else np.float64 for name, value in leaves.values.items()}
        result, back = both([jnp.asarray(values[k], formats[k]) for k in leaves.values], jnp.asarray(cotangent))
        return np.asarray(result).reshape(shape), dict(zip(leaves.values, map(np.asarray, back)))

    return value_and_pullback


def _variables(jaxpr: Any) -> list[Any]:
    """Variables that depend on the parameters, in the outermost program."""
    traced = set(jaxpr.invars)
    for equation in jaxpr.eqns:
        if any(not hasattr(atom, "val") and atom in traced for atom in equation.invars):
            traced |= set(equation.outvars)
    return [*traced]


def _refusal(error: Exception) -> InputError:
    if isinstance(error, InputError):
        return error
    return InputError(f"from_jax: apply(params) fails: {one_line(error, 200)}")
