"""A traced graph against the user's own function: values and gradients at several parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from dipproofs.errors import InputError
from dipproofs.graph.evaluate import forward, reverse
from dipproofs.graph.format import Graph

Pullback = Callable[[dict[str, np.ndarray], np.ndarray], tuple[np.ndarray, dict[str, np.ndarray]]]
POINTS = 3
TOLERANCE = 1e-8


def compare(
    graph: Graph, parameters: Mapping[str, np.ndarray], function: Pullback, who: str, tolerance: float = TOLERANCE
) -> None:
    """Require that graph and function agree, with their gradients, at the parameters and at random ones near them.

    Args:
        graph: what was traced.
        parameters: where to start.
        function: gives value and pullback of a cotangent for parameters in float64.
        who: beginning of the message.
        tolerance: relative to the largest entry.

    Raises:
        InputError: they differ.
    """
    rng = np.random.default_rng(20260717)
    for point in range(POINTS):
        values = {name: np.asarray(value, dtype=np.float64) for name, value in parameters.items()}
        if point:
            values = {k: v + 0.1 * (v.std() or 1.0) * rng.standard_normal(v.shape) for k, v in values.items()}
        size = (1.0, 1e6, 1e-6)[point % 3]  # a rule that clips gradients is not linear
        cotangent = size * rng.standard_normal(graph.output_shape)
        nodes = forward(graph, values)
        expected, back = function(values, cotangent)
        mine = dict.fromkeys(parameters, np.zeros(()))
        for place, adjoint in reverse(graph, nodes, cotangent[None]):
            if graph.nodes[place].op == "parameter":
                mine[graph.nodes[place]["name"]] = adjoint[0]
        _require(nodes[graph.output], expected, np.abs(expected).max(), f"{who}: the output", tolerance)
        scale = max(np.abs(b).max() for b in back.values())
        for name, value in back.items():
            _require(mine[name], value, scale, f"{who}: the gradient with respect to {name}", tolerance)


def _require(found: np.ndarray, expected: np.ndarray, scale: float, what: str, tolerance: float) -> None:
    gap = float(np.abs(found - expected).max())
    if not gap <= tolerance * max(float(scale), 1e-300) + 1e-300:
        raise InputError(
            f"{what} of the traced graph differs by {gap:.1e} (largest entry {float(scale):.1e}), expected agreement to"
            " rounding; the function has a custom gradient, a state or low precision: write it with plain operations"
        )
