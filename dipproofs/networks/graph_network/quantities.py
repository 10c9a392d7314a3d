"""The base quantities of a graph network at an iterate, enclosed or estimated (docs/theory-graphs.md §4)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from dipproofs.enclosures import Bound, Evidence, IntervalMatrix, IntervalVector, norm, sigma_min
from dipproofs.enclosures.accurate import accurate_product
from dipproofs.enclosures.gram import Gram
from dipproofs.enclosures.rounding import Array
from dipproofs.errors import InputError
from dipproofs.networks.base import Enclosure, Workspace
from dipproofs.networks.graph_network.ball import Effort, bound_nodes, restart_places, work
from dipproofs.networks.graph_network.forward import Values
from dipproofs.networks.graph_network.kinks import Kinks, examine_kinks
from dipproofs.networks.graph_network.nodes.base import Ball
from dipproofs.networks.graph_network.observe import MEMORY, Observed, observe
from dipproofs.networks.graph_network.point import Point
from dipproofs.networks.graph_network.reverse import jacobian_rows, peak_entries
from dipproofs.operators.bounds import OperatorBounds
from dipproofs.theory import symbols as s

if TYPE_CHECKING:
    from dipproofs.networks.graph_network.network import GraphNetwork

#: Exact Jacobians of inner nodes: for the search, for proofs, and where a proof is near and this can be afforded.
SEARCH, PROOF, THOROUGH = Effort(256), Effort(2048), Effort(4096)
#: Multiplications that the largest effort may need, about 20 s of one core.
AFFORDABLE = 1e11
#: Where ℓ_A ψ(f_0)/s² is between these, the largest effort may decide: below, the proof's has.
_UNDECIDED = (0.2, 50.0)
#: The radius asked for, over ψ(f_0)/s: the path of every form is at most four times that where it is proved at all.
RADIUS_FACTOR = 4.0
#: Rounding a published bound outward by so much leaves another arithmetic slack to confirm it.
MARGIN = 1e-3
#: The verifier bounds distances to kinks by rules of its own: what is published leaves it this much.
KINK_FACTOR = 1.25
#: Where ℓ_A ψ(f_0)/s² is below this, as after a polish, a smaller ℓ_A gains nothing.
COSTLESS = 1e-3
#: With ℓ_A ψ(f_0)/s² of the search's effort above this, no effort makes a certificate: deep networks gain up to 1e6.
HOPELESS = 1e10
#: Multiplications a second of one core, about; what takes longer than so many seconds is said beforehand.
_SPEED, _LONG = 5e9, 15.0
#: A smallest singular value that an effort's error of M leaves wider than this is enclosed anew with the next.
_TIGHT = 4 * MARGIN
#: Wider than this is a smallest singular value of which rounding is a part.
_ROUNDED = 1e-3
#: Bytes that a certificate may need.
LIMIT = 24 * 2.0**30
#: What the last enclosure was of and found: whoever asks for M next, as a forecast does, needs no pass of its own.
_LATEST: WeakKeyDictionary[GraphNetwork, tuple[OperatorBounds, Observed]] = WeakKeyDictionary()
#: A curvature that is further from what is needed than this is not estimated anew along a run.
_FAR = 30.0


def enclose_graph(
    network: GraphNetwork, operator: OperatorBounds, y: Array, loss: Any, radius: float | None
) -> Enclosure:
    """Enclose s_A, ‖M‖, ℓ_A on a ball, the ball itself and the prediction; evidence proved.

    Args:
        radius: of the ball; None: `RADIUS_FACTOR` times the path that the data at hand suggest.
    """
    require_memory(network, y.size)
    graph = network.graph
    point = point_of(network)
    signal = _vector(point, graph.output)
    prediction = predict(operator, signal)
    if radius is None:
        rough = jacobian_rows(point, graph.output, operator.matrix.mid)
        radius = suggested_radius(_gram_coordinates(operator, rough), loss, prediction.mid, y)
    scale = max(path_scale(loss, prediction.mid, y), 1e-300)
    ball, observed, kinks, (sigma, largest) = _bounded(point, operator, radius, scale)
    _LATEST.clear()
    if observed.lipschitz * scale < sigma.lower**2:  # on a large ball the bounds of the nodes make the error larger
        _LATEST[network] = operator, observed
    lipschitz = _margin(Bound(0.0, observed.lipschitz))
    values = {s.sigma_AJ: _roomy(sigma, largest), s.norm_AJ: largest, s.lipschitz_AJ: lipschitz}
    values |= {s.norm_A: operator.norm, s.sigma_A: operator.sigma}
    held = _held(ball.rho, kinks.margin)
    constants = {s.ball_radius: Bound.exact(held)}
    if kinks.units:
        margin = kinks.margin * ball.rho / held / KINK_FACTOR if held > 0 else 0.0
        constants[s.kink_margin] = Bound(margin * (1 - 1e-12), math.inf)
    return Enclosure(values, prediction, constants)


def latest(network: GraphNetwork, operator: OperatorBounds) -> Observed | None:
    """The Jacobian of the last enclosure, with its error, if that was of this very network, near an exact fit."""
    known, observed = _LATEST.get(network, (None, None))
    return observed if known is operator else None


def _bounded(
    point: Point, operator: OperatorBounds, radius: float, scale: float
) -> tuple[Ball, Observed, Kinks, tuple[Bound, Bound]]:
    """Bounds on the ball, and of the singular values, with no more effort than decides.

    Notes:
        Every effort gives valid bounds. After a polish the residual is so small that those of the search will do; far
        from an exact fit those of the proof would not do either.
    """
    extremes = Bound(0.0, math.inf), Bound(0.0, math.inf)
    for effort in efforts(point):
        ball = bound_nodes(point, radius, effort)
        observed, kinks = observe(ball, operator.matrix, coarse=effort is SEARCH), examine_kinks(ball)
        if not extremes[0].relative_width < _TIGHT:
            extremes = extreme_values(operator, observed.jacobian, observed.error)
        share = observed.lipschitz * scale
        if share <= COSTLESS * extremes[0].lower ** 2 and kinks.margin > KINK_FACTOR:
            break
        if not share <= HOPELESS * extremes[0].upper ** 2:
            break
        low, high = _UNDECIDED
        if effort is PROOF and not low * extremes[0].lower ** 2 < share < high * extremes[0].upper ** 2:
            break
    return ball, observed, kinks, extremes


def _roomy(sigma: Bound, largest: Bound) -> Bound:
    """A smallest singular value of which rounding is a part: its ends leave room for another arithmetic's."""
    if not (sigma.is_finite and largest.is_finite and sigma.upper - sigma.lower > _ROUNDED * sigma.upper):
        return sigma
    room = 2.0**-43 * largest.upper
    far = 2 * sigma.upper if 2 * sigma.lower < sigma.upper else sigma.upper
    return Bound(max(sigma.lower - room, 0.0), far + room, sigma.evidence)


