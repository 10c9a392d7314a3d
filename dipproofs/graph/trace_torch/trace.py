"""Trace `module(z)` and compare the graph with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn.attention import SDPBackend, sdpa_kernel

from dipproofs.errors import InputError, one_line
from dipproofs.graph.format import Graph
from dipproofs.graph.trace_torch.decompositions import decompositions
from dipproofs.graph.trace_torch.function import Function
from dipproofs.graph.trace_torch.interpreter import run
from dipproofs.graph.tracing.algebra import Tracer
from dipproofs.graph.tracing.compare import compare
from dipproofs.graph.tracing.output_shape import image_shape

#: Agreement asked for, relative to the largest entry: some gradients of torch have constants rounded to float32.
TOLERANCE = 1e-7


def trace(
    module: torch.nn.Module, z: torch.Tensor | Sequence[torch.Tensor], *, output_shape: Sequence[int] | None = None
) -> tuple[Graph, dict[str, np.ndarray]]:
    """Return the graph of a module for a fixed input, and its trained parameters by name.

    Args:
        module: in the mode in which it is used; batch statistics of training mode are part of the function.
        z: the fixed input, or a tuple of inputs, floating point.
        output_shape: shape of the image, by default that of the result without axes of length 1 at the front.

    Raises:
        InputError: something cannot be represented (the operation is named), or the graph computes something else.
    """
    function = Function.of(module, z)
    parameters = function.parameters
    program, out = _program(function)
    shape = image_shape(tuple(out.shape), output_shape, "from_torch", last=False)
    names = {name: name.replace(".", "/") for name in parameters}
    tracer = Tracer()
    placed = [tracer.parameter(names[name], value.shape) for name, value in parameters.items()]
    result = run(tracer, program, [*placed, *function.fixed.values()])
    graph = tracer.finish(tracer.spread(result, tuple(out.shape)), shape)
    function.require_repeatable(out)
    values = {names[name]: value for name, value in parameters.items()}
    compare(graph, values, _pullback(function, list(values), shape), "from_torch", TOLERANCE)
    return graph, values


def _program(function: Function) -> tuple[Any, Any]:
    try:
        with torch.no_grad():
            out, after = function.called(function.fixed)
    except Exception as error:
        raise InputError(f"from_torch: module(z) fails: {one_line(error, 200)}") from None
    if not isinstance(out, torch.Tensor) or not out.is_floating_point():
        found = out.dtype if isinstance(out, torch.Tensor) else type(out).__name__
        raise InputError(f"from_torch: module(z) returns {found}, expected one real tensor, the image")
    function.require_settled(out, after)
    try:
        with torch.enable_grad(), sdpa_kernel(SDPBackend.MATH):
            pure = torch.func.functionalize(function.whole, remove="mutations")  # an argument may be changed in place
            traced = make_fx(pure, decomposition_table=decompositions(), tracing_mode="real")
            program = traced(*function.start(), *function.fixed.values())
    except Exception as error:
        raise InputError(
            f"from_torch: the module cannot be traced ({one_line(error, 200)}); expected no branches or loops "
            "that depend on values of tensors"
        ) from None
    program.graph.eliminate_dead_code()
    return program, out


def _pullback(function: Callable[..., Any], names: list[str], shape: tuple[int, ...]) -> Callable[..., Any]:
    def value_and_pullback(
        values: dict[str, np.ndarray], cotangent: np.ndarray
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        arrays = [torch.tensor(values[name], dtype=torch.float64, requires_grad=True) for name in names]
        result = function(*arrays)
        seed = torch.as_tensor(cotangent).reshape(result.shape)
        try:
            back = torch.autograd.grad(result, arrays, seed, allow_unused=True)
        except RuntimeError as error:
            raise InputError(
                f"from_torch: torch cannot differentiate the module ({one_line(error, 200)}); expected an output that"
                " depends on trained parameters, and no change in place of what the gradient needs"
            ) from None
        filled = [torch.zeros_like(a) if b is None else b for a, b in zip(arrays, back)]
        return result.detach().numpy().reshape(shape), {name: b.numpy() for name, b in zip(names, filled)}

    return value_and_pullback
