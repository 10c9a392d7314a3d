"""Entrywise functions, entrywise products, softmax."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dipproofs.enclosures import IntervalMatrix, apply_arb, compile_arb
from dipproofs.enclosures.rounding import UNIT, Array, gamma, inflation
from dipproofs.enclosures.upward import add_up, multiply_up, norm_up, upward
from dipproofs.graph.functions import numpy_function
from dipproofs.networks.graph_network.nodes.base import Adjoint, Ball, Curvature, NodeBounds, NodeRule, block_bounds
from dipproofs.networks.graph_network.point import Point
from dipproofs.theory.activations import x as variable
from dipproofs.theory.architectures import graph_nodes as t
from dipproofs.theory.elementary import ELEMENTARY


def _enclosed(name: str, order: int, mid: Array, rad: Array) -> tuple[Array, Array]:
    """Enclose φ^(order) on boxes: midpoints and radii."""
    function = compile_arb((variable,), ELEMENTARY[name].derivative(order))
    found = apply_arb(function, IntervalMatrix(mid.reshape(-1), rad.reshape(-1)))
    return found.mid, found.radius()


class Entrywise(NodeRule):
    """A smooth function of every entry."""

    def slopes(self, point: Point, place: int) -> tuple[Array, Array]:
        """φ'(x) at θ_0: midpoints, which the reverse pass multiplies by, and radii."""

        def make() -> tuple[Array, Array]:
            source = point.graph.nodes[place].inputs[0]
            name = point.graph.nodes[place]["function"]
            if not point.proved:
                mid = numpy_function(name, 1)(point.mid(source)).reshape(-1)
                return mid, np.zeros_like(mid)
            return _enclosed(name, 1, point.mid(source), point.radius(source))

        return point.once(("slopes", place), make)

    def curvatures(self, ball: Ball, place: int) -> Array:
        """P2: sup|φ''| on the box of each entry."""

        def make() -> Array:
            point = ball.point
            source, name = point.graph.nodes[place].inputs[0], point.graph.nodes[place]["function"]
            if not point.proved:
                return np.asarray(np.abs(numpy_function(name, 2)(point.mid(source))).reshape(-1))
            box = np.nextafter(point.radius(source) + ball.radius(source), np.inf)
            mid, rad = _enclosed(name, 2, point.mid(source), box)
            return np.asarray(np.nextafter(np.abs(mid) + rad, np.inf))

        return ball.point.once(("curvatures", place, ball.rho), make)

    def _steepest(self, ball: Ball, place: int) -> tuple[float, float]:
        """P1 and the largest P2."""
        mid, rad = self.slopes(ball.point, place)
        source = ball.point.graph.nodes[place].inputs[0]
        curvature = float(self.curvatures(ball, place).max(initial=0.0))
        start = float(add_up(np.abs(mid), rad).max(initial=0.0))
        values = {t.slope: start, t.P_2: curvature, t.radius_x: ball.radius(source)}
        return float(upward(t.ENTRYWISE_SLOPE, values)), curvature

    def bounds(self, ball: Ball, place: int) -> NodeBounds:
        """Formulas entrywise.*."""
        first, second = self._steepest(ball, place)
        values = ball.inputs(ball.point.graph.nodes[place]) | {t.P_1: first, t.P_2: second}
        return block_bounds(upward(t.ENTRYWISE_D, values), upward(t.ENTRYWISE_R, values), upward(t.ENTRYWISE_E, values))

    def parts(self, point: Point, place: int, cotangents: Array) -> tuple[Array, ...]:
        """Multiply by the midpoints of φ'."""
        slope = self.slopes(point, place)[0].reshape(cotangents.shape[1:])
        return (cotangents * slope,)

    def defects(self, point: Point, place: int) -> tuple[float, ...]:
        """Radii of φ', one rounding."""
        mid, rad = self.slopes(point, place)
        return (float(rad.max(initial=0.0)) + 2 * UNIT * float(np.abs(mid).max(initial=0.0)) * inflation(4),)

    def curvature(self, ball: Ball, place: int, adjoint: Adjoint) -> Curvature:
        """Formulas entrywise.N and entrywise.J."""
        node, curvatures = ball.point.graph.nodes[place], self.curvatures(ball, place)
        second = adjoint.weighted(curvatures)
        column = float(multiply_up(adjoint.columns, curvatures).max(initial=0.0))
        values = ball.inputs(node) | {
            t.b_second: second,
            t.column_second: column,
            t.radius_x: ball.radius(node.inputs[0]),
        }
        return Curvature(upward(t.ENTRYWISE_N, values), (float(upward(t.ENTRYWISE_J, values)),))


