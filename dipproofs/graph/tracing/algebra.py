"""Values while a function is traced: known arrays, or a lazy chain of entrywise operations on a node."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dipproofs.errors import InputError
from dipproofs.graph.build import GraphBuilder
from dipproofs.graph.format import Graph
from dipproofs.graph.tracing import permutations
from dipproofs.graph.tracing.expressions import LOGIC, OPERATORS, Expr, X, constant
from dipproofs.graph.tracing.materialise import place_of
from dipproofs.graph.tracing.recognise import factors_of, recognised_product


@dataclass(frozen=True)
class Lazy:
    """An expression of the entries of a node."""

    source: int
    expr: Expr = X


@dataclass(frozen=True)
class Poison:
    """A value that cannot be represented; an error only if the result needs it."""

    reason: str


Value = np.ndarray | Lazy | Poison

_STOPPED = (
    "trace: found stop_gradient, expected a function whose gradient is its own; take the value from outside as a"
    " constant (softmax: over the last axis, as jax.nn.softmax(x.T).T; logsumexp: without b and where, or"
    " jnp.log(jnp.exp(x).sum()))"
)


_INFINITE = (
    "trace: found constants that are not finite, expected finite numbers; in a masked softmax take a large negative"
    " number, such as -1e4, for -inf"
)


class Tracer:
    """Operations on values; arrays are computed at once, chains of entrywise operations wait until they are read."""

    def __init__(self) -> None:
        self.builder = GraphBuilder()
        self._stopped: list[int] = []

    # --- values
    def shape(self, value: Value) -> tuple[int, ...]:
        """Return the shape of a value."""
        if isinstance(value, Lazy):
            return self.builder.shape(value.source)
        return np.shape(value) if not isinstance(value, Poison) else ()

    def place(self, value: Value) -> int:
        """Return a node that holds the value."""
        if isinstance(value, Poison):
            raise InputError(value.reason)
        if isinstance(value, Lazy):
            return place_of(self, value.source, value.expr)
        return self.builder.constant(np.asarray(value, dtype=np.float64))

    def parameter(self, name: str, shape: Sequence[int]) -> Lazy:
        """A trained array."""
        return Lazy(self.builder.parameter(name, shape))

    def lazy(self, place: int) -> Value:
        """A node as a value; a constant node becomes an array."""
        known = self.builder.value(place)
        return Lazy(place) if known is None else known

    def finish(self, value: Value, shape: Sequence[int] | None = None) -> Graph:
        """Return the graph of a value.

        Raises:
            InputError: the value needs something that cannot be represented, or a stopped gradient.
        """
        place = self.place(value)
        if shape is not None:
            place = self.builder.reshape(place, shape)
        needed = {place}
        for i in range(place, -1, -1):
            if i in needed:
                needed |= set(self.builder.nodes[i].inputs)
        if needed & set(self._stopped):
            raise InputError(_STOPPED)
        for i in needed:
            names = (v for v in self.builder.nodes[i].attributes.values() if isinstance(v, str))
            if any(not np.isfinite(self.builder.constants.get(name, 0.0)).all() for name in names):
                raise InputError(_INFINITE)
        return self.builder.graph(place)

    # --- entrywise
    def unary(self, op: str, a: Value) -> Value:
        """An operator of `OPERATORS` with one argument."""
        if isinstance(a, Poison):
            return a
        if isinstance(a, Lazy):
            return Lazy(a.source, Expr.make(op, a.expr))
        with np.errstate(all="ignore"):
            return np.asarray(OPERATORS[op](np.asarray(a, dtype=np.float64)))

    def binary(self, op: str, a: Value, b: Value) -> Value:
        """An operator with two arguments of equal shape, or numbers."""
        for value in (a, b):
            if isinstance(value, Poison):
                return value
        if not isinstance(a, Lazy) and not isinstance(b, Lazy):
            with np.errstate(all="ignore"):
                return np.asarray(OPERATORS[op](np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)))
        chained = self._chained(op, [a, b])
        if chained is not None:
            return chained
        return self.nodes_of(op, a, b)

    def nodes_of(self, op: str, a: Value, b: Value) -> Value:
        """An operator on two values as nodes, whether they come from one source or two."""
        rule = _TWO_SOURCES.get(op)
        if rule is None:
            return Poison(f"trace: found {op} of two different trained values, expected sums, products and maxima")
        return rule(self, a, b)

    def select(self, condition: Value, no: Value, yes: Value) -> Value:
        """`yes` where the condition holds, else `no`."""
        for value in (condition, no, yes):
            if isinstance(value, Poison):
                return value
        if not isinstance(condition, Lazy):
            return self._chosen(np.asarray(condition) != 0, no, yes)
        chained = self._chained("select", [condition, no, yes])
        return chained if chained is not None else self._select_factors(condition, no, yes)

    def _select_factors(self, condition: Lazy, no: Value, yes: Value) -> Value:
        """Write each branch as a function of what is compared times a factor: PReLU with a trained slope."""
        test = condition.expr
        refused = Poison(
            "trace: found a selection (where, select_n) between trained values, expected pieces that join"
            " continuously, as in leaky ReLU; use a smooth function instead"
        )
        if test.op not in ("gt", "ge", "lt", "le") or test.args[1].op != "constant":
            return refused
        x = self.place(Lazy(condition.source, test.args[0]))
        total: Value | None = None
        for branch, is_yes in ((no, False), (yes, True)):
            factors = factors_of(self.builder, self.place(branch))
            if x not in factors:
                return refused
            factors.remove(x)
            pair = (constant(0.0), X) if is_yes else (X, constant(0.0))
            part: Value = Lazy(x, Expr.make("select", Expr.make(test.op, X, test.args[1]), *pair))
            for factor in factors:
                part = self.binary("mul", part, self.lazy(factor))
            total = part if total is None else self.binary("add", total, part)
        assert total is not None
        return total

    def _chosen(self, condition: np.ndarray, no: Value, yes: Value) -> Value:
        if not isinstance(no, Lazy) and not isinstance(yes, Lazy):
            return np.where(condition, np.asarray(yes), np.asarray(no))
        shape = self.common_shape(no, yes, condition)
        if condition.all() or not condition.any():
            return self.spread(yes if condition.all() else no, shape)
        places = [self.place(self.spread(v, shape)) for v in (no, yes)]
        size = self.builder.nodes[places[0]].size
        index = np.arange(size).reshape(shape)
        return self.lazy(self.builder.gather(places, np.where(np.broadcast_to(condition, shape), index + size, index)))

    def common_shape(self, *values: Value) -> tuple[int, ...]:
        """The shape that values are broadcast to together."""
        return np.broadcast_shapes(*(self.shape(v) for v in values))

    def spread(self, value: Value, shape: Sequence[int]) -> Value:
        """A value broadcast to a shape."""
        if isinstance(value, Poison) or self.shape(value) == tuple(shape):
            return value
        if isinstance(value, Lazy):
            return self.move(value, lambda index: np.broadcast_to(index, tuple(shape)))
        return np.broadcast_to(np.asarray(value, dtype=np.float64), tuple(shape))

    def _chained(self, op: str, values: Sequence[Value]) -> Value | None:
        """The operation as a longer chain, if all values are of one source or the same number everywhere."""
        sources = {v.source for v in values if isinstance(v, Lazy)}
        if len(sources) != 1:
            return None
        source = sources.pop()
        parts = []
        for value in values:
            if isinstance(value, Lazy):
                parts.append(value.expr)
                continue
            array = np.asarray(value, dtype=np.float64).reshape(-1)
            if self.common_shape(*values) != self.builder.shape(source) or not (array == array[0]).all():
                return None
            parts.append(constant(float(array[0])))
        expr = Expr.make(op, *parts)
        if expr.op == "constant":
            return np.full(self.builder.shape(source), expr.value)
        return Lazy(source, expr)

    # --- index maps
    def move(self, value: Value, map_index: Callable[[np.ndarray], Any], fill: float = 0.0) -> Value:
        """Apply an index map, given as what it does to an array of places; −1 in its result gives `fill`."""
        if isinstance(value, Poison):
            return value
        if isinstance(value, Lazy):
            return self.gather([value], np.asarray(map_index(self.builder.places_of(value.source))), fill)
        array = np.asarray(value, dtype=np.float64)
        index = np.asarray(map_index(np.arange(array.size).reshape(array.shape)))
        return np.asarray(np.append(array.reshape(-1), fill)[index])

    def gather(self, values: Sequence[Value], index: np.ndarray, fill: float = 0.0) -> Value:
        """Entries of the joined values; −1 gives `fill`."""
        for value in values:
            if isinstance(value, Poison):
                return value
        if index.size == 0:
            return np.zeros(index.shape)
        values = [value for value in values if 0 not in self.shape(value)]
        one = values[0]
        grows = isinstance(one, Lazy) and index.size > self.builder.nodes[one.source].size
        if len(values) == 1 and isinstance(one, Lazy) and index.min() >= 0 and not (grows and one.expr.op not in LOGIC):
            return Lazy(self.builder.gather([one.source], index), one.expr)  # the chain goes on behind the map
        places = [self.place(value) for value in values]
        if fill != 0.0 and index.min() < 0:
            total = sum(self.builder.nodes[p].size for p in places)
            index = np.where(index < 0, total, index)
            places.append(self.builder.constant(np.full((1,), fill)))
        return self.lazy(self.builder.gather(places, index))

    # --- linear maps
    def contract(self, value: Value, matrix: np.ndarray, axis: int) -> Value:
        """A constant matrix along one axis."""
        return self.of(lambda place: permutations.contract(self.builder, place, matrix, axis), value)

    def sum(self, value: Value, axes: Sequence[int]) -> Value:
        """The sum over axes, which disappear."""
        return self.of(lambda place: self.builder.sum(place, tuple(axes)), value)

    def of(self, make: Callable[..., int], *values: Value) -> Value:
        """A node of other values' nodes."""
        for value in values:
            if isinstance(value, Poison):
                return value
        return self.lazy(make(*[self.place(v) for v in values]))

    def stop(self, value: Value) -> Value:
        """The value, remembered as one whose gradient is stopped."""
        if not isinstance(value, Lazy):
            return value
        try:
            stopped = self.place(value)
        except InputError:  # no graph either, which matters less
            return Poison(_STOPPED)
        place = self.builder.add_node("shift", (stopped,), {"offset": 0.0})
        self._stopped.append(place)
        return Lazy(place)


