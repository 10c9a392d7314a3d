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
    "descend": "dipproofs.descent",
    "check": "dipproofs.certify.api",
    "Certificate": "dipproofs.certify",
    "Bound": "dipproofs.enclosures",
    "Evidence": "dipproofs.enclosures",
    "Verdict": "dipproofs.enclosures",
}

#: Rooms that can be called: dp.certify(problem, network), dp.verify(path).
_ROOMS = ("certify", "verify")

__all__ = ["__version__", *_ROOMS, *_EXPORTS]


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        value = getattr(importlib.import_module(_EXPORTS[name]), name)
        globals()[name] = value
        return value
    if name in _ROOMS:
        return importlib.import_module(f"dipproofs.{name}")
    raise AttributeError(f"module 'dipproofs' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
