"""Certificates by the method they are about: which examination is made of which."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dipproofs.certificate.claims import point_only
from dipproofs.certificate.read import Document
from dipproofs.verify.audit import Audit, method_kind
from dipproofs.verify.methods.adam_audit import AdamAudit, PointAudit
from dipproofs.verify.methods.audit import MomentumAudit, is_momentum
from dipproofs.verify.methods.gradient import GradientAudit


def audit_of(document: Document, label: str, run: Any, operator: Callable[[], Any]) -> Audit:
    """Examine a certificate with the theorem of its method."""
    kinds: dict[str, type[Audit]] = {"adam": AdamAudit}
    record = document.record
    chosen: type[Audit]
    if is_momentum(record):
        chosen = PointAudit if point_only(record) else MomentumAudit
    else:
        chosen = kinds.get(method_kind(record), GradientAudit)
    return chosen(document, label, run, operator)
