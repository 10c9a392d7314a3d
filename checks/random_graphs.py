"""Random computation graphs over all operations, from a seed: for property tests of bounds and interpreters."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from dipproofs.graph import Graph, GraphBuilder
from dipproofs.theory.elementary import ELEMENTARY, PIECEWISE

#: Functions that are defined and of moderate size everywhere.
SMOOTH = tuple(f for f in ELEMENTARY if ELEMENTARY[f].domain == "real" and f not in ("exp", "sinh", "cosh", "square"))


def random_graph(
    seed: int, *, layers: int = 5, kinks: bool = True, outputs: int = 12
) -> tuple[Graph, dict[str, np.ndarray]]:
    """Return a random graph of image-like nodes (C, H, W) with values of its parameters.

    Args:
        seed: of the generator.
        layers: how many random operations are put one after the other, with residual and skip connections.
        kinks: whether piecewise linear functions and maxima may occur.
        outputs: length of the output vector.

    Returns:
        The graph, output shape (outputs,), and its parameters. Over the seeds all operations occur, tied weights,
        fan-out, residual connections, two normalisations in a row and products of trained nodes.

    Example:
        >>> graph, parameters = random_graph(3)
        >>> graph.output_shape, sorted(parameters) == list(graph.parameters)
        ((12,), True)
    """
    return _Draw(seed, kinks).graph(layers, outputs)


class _Draw:
    def __init__(self, seed: int, kinks: bool) -> None:
        self.rng = np.random.default_rng([seed, 77])
        self.builder = GraphBuilder()
        self.values: dict[str, np.ndarray] = {}
        self.kernels: list[str] = []
        steps: list[Callable[[int], int]] = [
            self.conv,
            self.conv,
            self.transposed,
            self.dense,
            self.smooth,
            self.smooth,
        ]
        steps += [self.normalise, self.normalised_twice, self.affine, self.resize, self.pad, self.shuffle, self.softmax]
        steps += [
            self.times,
            self.residual,
            self.gate,
            self.positive,
            self.constants,
            self.mean,
            self.one_dimension,
            self.recurrent,
        ]
        self.steps = [*steps, self.piecewise, self.pool] if kinks else steps

    def graph(self, layers: int, outputs: int) -> tuple[Graph, dict[str, np.ndarray]]:
        b = self.builder
        x = self.conv(b.constant(self.rng.standard_normal((2, 4, 5))))
        seen = [x]
        for _ in range(layers):
            x = self.rng.choice(self.steps)(x)  # type: ignore[arg-type]
            if b.nodes[x].size > 400:
                x = b.gather([x], self.rng.permutation(b.nodes[x].size)[:60].reshape(3, 4, 5))
            if self.rng.random() < 0.3:
                x = self.join(x, seen[int(self.rng.integers(len(seen)))])
            seen.append(x)
        matrix = self.rng.standard_normal((outputs, b.nodes[x].size)) / np.sqrt(b.nodes[x].size)
        x = b.contract(b.reshape(x, (b.nodes[x].size,)), matrix, 0)
        return b.graph(x), self.values

    def parameter(self, shape: Sequence[int], scale: float = 1.0, centre: float = 0.0) -> int:
        name = f"{len(self.values)}/weight"
        self.values[name] = centre + scale * self.rng.standard_normal(tuple(shape))
        return self.builder.parameter(name, shape)

    def conv(self, x: int) -> int:
        b, rng = self.builder, self.rng
        c = b.shape(x)[0]
        if self.kernels and rng.random() < 0.3:  # a tied weight, where one fits
            fitting = [name for name in self.kernels if self.values[name].shape[1] == c]
            if fitting:
                name = str(rng.choice(fitting))
                shape = self.values[name].shape
                return b.conv(x, b.parameter(name, shape), padding=[(k // 2, k // 2) for k in shape[2:]])
        k, groups = [int(v) for v in rng.integers(1, 4, 2)], int(rng.choice([1, 1, c]))
        out = groups * int(rng.integers(1, 4 if groups == 1 else 2))
        w = self.parameter((out, c // groups, *k), 1 / np.sqrt(c * np.prod(k) / groups))
        if groups == 1:
            self.kernels.append(list(self.values)[-1])
        stride, dilation = [int(v) for v in rng.integers(1, 3, 2)], [int(v) for v in rng.integers(1, 3, 2)]
        padding = [(d * (size - 1), int(rng.integers(0, 3))) for size, d in zip(k, dilation)]
        y = b.conv(x, w, stride=stride, padding=padding, dilation=dilation, groups=groups)
        return self.bias(y) if rng.random() < 0.5 else y

    def transposed(self, x: int) -> int:
        b, rng = self.builder, self.rng
        c = b.shape(x)[0]
        groups = int(rng.choice([1, c]))
        k = [int(v) for v in rng.integers(2, 4, 2)]
        w = self.parameter((c, 1 if groups > 1 else int(rng.integers(1, 3)), *k), 1 / np.sqrt(c * 2))
        return b.conv(x, w, stride=[2, 1], padding=[(1, 0), (0, 1)], dilation=[1, 1], groups=groups, transposed=True)

    def bias(self, x: int) -> int:
        b = self.builder
        return b.add(x, b.along(self.parameter((b.shape(x)[0],), 0.3), b.shape(x), 0))

    def dense(self, x: int) -> int:
        b = self.builder
        c, _, w = b.shape(x)
        weight = self.parameter((w, int(self.rng.integers(2, 5))), 1 / np.sqrt(w))
        return b.matmul(x, b.broadcast(weight, (c, *b.shape(weight)))) if c > 1 else self.flat_dense(x)

    def flat_dense(self, x: int) -> int:
        b = self.builder
        shape = b.shape(x)
        flat = b.reshape(x, (shape[0] * shape[1], shape[2]))
        weight = self.parameter((3, shape[0] * shape[1]), 0.5)
        return b.reshape(b.matmul(weight, flat), (1, 3, shape[2]))

    def one_dimension(self, x: int) -> int:
        b = self.builder
        c, h, w = b.shape(x)
        kernel = self.parameter((2, c, 3), 0.5)
        y = b.conv(b.reshape(x, (c, h * w)), kernel, padding=[(1, 1)])
        return b.reshape(y, (2, h, w))

    def smooth(self, x: int) -> int:
        return self.builder.entrywise(x, str(self.rng.choice(SMOOTH)))

    def positive(self, x: int) -> int:
        b, name = self.builder, str(self.rng.choice(["log", "sqrt", "rsqrt", "reciprocal"]))
        return b.entrywise(b.shift(b.entrywise(x, "softplus"), 0.5), name)

    def piecewise(self, x: int) -> int:
        names = list(PIECEWISE)
        return self.builder.piecewise(x, PIECEWISE[names[int(self.rng.integers(len(names)))]])

    def pool(self, x: int) -> int:
        b = self.builder
        places = b.places_of(x)
        return (
            b.maximum(b.gather([x], np.stack([places[:, :-1, :], places[:, 1:, :]], axis=-1)))
            if (b.shape(x)[1] > 1)
            else x
        )

    def normalise(self, x: int) -> int:
        axes = [(1, 2), (0, 1, 2), (0,), (2,)][int(self.rng.integers(4))]
        if np.prod([self.builder.shape(x)[a] for a in axes]) < 3:
            axes = (0, 1, 2)
        return self.builder.normalise(x, axes, float(self.rng.choice([0.1, 0.01])), bool(self.rng.random() < 0.7))

    def normalised_twice(self, x: int) -> int:
        return self.normalise(self.normalise(x))

    def affine(self, x: int) -> int:
        b = self.builder
        scale = self.parameter((b.shape(x)[0],), 0.3, 1.0)
        return self.bias(b.product(x, b.along(scale, b.shape(x), 0)))

    def resize(self, x: int) -> int:
        b, axis = self.builder, int(self.rng.integers(1, 3))
        n = b.shape(x)[axis]
        return b.contract(x, np.kron(np.eye(n), [[0.75], [0.25]]) + np.kron(np.eye(n, k=-1), [[0.25], [0.0]]), axis)

    def pad(self, x: int) -> int:
        mode = str(self.rng.choice(["zero", "reflect", "symmetric", "replicate", "circular"]))
        mode = "zero" if min(self.builder.shape(x)[1:]) < 2 else mode
        return self.builder.pad(x, [(0, 0), (1, 0), (0, 1)], mode)

    def shuffle(self, x: int) -> int:
        index = self.builder.places_of(x)[:, ::-1, :].transpose(0, 2, 1)
        return self.builder.gather([x], index)

    def softmax(self, x: int) -> int:
        return self.builder.softmax(x)

    def mean(self, x: int) -> int:
        b = self.builder
        means = b.scale(b.sum(x, (0,)), 1 / b.shape(x)[0])
        return b.add(x, b.broadcast(b.reshape(means, (1, *b.shape(means))), b.shape(x)), signs=(1, -1))

    def constants(self, x: int) -> int:
        b, shape = self.builder, self.builder.shape(x)
        return b.shift(b.scale(x, 1 + 0.3 * self.rng.standard_normal(shape)), self.rng.standard_normal(shape))

    def times(self, x: int) -> int:
        return self.builder.product(x, self.builder.entrywise(x, "sin"))

    def gate(self, x: int) -> int:
        weight = self.parameter(self.builder.shape(x), 0.5, 0.5)
        return self.builder.product(weight, self.builder.entrywise(x, "sigmoid"))

    def residual(self, x: int) -> int:
        b = self.builder
        w = self.parameter((b.shape(x)[0], b.shape(x)[0], 3, 3), 0.2)
        y = b.conv(x, w, padding=[(1, 1), (1, 1)])
        return b.add(x, b.entrywise(y, "tanh"), signs=(1, int(self.rng.choice([1, -1]))))

    def recurrent(self, x: int) -> int:
        """One convolution used three times."""
        b = self.builder
        w = self.parameter((b.shape(x)[0], b.shape(x)[0], 3, 1), 0.3)
        for _ in range(3):
            x = b.entrywise(b.conv(x, w, padding=[(1, 1), (0, 0)]), "tanh")
        return x

    def join(self, x: int, y: int) -> int:
        """Add a node seen before where the shapes agree, concatenate a piece of it where they do not."""
        b = self.builder
        if b.shape(x) == b.shape(y):
            return b.add(x, y)
        c, h, w = b.shape(x)
        piece = b.gather([y], np.resize(b.places_of(y).reshape(-1), (1, h, w)))
        return b.concatenate([x, piece]) if c < 6 else x
