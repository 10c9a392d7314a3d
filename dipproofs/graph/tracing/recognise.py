"""Recognise normalisation and softmax in products, by evaluating the part of the graph that they are made of.

Frameworks write the variance as a mean of squares of differences or as E[x²] − E[x]², scale before or after, and
reshape between; so a candidate is compared in values with what it would be replaced by, not in form. Values at a
few points decide between analytic functions only: with a kink in it (a clipped variance) nothing is replaced, and the
points lie far apart, so that a constant that matters somewhere (an ε in the denominator of a softmax) shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain, combinations

import numpy as np

from dipproofs.graph.build import GraphBuilder
from dipproofs.graph.node import Node
from dipproofs.graph.operations import OPERATIONS
from dipproofs.graph.tracing import permutations

LARGEST_WALK = 40
#: How far 1/√ε squared and inverted is from ε, and how far entries of order 1 are that mean the same.
_ROUNDING, _CLOSE = 8 * 2.0**-52, 1e-12
#: Entrywise functions that a normalisation and a softmax are written with.
_IN_NORMALISE, _IN_SOFTMAX = ("square", "sqrt", "rsqrt", "reciprocal"), ("exp", "reciprocal")
#: x = factor·v + offset, where a replacement is compared again: far from 0 and near it.
_PROBES_OF_NORMALISE = tuple((factor, 0.0) for factor in (1e-8, 1e-6, 1e-3, 1e2, 1e4, 1e6))
_PROBES_OF_SOFTMAX = ((1e-3, 0.0), (30.0, 0.0), (100.0, 0.0), (1.0, -600.0), (1.0, 600.0))


def recognised_product(builder: GraphBuilder, a: int, b: int) -> int | None:
    """Return a node equal to the product of two nodes, with a normalisation or softmax in it, or None."""
    factors = [*factors_of(builder, a), *factors_of(builder, b)]
    for divisor in factors:
        root = _root(builder, divisor)
        if root is None:
            continue
        for numerator in factors:
            if numerator == divisor:
                continue
            found = _quotient(builder, numerator, divisor, root)
            if found is None:
                continue
            rest = list(factors)
            rest.remove(divisor)
            rest.remove(numerator)
            for factor in rest:
                found = permutations.product(builder, found, factor)
            return found
    return None


def factors_of(builder: GraphBuilder, place: int) -> list[int]:
    """Factors of a node, through products and gathers of products."""
    node = builder.nodes[place]
    if node.op == "product":
        return [f for i in node.inputs for f in factors_of(builder, i)]
    if node.op == "scale" and isinstance(node["factor"], str):
        return [*factors_of(builder, node.inputs[0]), builder.constant(builder.constants[node["factor"]])]
    if node.op == "gather" and len(node.inputs) == 1:
        inner = factors_of(builder, node.inputs[0])
        index = builder.constants[node["indices"]]
        if len(inner) > 1 and index.min() >= 0:
            return [builder.gather([f], index) for f in inner]
    return [place]


def _root(builder: GraphBuilder, place: int) -> int | None:
    """The node 1/√· or 1/· that a factor is a gather of."""
    node = builder.nodes[place]
    if node.op == "gather" and len(node.inputs) == 1:
        node, place = builder.nodes[node.inputs[0]], node.inputs[0]
    return place if node.op == "entrywise" and node["function"] in ("rsqrt", "reciprocal") else None


def _quotient(builder: GraphBuilder, numerator: int, divisor: int, root: int) -> int | None:
    softmax = builder.nodes[root]["function"] == "reciprocal"
    best = None
    for x in _dominators(builder, root):
        if (builder.nodes[x].op == "parameter" and not softmax) or not _only_through(builder, numerator, x):
            continue
        above, below = (_ancestors(builder, place, x) - {x} for place in (numerator, divisor))
        if not _analytic(builder, above | below, x, softmax) or not _no_other_number(builder, above, below, softmax):
            break
        values = np.random.default_rng(0).standard_normal(builder.shape(x))
        quotient = _from(builder, numerator, x, values) * _from(builder, divisor, x, values)
        if softmax:
            found = _softmax(builder, x, values, quotient)
        else:
            small = _from(builder, numerator, x, 1e-3 * values) * _from(builder, divisor, x, 1e-3 * values)
            found = _normalise(builder, x, root, values, quotient, small)
        if found is not None and not _holds(builder, numerator, divisor, x, found, softmax):
            found = None
        if found is None and best is not None:
            break
        best = found if found is not None else best
    return best


def _analytic(builder: GraphBuilder, places: set[int], x: int, softmax: bool) -> bool:
    """Whether nothing above x has a kink that a few points may miss.

    Harmless are the maximum that a softmax subtracts and the positive part of a variance: no number stands in them,
    so that they are as they are at every scale.
    """
    for place in places - {x}:
        node = builder.nodes[place]
        if node.op == "entrywise":
            known = node["function"] in (_IN_SOFTMAX if softmax else _IN_NORMALISE)
        elif node.op in ("maximum", "piecewise"):
            below = [i for i in _ancestors(builder, place, x) if i not in (x, place)]
            known = _kinks_at_zero(node) and all(map(partial(_homogeneous, builder), below))
        else:
            known = node.op not in ("softmax", "normalise")
        if not known:
            return False
    return True


def _no_other_number(builder: GraphBuilder, above: set[int], below: set[int], softmax: bool) -> bool:
    """Whether no number is added but one below, the ε of a normalisation, and a softmax has no factor but −1.

    Values alone cannot tell: exp(x − max x)/(Σ exp(x − max x) + 1e-10) has those of a softmax up to 1e-10 everywhere.
    """
    added = {i for i in above | below if _adds_number(builder, i)}
    if not softmax:
        return not added & above and len(added) <= 1
    scaled = (node for i in above | below if (node := builder.nodes[i]).op == "scale")
    return not added and all(node["factor"] == -1 for node in scaled)


def _adds_number(builder: GraphBuilder, place: int) -> bool:
    node = builder.nodes[place]
    if node.op == "shift":
        offset = node["offset"]  # a stopped gradient is a shift by 0
        return bool(np.any(builder.constants[offset] if isinstance(offset, str) else offset))
    return node.op == "constant" and not _homogeneous(builder, place)


def _kinks_at_zero(node: Node) -> bool:
    return node.op != "piecewise" or all(knot == 0 for knot in node["knots"])


def _homogeneous(builder: GraphBuilder, place: int) -> bool:
    """Whether a node scales with its inputs; −∞, where a maximum starts, is no number."""
    node = builder.nodes[place]
    if node.op == "piecewise":
        return _kinks_at_zero(node) and node["value"] == 0
    if node.op == "constant":
        return bool((builder.constants[node["name"]] == -np.inf).all())
    return node.op not in ("shift", "entrywise", "softmax", "normalise") or node.attributes.get("function") == "square"


def _holds(builder: GraphBuilder, numerator: int, divisor: int, x: int, found: int, softmax: bool) -> bool:
    """Whether a replacement has the values of numerator times divisor at points far from each other, too."""
    direction = np.random.default_rng(1).standard_normal(builder.shape(x))
    for factor, offset in _PROBES_OF_SOFTMAX if softmax else _PROBES_OF_NORMALISE:
        values = factor * direction + offset
        expected = _from(builder, numerator, x, values) * _from(builder, divisor, x, values)
        if not np.isfinite(expected).all():  # exp of large numbers: the function as written has no value there
            continue
        size = np.abs(expected).max()
        if not np.allclose(_from(builder, found, x, values), expected, rtol=1e-10, atol=1e-12 * size):
            return False
    return True


def _normalise(
    builder: GraphBuilder, x: int, root: int, values: np.ndarray, quotient: np.ndarray, small: np.ndarray
) -> int | None:
    at_zero = 1 / _from(builder, root, x, np.zeros_like(values)) ** 2
    given = float(at_zero.reshape(-1)[0])
    for layout in _layouts(builder, x, root):
        moved = values.reshape(-1)[layout]
        for axes in _subsets(moved.shape):
            for centre in (True, False):
                centred = moved - moved.mean(axes, keepdims=True) if centre else moved
                variance = (centred**2).mean(axes, keepdims=True)
                candidates = [given, _implied(centred, variance, small)] if small.size == moved.size else [given]
                for epsilon in map(_snapped, candidates):
                    index = _same_entries(centred / np.sqrt(variance + abs(epsilon)), quotient)
                    if index is not None and epsilon > 0:
                        source = builder.gather([x], layout)
                        return builder.gather([builder.normalise(source, axes, epsilon, centre)], index)
    return None


def _implied(centred: np.ndarray, variance: np.ndarray, small: np.ndarray) -> float:
    """The ε for which 1e-3·c/√(1e-6·variance + ε) is what was found, where that is in the same order."""
    with np.errstate(all="ignore"):
        ratio = (1e-3 * centred / small.reshape(centred.shape)) ** 2 - 1e-6 * variance
    return float(np.median(ratio)) if np.isfinite(ratio).all() else 0.0


def _snapped(epsilon: float) -> float:
    """A number with at most six decimal digits that is as near as rounding allows, or the number."""
    rounded = float(f"{epsilon:.6g}")
    return rounded if abs(rounded - epsilon) <= _ROUNDING * abs(epsilon) else epsilon


def _layouts(builder: GraphBuilder, x: int, root: int) -> list[np.ndarray]:
    """The node's own shape, and the permutations and reshapes of it that its variance is computed in."""
    found = [builder.places_of(x)]
    for place in sorted(_ancestors(builder, root, x)):
        known = permutations.permuted(builder, place)
        if known is not None and known[1].size == found[0].size:
            found.append(known[1])
    return found