def _add(tracer: Tracer, a: Value, b: Value, sign: int = 1) -> Value:
    shape = tracer.common_shape(a, b)
    places = [tracer.place(tracer.spread(v, shape)) for v in (a, b)]
    return tracer.lazy(permutations.add(tracer.builder, places, (1, sign)))


def _multiply(tracer: Tracer, a: Value, b: Value) -> Value:
    shape = tracer.common_shape(a, b)
    places = [tracer.place(tracer.spread(v, shape)) for v in (a, b)]
    known = recognised_product(tracer.builder, *places)
    return tracer.lazy(permutations.product(tracer.builder, *places) if known is None else known)


def _divide(tracer: Tracer, a: Value, b: Value) -> Value:
    if not isinstance(b, Lazy):
        return _multiply(tracer, a, np.asarray(1.0 / np.asarray(b, dtype=np.float64)))
    return tracer.binary("mul", a, tracer.unary("reciprocal", b))


def _maximum(tracer: Tracer, a: Value, b: Value) -> Value:
    shape = tracer.common_shape(a, b)
    places = [tracer.place(tracer.spread(v, shape)) for v in (a, b)]
    index = np.arange(tracer.builder.nodes[places[0]].size).reshape(shape)
    stacked = tracer.builder.gather(places, np.stack([index, index + index.size], axis=-1))
    return tracer.lazy(tracer.builder.maximum(stacked))


def _minimum(tracer: Tracer, a: Value, b: Value) -> Value:
    return tracer.unary("neg", _maximum(tracer, tracer.unary("neg", a), tracer.unary("neg", b)))


_TWO_SOURCES: dict[str, Callable[[Tracer, Value, Value], Value]] = {
    "add": _add,
    "sub": lambda tracer, a, b: _add(tracer, a, b, -1),
    "mul": _multiply,
    "div": _divide,
    "max": _maximum,
    "min": _minimum,
}
