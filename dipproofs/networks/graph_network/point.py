"""A graph at the stored parameters: enclosed values, the blocks, and what the rules of the nodes have worked out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from dipproofs.enclosures.rounding import Array
from dipproofs.graph.format import Graph
from dipproofs.networks.graph_network.forward import Values, enclose_values

T = TypeVar("T")


@dataclass(eq=False)
class Point:
    """The graph at θ_0.

    Args:
        graph: the graph.
        values: enclosed values of its nodes.
        proved: whether the values are enclosures; floats give estimates of everything.
    """

    graph: Graph
    values: Values
    proved: bool = True
    _known: dict[Any, Any] = field(default_factory=dict)

    @classmethod
    def enclose(cls, graph: Graph, parameters: Mapping[str, Array]) -> Point:
        """Enclose the values; evidence proved."""
        return cls(graph, enclose_values(graph, parameters))

    @classmethod
    def estimate(cls, graph: Graph, parameters: Mapping[str, Array]) -> Point:
        """Take float values as if they were exact; evidence estimated."""
        from dipproofs.graph.evaluate import forward
        from dipproofs.networks.graph_network.forward import as_groups

        mids = forward(graph, parameters)
        deviations = {}
        for place, node in enumerate(graph.nodes):
            if node.op == "normalise":
                groups = as_groups(mids[node.inputs[0]], node["axes"])[0]
                centred = groups - groups.mean(axis=1, keepdims=True) if node["centre"] else groups
                length = np.sqrt((centred**2).sum(axis=1))
                s = np.sqrt(length**2 / groups.shape[1] + node["epsilon"])
                deviations[place] = (s, s, length)
        return cls(graph, Values(tuple(mids), (None,) * len(mids), deviations), proved=False)

    @cached_property
    def leaves(self) -> tuple[int, ...]:
        """Places of the parameters, the blocks of the theory, in the order of the graph's parameters."""
        return tuple(self.graph.leaves.values())

    @cached_property
    def blocks(self) -> Mapping[int, int]:
        """Number of the block by place."""
        return {place: number for number, place in enumerate(self.leaves)}

    @cached_property
    def columns(self) -> Mapping[int, slice]:
        """Columns of a Jacobian by the place of the parameter."""
        return {self.graph.leaves[name]: columns for name, columns in self.graph.columns.items()}

    def mid(self, place: int) -> Array:
        """Midpoints of the values of a node."""
        return self.values.mid[place]

    def radius(self, place: int) -> Array:
        """Radii of the values of a node."""
        rad = self.values.rad[place]
        return np.zeros(self.graph.nodes[place].shape) if rad is None else rad

    def largest_radius(self, place: int) -> float:
        """The largest of the radii."""
        rad = self.values.rad[place]
        return 0.0 if rad is None else float(rad.max(initial=0.0))

    def radius_norm(self, place: int) -> float:
        """Upper bound of the Euclidean norm of the radii."""
        from dipproofs.enclosures.upward import norm_up

        rad = self.values.rad[place]
        return 0.0 if rad is None else float(norm_up(rad))

    def magnitude(self, place: int) -> Array:
        """Upper bounds of the absolute values of a node."""
        rad = self.values.rad[place]
        size = np.abs(self.mid(place))
        return size if rad is None else np.nextafter(size + rad, np.inf)

    def once(self, key: Any, make: Callable[[], T]) -> T:
        """Work something out that does not depend on the ball, and keep it."""
        if key not in self._known:
            self._known[key] = make()
        return self._known[key]  # type: ignore[no-any-return]
