"""Walk through a program of ATen operations; what does not depend on parameters is computed by torch."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from dipproofs.graph.trace_torch import entrywise, index_rules, layers, reductions
from dipproofs.graph.trace_torch.buffers import FACTORIES, View, done, made
from dipproofs.graph.tracing.algebra import Lazy, Poison, Tracer, Value

RULES: dict[str, Callable[..., Any]] = {**entrywise.RULES, **index_rules.RULES, **layers.RULES, **reductions.RULES}
RANDOM = ("bernoulli", "native_dropout", "rand", "randn", "rrelu", "normal", "uniform")


def run(tracer: Tracer, program: Any, inputs: Sequence[Value]) -> Value:
    """Return the output of a traced program for its inputs."""
    known: dict[Any, Any] = {}
    waiting = iter(inputs)

    def read(argument: Any) -> Any:
        return torch.fx.node.map_arg(argument, lambda node: known[node])

    for node in program.graph.nodes:
        if node.op == "placeholder":
            known[node] = next(waiting)
        elif node.op == "get_attr":
            inner = getattr(program, node.target)
            known[node] = inner.detach() if isinstance(inner, torch.Tensor) else inner  # a branch of torch.cond
        elif node.op == "output":
            result = node.args[0]
            result = result[0] if isinstance(result, tuple | list) else result
            return _value(_mapped(known[result], lambda v: v.read(tracer) if isinstance(v, View) else v))
        else:
            known[node] = _call(tracer, node, read(node.args), read(node.kwargs))
    raise AssertionError("a program without output")


def _call(tracer: Tracer, node: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if node.target is operator.getitem:
        return args[0] if isinstance(args[0], Poison) else args[0][args[1]]
    name = node.target.overloadpacket.__name__ if hasattr(node.target, "overloadpacket") else str(node.target)
    short = name.rstrip("_") if not name.startswith("_") else name
    if short.startswith(RANDOM):
        return Poison(f"from_torch: found {name}, expected no random numbers; draw noise once and give it as input")
    if name in FACTORIES:
        return made(args[1] if name.startswith("new") else args[0] if "like" not in name else tracer.shape(args[0]))
    view = done(tracer, name, node.target, args, kwargs)
    if view is not None:
        return view
    args, kwargs = _mapped((args, kwargs), lambda v: v.read(tracer) if isinstance(v, View) else v)
    leaves = list(_flat([args, kwargs]))
    bad = next((v for v in leaves if isinstance(v, Poison)), None)
    if bad is not None:
        return bad
    if not any(isinstance(v, Lazy) for v in leaves):
        with torch.no_grad():
            return node.target(*_tensors(args), **_tensors(kwargs))
    rule = RULES.get(short)
    if rule is None:
        return Poison(
            f"from_torch: found the operation {name}, which has no graph operation; write the module with operations of"
            " docs/reference/graph-format.md"
        )
    return rule(tracer, node.target, _arrays(args), _arrays(kwargs))


def _flat(value: Any) -> Any:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            yield from _flat(item)
    else:
        yield value


def _mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        return {key: _mapped(item, change) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_mapped(item, change) for item in value)
    return change(value)


def _tensors(value: Any) -> Any:
    return _mapped(value, lambda v: torch.as_tensor(v) if isinstance(v, np.ndarray) else v)


def _arrays(value: Any) -> Any:
    return _mapped(value, lambda v: v.detach().numpy() if isinstance(v, torch.Tensor) else v)


def _value(value: Any) -> Value:
    result: Value = value.detach().numpy() if isinstance(value, torch.Tensor) else value
    return result
