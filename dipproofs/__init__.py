"""dipproofs: what is proved about this run?

Public names are loaded when first used, so that `import dipproofs` is fast and needs no JAX.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_EXPORTS = {
    "InputError": "dipproofs.errors",
    "InverseProblem": "dipproofs.problems",
    "as_operator": "dipproofs.problems",
    "load_problem": "dipproofs.problems",
    "SquaredError": "dipproofs.problems.losses",
    "TwoLayer": "dipproofs.networks",
    "descend": "dipproofs.descent",
    "certify": "dipproofs.certify.api",
    "check": "dipproofs.certify.api",
    "Bound": "dipproofs.rigor",
    "Evidence": "dipproofs.rigor",
    "Verdict": "dipproofs.rigor",
}

__all__ = ["__version__", *_EXPORTS]


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        value = getattr(importlib.import_module(_EXPORTS[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'dipproofs' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
