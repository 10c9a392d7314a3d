"""What is claimed: every constant, hypothesis and conclusion as a SymPy object, once.

Import order matters only in that it is the order in which formulas are registered.
"""

from __future__ import annotations

from dipproofs.theory import conditions, forms, profiles, recovery, symbols
from dipproofs.theory.activations import ACTIVATIONS, EXCLUDED, Activation
from dipproofs.theory.architectures import two_layer
from dipproofs.theory.core import Formula, Quantity, define, formula, formulas, quantities, register
from dipproofs.theory.forms import FORM_IDS, FORMS, Form
from dipproofs.theory.losses import LOSSES, LossTheory
from dipproofs.theory.profiles import PROFILES, Profile

__all__ = [
    "ACTIVATIONS",
    "EXCLUDED",
    "FORMS",
    "FORM_IDS",
    "LOSSES",
    "PROFILES",
    "Activation",
    "Form",
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
    "two_layer",
]
