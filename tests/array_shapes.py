"""The shapes that public annotations promise (jaxtyping), checked by beartype wherever the tests come by.

The package imports jaxtyping for type checkers alone, so that it costs users no time; here the annotations are
evaluated. Fields are checked once an object is made, arguments and results at every call.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import is_dataclass
from functools import wraps
from typing import Any

import jaxtyping
from beartype.door import is_bearable
from jaxtyping import jaxtyped

#: Public classes, and classes of public objects, whose arrays have annotated shapes.
PLACES = {
    "TwoLayer": "dipproofs.networks.two_layer.network",
    "GraphNetwork": "dipproofs.networks.graph_network.network",
    "History": "dipproofs.descent.history",
    "InverseProblem": "dipproofs.problems.inverse_problem",
    "Operator": "dipproofs.operators.operator",
    "Loss": "dipproofs.losses.base",
    "Certificate": "dipproofs.certificate.record",
}
ARRAY = re.compile(r"\b(Float|Integer|Inexact|Bool|Shaped)\[")


def install() -> list[str]:
    """Wrap what is annotated; return its names."""
    found: list[str] = []
    for name, module in PLACES.items():
        cls = getattr(importlib.import_module(module), name)
        found += [f"{name}.{member}" for member in _wrap_members(cls)]
    return found


def _wrap_members(cls: type) -> Iterator[str]:
    for name, member in list(vars(cls).items()):
        if name == "__init__" and is_dataclass(cls):  # what is given may be anything; its fields are checked once made
            continue
        function = member.fget if isinstance(member, property) else member
        if not inspect.isfunction(function) or not (hints := _hints(function.__annotations__, function.__module__)):
            continue
        wrapped: Any = checked(function, hints)
        setattr(cls, name, property(wrapped, doc=member.__doc__) if isinstance(member, property) else wrapped)
        yield name
    if fields := _hints(vars(cls).get("__annotations__", {}), cls.__module__):
        cls.__init__ = _checked_init(cls, cls.__init__, fields)  # type: ignore[misc]
        yield from fields


def _hints(annotations: Mapping[str, Any], module: str) -> dict[str, Any]:
    scope = {**vars(jaxtyping), **vars(importlib.import_module(module))}
    arrays = {name: text for name, text in annotations.items() if isinstance(text, str) and ARRAY.search(text)}
    return {name: eval(text, scope) for name, text in arrays.items()}


def checked(function: Callable[..., Any], hints: Mapping[str, Any]) -> Callable[..., Any]:
    """Return the function with its annotated arrays checked; a dimension means one number in a call."""
    order, kind = list(inspect.signature(function).parameters), function.__qualname__
    places = [(order.index(name), name, f"{kind}({name})", hint) for name, hint in hints.items() if name != "return"]

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        with jaxtyped("context"):  # type: ignore[attr-defined]
            for place, name, title, hint in places:
                if place < len(args) or name in kwargs:
                    _check(title, args[place] if place < len(args) else kwargs[name], hint)
            result = function(*args, **kwargs)
            if "return" in hints:
                _check(f"{kind}() ->", result, hints["return"])
            return result

    return call


def _checked_init(cls: type, init: Callable[..., None], fields: Mapping[str, Any]) -> Callable[..., None]:
    @wraps(init)
    def made(self: Any, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **kwargs)
        with jaxtyped("context"):  # type: ignore[attr-defined]
            for name, hint in fields.items():
                _check(f"{cls.__name__}.{name}", getattr(self, name), hint)

    return made


def _check(name: str, value: Any, hint: Any) -> None:
    if not is_bearable(value, hint):
        found = f"{getattr(value, 'dtype', type(value).__name__)} of shape {getattr(value, 'shape', None)}"
        raise TypeError(f"{name}: found {found}, expected {hint}")
