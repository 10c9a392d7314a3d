"""Bilinear nodes: convolution, matrix product. A weight is an input like any other, with ‖D‖ = 1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dipproofs.enclosures.rounding import Array, gamma
from dipproofs.enclosures.spectral import spectral_upper
from dipproofs.enclosures.upward import add_up, multiply_up, norm_up, root_up, sum_up, upward
from dipproofs.graph.operations.convolution import grouped_kernel, index_map, patches
from dipproofs.networks.graph_network.nodes.adjoint_conv import adjoint_of_image, adjoint_of_kernel
from dipproofs.networks.graph_network.nodes.base import Adjoint, Ball, Curvature, NodeBounds, NodeRule, block_bounds
from dipproofs.networks.graph_network.nodes.torus import absolute_norm, convolution_norm
from dipproofs.networks.graph_network.point import Point
from dipproofs.theory.architectures import graph_nodes as t


@dataclass(frozen=True)
class Side:
    """One input of a bilinear map, as the linear map that it makes of the other input, at θ_0.

    Args:
        norm: of that map. absolute: of the map with absolute values.
        two, one: largest Euclidean length and sum of absolute values of the coefficients of one output.
        row_size: number of these coefficients.
        terms: products summed in an entry of the adjoint of that map.
    """

    norm: float
    absolute: float
    two: float
    one: float
    row_size: int
    terms: int


class Bilinear(NodeRule):
    """Inputs x and w; κ is the norm of the bilinear map."""

    def sides(self, point: Point, place: int) -> tuple[Side, Side, float]:
        """The sides of x and of w, and κ."""
        raise NotImplementedError

    def _sides(self, point: Point, place: int) -> tuple[Side, Side, float]:
        return point.once(("sides", place), lambda: self.sides(point, place))

    def bounds(self, ball: Ball, place: int) -> NodeBounds:
        """Formulas bilinear.*."""
        return self._bounds(ball, place, *self._sides(ball.point, place))

    @staticmethod
    def _bounds(ball: Ball, place: int, side_x: Side, side_w: Side, kappa: float) -> NodeBounds:
        node = ball.point.graph.nodes[place]
        values = ball.inputs(node) | {t.kappa: kappa}
        for side, source, norm, two, one in (
            (side_w, node.inputs[1], t.norm_w, t.two_w, t.one_w),
            (side_x, node.inputs[0], t.norm_p, t.two_p, t.one_p),
        ):
            moved = {t.rho: ball.rho, t.kappa: kappa, t.length_w: ball.of(source).length}
            moved |= {t.radius_w: ball.radius(source), t.row_size: float(side.row_size)}
            values[norm] = upward(t.BILINEAR_NORM, moved | {t.start: side.norm})
            values[two] = upward(t.BILINEAR_TWO, moved | {t.start: side.two})
            values[one] = upward(t.BILINEAR_ONE, moved | {t.start: side.one})
        return block_bounds(upward(t.BILINEAR_D, values), upward(t.BILINEAR_R, values), upward(t.BILINEAR_E, values))

    def defects(self, point: Point, place: int) -> tuple[float, ...]:
        """Rounding of the sums, and the radii of the coefficients."""
        x, w = point.graph.nodes[place].inputs
        side_x, side_w, kappa = self._sides(point, place)
        return tuple(
            float(add_up(np.asarray(gamma(side.terms + 4) * side.absolute), np.asarray(kappa * point.radius_norm(of))))
            * (1 + 1e-14)
            for side, of in ((side_w, w), (side_x, x))
        )

    def curvature(self, ball: Ball, place: int, adjoint: Adjoint) -> Curvature:
        """Formulas bilinear.N and bilinear.J."""
        node = ball.point.graph.nodes[place]
        values = ball.inputs(node) | {t.b: adjoint.norm, t.kappa: self._sides(ball.point, place)[2]}
        changes = tuple(
            float(upward(t.BILINEAR_J, values | {t.length_w: ball.of(other).length})) for other in reversed(node.inputs)
        )
        return Curvature(upward(t.BILINEAR_N, values), changes)


class Conv(Bilinear):
    """Convolution, also transposed: both are sums over an index map."""

    def sides(self, point: Point, place: int) -> tuple[Side, Side, float]:
        """Symbol on a torus for w, the matrix of patches for x, κ counted from the index map."""
        node = point.graph.nodes[place]
        x, w = node.inputs
        index = index_map(node, point.mid(x).shape, point.mid(w).shape)
        kappa = counted_kappa(index)
        return self._of_x(point, place, len(index), kappa), self._of_w(point, place, kappa), kappa

    def parts(self, point: Point, place: int, cotangents: Array) -> tuple[Array, ...]:
        """Only the parts of inputs that are trained; the others are empty."""
        node, trained = point.graph.nodes[place], point.graph.trained
        x, w = node.inputs
        image, kernel = point.mid(x), point.mid(w)
        nothing = np.empty(0)
        with np.errstate(all="ignore"):
            return (
                adjoint_of_image(node, image.shape[1:], kernel, cotangents) if trained[x] else nothing,
                adjoint_of_kernel(node, image, kernel, cotangents) if trained[w] else nothing,
            )

    def scaled(self, ball: Ball, place: int, sigma: Array) -> NodeBounds | None:
        """One factor for each output channel scales the kernel."""
        channels = sigma.reshape(sigma.shape[0], -1)
        if not (channels == channels[:, :1]).all():
            return None
        side_x, _, kappa = self._sides(ball.point, place)
        largest = float(channels.max())
        side_w = self._of_w(ball.point, place, kappa, channels[:, 0])
        scale = [float(multiply_up(np.asarray(largest), np.asarray(v))) for v in (side_x.norm, side_x.two, side_x.one)]
        scaled_x = Side(scale[0], side_x.absolute, scale[1], scale[2], side_x.row_size, side_x.terms)
        return self._bounds(ball, place, scaled_x, side_w, float(multiply_up(np.asarray(largest), np.asarray(kappa))))

    @staticmethod
    def _of_w(point: Point, place: int, kappa: float, sigma: Array | None = None) -> Side:
        node = point.graph.nodes[place]
        x, w = node.inputs
        space = node.shape[1:] if node["transposed"] else point.mid(x).shape[1:]
        kernels, largest = grouped_kernel(node, point.mid(w)), 1.0
        if sigma is not None:
            kernels, largest = kernels * sigma.reshape(*kernels.shape[:2], 1, 1), float(sigma.max())
        norm = max(convolution_norm(kernel, space, node["dilation"]) for kernel in _shaped(kernels, point.mid(w).shape))
        absolute = max(absolute_norm(kernel) for kernel in kernels)
        away = kappa * point.radius_norm(w) * largest * (1 + 1e-15)
        if sigma is not None:
            away += 2.0**-52 * absolute  # the kernel was multiplied in floats
        largest = point.largest_radius(w) * largest * (1 + 1e-15) + (0.0 if sigma is None else 2.0**-52 * absolute)
        rows = np.abs(kernels).reshape(-1, kernels.shape[2] * kernels.shape[3])
        return _side(norm, absolute, rows, away, largest, kernels.shape[1] * kernels.shape[3])

    @staticmethod
    def _of_x(point: Point, place: int, terms: int, kappa: float) -> Side:
        node = point.graph.nodes[place]
        x, w = node.inputs
        read = patches(node, point.mid(x), point.mid(w).shape)
        away, largest = kappa * point.radius_norm(x) * (1 + 1e-15), point.largest_radius(x)
        norm = float(spectral_upper(read).max())
        absolute = float(norm_up(read.reshape(len(read), -1), 1).max())
        rows = np.abs(read).swapaxes(1, 2).reshape(-1, read.shape[1])
        return _side(norm, absolute, rows, away, largest, terms)


def counted_kappa(index: np.ndarray) -> float:
    """Norm of the bilinear map: root of the most reads of one entry of x, or of the most reads of one output.

    Notes:
        ‖w∗x‖² ≤ Σ_p ‖w‖²‖patch p‖² counts every entry of x as often as it is read; the trilinear form y·(w∗x) is the
        same with y and x exchanged, where the patches are those of y.
    """
    reads = np.bincount(index[index >= 0], minlength=1).max(initial=0)
    patch = (index >= 0).sum(axis=1).max(initial=0)
    return float(root_up(np.asarray(float(min(reads, patch)))))


def _shaped(kernels: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Kernels (groups, O, C, taps) with their taps as they lie in space."""
    return kernels.reshape(*kernels.shape[:3], *shape[2:])


