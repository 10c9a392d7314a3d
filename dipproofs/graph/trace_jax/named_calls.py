"""`jax.nn.log_softmax` and `logsumexp`, which stop the gradient of a number that cancels: traced by what they mean.

A function is known by its whole body, not by its name: wiring, axes and numbers are those of JAX' own. With ``where``,
and for `logsumexp` with ``b``, they are not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dipproofs.graph.tracing.algebra import Lazy, Tracer, Value


def named_call(tracer: Tracer, name: str, jaxpr: Any, values: list[Value]) -> list[Value] | None:
    """Return x − log Σ exp x for a call of `jax.nn.log_softmax`, None for all others.

    Notes:
        The maximum that JAX subtracts cancels, whatever its gradient.
    """
    if name != "log_softmax" or len(values) != 1 or not isinstance(values[0], Lazy):
        return None
    axes = next((tuple(e.params["axes"]) for e in jaxpr.eqns if e.primitive.name == "reduce_sum"), None)
    if axes is None or str(jaxpr) != _body_of_log_softmax(jaxpr.invars[0].aval, axes):
        return None
    x, shape = values[0], tracer.shape(values[0])
    ones = [1 if axis in axes else n for axis, n in enumerate(shape)]
    return [tracer.binary("sub", x, tracer.spread(_log_sum_exp(tracer, x, axes, ones), shape))]


def log_sum_exp(tracer: Tracer, jaxpr: Any, place: int, value: Value) -> tuple[int, Any, Value] | None:
    """Return how many equations are JAX' `logsumexp` of x from a place on, what they define, and log Σ exp x; or None.

    Notes:
        JAX writes it without a call. What it adds again is the maximum that it subtracted; none of the numbers between
        may be used elsewhere.
    """
    first = jaxpr.eqns[place]
    if first.primitive.name != "reduce_max" or not isinstance(value, Lazy):
        return None
    axes, aval = tuple(first.params["axes"]), first.invars[0].aval
    for keepdims in (False, True):
        body = _body_of_logsumexp(aval, axes, keepdims)
        found = jaxpr.eqns[place : place + len(body.eqns)]
        if _same(body, found, first.invars[0]) and not _used(jaxpr, place + len(found), found):
            shape = found[-1].outvars[0].aval.shape
            return len(found), found[-1].outvars[0], _log_sum_exp(tracer, value, axes, shape)
    return None


def _log_sum_exp(tracer: Tracer, x: Value, axes: tuple[int, ...], shape: Sequence[int]) -> Value:
    total = tracer.unary("log", tracer.sum(tracer.unary("exp", x), axes))
    return tracer.move(total, lambda index: index.reshape(shape))


def _same(body: Any, found: list[Any], argument: Any) -> bool:
    """Whether equations are those of a function's body, applied to an argument."""
    if len(body.eqns) != len(found):
        return False
    known = {body.invars[0]: argument}
    for ours, theirs in zip(body.eqns, found):
        if ours.primitive is not theirs.primitive or str(ours.params) != str(theirs.params):
            return False
        if len(ours.invars) != len(theirs.invars):
            return False
        for one, other in zip(ours.invars, theirs.invars):
            if hasattr(one, "val") or hasattr(other, "val"):
                if str(one) != str(other) or one.aval != other.aval:
                    return False
            elif known.get(one) is not other:
                return False
        known.update(zip(ours.outvars, theirs.outvars))
    return known[body.outvars[0]] is found[-1].outvars[0]


def _used(jaxpr: Any, after: int, equations: list[Any]) -> bool:
    """Whether what equations define, but for the last one, is used by those that come after."""
    inner = {id(variable) for equation in equations[:-1] for variable in equation.outvars}
    later = [*jaxpr.outvars, *(variable for equation in jaxpr.eqns[after:] for variable in equation.invars)]
    return any(id(variable) in inner for variable in later)


def _body_of_logsumexp(aval: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    import jax

    with jax.enable_x64(True):
        like = jax.ShapeDtypeStruct(aval.shape, aval.dtype)
        return jax.make_jaxpr(lambda x: jax.nn.logsumexp(x, axes, keepdims=keepdims))(like).jaxpr


def _body_of_log_softmax(aval: Any, axes: tuple[int, ...]) -> str:
    """What JAX prints for the body of its function for one argument."""
    import jax

    with jax.enable_x64(True):
        like = jax.ShapeDtypeStruct(aval.shape, aval.dtype)
        whole = jax.make_jaxpr(lambda x: jax.nn.log_softmax(x, axes))(like)
    for equation in whole.jaxpr.eqns:
        body = equation.params.get("jaxpr")
        if equation.params.get("name") == "log_softmax" and body is not None and not body.consts:
            return str(body.jaxpr)
    return ""
