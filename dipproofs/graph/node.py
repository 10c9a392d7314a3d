"""One node of a computation graph."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

#: What an attribute may hold: JSON values, lists as tuples.
Attribute = bool | int | float | str | tuple[Any, ...]
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Node:
    """An operation applied to earlier nodes.

    Args:
        op: name of the operation, a key of `dipproofs.graph.OPERATIONS`.
        inputs: places of the input nodes, all smaller than the node's own.
        shape: shape of the result.
        attributes: what the operation needs besides, JSON values; arrays are named constants of the graph.

    Example:
        >>> Node("sum", (0,), (3,), {"axes": [1]}).attributes["axes"]
        (1,)
    """

    op: str
    inputs: tuple[int, ...]
    shape: Shape
    attributes: Mapping[str, Attribute] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "inputs", tuple(self.inputs))
        object.__setattr__(self, "shape", tuple(self.shape))
        frozen = {str(key): freeze(value) for key, value in self.attributes.items()}
        object.__setattr__(self, "attributes", MappingProxyType(frozen))

    @property
    def size(self) -> int:
        """Number of entries of the result."""
        return math.prod(self.shape)

    def __getitem__(self, attribute: str) -> Any:
        return self.attributes[attribute]

    def __reduce__(self) -> tuple[Any, ...]:
        return Node, (self.op, self.inputs, self.shape, dict(self.attributes))

    def to_json(self) -> dict[str, Any]:
        """Return the node as a JSON value."""
        record: dict[str, Any] = {"op": self.op, "inputs": list(self.inputs), "shape": list(self.shape)}
        if self.attributes:
            record["attributes"] = {key: thaw(self.attributes[key]) for key in sorted(self.attributes)}
        return record


def freeze(value: Any) -> Any:
    """Turn lists into tuples, all the way down."""
    return tuple(freeze(item) for item in value) if isinstance(value, list | tuple) else value


def thaw(value: Any) -> Any:
    """Turn tuples into lists, all the way down."""
    return [thaw(item) for item in value] if isinstance(value, tuple) else value
