"""dipproofs: what is proved about this run?

Public names are those of `__init__.pyi`, loaded when first used, so that `import dipproofs` is fast and needs no JAX.
`certify` and `verify` are functions, although there are packages of these names, whose modules are imported as ever
(`from dipproofs.certify.search import …`).
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

from dipproofs.stubs import loader, modules_of

__version__ = "0.2.0"

_NAMES = modules_of(__path__[0])
__all__ = ["__version__", *_NAMES]
__getattr__ = loader(__name__, _NAMES)


def __dir__() -> list[str]:
    return sorted(__all__)


class _Function:
    """A function under the name of a package: importing the package does not put the module in its place."""

    def __init__(self, name: str, module: str) -> None:
        self.name, self.module = name, module

    def __get__(self, package: Any, owner: Any = None) -> Any:
        return getattr(importlib.import_module(self.module), self.name)

    def __set__(self, package: Any, value: Any) -> None:
        if not isinstance(value, ModuleType):
            raise AttributeError(f"dipproofs.{self.name} is a function and cannot be replaced")


class _Package(ModuleType):
    certify = _Function("certify", _NAMES["certify"])
    verify = _Function("verify", _NAMES["verify"])


sys.modules[__name__].__class__ = _Package
