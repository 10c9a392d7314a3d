"""Saved certificates, read again so that they can be shown (nothing is checked: `dipproofs verify` does that)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from dipproofs.certificate.record import Certificate, Guarantees, Hypothesis
from dipproofs.certificate.stored import PREFIX, StoredArrays
from dipproofs.certificate.structure import operator_of
from dipproofs.certificate.write import CERTIFICATE
from dipproofs.enclosures import Bound, Verdict
from dipproofs.errors import InputError, one_line

ArraysOf = Callable[[Mapping[str, Any]], Mapping[str, np.ndarray]]
_OWN = tuple(entry.name for entry in fields(Guarantees) if entry.name != "extra")


@dataclass(frozen=True)
class Saved:
    """A certificate as it lies in a directory.

    Args:
        name: of the directory. certificate: as it was, without its run. run: the run's summary.
    """

    name: str
    certificate: Certificate
    run: Mapping[str, Any]


def load_saved(directory: Path | str) -> Saved:
    """Read the certificate in a directory, or the certificate file itself.

    Raises:
        InputError: no certificate there, or one that cannot be read.
    """
    path = Path(directory)
    file = path / CERTIFICATE if path.is_dir() else path
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(record, dict) or record.get("format") != "dipproofs-certificate":
            raise ValueError("another format")
        certificate = certificate_of(record, lambda part: _arrays(part, file.parent))
    except FileNotFoundError:
        raise InputError(
            f"{directory}: found no {CERTIFICATE}, expected a directory written by dipproofs certify --out"
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = one_line(error)
        raise InputError(f"{file}: not a certificate that can be shown ({reason}); make it again with --out") from None
    return Saved(path.resolve().name if path.is_dir() else path.stem, certificate, record.get("run") or {})


def _arrays(record: Mapping[str, Any], folder: Path) -> Mapping[str, np.ndarray]:
    entry = (record.get("arrays") or {}).get("file")
    arrays: dict[str, np.ndarray] = {}
    if isinstance(entry, str) and Path(entry).name == entry:
        with np.load(folder / entry, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    if isinstance(record.get("operator"), dict):
        parts = {name.removeprefix(PREFIX): array for name, array in arrays.items() if name.startswith(PREFIX)}
        arrays = {name: array for name, array in arrays.items() if not name.startswith(PREFIX)}
        described = record["operator"]
        forward = operator_of(described, parts)
        return StoredArrays(arrays, described, parts, lambda: np.asarray(forward))
    return arrays


def certificate_of(record: Mapping[str, Any], arrays: ArraysOf) -> Certificate:
    """Make a certificate, without its run, from its JSON value; nothing is checked.

    Args:
        record: the JSON value. arrays: gives the arrays of a record, or of the record under ``final``.
    """
    facts = {key: bound_of(value) for key, value in record["guarantees"].items()}
    own: dict[str, Any] = {key: facts[key] for key in _OWN if key in facts}
    own["iterations_to_loss"] = own.get("iterations_to_loss") or {}
    extra = {key: value for key, value in facts.items() if key not in _OWN}
    final = record.get("final")
    return Certificate(
        verdict=Verdict(record["verdict"]),
        form=str(record["form"]),
        profile=str(record["profile"]),
        iteration=int(record["iteration"]),
        quantities={key: bound_of(value) for key, value in record["quantities"].items()},
        hypotheses=tuple(_hypothesis(entry) for entry in record["hypotheses"]),
        guarantees=Guarantees(**own, extra=extra),
        arrays=arrays(record),
        loss=record["loss"],
        network=record["network"],
        schedule=record["schedule"],
        provenance=record["provenance"],
        arithmetic=str(record.get("arithmetic", "proved")),
        final=certificate_of(final, arrays) if isinstance(final, dict) else None,
        method=record.get("method") or {"kind": "gradient-descent"},
        polish=record.get("polish"),
    )


def _hypothesis(entry: Mapping[str, Any]) -> Hypothesis:
    margin = bound_of(entry.get("margin"))
    return Hypothesis(str(entry["id"]), str(entry["statement"]), Verdict(entry["verdict"]), margin, entry["reason"])


def bound_of(value: Any) -> Any:
    """Turn {"lower", "upper", "evidence"} into a `Bound`, inside mappings too; anything else stays."""
    if not isinstance(value, Mapping):
        return value
    if set(value) == {"lower", "upper", "evidence"}:
        return Bound.from_json(value)
    return {key: bound_of(entry) for key, entry in value.items()}
