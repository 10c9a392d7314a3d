"""Trace `module(z)` and compare the graph with it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn.attention import SDPBackend, sdpa_kernel

from dipproofs.errors import InputError, one_line
from dipproofs.graph.format import Graph
from dipproofs.graph.trace_torch.interpreter import run
from dipproofs.graph.tracing.algebra import Tracer
from dipproofs.graph.tracing.compare import compare
from dipproofs.graph.tracing.output_shape import image_shape

#: Agreement asked for, relative to the largest entry: some gradients of torch have constants rounded to float32.
TOLERANCE = 1e-7
#: Layers that draw random numbers while a module is in training mode.
RANDOM = (
    torch.nn.Dropout,
    torch.nn.Dropout1d,
    torch.nn.Dropout2d,
    torch.nn.Dropout3d,
    torch.nn.AlphaDropout,
    torch.nn.FeatureAlphaDropout,
    torch.nn.RReLU,
)


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
    inputs = _inputs(z)
    parameters = _parameters(module)
    _refuse_random(module)
    double = copy.deepcopy(module).double()
    state = {**dict(double.named_parameters()), **dict(double.named_buffers())}
    fixed = {name: value.detach().clone() for name, value in state.items() if name not in parameters}

    def function(*arrays: Any) -> Any:
        given = {**{k: v.clone() for k, v in fixed.items()}, **dict(zip(parameters, arrays))}
        return torch.func.functional_call(double, given, inputs)

    start = [torch.as_tensor(value, dtype=torch.float64) for value in parameters.values()]
    program, out = _program(function, start)
    shape = image_shape(tuple(out.shape), output_shape, "from_torch", last=False)
    names = {name: name.replace(".", "/") for name in parameters}
    tracer = Tracer()
    placed = [tracer.parameter(names[name], value.shape) for name, value in parameters.items()]
    graph = tracer.finish(tracer.spread(run(tracer, program, placed), tuple(out.shape)), shape)
    values = {names[name]: value for name, value in parameters.items()}
    compare(graph, values, _pullback(function, list(values), shape), "from_torch", TOLERANCE)
    return graph, values


def _program(function: Callable[..., Any], start: list[Any]) -> tuple[Any, Any]:
    try:
        with torch.no_grad():
            out = function(*start)
    except Exception as error:
        raise InputError(f"from_torch: module(z) fails: {one_line(error, 200)}") from None
    if not isinstance(out, torch.Tensor) or not out.is_floating_point():
        found = out.dtype if isinstance(out, torch.Tensor) else type(out).__name__
        raise InputError(f"from_torch: module(z) returns {found}, expected one real tensor, the image")
    try:
        with torch.enable_grad(), sdpa_kernel(SDPBackend.MATH):
            program = make_fx(torch.func.functionalize(function, remove="mutations"), tracing_mode="real")(*start)
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
        back = torch.autograd.grad(result, arrays, seed, allow_unused=True)
        filled = [torch.zeros_like(a) if b is None else b for a, b in zip(arrays, back)]
        return result.detach().numpy().reshape(shape), {name: b.numpy() for name, b in zip(names, filled)}

    return value_and_pullback


def _inputs(z: Any) -> tuple[Any, ...]:
    given = tuple(z) if isinstance(z, tuple | list) else (z,)
    for value in given:
        if not isinstance(value, torch.Tensor) or not value.is_floating_point():
            found = value.dtype if isinstance(value, torch.Tensor) else type(value).__name__
            raise InputError(f"from_torch: z: found {found}, expected a tensor of floating-point numbers")
        if not torch.isfinite(value).all():
            raise InputError("from_torch: z: found entries that are not finite, expected finite numbers")
    return tuple(value.detach().to("cpu", torch.float64) for value in given)


def _parameters(module: Any) -> dict[str, np.ndarray]:
    if not isinstance(module, torch.nn.Module):
        raise InputError(f"from_torch: module: found {type(module).__name__}, expected a torch.nn.Module")
    values = {}
    for name, value in module.named_parameters():
        if isinstance(value, torch.nn.parameter.UninitializedParameter):
            raise InputError(f"from_torch: parameter {name} has no shape yet; call module(z) once before")
        if value.dtype not in (torch.float32, torch.float64):
            raise InputError(f"from_torch: parameter {name}: found {value.dtype}, expected float32 or float64; convert")
        if not torch.isfinite(value).all():
            raise InputError(f"from_torch: parameter {name}: found entries that are not finite, expected numbers")
        if value.requires_grad:
            values[name] = value.detach().cpu().numpy().copy()
    if not values:
        raise InputError("from_torch: the module has no trained parameters, expected some with requires_grad")
    return values


def _refuse_random(module: torch.nn.Module) -> None:
    for name, layer in module.named_modules():
        if isinstance(layer, RANDOM) and layer.training and getattr(layer, "p", 1.0) > 0:
            raise InputError(
                f"from_torch: {name or 'the module'} ({type(layer).__name__}) draws random numbers in training mode,"
                f" expected none; call .eval() on that layer, or leave it out"
            )
