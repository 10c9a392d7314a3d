"""The second opinion: check a certificate again, from its arrays, with Arb and without the producer's numerics."""

from __future__ import annotations

from dipproofs.certificate.read import Claim
from dipproofs.verify.api import exit_code, verify
from dipproofs.verify.result import Row, Verification

__all__ = ["Claim", "Row", "Verification", "exit_code", "verify"]
