"""The frozen computation graph: nodes in topological order, parameters, constants; checked once."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np

from dipproofs.errors import InputError
from dipproofs.graph.node import Node, Shape
from dipproofs.graph.operations import OPERATIONS

VERSION = 1
#: Entries of one node or constant; a file that asks for more is refused before anything is allocated.
LARGEST_ARRAY = 2**27
LARGEST_GRAPH = 100_000
LARGEST_RANK = 12
_PART = r"[A-Za-z0-9_.~+@()\[\]-]+"
NAME = re.compile(rf"{_PART}(/{_PART})*")


@dataclass(frozen=True, eq=False)
class Graph:
    """A differentiable function of named parameters, as data.

    Its meaning is real arithmetic on the stored numbers; `dipproofs.graph.OPERATIONS` documents each operation.

    Args:
        nodes: in topological order; every parameter has exactly one `parameter` node, which several nodes may use
            (a tied weight).
        parameters: shapes by name, parts of a name joined by ``/``.
        constants: float64 arrays and integer index arrays by name; copied and read-only.
        output: place of the node that is the result.

    Raises:
        InputError: one line naming the node and what is wrong with it.

    Notes:
        Immutable. There is no batch dimension unless it is an ordinary axis. Source: docs/reference/graph-format.md.

    Example:
        >>> nodes = (Node("parameter", (), (2,), {"name": "w"}), Node("entrywise", (0,), (2,), {"function": "tanh"}))
        >>> Graph(nodes, {"w": (2,)}, {}, output=1)
        Graph(2 nodes, 2 parameters, output (2,))
    """

    nodes: tuple[Node, ...]
    parameters: Mapping[str, Shape]
    constants: Mapping[str, np.ndarray]
    output: int

    def __post_init__(self) -> None:
        shapes = {name: _shape(shape, f"parameter {name}") for name, shape in _checked_names(self.parameters)}
        arrays = {name: _owned(array, f"constant {name}") for name, array in _checked_names(self.constants)}
        object.__setattr__(self, "nodes", tuple(self.nodes))
        object.__setattr__(self, "parameters", MappingProxyType(shapes))
        object.__setattr__(self, "constants", MappingProxyType(arrays))
        if not 0 < len(self.nodes) <= LARGEST_GRAPH:
            raise InputError(f"graph: found {len(self.nodes)} nodes, expected from 1 to {LARGEST_GRAPH}")
        for place in range(len(self.nodes)):
            self._check_node(place)
        self._check_leaves()
        if not _is_place(self.output, len(self.nodes)):
            raise InputError(f"graph: found output {self.output!r}, expected a node from 0 to {len(self.nodes) - 1}")

    def _check_node(self, place: int) -> None:
        node, label = self.nodes[place], f"graph node {place}"
        if not isinstance(node, Node) or node.op not in OPERATIONS:
            found = node.op if isinstance(node, Node) else type(node).__name__
            raise InputError(f"{label}: found operation {found!r}, expected one of {', '.join(OPERATIONS)}")
        label = f"{label} ({node.op})"
        _shape(node.shape, label)
        for source in node.inputs:
            if not _is_place(source, place):
                raise InputError(f"{label}: found input {source!r}, expected an earlier node (0 to {place - 1})")
        operation = OPERATIONS[node.op]
        operation.check(node, label)
        try:
            shape = operation.shape(node, tuple(self.nodes[i].shape for i in node.inputs), self)
        except InputError as error:
            raise InputError(f"{label}: {error}") from None
        if shape != node.shape:
            raise InputError(f"{label}: found shape {node.shape}, expected {shape} from its inputs")

    def _check_leaves(self) -> None:
        names = [node["name"] for node in self.nodes if node.op == "parameter"]
        for name in self.parameters:
            if names.count(name) != 1:
                raise InputError(f"graph: found {names.count(name)} nodes for parameter {name}, expected exactly 1")

    @property
    def output_shape(self) -> Shape:
        """Shape of the result."""
        return self.nodes[self.output].shape

    @cached_property
    def parameter_count(self) -> int:
        """Number of trained entries."""
        return sum(math.prod(shape) for shape in self.parameters.values())

    @cached_property
    def leaves(self) -> Mapping[str, int]:
        """Places of the parameter nodes by name, in the order of `parameters`."""
        places = {node["name"]: place for place, node in enumerate(self.nodes) if node.op == "parameter"}
        return MappingProxyType({name: places[name] for name in self.parameters})

    @cached_property
    def columns(self) -> Mapping[str, slice]:
        """Where each parameter's entries stand in one vector of all, in the order of `parameters`."""
        ends = itertools.accumulate(math.prod(shape) for shape in self.parameters.values())
        return MappingProxyType(
            {name: slice(end - math.prod(self.parameters[name]), end) for name, end in zip(self.parameters, ends)}
        )

    @cached_property
    def trained(self) -> tuple[bool, ...]:
        """For every node whether it depends on a parameter."""
        result: list[bool] = []
        for node in self.nodes:
            result.append(node.op == "parameter" or any(result[i] for i in node.inputs))
        return tuple(result)

    @cached_property
    def reached(self) -> frozenset[int]:
        """The nodes that the output reads, and itself."""
        found = {self.output}
        for place in range(self.output, -1, -1):
            if place in found:
                found.update(self.nodes[place].inputs)
        return frozenset(found)

    def to_json(self) -> dict[str, Any]:
        """Return the graph as a JSON value, without the numbers of the constants."""
        return {
            "version": VERSION,
            "nodes": [node.to_json() for node in self.nodes],
            "parameters": {name: list(shape) for name, shape in self.parameters.items()},
            "constants": {
                name: {"shape": list(array.shape), "dtype": str(array.dtype)} for name, array in self.constants.items()
            },
            "output": self.output,
        }

    @classmethod
    def from_json(cls, value: Any, constants: Mapping[str, np.ndarray]) -> Graph:
        """Make a graph from its JSON value and its constants.

        Raises:
            InputError: another version, missing or ill-typed keys, constants that do not match.
        """
        from dipproofs.graph.file import read_graph

        return read_graph(value, constants)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of structure and constants, as hexadecimal digits."""
        digest = hashlib.sha256(json.dumps(self.to_json(), sort_keys=True, allow_nan=False).encode())
        for name in sorted(self.constants):
            digest.update(self.constants[name].tobytes())
        return digest.hexdigest()

    def __repr__(self) -> str:
        return f"Graph({len(self.nodes)} nodes, {self.parameter_count} parameters, output {self.output_shape})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Graph, (self.nodes, dict(self.parameters), dict(self.constants), self.output)


def _checked_names(table: Mapping[str, Any]) -> list[tuple[str, Any]]:
    for name in table:
        if not isinstance(name, str) or not NAME.fullmatch(name) or any(p in (".", "..") for p in name.split("/")):
            raise InputError(f"graph: found the name {name!r}, expected letters, digits and _.~+@()[]- joined by /")
    return sorted(table.items())


def _shape(value: Any, label: str) -> Shape:
    shape = tuple(value) if isinstance(value, list | tuple) else None
    if shape is None or len(shape) > LARGEST_RANK or not all(_is_place(n, LARGEST_ARRAY + 1) and n > 0 for n in shape):
        raise InputError(f"{label}: found shape {value!r}, expected a list of at most {LARGEST_RANK} integers ≥ 1")
    if math.prod(shape) > LARGEST_ARRAY:
        raise InputError(f"{label}: found {math.prod(shape)} entries, expected at most {LARGEST_ARRAY}")
    return shape


def _owned(value: Any, label: str) -> np.ndarray:
    array = np.asarray(value)
    if array.dtype.kind not in "iuf" or array.dtype.itemsize > 8:
        raise InputError(f"{label}: found dtype {array.dtype}, expected float64 or integers")
    _shape(array.shape, label)
    if np.issubdtype(array.dtype, np.unsignedinteger) and array.size and int(array.max()) > np.iinfo(np.int64).max:
        raise InputError(f"{label}: found the index {array.max()}, expected 64-bit integers")
    owned = np.array(array, dtype=np.float64 if array.dtype.kind == "f" else np.int64, order="C")
    if not np.isfinite(owned).all():
        raise InputError(f"{label}: found {owned[~np.isfinite(owned)][0]}, expected finite numbers")
    owned.setflags(write=False)
    return owned


def _is_place(value: Any, stop: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < stop