def _softmax(builder: GraphBuilder, x: int, values: np.ndarray, quotient: np.ndarray) -> int | None:
    for axis in range(values.ndim):
        powers = np.exp(values - values.max(axis, keepdims=True))
        index = _same_entries(powers / powers.sum(axis, keepdims=True), quotient)
        if index is not None:
            axes = [*(i for i in range(values.ndim) if i != axis), axis]
            last = builder.softmax(builder.transpose(x, axes))
            return builder.gather([builder.transpose(last, [axes.index(i) for i in range(len(axes))])], index)
    return None


def _same_entries(values: np.ndarray, wanted: np.ndarray) -> np.ndarray | None:
    """The index map that takes `values` to `wanted`, a permutation, if there is one; entries are all different."""
    if values.size != wanted.size:
        return None
    close = partial(
        np.allclose, b=wanted.reshape(-1), rtol=_CLOSE, atol=_CLOSE * float(np.abs(wanted).max(initial=0.0))
    )
    if close(values.reshape(-1)):
        return np.arange(values.size).reshape(wanted.shape)
    order, other = np.argsort(values.reshape(-1)), np.argsort(wanted.reshape(-1))
    index = np.empty(values.size, dtype=np.int64)
    index[other] = order
    good = close(values.reshape(-1)[index])
    distinct = values.size < 2 or np.diff(values.reshape(-1)[order]).min() > 1e-10
    return index.reshape(wanted.shape) if good and distinct else None