class Product(NodeRule):
    """Entrywise products; where one factor repeats a smaller node over disjoint groups, also as an affine map."""

    def bounds(self, ball: Ball, place: int) -> NodeBounds:
        """Formulas product.*, or affine.* where they are smaller."""
        node = ball.point.graph.nodes[place]
        x, w = node.inputs
        values = ball.inputs(node) | {t.value_x: self._value(ball, x), t.value_w: self._value(ball, w)}
        r = upward(t.PRODUCT_R, values)
        # diag(w)D_x and diag(x)D_w are bounded directly, entry by entry, with the values' suprema
        times_w, times_x = ball.scaled(x, self._suprema(ball, w)), ball.scaled(w, self._suprema(ball, x))
        one = {t.value_x: np.asarray(1.0), t.value_w: np.asarray(1.0)}
        E = upward(t.PRODUCT_E, values | one | {t.E_x: times_w.E, t.E_w: times_x.E})
        d = upward(t.PRODUCT_D, one | {t.d_xj: times_w.d[:, None], t.d_wj: times_x.d[:, None]})
        for moved, affine in self._affine(ball, place):
            d, E = np.minimum(d, upward(t.AFFINE_D, affine)), np.minimum(E, upward(t.AFFINE_E, affine))
            parts = (times_w, times_x) if moved == w else (times_x, times_w)
            affine |= {t.value_w: np.asarray(1.0), t.group_x: np.asarray(1.0), t.E_x: parts[0].E, t.E_w: parts[1].E}
            E = np.minimum(E, upward(t.AFFINE_E, affine))
        return block_bounds(d, r, E)

    @staticmethod
    def _suprema(ball: Ball, place: int) -> Array:
        """sup|z_i| on the ball, entry by entry."""
        return add_up(ball.point.magnitude(place), np.asarray(ball.radius(place)))

    def _affine(self, ball: Ball, place: int) -> Iterator[tuple[int, dict[object, Array]]]:
        """Factors that repeat a smaller node, a gather of it; symbols of (G w)∘x, w that node, x the other factor."""
        graph = ball.point.graph
        first, second = graph.nodes[place].inputs
        for moved, factor in ((second, first), (first, second)):
            node = graph.nodes[moved]
            if node.op != "gather" or len(node.inputs) != 1 or not graph.trained[node.inputs[0]]:
                continue
            x, group = ball.of(factor), self._group_norm(ball.point, factor, moved)
            largest = upward(t.BILINEAR_NORM, {t.start: group, t.kappa: 1.0, t.rho: ball.rho, t.length_w: x.length})
            values: dict[object, Array] = {t.d_xj: x.d[:, None], t.d_xk: x.d[None, :], t.E_x: x.E}
            values |= ball.second(ball.of(node.inputs[0]))
            yield moved, values | {t.group_x: largest, t.value_w: np.asarray(self._value(ball, moved))}

    @staticmethod
    def _group_norm(point: Point, factor: int, moved: int) -> float:
        """Largest Euclidean length of the fixed factor over the entries that read one entry of the source."""
        indices = _indices(point, moved)
        sizes = point.magnitude(factor).reshape(-1)
        keep = indices >= 0
        squares = np.bincount(indices[keep], weights=multiply_up(sizes[keep], sizes[keep]))
        count = np.bincount(indices[keep]).max(initial=0)
        return float(np.sqrt(squares.max(initial=0.0) * inflation(int(count) + 4)) * inflation(2))

    def _value(self, ball: Ball, place: int) -> float:
        return float(self._suprema(ball, place).max(initial=0.0))

    def defects(self, point: Point, place: int) -> tuple[float, ...]:
        """Radii of the other factor, one rounding."""
        x, w = point.graph.nodes[place].inputs
        return tuple(
            point.largest_radius(other) + 2 * UNIT * float(np.abs(point.mid(other)).max(initial=0.0)) * inflation(4)
            for other in (w, x)
        )

    def curvature(self, ball: Ball, place: int, adjoint: Adjoint) -> Curvature:
        """Formulas product.N and product.J, affine.N where it is smaller."""
        node = ball.point.graph.nodes[place]
        x, w = node.inputs
        values = ball.inputs(node)
        values |= {t.b: np.asarray(adjoint.norm), t.column: np.asarray(float(adjoint.columns.max(initial=0.0)))}
        N = upward(t.PRODUCT_N, values)
        for moved, affine in self._affine(ball, place):
            affine[t.b_group] = np.asarray(min(adjoint.norm, _grouped(ball.point, moved, adjoint)))
            N = np.minimum(N, upward(t.AFFINE_N, affine))
        changes = tuple(float(upward(t.PRODUCT_J, values | {t.radius_w: ball.radius(other)})) for other in (w, x))
        return Curvature(N, changes)


def _indices(point: Point, place: int) -> Array:
    return point.graph.constants[point.graph.nodes[place]["indices"]].reshape(-1)


def _grouped(point: Point, moved: int, adjoint: Adjoint) -> float:
    """Largest Frobenius norm of the columns of B̃ that belong to one entry of the source."""
    indices = _indices(point, moved)
    keep = indices >= 0
    squares = np.bincount(indices[keep], weights=multiply_up(adjoint.columns[keep], adjoint.columns[keep]))
    return float(np.sqrt(squares.max(initial=0.0) * inflation(indices.size + 4)) * inflation(2))


class Softmax(NodeRule):
    """Softmax along the last axis."""

    def bounds(self, ball: Ball, place: int) -> NodeBounds:
        """Formulas softmax.*."""
        values = ball.inputs(ball.point.graph.nodes[place])
        return block_bounds(upward(t.SOFTMAX_D, values), upward(t.SOFTMAX_R, values), upward(t.SOFTMAX_E, values))

    def defects(self, point: Point, place: int) -> tuple[float, ...]:
        """diag p − ppᵀ for p within its radii δ moves by at most max δ + 2‖δ‖ + ‖δ‖²; two sums are rounded."""
        shape = point.mid(place).shape
        rad = point.radius(place).reshape(-1, shape[-1])
        away = float(norm_up(rad, 1).max(initial=0.0))
        return (gamma(4 * shape[-1] + 32) + (3 * away + away * away) * inflation(8),)

    def curvature(self, ball: Ball, place: int, adjoint: Adjoint) -> Curvature:
        """Formulas softmax.N and softmax.J."""
        values = ball.inputs(ball.point.graph.nodes[place]) | {t.b: np.asarray(adjoint.norm)}
        return Curvature(upward(t.SOFTMAX_N, values), (float(upward(t.SOFTMAX_J, values)),))
