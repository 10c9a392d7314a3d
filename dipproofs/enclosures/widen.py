"""Publish enclosures a little wider than they were found, so that another arithmetic can confirm them."""

from __future__ import annotations

import math

from dipproofs.enclosures.bound import Bound

#: Published enclosures are widened by this much, so that another arithmetic has slack to confirm them.
SLACK = 1e-9


def widened(bound: Bound, relative: float = SLACK) -> Bound:
    """Return the bound pushed outward by a relative amount (never below 0 for a non-negative bound)."""
    if not bound.is_finite:
        return bound
    lower = bound.lower - relative * abs(bound.lower)
    upper = bound.upper + relative * abs(bound.upper)
    if lower == upper == 0:
        return bound
    low = math.nextafter(lower, -math.inf)
    return Bound(max(low, 0.0) if bound.lower >= 0 else low, math.nextafter(upper, math.inf), bound.evidence)