def efforts(point: Point) -> tuple[Effort, ...]:
    """The efforts that a certificate may take, the largest only where it changes something and can be afforded."""
    more = restart_places(point, THOROUGH) - restart_places(point, PROOF)
    return (SEARCH, PROOF, THOROUGH) if more and work(point, THOROUGH) <= AFFORDABLE else (SEARCH, PROOF)


def _held(rho: float, margin: float) -> float:
    """The radius up to which no kink is near, with a margin: the ball's own where its margin is large."""
    return rho if margin > KINK_FACTOR else max(rho * margin / KINK_FACTOR * (1 - 1e-12), 0.0)


def estimate_graph(
    network: GraphNetwork,
    operator: OperatorBounds,
    y: Array,
    loss: Any,
    radius: float | None,
    workspace: Workspace | None,
) -> Enclosure:
    """Estimate the same in floats; the curvature is only worked out where it may decide."""
    point = Point.estimate(network.graph, {k: v.astype(np.float64) for k, v in network.values.items()})
    A = operator.matrix.mid
    v = A @ point.mid(network.graph.output).reshape(-1)
    jacobian = jacobian_rows(point, network.graph.output, A)
    gram = _gram_coordinates(operator, jacobian)
    low, high = extremes_of(gram)
    if radius is None:
        radius = suggested_radius(gram, loss, v, y)
    scale = path_scale(loss, v, y)
    needed = low**2 / (2 * max(scale, 1e-300))
    kept = None if workspace is None else workspace.get("curvature")
    if kept is None or needed * _FAR > kept:
        kept = observe(bound_nodes(point, 0.0, SEARCH), operator.matrix).lipschitz
        if workspace is not None:
            workspace["curvature"] = kept
    lipschitz, share = kept, 1.0
    if needed > kept:  # promising: on the ball, with its kinks
        ball = bound_nodes(point, radius, SEARCH)
        lipschitz = observe(ball, operator.matrix).lipschitz
        share = _held(1.0, examine_kinks(ball).margin)
    values = {s.sigma_AJ: low, s.norm_AJ: high, s.lipschitz_AJ: lipschitz}
    bounds = {symbol: Bound.estimated(value) for symbol, value in values.items()}
    known = {s.norm_A: operator.norm, s.sigma_A: operator.sigma}
    bounds |= {symbol: bound.with_evidence(Evidence.ESTIMATED) for symbol, bound in known.items()}
    return Enclosure(bounds, IntervalMatrix.from_exact(v), {s.ball_radius: Bound.estimated(radius * share)})


