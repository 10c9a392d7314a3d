"""A network given by a computation graph and exact parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from dipproofs.enclosures import IntervalVector
from dipproofs.errors import InputError
from dipproofs.graph import Graph, evaluate, load, save
from dipproofs.graph.evaluate import check_parameters
from dipproofs.graph.file import CONSTANT, THETA
from dipproofs.networks.base import Enclosure, Network, Workspace
from dipproofs.networks.graph_network.linearisation import GraphLinearisation
from dipproofs.networks.graph_network.output_range import output_range
from dipproofs.networks.graph_network.quantities import (
    announcement,
    budget,
    enclose_graph,
    estimate_graph,
    signal_of,
)
from dipproofs.operators.bounds import OperatorBounds
from dipproofs.theory.architectures import ARCHITECTURES, Architecture

if TYPE_CHECKING:
    from jaxtyping import Float


@dataclass(frozen=True, eq=False, repr=False)
class GraphNetwork(Network):
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
        >>> network
        <GraphNetwork convolutional: image 8×8, 333 parameters in 5 arrays, 18 nodes, float64>
    """

    graph: Graph
    values: Mapping[str, Float[np.ndarray, "..."]]
    label: str = "graph"
    kind: ClassVar[str] = "graph"

    def __post_init__(self) -> None:
        check_parameters(self.graph, self.values)
        owned = {name: _owned(self.values[name], name) for name in self.graph.parameters}
        object.__setattr__(self, "values", MappingProxyType(owned))

    def __repr__(self) -> str:
        shape = "×".join(map(str, self.output_shape)) or "1"
        counts = f"{self.parameter_count} parameters in {len(self.values)} arrays, {len(self.graph.nodes)} nodes"
        return f"<GraphNetwork {self.label}: image {shape}, {counts}, {self.dtype}>"

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

    def parameters(self) -> dict[str, Float[np.ndarray, "..."]]:
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

    def output(self) -> Float[np.ndarray, " n"]:
        """Return g(θ), (n,), in floats; evidence estimated."""
        return evaluate(self.graph, self.values).reshape(-1)

    @property
    def architecture(self) -> Architecture:
        """Constants and the hypothesis about the ball that graphs bring to the theorem."""
        return ARCHITECTURES["graph"]

    def program(self, *, full: bool = False) -> Any:
        """Return the JAX functions that the descent runs; ``full`` is for networks that move in a subspace."""
        from dipproofs.descent.program import autodiff_program

        return autodiff_program(GraphForward(self.graph), (), self.values, self.with_parameters, self.dtype)

    def signal(self) -> IntervalVector:
        """Enclose g(θ), (n,); evidence proved."""
        return signal_of(self)

    def enclose(
        self,
        operator: OperatorBounds,
        y: np.ndarray,
        loss: Any,
        *,
        radius: float | None = None,
        unprojected: bool = False,
    ) -> Enclosure:
        """Enclose s_A, ‖M‖, ℓ_A on a ball and the prediction; evidence proved.

        Raises:
            InputError: more data than the memory allows, said before anything is computed.
        """
        return enclose_graph(self, operator, y, loss, radius)

    def estimate(
        self,
        operator: OperatorBounds,
        y: np.ndarray,
        loss: Any,
        *,
        radius: float | None = None,
        unprojected: bool = False,
        workspace: Workspace | None = None,
    ) -> Enclosure:
        """Estimate the same in floats; along a run the curvature is kept in the workspace until it may decide."""
        return estimate_graph(self, operator, y, loss, radius, workspace)

    def proof_cost(self, operator: OperatorBounds) -> float:
        """Multiplications of `enclose`, about."""
        return budget(self, operator.matrix.shape[0]).multiplications

    def proof_announcement(self, operator: OperatorBounds) -> str:
        """Say how long a proof may take and how much memory, where it is more than some seconds."""
        return announcement(self, operator.matrix.shape[0])

    def never_injective(self, rank: int | None) -> str:
        """Say why s_A(θ) = 0 for every θ where there are fewer parameters than data."""
        if rank is None or self.parameter_count >= rank:
            return ""
        return (
            f"the network has {self.parameter_count} parameters, fewer than rank A = {rank}: s_A(θ) = 0 for every θ; "
            "use a larger network"
        )

    def linearisation(self, operator: OperatorBounds) -> GraphLinearisation:
        """Return M = A ∂g/∂θ here, for theorems about methods with a state."""
        return GraphLinearisation(self, operator)

    def output_range(self) -> tuple[float, float]:
        """Return the interval of the last function, e.g. ]0, 1[ of a sigmoid."""
        return output_range(self.graph)

    def save(self, path: str | Path) -> Path:
        """Write the graph and its parameters: a JSON file and the ``.npz`` beside it; return the JSON file's path."""
        return save(path, self.graph, self.values)

    @classmethod
    def load(cls, path: str | Path) -> GraphNetwork:
        """Read what `save` wrote."""
        graph, values = load(path)
        return cls(graph, values)


@dataclass(frozen=True, eq=False)
class GraphForward:
    """The forward map for JAX; equal for equal graphs, so that compiled programs are shared."""

    graph: Graph

    def __call__(self, constants: Any, leaves: Mapping[str, Any]) -> Any:
        """Return g(θ), (n,)."""
        from dipproofs.graph.lower_jax import lower

        return lower(self.graph)(leaves).reshape(-1)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GraphForward) and self.graph.fingerprint == other.graph.fingerprint

    def __hash__(self) -> int:
        return hash(self.graph.fingerprint)


def _owned(value: Any, name: str) -> np.ndarray:
    array = np.asarray(value)
    if array.dtype not in (np.float32, np.float64):
        raise InputError(f"parameter {name}: found dtype {array.dtype}, expected float32 or float64")
    if not np.isfinite(array).all():
        raise InputError(f"parameter {name}: found {array[~np.isfinite(array)][0]}, expected finite numbers")
    owned = np.array(array, order="C")
    owned.setflags(write=False)
    return owned