def _side(norm: float, absolute: float, rows: np.ndarray, away: float, radius: float, terms: int) -> Side:
    """Norms at the midpoints, moved by the radii of the entries."""
    size = rows.shape[1]
    slack = float(multiply_up(root_up(np.asarray(float(size))), np.asarray(radius)))
    two = float(add_up(norm_up(rows, 1).max(), np.asarray(slack)))
    one = float(add_up(sum_up(rows, 1).max(), np.asarray(size * radius * (1 + 1e-15))))
    return Side(float(add_up(np.asarray(norm), np.asarray(away))), absolute, two, one, size, terms)


class Matmul(Bilinear):
    """Products of matrices a (…,p,q) and b (…,q,r): κ = 1."""

    def sides(self, point: Point, place: int) -> tuple[Side, Side, float]:
        """Operator norms of the factors."""
        a, b = point.graph.nodes[place].inputs
        left, right = point.mid(a), point.mid(b)
        sides = []
        for of, matrices, rows in ((a, left, left), (b, right, right.swapaxes(-1, -2))):
            flat = np.abs(rows).reshape(-1, rows.shape[-1])
            norm = float(np.max(spectral_upper(matrices)))
            absolute = float(np.max(spectral_upper(np.abs(matrices))))
            radii = point.radius_norm(of), point.largest_radius(of)
            sides.append(_side(norm, absolute, flat, *radii, rows.shape[-2]))
        return sides[0], sides[1], 1.0