def _subsets(shape: Sequence[int]) -> Iterator[tuple[int, ...]]:
    axes = [axis for axis, n in enumerate(shape) if n > 1]
    return chain.from_iterable(combinations(axes, k) for k in range(1, len(axes) + 1))


def _ancestors(builder: GraphBuilder, place: int, stop: int | None = None) -> set[int]:
    """A node and what it is computed from, not looking behind `stop`."""
    found, stack = set(), [place]
    while stack:
        i = stack.pop()
        if i in found:
            continue
        found.add(i)
        if i != stop:
            stack.extend(builder.nodes[i].inputs)
    return found


def _only_through(builder: GraphBuilder, place: int, x: int) -> bool:
    """Whether a node depends on trained values only through x."""
    found = _ancestors(builder, place, x)
    return x in found and all(builder.nodes[i].op != "parameter" for i in found if i != x)


def _dominators(builder: GraphBuilder, root: int) -> list[int]:
    """Nodes near `root` through which it depends on all trained values, nearest first."""
    found = [root]
    frontier = sorted(_ancestors(builder, root), reverse=True)[:LARGEST_WALK]
    return [x for x in frontier if x not in found and _only_through(builder, root, x)]


def _from(builder: GraphBuilder, place: int, x: int, values: np.ndarray) -> np.ndarray:
    """The value of a node when x has the given values."""
    known: dict[int, np.ndarray] = {x: values}
    with np.errstate(all="ignore"):
        for i in sorted(_ancestors(builder, place, x)):
            if i not in known:
                node = builder.nodes[i]
                known[i] = OPERATIONS[node.op].evaluate(node, [known[j] for j in node.inputs], builder)
    return known[place]
