"""What is claimed: every constant, hypothesis and conclusion as a SymPy object, once.

Import order matters only in that it is the order in which formulas are registered.
"""

from __future__ import annotations

from . import conditions, forms, profiles, recovery, symbols, twolayer
from .activations import ACTIVATIONS, EXCLUDED, Activation
from .core import Formula, Quantity, define, formula, formulas, quantities, register
from .forms import FORM_IDS, FORMS, DescentForm
from .losses import LOSSES, LossTheory
from .profiles import PROFILES, Profile

__all__ = [
    "ACTIVATIONS",
    "EXCLUDED",
    "FORMS",
    "FORM_IDS",
    "LOSSES",
    "PROFILES",
    "Activation",
    "DescentForm",
    "Formula",
    "LossTheory",
    "Profile",
    "Quantity",
    "conditions",
    "define",
    "forms",
    "formula",
    "formulas",
    "profiles",
    "quantities",
    "recovery",
    "register",
    "symbols",
    "twolayer",
]
