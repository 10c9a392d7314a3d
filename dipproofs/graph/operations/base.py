"""What an operation of the graph must say: its attributes, its shape, its value, its adjoint."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from dipproofs.errors import InputError
from dipproofs.graph.node import Node, Shape

Array = np.ndarray
Arrays = Sequence[Array]


class Tables(Protocol):
    """What operations read of the graph they stand in."""

    @property
    def parameters(self) -> Mapping[str, Shape]: ...

    @property
    def constants(self) -> Mapping[str, np.ndarray]: ...


@dataclass(frozen=True)
class Rule:
    """What an attribute accepts, in words and as a test."""

    expected: str
    accepts: Callable[[Any], bool]


class Operation(ABC):
    """An operation. The docstring of the class states its semantics; the reference page is written from it.

    Notes:
        `evaluate` and `vjp` are float64 NumPy: estimates, no guarantee. Evidence comes from enclosures elsewhere.
    """

    name: ClassVar[str]
    inputs: ClassVar[tuple[int, int | None]]
    attributes: ClassVar[Mapping[str, Rule]] = {}

    def check(self, node: Node, label: str) -> None:
        """Check number of inputs and attributes.

        Raises:
            InputError: one line.
        """
        least, most = self.inputs
        if len(node.inputs) < least or (most is not None and len(node.inputs) > most):
            expected = f"{least}" if least == most else f"at least {least}"
            raise InputError(f"{label}: found {len(node.inputs)} inputs, expected {expected}")
        for key in node.attributes:
            if key not in self.attributes:
                expected = ", ".join(self.attributes) or "none"
                raise InputError(f"{label}: found the attribute {key!r}, expected {expected}")
        for key, rule in self.attributes.items():
            if key not in node.attributes:
                raise InputError(f"{label}: the attribute {key} is missing, expected {rule.expected}")
            if not rule.accepts(node.attributes[key]):
                raise InputError(f"{label}: {key}: found {node.attributes[key]!r}, expected {rule.expected}")

    @abstractmethod
    def shape(self, node: Node, shapes: Sequence[Shape], graph: Tables) -> Shape:
        """Return the shape of the result.

        Raises:
            InputError: the inputs' shapes do not fit; the message lacks the node's place.
        """

    @abstractmethod
    def evaluate(self, node: Node, inputs: Arrays, graph: Tables) -> Array:
        """Return the result for inputs of the right shapes."""

    @abstractmethod
    def vjp(self, node: Node, inputs: Arrays, result: Array, cotangents: Array, graph: Tables) -> tuple[Array, ...]:
        """Return the adjoint of the derivative applied to many cotangents.

        Args:
            node: the node.
            inputs: values of its inputs.
            result: its value, as `evaluate` gave it.
            cotangents: (rows, *shape).
            graph: the graph.

        Returns:
            One array (rows, *input shape) for each input.
        """


def constant(graph: Tables, name: str, kind: str = "f") -> np.ndarray:
    """Return a constant of the graph, a float64 array (kind "f") or an integer array (kind "i").

    Raises:
        InputError: no such constant, or of the other kind.
    """
    if name not in graph.constants:
        raise InputError(f"found the constant {name!r}, expected one that the graph holds")
    array = graph.constants[name]
    if array.dtype.kind != kind:
        words = {"f": "numbers (float64)", "i": "integers"}
        raise InputError(f"constant {name}: found dtype {array.dtype}, expected {words[kind]}")
    return array


def factor(graph: Tables, value: float | str) -> Any:
    """Return a number as it is, a name as its constant."""
    return constant(graph, value) if isinstance(value, str) else float(value)