def signal_of(network: GraphNetwork) -> IntervalVector:
    """Enclose g(θ), (n,); evidence proved."""
    return _vector(point_of(network), network.graph.output)


def point_of(network: GraphNetwork) -> Point:
    """The enclosed values; parameters of float32 are exact numbers of float64."""
    return Point.enclose(network.graph, {name: value.astype(np.float64) for name, value in network.values.items()})


def _vector(point: Point, place: int) -> IntervalVector:
    rad = point.values.rad[place]
    return IntervalMatrix(point.mid(place).reshape(-1), None if rad is None else rad.reshape(-1))


def predict(operator: OperatorBounds, signal: IntervalVector) -> IntervalVector:
    """Enclose A g: a mask picks, an exact matrix is multiplied in twice the precision."""
    if operator.selection is not None or not operator.matrix.is_exact or signal.rad is None:
        return operator.apply(signal)
    product = accurate_product(operator.matrix.mid, signal.mid[:, None])
    moved = IntervalMatrix.from_exact(np.abs(operator.matrix.mid)) @ IntervalMatrix.from_exact(signal.rad)
    rad = np.nextafter(product.radius()[:, 0] + moved.bounds()[1], np.inf)
    return IntervalMatrix(product.mid[:, 0], rad)


def extreme_values(operator: OperatorBounds, jacobian: Array, error: float) -> tuple[Bound, Bound]:
    """Enclose s_A and ‖M‖ from M̃ and a bound of ‖M − M̃‖."""
    columns = operator.columns
    wide = Bound(-error, error)
    if columns.identity:
        gram = Gram.of_rows(jacobian) if jacobian.shape[0] <= jacobian.shape[1] else None
        square = gram.smallest(thorough=False) if gram is not None else None
        if square is not None and square.lower > 0 and square.relative_width < MARGIN:
            low = square.sqrt()
        else:
            low = sigma_min(IntervalMatrix.from_exact(jacobian)) if gram is not None else Bound.exact(0)
        top = gram.largest().sqrt() if gram is not None else norm(IntervalMatrix.from_exact(jacobian))
    else:
        matrix = columns.coordinates(IntervalMatrix.from_exact(jacobian))
        low = sigma_min(matrix) if matrix.shape[0] <= matrix.shape[1] else Bound.exact(0)
        top = norm(matrix)
        wide = wide * columns.largest_singular_value
    low, top = ((value + wide) / columns.singular_value_range for value in (low, top))
    return _margin(low.nonnegative()), _margin(top.nonnegative())


