"""The methods with a theorem, as data (docs/theory-methods.md)."""

from __future__ import annotations

from dipproofs.theory.methods import spectral
from dipproofs.theory.methods.adam import ADAM
from dipproofs.theory.methods.base import Condition, MatrixCondition, MethodTheorem
from dipproofs.theory.methods.heavy_ball import HEAVY_BALL
from dipproofs.theory.methods.inexact_gradient import INEXACT_GRADIENT
from dipproofs.theory.methods.nesterov import NESTEROV

#: Theorems by the name of the method; gradient descent's are the forms of `dipproofs.theory.forms`.
METHOD_THEOREMS: dict[str, MethodTheorem] = {t.kind: t for t in (HEAVY_BALL, NESTEROV, ADAM)}
#: Methods that the descent offers.
METHODS = ("gradient-descent", *METHOD_THEOREMS)

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
    "spectral",
]
