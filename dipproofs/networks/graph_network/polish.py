"""From the end of a run to an exact fit nearby: Gauss–Newton in the observation space, away from kinks (Theorem 7)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from dipproofs.enclosures.rounding import Array
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
#: Share of a step at which its second derivative is measured, and the longest correction by it.
_AHEAD, _BENT = 0.1, 1.0


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
    names = list(network.graph.parameters)
    start = np.concatenate([network.values[name].astype(np.float64).ravel() for name in names])

    def at(theta: Array) -> _State:
        values = _split(network, names, theta)
        point = Point.estimate(network.graph, values)
        with np.errstate(all="ignore"):
            return _State(theta, point, A @ point.mid(network.graph.output).reshape(-1) - y)

    state, taken = _levenberg_marquardt(at, at(start), A, iterations)
    state, more, released = _release(at, state, A, iterations - taken)
    state = _decidable(at, state, A)
    values = _split(network, names, state.theta)
    moved = float(np.linalg.norm(state.theta - start))
    return Polished(network.with_parameters(values), taken + more, moved, state.size, released)


def _split(network: GraphNetwork, names: list[str], theta: Array) -> dict[str, Array]:
    shapes = [network.graph.parameters[name] for name in names]
    cuts = np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1]
    return {name: part.reshape(shape) for name, part, shape in zip(names, np.split(theta, cuts), shapes)}


def _levenberg_marquardt(at: At, state: _State, A: Array, iterations: int) -> tuple[_State, int]:
    """Damped steps that decrease the residual, until none does."""
    damping, taken = 1e-2, 0
    floor = _floor(state, A)
    while taken < iterations and state.size > floor:
        M = jacobian_rows(state.point, state.point.graph.output, A)
        gram = M @ M.T
        scale = float(np.trace(gram)) / len(gram)
        better: _State | None = None
        for attempt in range(_TRIES):
            better = _damped(at, state, M, gram, damping * scale)
            if better is not None:
                damping = max(damping / 5 if attempt == 0 else damping, 1e-18)
                break
            damping = max(damping * 4, 1e-16)
        if better is None:
            break
        taken += 1
        stalled = better.size > 0.5 * state.size and better.size < 1e3 * floor
        state = better
        if stalled:
            break
    return state, taken


def _damped(at: At, state: _State, M: Array, gram: Array, shift: float) -> _State | None:
    """One damped step, bent by half its second derivative where that is the shorter part; None if it gains nothing.

    Notes:
        With v the step, −Mᵀ(K + λI)⁻¹D²F[v,v] bends it along the curved valley of the residual (geodesic acceleration,
        Transtrum and Sethna): D²F[v,v] is a difference quotient, one evaluation more.
    """
    solution = _solve(gram, shift, state.residual)
    if solution is None:
        return None
    step = -(M.T @ solution)
    trials = [step]
    ahead = at(state.theta + _AHEAD * step).residual
    bending = _solve(gram, shift, 2 / _AHEAD * ((ahead - state.residual) / _AHEAD - M @ step))
    if bending is not None:
        bend = -(M.T @ bending)
        if np.linalg.norm(bend) < _BENT * np.linalg.norm(step):
            trials.insert(0, step + bend / 2)
    for trial in trials:
        found = at(state.theta + trial)
        if found.size < state.size:
            return found
    return None


def _decidable(at: At, state: _State, A: Array) -> _State:
    """Step back from a residual that is all rounding, by the least step that leaves `_RESIDUE` times as much."""
    floor = _floor(state, A)
    if state.size >= 0.5 * _RESIDUE * floor:
        return state
    M = jacobian_rows(state.point, state.point.graph.output, A)
    gram = M @ M.T
    step = _solve(gram, 0.0, np.full(len(gram), _RESIDUE * floor / np.sqrt(len(gram))))
    return state if step is None else at(state.theta + M.T @ step)


def _floor(state: _State, A: Array) -> float:
    """A residual below which floats see nothing but their own rounding."""
    value = state.point.mid(state.point.graph.output)
    return 2.0**-52 * float(np.linalg.norm(A @ np.abs(value).reshape(-1)))


def _solve(gram: Array, shift: float, right: Array) -> Array | None:
    """(K + shift I)⁻¹ right with one step of refinement; None if that is not positive definite."""
    matrix = gram + shift * np.eye(len(gram))
    try:
        factor = cho_factor(matrix, check_finite=False)
    except (LinAlgError, ValueError):
        return None
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
        gram = M @ M.T
        step = _solve(
            gram, 1e-14 * float(np.trace(gram)) / len(gram), np.concatenate([state.residual, values - targets])
        )
        if step is None:
            break
        state = at(state.theta - M.T @ step)
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
    empty = np.zeros((0, sum(point.sizes)))
    return np.array(all_rows) if all_rows else empty, np.array(all_values), np.array(all_targets), bad
