"""Runs of methods other than gradient descent, where no theorem about the method was decided."""

from __future__ import annotations

from dataclasses import replace

from dipproofs.certificate.record import Certificate, Guarantees, Hypothesis
from dipproofs.descent import Method
from dipproofs.enclosures import Verdict


def undecided_for(certificate: Certificate, method: Method) -> Certificate:
    """Return a certificate of gradient descent as one that says nothing about another method's convergence."""
    reason = (
        f"the run is one of {method.kind}, and these conditions are about gradient descent from here; "
        'use method = "gradient-descent" to decide convergence'
    )
    other = Hypothesis("descent", "the iterates are those of gradient descent", Verdict.UNDECIDED, None, reason)
    verdict = certificate.verdict & Verdict.UNDECIDED
    return replace(certificate, verdict=verdict, hypotheses=(other, *certificate.hypotheses), guarantees=Guarantees())