def _margin(bound: Bound) -> Bound:
    return bound * Bound(1 - MARGIN, 1 + MARGIN) if bound.is_finite else bound


def _gram_coordinates(operator: OperatorBounds, jacobian: Array) -> Array:
    rows = operator.columns.rows
    found = jacobian if rows is None else rows.mid @ jacobian
    return found @ found.T


def extremes_of(gram: Array) -> tuple[float, float]:
    """Estimates of the extreme singular values from M Mᵀ."""
    if not np.isfinite(gram).all():
        return 0.0, math.inf
    values = np.linalg.eigvalsh(gram)
    return math.sqrt(max(values[0], 0.0)), math.sqrt(max(values[-1], 0.0))


def suggested_radius(gram: Array, loss: Any, v: Array, y: Array) -> float:
    """A radius that holds the path, if there is a certificate at all."""
    low, high = extremes_of(gram)
    scale = path_scale(loss, v, y)
    if not (low > 1e-12 * high and math.isfinite(scale)):
        return 1e-12
    return max(RADIUS_FACTOR * scale / low, 1e-14)


def path_scale(loss: Any, v: Array, y: Array) -> float:
    """ψ(f_0), which for the squared loss is ‖v − y‖, in floats."""
    if loss.projects_data:
        return float(np.linalg.norm(v - y))
    try:
        value = Bound.estimated(max(float(loss.value(np, v, y)), 0.0))
        return float(max(loss.psi_bound(value, loss.constants(y, value)).mid, 0.0))
    except (InputError, ValueError, ArithmeticError):
        return math.inf


@dataclass(frozen=True)
class Budget:
    """What a certificate will need, said before it begins.

    Args:
        rows, parameters: m and p. memory: bytes at the most. multiplications: about.
    """

    rows: int
    parameters: int
    memory: float
    multiplications: float


def budget(network: GraphNetwork, m: int) -> Budget:
    """Estimate memory and work of `enclose_graph` for m data."""
    graph = network.graph
    point = Point(graph, Values((), (), {}))
    p = network.parameter_count
    live = 8.0 * peak_entries(point, graph.output)
    memory = min(MEMORY, live * m) + 8.0 * (m * p * 2 + 4 * m * m)
    largest = sum(min(m, node.size) * float(node.size) * m for node, t in zip(graph.nodes, graph.trained) if t)
    return Budget(m, p, memory, largest + float(m) * m * p)


def announcement(network: GraphNetwork, m: int) -> str:
    """Say what one certificate may take, if that is more than some seconds.

    Example:
        >>> from dipproofs.networks import Skip
        >>> announcement(Skip.init((64, 64), scales=1), 1024)
        'a proof for 1024 data and 6777 parameters may take about 5 min and 4.1 GiB'
        >>> announcement(Skip.init((16, 16), scales=1), 16)
        ''
    """
    need = budget(network, m)
    seconds = need.multiplications / _SPEED
    if seconds < _LONG:
        return ""
    time = f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
    return (
        f"a proof for {m} data and {need.parameters} parameters may take about {time} and {need.memory / 2**30:.1f} GiB"
    )


def require_memory(network: GraphNetwork, m: int) -> None:
    """Refuse what does not fit, before anything is allocated.

    Raises:
        InputError: one line.
    """
    need = budget(network, m)
    if not need.memory <= LIMIT:
        raise InputError(
            f"graph network: m = {m} data and p = {need.parameters} parameters need about {need.memory / 2**30:.1f} "
            f"GiB, expected at most {LIMIT / 2**30:.0f} GiB: observe fewer pixels, or use a smaller network"
        )
