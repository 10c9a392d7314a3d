"""dipproofs: what is proved about this run?

Public names are loaded when first used, so that `import dipproofs` is fast and needs no JAX. Their types are in
`__init__.pyi`. `certify` and `verify` are functions, although there are packages of these names, whose modules are
imported as ever (`from dipproofs.certify.search import …`).
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

__version__ = "0.2.0"

_EXPORTS = {
    "InputError": "dipproofs.errors",
    "InverseProblem": "dipproofs.problems",
    "as_operator": "dipproofs.problems",
    "condition_number": "dipproofs.operators.facts",
    "operator_facts": "dipproofs.operators.facts",
    "operator_norm": "dipproofs.operators.facts",
    "smallest_singular_value": "dipproofs.operators.facts",
    "load_problem": "dipproofs.problems",
    "CrossEntropy": "dipproofs.losses",
    "Huber": "dipproofs.losses",
    "LogCosh": "dipproofs.losses",
    "LogitCrossEntropy": "dipproofs.losses",
    "Loss": "dipproofs.losses",
    "LpLoss": "dipproofs.losses",
    "NormPower": "dipproofs.losses",
    "Poisson": "dipproofs.losses",
    "SquaredError": "dipproofs.losses",
    "make_loss": "dipproofs.losses",
    "TwoLayer": "dipproofs.networks",
    "GraphNetwork": "dipproofs.networks",
    "MLP": "dipproofs.networks",
    "SIREN": "dipproofs.networks",
    "Convolutional": "dipproofs.networks",
    "Decoder": "dipproofs.networks",
    "Skip": "dipproofs.networks",
    "from_jax": "dipproofs.networks",
    "from_torch": "dipproofs.networks",
    "descend": "dipproofs.descent",
    "certify_point": "dipproofs.certify.point",
    "check": "dipproofs.certify.api",
    "Certificate": "dipproofs.certify",
    "Bound": "dipproofs.enclosures",
    "Evidence": "dipproofs.enclosures",
    "Verdict": "dipproofs.enclosures",
}

#: Functions that share their name with a package.
_FUNCTIONS = {"certify": "dipproofs.certify.api", "verify": "dipproofs.verify.api"}

__all__ = ["__version__", *_FUNCTIONS, *_EXPORTS]


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        value = getattr(importlib.import_module(_EXPORTS[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'dipproofs' has no attribute {name!r}")


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
    certify = _Function("certify", _FUNCTIONS["certify"])
    verify = _Function("verify", _FUNCTIONS["verify"])


sys.modules[__name__].__class__ = _Package
