"""Parameters in a pytree: which leaves they are, and their names."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from dipproofs.errors import InputError

#: Last parts of a path that only say "the array in the box" (Flax NNX).
_BOXES = ("value", "raw_value")


@dataclass(frozen=True)
class Leaves:
    """The trained leaves of a pytree by name.

    Args:
        values: arrays by name, in the number format they have.
        rebuild: makes the pytree of the trained leaves.
    """

    values: dict[str, np.ndarray]
    rebuild: Callable[[Any], Any]

    @classmethod
    def of(cls, params: Any) -> Leaves:
        """Find the float arrays among the leaves.

        Raises:
            InputError: integers, complex or half-precision arrays, no parameter, or two of the same name.
        """
        paths, structure = jax.tree_util.tree_flatten_with_path(params)
        values: dict[str, np.ndarray] = {}
        trained: list[int] = []
        for place, (path, leaf) in enumerate(paths):
            if not isinstance(leaf, jax.Array | np.ndarray):
                continue
            name = path_name(path)
            array = _checked(leaf, name)
            if name in values:
                raise InputError(f"from_jax: two parameters are called {name}, expected different names")
            values[name] = array
            trained.append(place)
        if not values:
            raise InputError("from_jax: params has no float arrays, expected a pytree of trained arrays")
        fixed = [leaf for _, leaf in paths]

        def rebuild(arrays: Any) -> Any:
            leaves = list(fixed)
            for place, array in zip(trained, arrays):
                leaves[place] = array
            return jax.tree_util.tree_unflatten(structure, leaves)

        return cls(values, rebuild)

    def function(self, apply: Callable[[Any], Any]) -> Callable[..., Any]:
        """Return the function of the trained arrays, one after the other."""
        return lambda *arrays: apply(self.rebuild(arrays))


def _checked(leaf: Any, name: str) -> np.ndarray:
    if jax.numpy.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        raise InputError(
            f"from_jax: parameter {name}: found a random key, expected float arrays; keep it out of params"
        )
    array = np.asarray(leaf)
    if array.dtype.kind in "iub":
        raise InputError(
            f"from_jax: parameter {name}: found {array.dtype}, expected float32 or float64; integers are not trained,"
            " close over them instead"
        )
    if array.dtype not in (np.float32, np.float64):
        raise InputError(f"from_jax: parameter {name}: found {array.dtype}, expected float32 or float64; convert it")
    if array.size == 0 or not np.isfinite(array).all():
        found = "no entries" if array.size == 0 else "entries that are not finite"
        raise InputError(f"from_jax: parameter {name}: found {found}, expected finite numbers")
    return array


def path_name(path: tuple[Any, ...]) -> str:
    """Return the name of a leaf, its keys joined by ``/``.

    Example:
        >>> import jax
        >>> [path_name(path) for path, _ in jax.tree_util.tree_flatten_with_path({"a": [1.0, {"b c": 2.0}]})[0]]
        ['a/0', 'a/1/b_c']
    """
    parts = [str(_key(entry)) for entry in path]
    if len(parts) > 1 and parts[-1] in _BOXES:
        parts.pop()
    names = [re.sub(r"[^A-Za-z0-9_.~+@()\[\]-]", "_", part) for text in parts for part in text.split("/")]
    names = [name if name not in ("", ".", "..") else "_" for name in names]
    return "/".join(names) or "parameters"


def _key(entry: Any) -> Any:
    for attribute in ("key", "name", "idx"):
        if hasattr(entry, attribute):
            return getattr(entry, attribute)
    return entry
