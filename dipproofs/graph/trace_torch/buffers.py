"""Tensors that are made empty and then filled piece by piece, as circular padding does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from dipproofs.graph.trace_torch.index_rules import MOVES, index_of
from dipproofs.graph.tracing.algebra import Tracer, Value

#: Operations whose result may be filled later.
FACTORIES = ("new_empty", "new_zeros", "new_empty_strided", "empty", "zeros", "empty_like", "zeros_like")


class Buffer:
    """The present content of such a tensor."""

    def __init__(self, value: Value) -> None:
        self.value = value


@dataclass(frozen=True)
class View:
    """Entries of a buffer, by their flat places."""

    buffer: Buffer
    index: np.ndarray

    def read(self, tracer: Tracer) -> Value:
        """Return the present values."""
        return tracer.move(self.buffer.value, lambda places: self.index)

    def write(self, tracer: Tracer, source: Value) -> None:
        """Replace the entries."""
        shape = tracer.shape(self.buffer.value)
        size = int(np.prod(shape))
        places = np.arange(size)
        places[self.index.reshape(-1)] = size + np.arange(self.index.size)
        filled = tracer.spread(source, self.index.shape)
        self.buffer.value = tracer.gather([self.buffer.value, filled], places.reshape(shape))


def made(shape: Any) -> View:
    """Return a view of all of a new buffer of zeros."""
    zeros = np.zeros(tuple(shape))
    return View(Buffer(zeros), np.arange(zeros.size).reshape(zeros.shape))


def done(tracer: Tracer, name: str, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> View | None:
    """Do what is done to a view without reading it: move it or fill it; None if it has to be read."""
    view = args[0] if args else None
    if not isinstance(view, View):
        return None
    if name == "copy_":
        source = args[1].read(tracer) if isinstance(args[1], View) else args[1]
        view.write(tracer, source.numpy() if isinstance(source, torch.Tensor) else source)
        return view
    if name in MOVES and not any(isinstance(a, View) for a in args[1:]):
        moved = target(torch.as_tensor(view.index, dtype=torch.float64), *args[1:], **kwargs)
        return View(view.buffer, index_of(moved)) if isinstance(moved, torch.Tensor) else None
    return None
