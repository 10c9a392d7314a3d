"""Rules for operations that only move entries: each is run by torch on a tensor of places."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from dipproofs.graph.tracing.algebra import Lazy, Poison, Tracer, Value


def places(tracer: Tracer, value: Value, start: int = 0) -> torch.Tensor:
    """Return the flat places of a value as a float64 tensor (exact, and all operations take floats)."""
    shape = tracer.shape(value)
    size = int(np.prod(shape))
    return torch.arange(start, start + size, dtype=torch.float64).reshape(shape)


def index_of(moved: torch.Tensor) -> np.ndarray:
    """Return the index map that a moved tensor of places stands for."""
    return np.asarray(moved.round().to(torch.int64).numpy())


def moved(tracer: Tracer, target: Any, args: Any, kwargs: Any) -> Any:
    """One tensor first, numbers after."""
    value, *rest = args
    if not isinstance(value, Lazy) or any(isinstance(item, Lazy) for item in rest):
        return Poison("from_torch: found indices that depend on parameters, expected constant ones")
    result = target(places(tracer, value), *_tensors(rest), **kwargs)
    if isinstance(result, torch.Tensor):
        return tracer.gather([value], index_of(result))
    return [tracer.gather([value], index_of(part)) for part in result]


def _joined(tracer: Tracer, target: Any, args: Any, kwargs: Any) -> Value:
    values, *rest = args
    starts = np.cumsum([0, *(int(np.prod(tracer.shape(v))) for v in values)])
    tensors = [places(tracer, v, int(start)) for v, start in zip(values, starts)]
    return tracer.gather(list(values), index_of(target(tensors, *rest, **kwargs)))


def _pad(tracer: Tracer, target: Any, args: Any, kwargs: Any) -> Value:
    value, widths = args[0], args[1]
    fill = float(args[2]) if len(args) > 2 else 0.0
    return tracer.gather([value], index_of(target(places(tracer, value), widths, -1.0)), fill)


def _index(tracer: Tracer, target: Any, args: Any, kwargs: Any) -> Value:
    value, where = args
    if not isinstance(value, Lazy) or any(isinstance(i, Lazy) for i in where):
        return Poison("from_torch: found indices that depend on parameters, expected constant ones")
    result: Value = moved(tracer, target, (value, where), kwargs)
    return result


def _scatter(tracer: Tracer, target: Any, args: Any, kwargs: Any) -> Value:
    """A value with a part replaced by another."""
    value, part, *rest = args
    size = int(np.prod(tracer.shape(value)))
    index = index_of(target(places(tracer, value), places(tracer, part, size), *rest, **kwargs))
    return tracer.gather([value, part], index)


def _zeroed(tracer: Tracer, target: Any, args: Any, kwargs: Any) -> Value:
    """What moves entries and fills with zeros."""
    value, *rest = args
    return tracer.gather([value], index_of(target(places(tracer, value, 1), *_tensors(rest), **kwargs)) - 1)


def _filled(tracer: Tracer, target: Any, args: Any, kwargs: Any) -> np.ndarray:
    """Numbers of the shape of a value."""
    return np.asarray(target(places(tracer, args[0]), *args[1:], **{**kwargs, "dtype": torch.float64}).numpy())


def _copied(tracer: Tracer, target: Any, args: Any, kwargs: Any) -> Value:
    return tracer.spread(args[1], tracer.shape(args[0]))


def _same(tracer: Tracer, target: Any, args: Sequence[Value], kwargs: Any) -> Value:
    return args[0]


def _tensors(rest: Any) -> Any:
    if isinstance(rest, list | tuple):
        return type(rest)(_tensors(item) for item in rest)
    return torch.as_tensor(rest) if isinstance(rest, np.ndarray) else rest


MOVES = (
    *("view", "reshape", "_unsafe_view", "permute", "transpose", "t", "unsqueeze", "squeeze", "expand", "slice"),
    *("select", "split", "split_with_sizes", "chunk", "flip", "roll", "repeat", "unbind", "narrow", "pixel_shuffle"),
    *("pixel_unshuffle", "reflection_pad1d", "reflection_pad2d", "reflection_pad3d", "replication_pad1d"),
    *("replication_pad2d", "replication_pad3d", "upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d"),
    *("_upsample_nearest_exact1d", "_upsample_nearest_exact2d", "_upsample_nearest_exact3d", "unfold", "flatten"),
    *("movedim", "swapaxes", "repeat_interleave", "index_select", "diagonal", "gather", "embedding", "rot90"),
    *("unsafe_split", "unsafe_split_with_sizes", "channel_shuffle", "native_channel_shuffle", "take"),
)
RULES: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(MOVES, moved),
    **dict.fromkeys(("cat", "stack", "concat"), _joined),
    **dict.fromkeys(("clone", "contiguous", "alias", "lift_fresh_copy", "view_copy", "lift_fresh"), _same),
    **dict.fromkeys(("slice_scatter", "select_scatter"), _scatter),
    **dict.fromkeys(("tril", "triu", "diag_embed", "im2col"), _zeroed),
    **dict.fromkeys(("ones_like", "full_like", "new_ones", "new_full"), _filled),
    "copy": _copied,
    "constant_pad_nd": _pad,
    "index": _index,
}
