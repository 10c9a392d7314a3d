"""Rules for entrywise operations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dipproofs.graph.tracing.algebra import Lazy, Poison, Tracer, Value
from dipproofs.graph.tracing.expressions import Expr, constant

UNARY = {
    **{name: name for name in ("neg", "exp", "exp2", "expm1", "log", "log1p", "tanh", "sigmoid", "erf", "erfc", "sin")},
    **{name: name for name in ("cos", "sinh", "cosh", "asinh", "atan", "sqrt", "rsqrt", "abs", "reciprocal", "square")},
    "sign": "sign",
    "logical_not": "not",
}
BINARY = {
    **{name: name for name in ("mul", "gt", "ge", "lt", "le", "eq", "ne")},
    "maximum": "max",
    "minimum": "min",
    "logical_and": "and",
    "logical_or": "or",
}


def chain(make: Callable[..., Expr]) -> Callable[..., Value]:
    """A rule for a function written as an expression of its first argument; the others are numbers."""

    def rule(tracer: Tracer, target: Any, args: Any, kwargs: Any) -> Value:
        x = args[0]
        return Lazy(x.source, make(x.expr, *args[1:], **kwargs))

    return rule


def _e(op: str, *args: Any) -> Expr:
    return Expr.make(op, *(a if isinstance(a, Expr) else constant(float(a)) for a in args))


def _leaky(x: Expr, slope: float = 0.01) -> Expr:
    return _e("select", _e("gt", x, 0.0), _e("mul", x, slope), x)


def _silu(x: Expr) -> Expr:
    return _e("mul", x, _e("sigmoid", x))


def _gelu(x: Expr, approximate: str = "none") -> Expr:
    if approximate == "tanh":
        inner = _e("mul", _e("add", x, _e("mul", 0.044715, _e("pow", x, 3.0))), float(np.sqrt(2 / np.pi)))
        return _e("mul", _e("mul", x, 0.5), _e("add", _e("tanh", inner), 1.0))
    return _e("mul", _e("mul", x, 0.5), _e("add", _e("erf", _e("mul", x, float(np.sqrt(0.5)))), 1.0))


def _softplus_plain(x: Expr) -> Expr:
    return _e("add", _e("max", x, 0.0), _e("log1p", _e("exp", _e("neg", _e("abs", x)))))


def _softplus(x: Expr, beta: float = 1.0, threshold: float = 20.0) -> Expr:
    return _e("div", _softplus_plain(_e("mul", x, beta)), beta) if beta != 1.0 else _softplus_plain(x)


def _elu(x: Expr, alpha: float = 1.0, scale: float = 1.0, input_scale: float = 1.0) -> Expr:
    low = _e("mul", _e("expm1", _e("mul", _e("min", x, 0.0), input_scale)), alpha * scale)
    return _e("add", _e("mul", _e("max", x, 0.0), scale), low)


def _clip(x: Expr, low: float | None = None, high: float | None = None) -> Expr:
    x = x if low is None else _e("max", x, low)
    return x if high is None else _e("min", x, high)


def _hard_sigmoid(x: Expr) -> Expr:
    return _e("div", _clip(_e("add", x, 3.0), 0.0, 6.0), 6.0)


def _softplus_rule(tracer: Tracer, target: Any, args: Any, kwargs: Any) -> Value:
    """As `chain`; torch replaces it by the identity above a threshold, which only the usual one hides in rounding."""
    threshold = kwargs.get("threshold", args[2] if len(args) > 2 else 20.0)
    if threshold < 20:
        return Poison(f"from_torch: found softplus with the threshold {threshold}, where it jumps, expected 20 or more")
    return chain(_softplus)(tracer, target, args, kwargs)


def _masked(tracer: Tracer, target: Any, args: Any, kwargs: Any) -> Value:
    value, mask, filler = args
    return tracer.select(_wrap(mask), _wrap(value), _wrap(filler))


def _pow(tracer: Tracer, target: Any, args: Any, kwargs: Any) -> Value:
    if isinstance(args[1], Lazy):
        return Poison("from_torch: found a power with a trained exponent, expected a number; use exp and log")
    return tracer.binary("pow", args[0], np.asarray(float(args[1])))


def _add(sign: float, swapped: bool = False) -> Callable[..., Value]:
    def rule(tracer: Tracer, target: Any, args: Any, kwargs: Any) -> Value:
        a, b = (args[1], args[0]) if swapped else (args[0], args[1])
        factor = float(kwargs.get("alpha", args[2] if len(args) > 2 else 1.0))
        if factor != 1.0 and not swapped:
            b = tracer.binary("mul", _wrap(b), np.asarray(factor))
        elif factor != 1.0:
            return Poison("from_torch: found rsub with alpha, expected none")
        return tracer.binary("add" if sign > 0 else "sub", _wrap(a), _wrap(b))

    return rule


def _div(tracer: Tracer, target: Any, args: Any, kwargs: Any) -> Value:
    if kwargs.get("rounding_mode") is not None:
        return Poison("from_torch: found a division with rounding, expected real numbers")
    return tracer.binary("div", _wrap(args[0]), _wrap(args[1]))


def _where(tracer: Tracer, target: Any, args: Any, kwargs: Any) -> Value:
    condition, yes, no = args
    return tracer.select(_wrap(condition), _wrap(no), _wrap(yes))


def _prelu(tracer: Tracer, target: Any, args: Any, kwargs: Any) -> Value:
    x, weight = args
    positive = Lazy(x.source, _e("max", x.expr, 0.0))
    negative = Lazy(x.source, _e("min", x.expr, 0.0))
    return tracer.binary("add", positive, tracer.binary("mul", negative, weight))


def _wrap(value: Any) -> Value:
    return value if isinstance(value, Lazy | Poison | np.ndarray) else np.asarray(float(value))


def _unary(op: str) -> Callable[..., Value]:
    return lambda tracer, target, args, kwargs: tracer.unary(op, args[0])


def _binary(op: str) -> Callable[..., Value]:
    return lambda tracer, target, args, kwargs: tracer.binary(op, _wrap(args[0]), _wrap(args[1]))


def _copy(tracer: Tracer, target: Any, args: Sequence[Value], kwargs: Any) -> Value:
    dtype = kwargs.get("dtype")
    if dtype is not None and str(dtype) not in ("torch.float64", "torch.float32"):
        return Poison(f"from_torch: found a conversion of trained values to {dtype}, expected real numbers throughout")
    if str(dtype) == "torch.float32":
        return Poison("from_torch: found a conversion to float32 inside of the module, expected none; leave it out")
    return args[0]


RULES: dict[str, Callable[..., Any]] = {
    **{name: _unary(op) for name, op in UNARY.items()},
    **{name: _binary(op) for name, op in BINARY.items()},
    "add": _add(1),
    "sub": _add(-1),
    "rsub": _add(-1, swapped=True),
    "div": _div,
    "pow": _pow,
    "where": _where,
    "log2": chain(lambda x: _e("mul", _e("log", x), float(1 / np.log(2)))),
    "log10": chain(lambda x: _e("mul", _e("log", x), float(1 / np.log(10)))),
    "tan": chain(lambda x: _e("div", _e("sin", x), _e("cos", x))),
    "relu": chain(lambda x: _e("max", x, 0.0)),
    "leaky_relu": chain(_leaky),
    "silu": chain(_silu),
    "gelu": chain(_gelu),
    "softplus": _softplus_rule,
    "masked_fill": _masked,
    "mish": chain(lambda x: _e("mul", x, _e("tanh", _softplus_plain(x)))),
    "elu": chain(_elu),
    "celu": chain(lambda x, alpha=1.0: _elu(x, alpha, 1.0, 1.0 / alpha)),
    "hardtanh": chain(lambda x, low=-1.0, high=1.0: _clip(x, low, high)),
    "hardswish": chain(lambda x: _e("mul", x, _hard_sigmoid(x))),
    "hardsigmoid": chain(_hard_sigmoid),
    "softshrink": chain(lambda x, width=0.5: _e("sub", x, _clip(x, -width, width))),
    "clamp": chain(lambda x, min=None, max=None: _clip(x, min, max)),
    "clamp_min": chain(lambda x, low: _clip(x, low)),
    "clamp_max": chain(lambda x, high: _clip(x, None, high)),
    "_prelu_kernel": _prelu,
    "log_sigmoid_forward": lambda t, target, args, kwargs: [
        Lazy(args[0].source, _e("neg", _softplus_plain(_e("neg", args[0].expr)))),
        Poison("from_torch: found the buffer of log_sigmoid"),
    ],
    "_to_copy": _copy,
    "detach": lambda tracer, target, args, kwargs: tracer.stop(args[0]),
}
