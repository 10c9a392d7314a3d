"""Rules for entrywise primitives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from dipproofs.graph.tracing.algebra import Lazy, Poison, Tracer, Value

Rule = Callable[[Tracer, Any, list[Value]], Value]
UNARY = {
    "neg": "neg",
    "exp": "exp",
    "exp2": "exp2",
    "expm1": "expm1",
    "log": "log",
    "log1p": "log1p",
    "tanh": "tanh",
    "logistic": "sigmoid",
    "erf": "erf",
    "erfc": "erfc",
    "sin": "sin",
    "cos": "cos",
    "sinh": "sinh",
    "cosh": "cosh",
    "asinh": "asinh",
    "atan": "atan",
    "sqrt": "sqrt",
    "rsqrt": "rsqrt",
    "abs": "abs",
    "sign": "sign",
    "square": "square",
    "is_finite": "is_finite",
    "not": "not",
}
BINARY = {
    **{
        name: name
        for name in ("add", "sub", "mul", "div", "max", "min", "gt", "ge", "lt", "le", "eq", "ne", "and", "or")
    },
    "add_any": "add",
}


def _unary(op: str) -> Rule:
    return lambda tracer, equation, values: tracer.unary(op, values[0])


def _binary(op: str) -> Rule:
    return lambda tracer, equation, values: tracer.binary(op, *values)


def _integer_pow(tracer: Tracer, equation: Any, values: list[Value]) -> Value:
    return tracer.binary("pow", values[0], np.array(float(equation.params["y"])))


def _pow(tracer: Tracer, equation: Any, values: list[Value]) -> Value:
    if isinstance(values[1], Lazy):
        return Poison("from_jax: found pow with a trained exponent, expected a number; use exp and log")
    return tracer.binary("pow", *values)


def _select(tracer: Tracer, equation: Any, values: list[Value]) -> Value:
    if len(values) != 3:
        return Poison(f"from_jax: found select_n of {len(values) - 1} pieces, expected 2; use nested jnp.where")
    return tracer.select(values[0], values[1], values[2])


def _clamp(tracer: Tracer, equation: Any, values: list[Value]) -> Value:
    low, x, high = values
    return tracer.binary("min", tracer.binary("max", x, low), high)


def _convert(tracer: Tracer, equation: Any, values: list[Value]) -> Value:
    target = equation.params["new_dtype"]
    if jnp.issubdtype(target, jnp.floating) and jnp.finfo(target).bits < 32:
        return Poison(
            f"from_jax: found a conversion to {target}, expected float32 or float64; give the module dtype=None"
        )
    if not jnp.issubdtype(target, jnp.floating):
        return Poison(
            f"from_jax: found a conversion of trained values to {target}, expected real numbers;"
            " branches and indices cannot depend on parameters"
        )
    return values[0]


def _reduce_precision(tracer: Tracer, equation: Any, values: list[Value]) -> Value:
    if equation.params["mantissa_bits"] >= 23:
        return values[0]
    return Poison("from_jax: found reduce_precision, expected float64 throughout; leave it out")


def _same(tracer: Tracer, equation: Any, values: list[Value]) -> Any:
    return list(values)


RULES: dict[str, Callable[..., Any]] = {
    **{name: _unary(op) for name, op in UNARY.items()},
    **{name: _binary(op) for name, op in BINARY.items()},
    "integer_pow": _integer_pow,
    "pow": _pow,
    "select_n": _select,
    "clamp": _clamp,
    "convert_element_type": _convert,
    "reduce_precision": _reduce_precision,
    "stop_gradient": lambda tracer, equation, values: tracer.stop(values[0]),
    **dict.fromkeys(("copy", "copy_p", "optimization_barrier", "sharding_constraint", "real", "name"), _same),
}
