"""The second opinion: check a certificate again, from its arrays, with Arb and without the producer's numerics.

The module itself can be called: ``dipproofs.verify(path)`` is ``dipproofs.verify.verify(path)``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from .audit import audited
from .claims import Claim, Row, Verification
from .document import Unreadable, read, with_arrays
from .run import between_parts

__all__ = ["Claim", "Row", "Verification", "exit_code", "verify"]


def verify(path: str | Path) -> Verification:
    """Check a certificate written by `dipproofs certify`.

    Args:
        path: the JSON file; its arrays lie beside it.

    Returns:
        What was found; falsy unless the certificate is valid. It never raises for a bad certificate.

    Notes:
        Every quantity is recomputed from the arrays in ball arithmetic (Arb at 128 bits; exact integer slices for large
        matrices) and every hypothesis and guarantee is decided again from the theory (docs/theory.md §3, §8).
        Nothing of `rigor` or `certify` is used. Source: docs/theory.md §8.

    Example:
        >>> print(verify("no-such-file.json"))
        unreadable
        finding: no-such-file.json: ...
    """
    try:
        document = read(Path(path))
        parts = [(document, "")]
        final = document.record.get("final")
        if isinstance(final, dict):
            parts.append((with_arrays(final, Path(path).parent), "final."))
    except Unreadable as error:
        return Verification(False, False, (str(error),))
    audits = [audited(part, label, document.record.get("run")) for part, label in parts]
    findings = [finding for audit in audits for finding in audit.findings]
    if final is not None and not isinstance(final, dict):
        findings.append(f"final: found {type(final).__name__}, expected a certificate")
    try:
        findings += between_parts(*(part for part, _ in parts))
    except Exception as error:  # as in `audited`
        findings.append(f"found a run that cannot be examined ({type(error).__name__}: {error}), expected the format")
    rows = tuple(row for audit in audits for row in audit.rows)
    notes = tuple(note for audit in audits for note in audit.notes)
    verdict = str(document.record.get("verdict"))
    return Verification(not findings, True, tuple(findings), rows, notes, verdict)


def exit_code(path: str | Path) -> int:
    """Print the outcome and return 0 (valid), 1 (not valid) or 2 (unreadable)."""
    result = verify(path)
    print(result)
    return result.exit_code


class _Callable(ModuleType):
    def __call__(self, path: str | Path) -> Any:
        return verify(path)


sys.modules[__name__].__class__ = _Callable
