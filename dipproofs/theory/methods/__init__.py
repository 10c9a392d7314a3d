"""The methods with a theorem, as data (docs/theory-methods.md).

A theorem is built when it is first asked for: large expressions take SymPy a while, and most runs need none of them.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from dipproofs.theory.core import later
from dipproofs.theory.methods.base import Condition, MatrixCondition, MethodTheorem

if TYPE_CHECKING:
    from dipproofs.theory.methods.adam import ADAM
    from dipproofs.theory.methods.heavy_ball import HEAVY_BALL
    from dipproofs.theory.methods.inexact_gradient import INEXACT_GRADIENT
    from dipproofs.theory.methods.nesterov import NESTEROV

_MODULES = {"heavy-ball": "heavy_ball", "nesterov": "nesterov", "adam": "adam"}
for _name, _module in {
    "heavy_ball": "methods.heavy_ball",
    "adam": "methods.adam",
    "nesterov": "methods.nesterov",
    "rounding": "architectures.two_layer_rounding",
    "spectral": "methods.spectral",
    "inexact": "methods.inexact_gradient",
}.items():
    later(f"methods.{_name}.", f"dipproofs.theory.{_module}")
_THEOREMS = {module.upper(): module for module in (*_MODULES.values(), "inexact_gradient")}


def __getattr__(name: str) -> Any:
    if name in _THEOREMS:
        return getattr(importlib.import_module(f"{__name__}.{_THEOREMS[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class _Theorems(Mapping[str, MethodTheorem]):
    def __getitem__(self, kind: str) -> MethodTheorem:
        module = importlib.import_module(f"{__name__}.{_MODULES[kind]}")
        theorem: MethodTheorem = getattr(module, _MODULES[kind].upper())
        return theorem

    def __iter__(self) -> Iterator[str]:
        return iter(_MODULES)

    def __len__(self) -> int:
        return len(_MODULES)


#: Theorems by the name of the method; gradient descent's are the forms of `dipproofs.theory.forms`.
METHOD_THEOREMS: Mapping[str, MethodTheorem] = _Theorems()
#: Methods that the descent offers.
METHODS = ("gradient-descent", *_MODULES)

__all__ = [
    "ADAM",
    "HEAVY_BALL",
    "INEXACT_GRADIENT",
    "METHODS",
    "METHOD_THEOREMS",
    "NESTEROV",
    "Condition",
    "MatrixCondition",
    "MethodTheorem",
]
