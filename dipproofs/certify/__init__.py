"""Instance × theorem → certificate."""

from __future__ import annotations

from dipproofs.certificate.record import Certificate, Check, Guarantees, Hypothesis
from dipproofs.certify.api import certify, check
from dipproofs.certify.at_iterate import certify_at
from dipproofs.certify.point import certify_point
from dipproofs.operators.bounds import bound_operator
from dipproofs.recovery.cones import on_cone, on_generated_cone
from dipproofs.recovery.restricted import RestrictedInjectivity, gaussian_operator, injective, on_subspace
from dipproofs.recovery.tradeoff import TradeoffPoint, atoms_tradeoff, best_point

__all__ = [
    "Certificate",
    "Check",
    "Guarantees",
    "Hypothesis",
    "RestrictedInjectivity",
    "TradeoffPoint",
    "atoms_tradeoff",
    "best_point",
    "bound_operator",
    "certify",
    "certify_at",
    "certify_point",
    "check",
    "gaussian_operator",
    "injective",
    "on_cone",
    "on_generated_cone",
    "on_subspace",
]
