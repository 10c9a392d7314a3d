"""How well the verifier must know a number: as well as it is claimed, and no better."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dipproofs.certificate.read import Claim

#: The part of a claim's relative width that the verifier's own radius may take of a squared number.
_PART = 0.25


def of_claims(records: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Return, by name, the relative radius of the square that suffices for the claimed quantities of all records.

    Only how hard the verifier tries depends on it: what it finds is enclosed in any case, and compared with the claim.

    Example:
        >>> of_claims([{"quantities": {"sigma_A": {"lower": 1.0, "upper": 2.0, "evidence": "proved"}}}])
        {'sigma_A': 0.125}
    """
    found: dict[str, float] = {}
    for record in records:
        quantities = record.get("quantities")
        for name, value in quantities.items() if isinstance(quantities, dict) else ():
            try:
                claim = Claim.parse(value)
            except ValueError:
                continue
            width = (claim.upper - claim.lower) / claim.upper if claim.upper > 0 else claim.upper
            part = _PART * float(width.mid()) if width.is_finite() else 0.0
            found[name] = min(found.get(name, part), max(part, 0.0))
    return found
