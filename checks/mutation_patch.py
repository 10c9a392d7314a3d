"""Putting an altered source file in place of the loaded one, in a process of its own (see `checks.mutation`)."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import sys
import types
from dataclasses import is_dataclass
from typing import Any

import numpy as np

from checks.mutation_sites import ROOT, Mutant, mutated_code


def module_of(mutant: Mutant) -> str:
    """The dotted name of the altered module."""
    return "dipproofs." + mutant.file[:-3].replace("/", ".")


class Loader(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Serves the altered module in place of the one on disk."""

    def __init__(self, mutant: Mutant) -> None:
        self.name = module_of(mutant)
        self.code = mutated_code(mutant)
        self.path = str(ROOT / "dipproofs" / mutant.file)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        return importlib.machinery.ModuleSpec(name, self, origin=self.path) if name == self.name else None

    def exec_module(self, module: Any) -> None:
        module.__file__ = self.path
        exec(self.code, module.__dict__)


def transplant(mutant: Mutant) -> None:
    """Give the functions and constants of the loaded module the altered code; references to them stay valid."""
    module = importlib.import_module(module_of(mutant))
    fresh = dict(vars(module))
    exec(mutated_code(mutant), fresh)
    for name, new in fresh.items():
        old = vars(module).get(name)
        if old is new or name.startswith("__"):
            continue
        if isinstance(old, type) and isinstance(new, type) and old.__module__ == module.__name__:
            for attribute, value in vars(new).items():
                _replace(vars(old).get(attribute), value, lambda v, o=old, a=attribute: setattr(o, a, v))
        else:
            _replace(old, new, lambda v, n=name, o=old: _everywhere(n, o, v))


def _everywhere(name: str, old: Any, new: Any) -> None:
    """Store a constant in its module and wherever it was imported under the same name."""
    for key, module in list(sys.modules.items()):
        if key.startswith(("dipproofs", "checks", "test")) and module is not None:
            names = vars(module)
            if name in names and names[name] is old:
                names[name] = new


def _replace(old: Any, new: Any, store: Any) -> None:
    first, second = _function(old), _function(new)
    if first is not None and second is not None:
        first.__code__, first.__defaults__, first.__kwdefaults__ = (
            second.__code__, second.__defaults__, second.__kwdefaults__,
        )  # fmt: skip
    elif isinstance(new, (int, float, str, tuple, dict, list, np.ndarray)) and not isinstance(old, type):
        store(new)
    elif is_dataclass(new) and not isinstance(new, type) and type(new).__qualname__ == type(old).__qualname__:
        object.__setattr__(new, "__class__", type(old))  # an object made by a class of the altered module
        store(new)


def _function(value: Any) -> Any:
    """The plain function inside a property, a cache, a class method or another decorator."""
    for key in ("fget", "__func__", "func", "__wrapped__"):
        inner = getattr(value, key, None)
        if inner is not None and (key == "__wrapped__" or not isinstance(value, types.FunctionType)):
            return _function(inner)
    return value if isinstance(value, types.FunctionType) else None
