"""Write a graph node by node: shapes are inferred, index maps fused, constants shared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dipproofs.errors import InputError
from dipproofs.graph.format import Graph
from dipproofs.graph.index_maps import fuse, is_identity
from dipproofs.graph.node import Node, Shape
from dipproofs.graph.operations import OPERATIONS
from dipproofs.theory.elementary import PiecewiseLinear


class GraphBuilder:
    """Nodes so far; every method adds one and returns its place.

    Nodes without parameters are computed at once (float64) and become constants; maps that change nothing add no node.

    Example:
        >>> builder = GraphBuilder()
        >>> w, u = builder.parameter("w", (3, 2)), builder.constant([[1.0], [2.0]])
        >>> builder.graph(builder.entrywise(builder.matmul(w, u), "tanh"))
        Graph(4 nodes, 6 parameters, output (3, 1))
    """

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.parameters: dict[str, Shape] = {}
        self.constants: dict[str, np.ndarray] = {}
        self._known: dict[tuple[Any, ...], str] = {}
        self._places: dict[tuple[Any, ...], int] = {}

    def shape(self, place: int) -> Shape:
        """Return the shape of a node."""
        return self.nodes[place].shape

    def value(self, place: int) -> np.ndarray | None:
        """Return the array of a constant node, None for another."""
        node = self.nodes[place]
        return self.constants[node["name"]] if node.op == "constant" else None

    def add_node(self, op: str, inputs: Sequence[int], attributes: Mapping[str, Any] | None = None) -> int:
        """Add a node of any operation; the same node is not added twice."""
        draft = Node(op, tuple(inputs), (), attributes or {})
        key = (op, draft.inputs, tuple(sorted(draft.attributes.items())))
        if key in self._places:
            return self._places[key]
        operation = OPERATIONS[op]
        operation.check(draft, op)
        shape = operation.shape(draft, [self.shape(i) for i in inputs], self)
        node = Node(op, draft.inputs, shape, draft.attributes)
        values = [self.value(i) for i in inputs]
        if inputs and all(v is not None for v in values):
            with np.errstate(all="ignore"):
                return self.constant(operation.evaluate(node, [v for v in values if v is not None], self))
        self.nodes.append(node)
        self._places[key] = len(self.nodes) - 1
        return self._places[key]

    def intern(self, array: Any) -> str:
        """Store a constant array and return its name; equal arrays are stored once."""
        value = np.asarray(array)
        value = np.array(value, dtype=np.int64 if value.dtype.kind in "iu" else np.float64, order="C")
        key = (value.dtype.str, value.shape, value.tobytes())
        if key not in self._known:
            self._known[key] = f"c{len(self._known)}"
            value.setflags(write=False)
            self.constants[self._known[key]] = value
        return self._known[key]

    # --- leaves
    def parameter(self, name: str, shape: Sequence[int]) -> int:
        """A trained array; the same name gives the same node."""
        known = self.parameters.setdefault(name, tuple(int(n) for n in shape))
        if known != tuple(shape):
            raise InputError(f"parameter {name}: found shape {tuple(shape)}, expected {known} as before")
        return self.add_node("parameter", (), {"name": name})

    def constant(self, array: Any) -> int:
        """A constant array."""
        return self.add_node("constant", (), {"name": self.intern(np.asarray(array, dtype=np.float64))})

    # --- index maps
    def gather(self, inputs: Sequence[int], indices: np.ndarray) -> int:
        """An index map of one or more inputs; gathers of gathers are fused."""
        places, index = fuse(self, list(inputs), np.asarray(indices))
        if len(places) == 1 and is_identity(index, self.shape(places[0])):
            return places[0]
        return self.add_node("gather", places, {"indices": self.intern(index)})

    def places_of(self, x: int) -> np.ndarray:
        """Return the array of flat places of a node, to be indexed like the node itself."""
        return np.arange(self.nodes[x].size).reshape(self.shape(x))

    def reshape(self, x: int, shape: Sequence[int]) -> int:
        """The same entries in another shape."""
        return self.gather([x], self.places_of(x).reshape(tuple(shape)))

    def transpose(self, x: int, axes: Sequence[int]) -> int:
        """Permute the axes."""
        return self.gather([x], self.places_of(x).transpose(tuple(axes)))

    def broadcast(self, x: int, shape: Sequence[int]) -> int:
        """Repeat entries, as NumPy broadcasts."""
        return self.gather([x], np.broadcast_to(self.places_of(x), tuple(shape)))

    def along(self, x: int, shape: Sequence[int], axis: int) -> int:
        """Repeat a vector along all axes but one: a bias of channels."""
        spread = [1] * len(shape)
        spread[axis] = self.shape(x)[0]
        return self.gather([x], np.broadcast_to(self.places_of(x).reshape(spread), tuple(shape)))

    def concatenate(self, inputs: Sequence[int], axis: int = 0) -> int:
        """Join along an axis."""
        starts = np.cumsum([0, *(self.nodes[i].size for i in inputs)])
        return self.gather(inputs, np.concatenate([self.places_of(i) + s for i, s in zip(inputs, starts)], axis=axis))

    def pad(self, x: int, widths: Sequence[tuple[int, int]], mode: str = "zero") -> int:
        """Pad: "zero", "reflect" (border not repeated), "symmetric" (repeated), "replicate" or "circular"."""
        modes = {"reflect": "reflect", "symmetric": "symmetric", "replicate": "edge", "circular": "wrap"}
        if mode == "zero":
            index = np.pad(self.places_of(x), widths, constant_values=-1)
        else:
            index = np.pad(self.places_of(x), widths, mode=modes[mode])  # type: ignore[call-overload]
        return self.gather([x], index)

    # --- linear and affine
    def contract(self, x: int, matrix: Any, axis: int) -> int:
        """A constant matrix along one axis."""
        return self.add_node("contract", (x,), {"matrix": self.intern(np.asarray(matrix, dtype=float)), "axis": axis})

    def sum(self, x: int, axes: Sequence[int]) -> int:
        """Sum over axes, which disappear."""
        return self.add_node("sum", (x,), {"axes": tuple(map(int, axes))}) if len(axes) else x

    def scale(self, x: int, factor: Any) -> int:
        """Times a number or an array of the same shape."""
        value = self._number_or_name(factor, self.shape(x))
        return x if value == 1.0 else self.add_node("scale", (x,), {"factor": value})

    def shift(self, x: int, offset: Any) -> int:
        """Plus a number or an array of the same shape."""
        value = self._number_or_name(offset, self.shape(x))
        return x if value == 0.0 else self.add_node("shift", (x,), {"offset": value})

    def _number_or_name(self, value: Any, shape: Shape) -> float | str:
        array = np.asarray(value, dtype=np.float64)
        if (array == array.reshape(-1)[0]).all():
            return float(array.reshape(-1)[0])
        return self.intern(np.broadcast_to(array, shape))

    def add(self, *inputs: int, signs: Sequence[int] | None = None) -> int:
        """Signed sum of inputs of equal shape; constants become a shift."""
        used = list(signs or [1] * len(inputs))
        fixed = [(i, s) for i, s in zip(inputs, used) if self.value(i) is not None]
        free = [(i, s) for i, s in zip(inputs, used) if self.value(i) is None]
        if not free:
            return self.add_node("add", inputs, {"signs": tuple(used)})
        place, sign = free[0]
        if len(free) > 1:
            place = self.add_node("add", [i for i, _ in free], {"signs": tuple(s for _, s in free)})
        elif sign == -1:
            place = self.scale(place, -1.0)
        for i, s in fixed:
            place = self.shift(place, s * np.asarray(self.value(i)))
        return place

    # --- bilinear
    def product(self, a: int, b: int) -> int:
        """Entrywise product; a constant factor becomes a scale."""
        for x, y in ((a, b), (b, a)):
            if self.value(y) is not None:
                return self.scale(x, self.value(y))
        return self.add_node("product", (a, b))

    def matmul(self, a: int, b: int) -> int:
        """Matrix product with equal leading axes."""
        return self.add_node("matmul", (a, b))

    def conv(
        self,
        x: int,
        w: int,
        *,
        stride: Sequence[int] | None = None,
        padding: Sequence[tuple[int, int]] | None = None,
        dilation: Sequence[int] | None = None,
        groups: int = 1,
        transposed: bool = False,
    ) -> int:
        """Convolution without bias, zero padding."""
        axes = len(self.shape(x)) - 1
        attributes = {
            "stride": tuple(stride or (1,) * axes),
            "padding": tuple(tuple(p) for p in padding or ((0, 0),) * axes),
            "dilation": tuple(dilation or (1,) * axes),
            "groups": groups,
            "transposed": transposed,
        }
        return self.add_node("conv", (x, w), attributes)

    # --- nonlinear
    def entrywise(self, x: int, function: str) -> int:
        """A smooth function by name."""
        return self.add_node("entrywise", (x,), {"function": function})

    def piecewise(self, x: int, function: PiecewiseLinear) -> int:
        """A continuous piecewise linear function."""
        numbers = {"knots": tuple(map(float, function.knots)), "slopes": tuple(map(float, function.slopes))}
        return self.add_node("piecewise", (x,), {**numbers, "value": float(function.value)})

    def maximum(self, x: int) -> int:
        """Maximum over the last axis."""
        return self.add_node("maximum", (x,))

    def normalise(self, x: int, axes: Sequence[int], epsilon: float, centre: bool = True) -> int:
        """Normalise over axes."""
        return self.add_node(
            "normalise", (x,), {"axes": tuple(map(int, axes)), "epsilon": float(epsilon), "centre": centre}
        )

    def softmax(self, x: int) -> int:
        """Softmax over the last axis."""
        return self.add_node("softmax", (x,))

    def graph(self, output: int) -> Graph:
        """Return the graph: nodes that the output does not need are left out, constants renamed in order of use."""
        needed = {output} | {i for i, node in enumerate(self.nodes) if node.op == "parameter"}
        for place in range(output, -1, -1):
            if place in needed:
                needed |= set(self.nodes[place].inputs)
        kept = sorted(needed)
        new = {place: i for i, place in enumerate(kept)}
        names: dict[str, str] = {}
        nodes = []
        for place in kept:
            node = self.nodes[place]
            attributes = dict(node.attributes)
            for key, value in attributes.items():
                if isinstance(value, str) and value in self.constants and node.op not in ("parameter", "entrywise"):
                    attributes[key] = names.setdefault(value, f"c{len(names)}")
            nodes.append(Node(node.op, tuple(new[i] for i in node.inputs), node.shape, attributes))
        constants = {name: self.constants[old] for old, name in names.items()}
        return Graph(tuple(nodes), dict(self.parameters), constants, new[output])
