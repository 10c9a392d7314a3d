"""What a certificate says about the signal: recovery in its three parts, early stopping, the limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dipproofs.certificate.claims import GRADIENT_DESCENT
from dipproofs.enclosures import Bound
from dipproofs.report.numbers import above, count, evidence_note, interval, vanishes

if TYPE_CHECKING:
    from dipproofs.certificate.record import Certificate

#: Rows of the table: key of the guarantees' ``recovery`` entry (None: the total), and what it is.
_ROWS = (
    (None, "bound of ‖x_τ − x̄‖"),
    ("data", "· the loss that is left"),
    ("noise", "· the noise"),
    ("distance", "· x̄ outside the range"),
    ("sharp.error", "sharper bound (leakage)"),
    ("true_error", "true error"),
    ("at_early_stopping", "bound at early stopping"),
    ("sharp.at_early_stopping", "· sharper"),
    ("at_limit", "bound in the limit"),
    ("sharp.at_limit", "· sharper"),
    ("true_error_at_limit", "true error in the limit"),
)
_SOURCES = {
    "x_true": "from the known signal",
    "stated": "as stated",
    "estimated": "estimated from the data",
}


def recovery_of(cert: Certificate) -> Mapping[str, Any]:
    """Return the entry ``recovery`` of the guarantees, empty where there is none."""
    entry = cert.guarantees.extra.get("recovery")
    return entry if isinstance(entry, Mapping) else {}


def best_bound(cert: Certificate) -> Bound | None:
    """Return the smallest stated bound of ‖x_τ − x̄‖."""
    sharp = recovery_of(cert).get("sharp")
    stated = [cert.guarantees.recovery_error, sharp.get("error") if isinstance(sharp, Mapping) else None]
    return min((bound for bound in stated if isinstance(bound, Bound)), key=lambda b: b.upper, default=None)


def signal_sentences(cert: Certificate) -> list[str]:
    """Return what is said about the signal: injectivity, limit, early stopping."""
    entry, lines = recovery_of(cert), []
    found = entry.get("restricted_injectivity")
    if isinstance(found, Mapping) and found.get("verdict"):
        reason = f"; {found['reason']}" if found.get("reason") else ""
        lines.append(f"Restricted injectivity ({found.get('statement', '')}): {found['verdict']}{reason}.")
    if entry.get("limit"):
        lines.append(f"The limit: {entry['limit']}.")
    return lines + _early_stopping(cert, entry)


def _early_stopping(cert: Certificate, entry: Mapping[str, Any]) -> list[str]:
    steps, stopping = cert.guarantees.early_stopping_iteration, entry.get("early_stopping") or {}
    if steps is None:
        reason = stopping.get("reason")
        return [f"Early stopping: no iteration is guaranteed; {reason}."] if reason else []
    error = stopping.get("data_error")
    size = f" = {above(error.upper)}{evidence_note(error)}" if isinstance(error, Bound) else ""
    source = _SOURCES.get(str(entry.get("noise_source")), str(entry.get("noise_source") or ""))
    known = f" (noise {source})" if source else ""
    warning = [f"Early stopping: {stopping['reason']}."] if stopping.get("reason") else []
    # with momentum, or where nothing is proved about going on, the next iterates may be farther away
    falls = cert.proved and not cert.point_only and (steps > 0 or cert.method.get("kind") == GRADIENT_DESCENT)
    at = f"iteration {count(cert.iteration + steps)}"
    return [
        f"Early stopping: {f'from {at} on' if falls else f'at {at}'} the prediction is within 2‖Πε‖{size} "
        f"of the clean data Πȳ{known}.",
        *warning,
    ]


def signal_rows(certs: Sequence[Certificate]) -> list[list[str]]:
    """Return the table of recovery bounds: a name, then a value for each certificate.

    Args:
        certs: the certificate, and the one at the last iterate.

    Returns:
        Bounds rounded up, with their size relative to ‖x̄‖ where that is known; empty without any bound.
    """
    if all(cert.guarantees.recovery_error is None for cert in certs):
        return []
    rows = []
    for key, name in _ROWS:
        values = [cert.guarantees.recovery_error if key is None else _entry(cert, key) for cert in certs]
        if any(isinstance(value, Bound) for value in values):
            exact = key is not None and key.startswith("true_error")
            rows.append([name, *(_cell(value, cert, exact) for value, cert in zip(values, certs))])
    return rows


def split_rows(rows: Sequence[list[str]]) -> tuple[list[list[str]], list[list[str]]]:
    """Put the better bound first; return what answers the question, and the rest, which explains it."""
    names = {row[0]: row for row in rows}
    better = "sharper bound (leakage)" if "sharper bound (leakage)" in names else "bound of ‖x_τ − x̄‖"
    first = [name for name in (better, "true error", "bound in the limit", "true error in the limit") if name in names]
    if better != "bound of ‖x_τ − x̄‖" and "bound in the limit" in first:
        # the sharper bound in the limit stands below the other one, under the same name each time
        place = next(i for i, row in enumerate(rows) if row[0] == "bound in the limit") + 1
        if place < len(rows) and rows[place][0] == "· sharper":
            chosen = [names[name] for name in first if name != "bound in the limit"]
            limit = ["sharper bound in the limit", *rows[place][1:]]
            chosen.insert(2, limit)
            return chosen, [row for row in rows if row not in chosen and row is not rows[place]]
    chosen = [names[name] for name in first]
    return chosen, [row for row in rows if row not in chosen]


def _entry(cert: Certificate, key: str) -> Any:
    """Look an entry up by its path, such as "sharp.error"."""
    entry: Any = recovery_of(cert)
    for part in key.split("."):
        entry = entry.get(part) if isinstance(entry, Mapping) else None
    return entry


def _cell(value: Any, cert: Certificate, exact: bool) -> str:
    """Write a bound by its upper end, an enclosure of something observed by what it is."""
    if not isinstance(value, Bound):
        return "–"
    if vanishes(value):
        return f"0 up to rounding{evidence_note(value)}"
    whole, relative = recovery_of(cert).get("signal_norm"), ""
    if isinstance(whole, Bound) and whole.lower > 0:
        part = value / whole
        vacuous = "" if exact or part.upper < 1 else ": vacuous"
        relative = f" ({interval(part, 3) if exact else above(part.upper)} ‖x̄‖{vacuous})"
    return f"{interval(value, 3) if exact else above(value.upper)}{relative}{evidence_note(value)}"


def extra_rows(cert: Certificate) -> list[tuple[str, str]]:
    """Return guarantees that have no sentence of their own, as (name in words, value)."""
    shown = {"limit_has_zero_loss", "recovery", "floating_point", "forecast", "residual_envelope"}
    return [
        (key.replace("_", " "), extra_value(value))
        for key, value in cert.guarantees.extra.items()
        if key not in shown and value is not None
    ]


def extra_value(value: Any) -> str:
    """Write one further guarantee, whatever JSON value it is.

    Example:
        >>> extra_value({"a_b": True, "c": [1, 2.5]})
        'a b: yes; c: 1, 2.5'
    """
    if isinstance(value, Bound):
        return interval(value) + evidence_note(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return count(value)
    if isinstance(value, Mapping):
        inner = ((key, item) for key, item in value.items() if item is not None)
        return "; ".join(f"{key.replace('_', ' ')}: {extra_value(item)}" for key, item in inner)
    if isinstance(value, (list, tuple)):
        return ", ".join(extra_value(item) for item in value)
    return str(value)
