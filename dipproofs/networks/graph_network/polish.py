"""From the end of a run to an exact fit nearby: Gauss–Newton in the observation space, away from kinks (Theorem 7)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from dipproofs.enclosures.rounding import Array
from dipproofs.graph.format import Graph
from dipproofs.networks.graph_network.kinks import functionals, units_of
from dipproofs.networks.graph_network.point import Point
from dipproofs.networks.graph_network.reverse import jacobian_rows

if TYPE_CHECKING:
    from dipproofs.networks.graph_network.network import GraphNetwork

#: Units are moved to twice this share of ‖θ‖ from their kink, as the least change of θ that reaches it counts.
MARGIN = 1e-8
#: The residual is left at so many times the rounding of A g: whether a smaller one is 0 could not be decided.
_RESIDUE = 8.0
#: Units whose distance is below this many margins are looked at with their exact row.
_NEAR = 100.0
_TRIES = 12
#: Most steps with one Jacobian, and the share of the residual that each may leave.
_CHORDS, _GAIN = 16, 0.5
#: Share of a step at which its second derivative is measured, and the longest correction by it.
_AHEAD, _LONGEST = 0.1, 1.0


@dataclass(frozen=True, eq=False)
class Polished:
    """The result of a polish.

    Args:
        network: at the polished parameters, float64.
        iterations: steps taken. moved: ‖θ − θ_start‖. residual: ‖A g − y‖ in floats. released: units taken off a kink.
    """

    network: GraphNetwork
    iterations: int
    moved: float
    residual: float
    released: int


@dataclass(frozen=True, eq=False)
class _State:
    theta: Array
    point: Point
    residual: Array

    @property
    def size(self) -> float:
        return float(np.linalg.norm(self.residual))


@dataclass(frozen=True, eq=False)
class _Model:
    """The linear model of A g at a point: M, M Mᵀ and its factors by damping, relative to the mean of the diagonal."""

    rows: Array
    gram: Array
    known: dict[float, Any] = field(default_factory=dict)

    @classmethod
    def at(cls, state: _State, A: Array) -> _Model:
        M = jacobian_rows(state.point, state.point.graph.output, A)
        return cls(M, M @ M.T)

    def step(self, damping: float, residual: Array) -> Array | None:
        """−Mᵀ(MMᵀ + λI)⁻¹ residual; None where that is not positive definite."""
        if damping not in self.known:
            self.known[damping] = _factored(self.gram, damping * float(np.trace(self.gram)) / len(self.gram))
        solution = _solve(self.known[damping], residual)
        return None if solution is None else -(self.rows.T @ solution)


At = Callable[[Array], _State]


def polish(network: GraphNetwork, A: Array, y: Array, *, iterations: int = 40) -> Polished:
    """Solve A g(θ) = y from the network's parameters by Levenberg–Marquardt, then Gauss–Newton; deterministic.

    Args:
        network: where to begin. A: (m, n). y: (m,) what A g has to become. iterations: most steps.

    Returns:
        The best point found; evidence estimated, a certificate at it is another matter.

    Notes:
        δ = −Mᵀ(MMᵀ + λI)⁻¹r needs one m × m system a step. Units within a margin of their kink join the system, with a
        target on the side they are on. Source: docs/theory-graphs.md §5.
    """
    graph = network.graph
    start = np.concatenate([network.values[name].astype(np.float64).ravel() for name in graph.parameters])

    def at(theta: Array) -> _State:
        point = Point.estimate(graph, _by_parameter(graph, theta))
        with np.errstate(all="ignore"):
            return _State(theta, point, A @ point.mid(graph.output).reshape(-1) - y)

    state, taken, model = _levenberg_marquardt(at, at(start), A, iterations)
    state, more, released = _release(at, state, A, iterations - taken)
    state = _decidable(at, state, A, model)
    moved = float(np.linalg.norm(state.theta - start))
    return Polished(
        network.with_parameters(_by_parameter(graph, state.theta)), taken + more, moved, state.size, released
    )


def _by_parameter(graph: Graph, theta: Array) -> dict[str, Array]:
    return {name: theta[columns].reshape(graph.parameters[name]) for name, columns in graph.columns.items()}


def _levenberg_marquardt(at: At, state: _State, A: Array, iterations: int) -> tuple[_State, int, _Model | None]:
    """Damped steps that decrease the residual, until none does; the model of the last step too.

    Notes:
        A Jacobian costs as much as dozens of evaluations: with each one the damping is searched, and its system is
        solved again for the residuals that are left (a chord step) for as long as that gains.
    """
    damping, taken = 1e-2, 0
    floor = _floor(state, A)
    model: _Model | None = None
    while taken < iterations and state.size > floor:
        model = _Model.at(state, A)
        better, damping = _searched(at, state, model, damping)
        if better is None:
            break
        taken += 1
        better = _chord(at, better, model, damping, floor)
        stalled = better.size > 0.5 * state.size and better.size < 1e3 * floor
        state = better
        if stalled:
            break
    return state, taken, model


def _searched(at: At, state: _State, model: _Model, damping: float) -> tuple[_State | None, float]:
    """A step that gains, with a damping raised until one does, or lowered where that gains much; the next damping."""
    better = _damped(at, state, model, damping)
    if better is None:
        for _ in range(_TRIES - 1):
            damping = max(damping * 4, 1e-16)
            better = _damped(at, state, model, damping)
            if better is not None:
                break
        return better, damping
    before = state.size
    while better.size < _GAIN * before and damping > 1e-18:
        before, damping = better.size, max(damping / 5, 1e-18)
        better = min(better, _damped(at, state, model, damping) or better, key=lambda found: found.size)
    return better, max(damping / 5, 1e-18)


def _chord(at: At, state: _State, model: _Model, damping: float, floor: float) -> _State:
    """More steps with the same model, each of which has to gain much."""
    for _ in range(_CHORDS):
        if not state.size > floor:
            break
        step = model.step(damping, state.residual)
        if step is None:
            break
        found = at(state.theta + step)
        if not found.size < _GAIN * state.size:
            break
        state = found
    return state


def _damped(at: At, state: _State, model: _Model, damping: float) -> _State | None:
    """One damped step, corrected by half its second derivative where that is shorter; None if it gains nothing.

    Notes:
        With v the step, −Mᵀ(K + λI)⁻¹D²F[v,v] bends it along the curved valley of the residual (geodesic acceleration,
        Transtrum and Sethna): D²F[v,v] is a difference quotient, one evaluation more.
    """
    step = model.step(damping, state.residual)
    if step is None:
        return None
    trials = [step]
    ahead = at(state.theta + _AHEAD * step).residual
    correction = model.step(damping, 2 / _AHEAD * ((ahead - state.residual) / _AHEAD - model.rows @ step))
    if correction is not None and np.linalg.norm(correction) < _LONGEST * np.linalg.norm(step):
        trials.insert(0, step + correction / 2)
    for trial in trials:
        found = at(state.theta + trial)
        if found.size < state.size:
            return found
    return None


def _decidable(at: At, state: _State, A: Array, model: _Model | None) -> _State:
    """Step back from a residual that is all rounding, by the least step that leaves `_RESIDUE` times as much."""
    floor = _floor(state, A)
    if state.size >= 0.5 * _RESIDUE * floor:
        return state
    for known in (model, None):  # a Jacobian from nearby will do if the residual comes out as it should
        known = _Model.at(state, A) if known is None else known
        count = len(known.gram)
        step = known.step(0.0, np.full(count, -_RESIDUE * floor / np.sqrt(count)))
        found = state if step is None else at(state.theta + step)
        if 0.5 * _RESIDUE * floor <= found.size <= 2 * _RESIDUE * floor:
            break
    return found


def _floor(state: _State, A: Array) -> float:
    """A residual below which floats see nothing but their own rounding."""
    value = state.point.mid(state.point.graph.output)
    return 2.0**-52 * float(np.linalg.norm(A @ np.abs(value).reshape(-1)))


def _factored(gram: Array, shift: float) -> tuple[Array, Any] | None:
    """K + shift I and its Cholesky factor; None if it is not positive definite."""
    matrix = gram + shift * np.eye(len(gram))
    try:
        return matrix, cho_factor(matrix, check_finite=False)
    except (LinAlgError, ValueError):
        return None


def _solve(factored: tuple[Array, Any] | None, right: Array) -> Array | None:
    """The solution with one step of refinement; None if there is none."""
    if factored is None:
        return None
    matrix, factor = factored
    solution = cho_solve(factor, right, check_finite=False)
    solution = solution + cho_solve(factor, right - matrix @ solution, check_finite=False)
    return solution if np.isfinite(solution).all() else None


def _release(at: At, state: _State, A: Array, iterations: int) -> tuple[_State, int, int]:
    """Gauss–Newton for the data and the units near a kink together, until all units keep their distance."""
    margin = MARGIN * float(np.linalg.norm(state.theta))
    sides: dict[tuple[int, int, int], float] = {}
    best, taken = state, 0
    for taken in range(iterations + 1):
        rows, values, targets, bad = _near_units(state.point, margin, sides)
        if not bad and taken and state.size <= max(4 * _floor(state, A), 2 * best.size):
            return state, taken, len(sides)
        if not bad and not taken:
            return state, 0, 0
        if taken == iterations:
            break
        M = np.vstack([jacobian_rows(state.point, state.point.graph.output, A), rows])
        step = _Model(M, M @ M.T).step(1e-14, np.concatenate([state.residual, values - targets]))
        if step is None:
            break
        state = at(state.theta + step)
    return (state if not bad and np.isfinite(state.size) else best), taken, len(sides)


def _near_units(
    point: Point, margin: float, sides: dict[tuple[int, int, int], float]
) -> tuple[Array, Array, Array, bool]:
    """Rows, values and targets, divided by the rows' lengths, of units near a kink, and whether one is too near."""
    all_rows, all_values, all_targets = [], [], []
    bad = False
    for units in units_of(point, point.graph.output):
        known = np.array([(units.place, int(p), int(q)) in sides for p, q in zip(units.plus, units.minus)], dtype=bool)
        chosen = np.flatnonzero((np.abs(units.value) < _NEAR * margin) | known)
        if not chosen.size:
            continue
        rows = jacobian_rows(point, units.place, functionals(point, units, chosen).reshape(chosen.size, -1))
        lengths = np.linalg.norm(rows, axis=1)
        keep = lengths > 0
        chosen, rows, lengths = chosen[keep], rows[keep], lengths[keep]
        value = units.value[chosen] / lengths
        joins = (np.abs(value) < margin) | known[chosen]
        bad |= bool((np.abs(value) < margin).any())
        for i in np.flatnonzero(joins):
            key = (units.place, int(units.plus[chosen[i]]), int(units.minus[chosen[i]]))
            side = sides.setdefault(key, 1.0 if value[i] >= 0 else -1.0)
            all_rows.append(rows[i] / lengths[i])
            all_values.append(value[i])
            all_targets.append(side * max(2 * margin, side * value[i]))
    empty = np.zeros((0, point.graph.parameter_count))
    return np.array(all_rows) if all_rows else empty, np.array(all_values), np.array(all_targets), bad
