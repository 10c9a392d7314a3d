"""Weaken the evidence of statements whose condition is not proved (`certificate.conditional` lists them)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dipproofs.certificate.conditional import CONDITION, IF_CONVERGENT, ONCE_STOPPED, SENTENCES
from dipproofs.enclosures import Bound, Evidence


def weakened(tree: Mapping[str, Any], evidence: Evidence, stopped: Evidence) -> dict[str, Any]:
    """Return guarantees whose conditional statements have at most the given evidence.

    Args:
        tree: guarantees by name, with nested mappings; not changed.
        evidence: of the statements on limit and rate. stopped: of those on early stopping.

    Example:
        >>> found = weakened({"distance_to_limit": Bound.exact(1)}, Evidence.ASSUMED, Evidence.PROVED)
        >>> print(found["distance_to_limit"].evidence)
        assumed
    """
    return _weakened(tree, "", dict.fromkeys(IF_CONVERGENT, evidence) | dict.fromkeys(ONCE_STOPPED, stopped), evidence)


def _weakened(
    tree: Mapping[str, Any], above: str, limits: Mapping[str, Evidence], evidence: Evidence
) -> dict[str, Any]:
    found = {}
    for key, value in tree.items():
        path = above + key
        if isinstance(value, Mapping):
            value = _weakened(value, f"{path}.", limits, evidence)
        elif path in limits and isinstance(value, Bound):
            value = value.with_evidence(max(value.evidence, limits[path]))
        elif path in limits and isinstance(value, str):
            value = str(max(Evidence.parse(value), limits[path]))
        elif path in SENTENCES and value and evidence > Evidence.PROVED and not value.startswith(CONDITION):
            value = CONDITION + value
        found[key] = value
    return found
