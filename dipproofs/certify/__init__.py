"""Instance × theorem → certificate."""

from __future__ import annotations

from .api import certify, check
from .at_iterate import certify_at
from .operator_bounds import bound_operator
from .record import Certificate, Check, Guarantees, Hypothesis

__all__ = [
    "Certificate",
    "Check",
    "Guarantees",
    "Hypothesis",
    "bound_operator",
    "certify",
    "certify_at",
    "check",
]
