"""Networks given by a computation graph, as the verifier reads them (docs/theory-graphs.md)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from flint import arb, ctx

from dipproofs.graph.format import Graph
from dipproofs.theory import symbols as s
from dipproofs.theory.architectures import ARCHITECTURES, Architecture
from dipproofs.verify.arithmetic.expressions import between
from dipproofs.verify.arithmetic.splitting import Matrix
from dipproofs.verify.forward import Operator
from dipproofs.verify.graph.bounds import Ball
from dipproofs.verify.graph.observation import Observation, kink_margin, observe
from dipproofs.verify.graph.point import Point
from dipproofs.verify.graph.values import BITS, values_of
from dipproofs.verify.networks.base import Claims
from dipproofs.verify.networks.graph_state import GraphState

#: Nodes with at most so many entries restart from their exact Jacobian; whether coarse norms of adjoints will do. After
#: a polish the first confirms what is claimed, in a small part of the time.
EFFORTS = ((256, True), (2048, False), (4096, False))
_NAMES = {"norm_AJ": s.norm_AJ, "lipschitz_AJ": s.lipschitz_AJ, "sigma_AJ": s.sigma_AJ, "kink_margin": s.kink_margin}
THETA, CONSTANT = "theta/", "constant/"


def architecture(network: Mapping[str, Any]) -> Architecture:
    """Return what the theorem knows of a graph."""
    return ARCHITECTURES["graph"]


def interpret(
    arrays: Mapping[str, np.ndarray], network: Mapping[str, Any], operator: Operator, claims: Claims
) -> GraphNetwork:
    """Read a network; bounds on the ball whose radius is claimed.

    Raises:
        ValueError: a graph or arrays that are not of the format.
    """
    constants = {key.removeprefix(CONSTANT): array for key, array in arrays.items() if key.startswith(CONSTANT)}
    graph = Graph.from_json(network.get("graph"), constants)
    theta = {key.removeprefix(THETA): array for key, array in arrays.items() if key.startswith(THETA)}
    wrong = [name for name, shape in graph.parameters.items() if name not in theta or theta[name].shape != shape]
    if wrong or len(theta) != len(graph.parameters):
        raise ValueError(f"arrays: found no array of the graph's shape for {wrong or 'parameters'}, expected one each")
    return GraphNetwork(graph, theta, arrays["y"], operator, claims)


class GraphNetwork:
    """One graph and one operator; see `base.Interpreter`.

    Args:
        graph, theta: the network. y: data. operator: of the same arrays. claims: hold ``ball_radius``.
    """

    def __init__(
        self, graph: Graph, theta: Mapping[str, np.ndarray], y: np.ndarray, operator: Operator, claims: Claims
    ) -> None:
        self.operator, self.theta, self.y = operator, theta, Matrix.of(y)
        found = values_of(graph, theta)
        with ctx.workprec(BITS):
            self.signal = Matrix.column(found.output)
            self.offset = Matrix.of(np.zeros(len(found.output)))
            self.prediction = operator.A @ self.signal
            core = operator.data(operator.matrix)
            rows = core.floats()
            slack = float((Matrix.of(rows) - core).size.upper())
        self.values: dict[Any, arb] = {s.norm_A: operator.gram.norm, s.sigma_A: operator.sigma()}
        radius = _radius(claims)
        self.values[s.ball_radius] = arb(radius) if "ball_radius" in claims else arb.nan()
        self.point = Point(graph, found)
        for entries, coarse in EFFORTS:
            ball = Ball(self.point, radius, entries, coarse=coarse)
            bounds = _bounds(observe(ball, rows, slack), kink_margin(ball), radius, operator.rank is not None)
            if all(claims[name].holds(bounds[q], 0) for name, q in _NAMES.items() if name in claims and q in bounds):
                break
        self.values |= bounds

    def state(self) -> GraphState:
        """M at the parameters."""
        return GraphState(self)


def _radius(claims: Claims) -> float:
    """Return the radius that all bounds below are for; 0 where none is claimed, and then nothing is said of a ball."""
    if "ball_radius" not in claims:
        return 0.0
    claim = claims["ball_radius"]
    if not (claim.lower == claim.upper >= 0 and claim.upper.is_finite()):
        raise ValueError(f"quantities.ball_radius: found {claim}, expected one finite number ≥ 0")
    return float(claim.upper)


def _bounds(seen: Observation, margin: float, radius: float, ranked: bool) -> dict[Any, arb]:
    """Balls of what was observed, NaN where it is not known."""
    lipschitz = seen.lipschitz if margin > 1 or radius == 0 else math.inf  # on one point there is no pattern to hold
    found = {s.norm_AJ: _between(*seen.norm)}
    found[s.lipschitz_AJ] = arb(lipschitz) if math.isfinite(lipschitz) else arb.nan()  # claimed from above
    if ranked:
        found[s.sigma_AJ] = _between(*seen.sigma)
    if math.isfinite(margin):  # claimed from below
        found[s.kink_margin] = arb(margin)
    return found


def _between(low: float, high: float) -> arb:
    """A ball; NaN where an end is not known, so that no claim is confirmed."""
    with ctx.workprec(BITS):
        return between(arb(low), arb(high)) if math.isfinite(low) and math.isfinite(high) else arb.nan()
