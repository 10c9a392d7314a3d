"""`verify`: check a certificate again, from its arrays."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from dipproofs.certificate.read import Document, Unreadable, read, with_arrays
from dipproofs.certificate.structure import SelectedRows
from dipproofs.errors import InputError
from dipproofs.theory.architectures import FORMATS, NetworkFormat
from dipproofs.verify.arithmetic.rounded import COARSE
from dipproofs.verify.arithmetic.splitting import FINE
from dipproofs.verify.audit import method_kind
from dipproofs.verify.goals import of_claims
from dipproofs.verify.methods import audit_of
from dipproofs.verify.polish import check_polish
from dipproofs.verify.recovery import Generator
from dipproofs.verify.result import Row, Verification

SMALL = 256 * 256


class Savable(Protocol):
    """A certificate in memory."""

    def save(self, directory: str | Path) -> Path:
        """Write it to a directory and return the path of the JSON file."""


def verify(certificate: str | Path | Savable) -> Verification:
    """Check a certificate.

    Args:
        certificate: the JSON file written by `dipproofs certify` (its arrays lie beside it), or a `Certificate`, which
            is written to a temporary directory first.

    Returns:
        What was found; falsy unless the certificate is valid. It never raises for a bad certificate.

    Raises:
        InputError: something else than a path or a certificate.

    Notes:
        Every quantity is recomputed from the arrays in ball arithmetic (Arb at 128 bits) and every hypothesis and
        guarantee is decided again from the theory (docs/theory.md §3, §8), without `enclosures` and `certify`.

    Example:
        >>> print(verify("no-such-file.json"))
        unreadable
        finding: no-such-file.json: ...
    """
    if not isinstance(certificate, str | Path):
        if not hasattr(certificate, "save"):
            kind = type(certificate).__name__
            raise InputError(f"certificate: found {kind}, expected the path of a certificate.json, or a Certificate")
        with tempfile.TemporaryDirectory() as folder:
            return verify(certificate.save(folder))
    path = certificate
    try:
        first = read(Path(path))
        final = first.record.get("final")
        last = with_arrays(final, Path(path).parent, first.version) if isinstance(final, dict) else None
    except Unreadable as error:
        return Verification(False, False, (str(error),))
    findings = [] if final is None or last else [f"final: found {type(final).__name__}, expected a certificate"]
    findings += check_polish(first.record, None if last is None else last.arrays)
    other = [] if last is None else _other_problem(first, last)
    basis = _format(first).basis
    small = max((array.size for array in first.arrays.values()), default=0) <= SMALL
    loose = of_claims([first.record] if last is None else [first.record, last.record])
    # more before anything is called wrong
    tries: list[tuple[int, dict[str, float]]] = [
        (COARSE, loose),
        *((precision, {}) for precision in (COARSE, 64, 96, FINE)),
    ]
    for precision, goals in tries[-1:] if small else tries:
        make = partial(Generator, first.arrays, precision, basis, goals)
        operator = cache(make)  # examined once: both certificates have the same
        audits = [_outcome(first, "", first.record.get("run"), operator)]
        if last and not other:
            run = None if first.record.get("polish") else first.record.get("run")  # a polished point continues no run
            audits.append(_outcome(last, "final.", run, operator))
        if not any(audit.findings or audit.unconfirmed for audit in audits):
            break
    findings += other + [finding for audit in audits for finding in audit.findings]
    rows = tuple(row for audit in audits for row in audit.rows)
    notes = tuple(note for audit in audits for note in audit.notes)
    return Verification(not findings, True, tuple(findings), rows, notes, str(first.record.get("verdict")))


class _Outcome(NamedTuple):
    """What came out of an audit, without the matrices that it holds."""

    findings: list[str]
    rows: list[Row]
    notes: list[str]
    unconfirmed: bool


def _outcome(document: Document, label: str, run: Any, operator: Callable[[], Generator]) -> _Outcome:
    audit = audit_of(document, label, run, operator)
    return _Outcome(audit.findings, audit.rows, audit.notes, audit.unconfirmed)


def _format(document: Document) -> NetworkFormat:
    network = document.record.get("network")
    kind = network.get("kind") if isinstance(network, dict) else None
    return FORMATS.get(kind, NetworkFormat()) if isinstance(kind, str) else NetworkFormat()


def _other_problem(first: Document, last: Document) -> list[str]:
    """Findings on the certificate at the last iterate being of another run."""
    untrained = ("A", "y", "x_true", *_format(first).untrained)
    prefixes = tuple(name for name in untrained if name.endswith("/"))
    keys = [key for key in sorted({*first.arrays, *last.arrays}) if key in untrained or key.startswith(prefixes)]
    other = [f"arrays.{key}" for key in keys if not _shared(first, last, key)]
    other += [key for key in ("loss", "network", "schedule") if first.record.get(key) != last.record.get(key)]
    if not first.record.get("polish") and method_kind(first.record) != method_kind(last.record):
        other.append("method.kind")  # from a polished point gradient descent goes on
    nested = ["final.final: found another certificate, expected none"] if last.record.get("final") is not None else []
    if not last.malformed and not first.malformed and last.record["iteration"] < first.record["iteration"]:
        nested.append(f"final.iteration: found {last.record['iteration']}, expected one after the certified iterate's")
    run = first.record.get("run")
    told = run if isinstance(run, dict) and run.get("stopped") != "not finite" else {}  # else where it started
    if not last.malformed and last.record["iteration"] != (length := told.get("iterations", last.record["iteration"])):
        nested.append(f"final.iteration: found {last.record['iteration']}, expected that of the run's end, {length}")
    return nested + [
        f"final.{key}: found another than at the first iterate, expected those of one run" for key in other
    ]


def _shared(first: Document, last: Document, key: str) -> bool:
    """Whether both have the same array; then it is held once."""
    here, there = first.arrays.get(key), last.arrays.get(key)
    if isinstance(here, SelectedRows) and isinstance(there, SelectedRows):
        same = here.columns == there.columns and np.array_equal(here.indices, there.indices)
    else:
        same = here is not None and there is not None and np.array_equal(here, there)
    if same:
        last.arrays[key] = first.arrays[key]
    return same


def exit_code(path: str | Path) -> int:
    """Print the outcome and return 0 (valid), 1 (not valid) or 2 (unreadable)."""
    result = verify(path)
    print(result)
    return result.exit_code
