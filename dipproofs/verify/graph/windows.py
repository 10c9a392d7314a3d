"""What a convolution reads: for every tap and output position one place of the input, or none."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from dipproofs.graph.node import Node

Shape = tuple[int, ...]
Index = slice | np.ndarray


def progression(places: np.ndarray) -> Index:
    """A slice in place of rising numbers of one distance."""
    step = int(places[1] - places[0]) if len(places) > 1 else 1
    if len(places) and step > 0 and (np.diff(places) == step).all():
        return slice(int(places[0]), int(places[-1]) + 1, step)
    return places if len(places) else slice(0, 0)


@dataclass(frozen=True)
class Windows:
    """The index map of a convolution, transposed or not.

    Args:
        reads: (taps, positions) flat spatial places of x, −1 where nothing is read.
        groups, outputs, inputs: groups; output and input channels of one group.
        space: number of spatial places of x. kernel, image: lengths of the axes of the kernel and of x.
        transposed: whether the weights lie as (inputs, outputs, taps).
        axes: by axis (taps, positions), the place along it or −1.
    """

    reads: np.ndarray
    groups: int
    outputs: int
    inputs: int
    space: int
    kernel: Shape
    image: Shape
    transposed: bool
    axes: tuple[np.ndarray, ...]

    def entries(self, group: int) -> np.ndarray:
        """Flat places of x in the windows of a group, (inputs·taps, positions); −1 for 0."""
        channels = np.arange(self.inputs)[:, None, None] + group * self.inputs
        places = np.where(self.reads[None] >= 0, channels * self.space + self.reads[None], -1)
        return places.reshape(-1, self.reads.shape[1])

    def weights(self, group: int) -> np.ndarray:
        """Flat places of w that make the matrix (outputs, inputs·taps) of a group."""
        taps, first = len(self.reads), group * self.outputs * self.inputs
        o, c, t = np.ogrid[: self.outputs, : self.inputs, :taps]
        if self.transposed:
            # w is (inputs of all groups, outputs of one, taps)
            places = ((group * self.inputs + c) * self.outputs + o) * taps + t
        else:
            places = first * taps + (o * self.inputs + c) * taps + t
        return places.reshape(self.outputs, -1)

    @property
    def positions(self) -> Shape:
        """Lengths of the axes of the result."""
        return tuple(places.shape[1] for places in self.axes)

    @cached_property
    def slices(self) -> list[tuple[tuple[Index, ...], tuple[Index, ...]]]:
        """For every tap what it reads and at which positions, axis by axis: both rise with one distance."""
        found = []
        for tap in np.ndindex(*self.kernel):
            at = [np.flatnonzero(places[t] >= 0) for places, t in zip(self.axes, tap)]
            read = [places[t][here] for places, t, here in zip(self.axes, tap, at)]
            found.append((tuple(map(progression, read)), tuple(map(progression, at))))
        return found

    @cached_property
    def kappa(self) -> float:
        """Norm of the bilinear map: root of the most reads of one place, or of the most reads of one position."""
        read = self.reads >= 0
        places = np.bincount(self.reads[read], minlength=1).max(initial=0)
        return math.sqrt(min(int(places), int(read.sum(axis=0).max(initial=0)))) * (1 + 2.0**-50)


def windows(node: Node, x: Shape, w: Shape) -> Windows:
    """Read a conv node; its docstring in the graph format says what is read."""
    space, kernel, out = x[1:], w[2:], node.shape[1:]
    axes = []
    for n, k, p, s, (low, _), d in zip(space, kernel, out, node["stride"], node["padding"], node["dilation"]):
        places = np.full((k, p), -1)
        for tap, position in itertools.product(range(k), range(p)):
            at = position + low - tap * d if node["transposed"] else position * s + tap * d - low
            if node["transposed"]:
                at = at // s if at % s == 0 else -1
            places[tap, position] = at if 0 <= at < n else -1
        axes.append(places)
    reads = np.zeros((1, 1), dtype=int)
    for n, places in zip(space, axes):
        joined = reads[:, None, :, None] * n + places[None, :, None, :]
        missing = (reads[:, None, :, None] < 0) | (places[None, :, None, :] < 0)
        reads = np.where(missing, -1, joined).reshape(len(reads) * len(places), -1)
    groups = node["groups"]
    outputs, inputs = node.shape[0] // groups, x[0] // groups
    return Windows(reads, groups, outputs, inputs, math.prod(space), kernel, space, node["transposed"], tuple(axes))
