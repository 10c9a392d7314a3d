"""A network given by a computation graph and exact parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from dipproofs.errors import InputError
from dipproofs.graph import Graph, evaluate, load, save
from dipproofs.graph.evaluate import check_parameters
from dipproofs.graph.file import CONSTANT, THETA


@dataclass(frozen=True, eq=False)
class GraphNetwork:
    """A generator g(θ) of any architecture, with θ given.

    Args:
        graph: what g is; its output in row order is the signal.
        values: an array for every parameter of the graph, float32 or float64; taken as the exact numbers they are.
        label: what it is, in a few words, for reports.

    Raises:
        InputError: a parameter is missing, unknown, misshapen or not finite.

    Notes:
        Source: docs/reference/graph-format.md.

    Example:
        >>> from dipproofs.networks.library import Convolutional
        >>> network = Convolutional.init((8, 8), channels=4, depth=2)
        >>> network.n, network.output_shape, network.parameter_count
        (64, (8, 8), 333)
    """

    graph: Graph
    values: Mapping[str, np.ndarray]
    label: str = "graph"
    kind: ClassVar[str] = "graph"

    def __post_init__(self) -> None:
        check_parameters(self.graph, self.values)
        owned = {name: _owned(self.values[name], name) for name in self.graph.parameters}
        object.__setattr__(self, "values", MappingProxyType(owned))

    @property
    def n(self) -> int:
        """Number of outputs."""
        return int(np.prod(self.output_shape))

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Shape of the signal."""
        return self.graph.output_shape

    @property
    def dtype(self) -> np.dtype:
        """Number format of the run: float32 if all parameters are, else float64."""
        single = self.values and all(value.dtype == np.float32 for value in self.values.values())
        return np.dtype(np.float32 if single else np.float64)

    @property
    def parameter_count(self) -> int:
        """Number of trained entries."""
        return self.graph.parameter_count

    def parameters(self) -> dict[str, np.ndarray]:
        """Return the trained parameters by name, exact and read-only."""
        return dict(self.values)

    def with_parameters(self, values: Mapping[str, np.ndarray]) -> GraphNetwork:
        """Return the network with other parameters."""
        return GraphNetwork(self.graph, values, self.label)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return all arrays that a certificate stores: ``theta/NAME`` and ``constant/NAME``."""
        constants = {CONSTANT + name: array for name, array in self.graph.constants.items()}
        return constants | {THETA + name: array for name, array in self.values.items()}

    def describe(self) -> dict[str, Any]:
        """Return the JSON value of ``certificate["network"]``."""
        return {"kind": self.kind, "label": self.label, "graph": self.graph.to_json()}

    def output(self) -> np.ndarray:
        """Return g(θ), (n,), in floats; evidence estimated."""
        return evaluate(self.graph, self.values).reshape(-1)

    def save(self, path: str | Path) -> Path:
        """Write the graph and its parameters: a JSON file and the ``.npz`` beside it; return the JSON file's path."""
        return save(path, self.graph, self.values)

    @classmethod
    def load(cls, path: str | Path) -> GraphNetwork:
        """Read what `save` wrote."""
        graph, values = load(path)
        return cls(graph, values)


def _owned(value: Any, name: str) -> np.ndarray:
    array = np.asarray(value)
    if array.dtype not in (np.float32, np.float64):
        raise InputError(f"parameter {name}: found dtype {array.dtype}, expected float32 or float64")
    if not np.isfinite(array).all():
        raise InputError(f"parameter {name}: found {array[~np.isfinite(array)][0]}, expected finite numbers")
    owned = np.array(array, order="C")
    owned.setflags(write=False)
    return owned
