"""The three claims of a certificate, kept apart: existence, convergence, signal (docs/reference/certificate.md).

Beside them, where the noise is known, when to stop; and for Adam what holds over its next iterations.

They follow from the rest of the record, by `derive` and nowhere else: a producer writes what it gives, a verifier that
has checked the rest compares. Nothing is computed but one sum.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

GRADIENT_DESCENT = "gradient-descent"


@dataclass(frozen=True)
class Existence:
    """An exact fit lies within a radius of a point.

    Args:
        verdict: "proved" or "undecided". radius: enclosure of the bound, as in JSON, or None.
        of: the point that the radius counts from: "certified iterate", "final", "polished" or "given".
        reason: why it is not proved.
    """

    verdict: str
    radius: Mapping[str, Any] | None
    of: str
    reason: str = ""


@dataclass(frozen=True)
class Convergence:
    """The method, continued from a point, reaches an exact fit.

    Args:
        verdict: that of the run's iterate, or of the given point. method: its name, or None where none was named.
        start: where it is continued from: "certified iterate" or "given" (JSON: ``from``).
        reason: why it is not proved.
    """

    verdict: str
    method: str | None
    start: str
    reason: str = ""


@dataclass(frozen=True)
class Signal:
    """What follows for x̄.

    Args:
        verdict: proved: an error bound is; refuted: there can be none, as A does not see all that g can represent.
        reason: why it is not proved. error: the bound of ‖x − x̄‖, as in JSON, or None.
    """

    verdict: str
    reason: str
    error: Mapping[str, Any] | None


@dataclass(frozen=True)
class Stopping:
    """When to stop: from an iteration on, ‖y_τ − Πȳ‖ ≤ 2δ, δ the norm of the projected noise.

    Args:
        verdict: "proved", or "undecided" (also where δ is only stated).
        iteration: of the run, at which it holds; from it on where gradient descent is proved to converge. Or None.
        data_error: the bound 2δ, as in JSON, or None.
        reason: why it is not proved.
    """

    verdict: str
    iteration: int | None
    data_error: Mapping[str, Any] | None
    reason: str = ""


@dataclass(frozen=True)
class Claims:
    """Existence, convergence and signal of one certificate; the statement about Adam's next iterations as in JSON.

    `stopping` is None where nothing is known of the noise.

    Example:
        >>> record = {"verdict": "undecided", "hypotheses": [{"verdict": "undecided", "reason": "too narrow"}]}
        >>> claims_of(record).convergence.verdict, claims_of(record).existence.reason
        ('undecided', 'too narrow')
    """

    existence: Existence
    convergence: Convergence
    signal: Signal
    horizon: Mapping[str, Any] | None = None
    stopping: Stopping | None = None


def claims_of(record: Mapping[str, Any]) -> Claims:
    """Return the claims of a certificate's record, as objects."""
    found = derive(record)
    convergence = dict(found["convergence"])
    start = convergence.pop("from")
    three = Existence(**found["existence"]), Convergence(start=start, **convergence), Signal(**found["signal"])
    stopping = found.get("stopping")
    return Claims(*three, found.get("horizon"), None if stopping is None else Stopping(**stopping))


def derive(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``claims`` of a record (with its ``final``), as JSON values."""
    found = {"existence": _existence(record), "convergence": _convergence(record), "signal": _signal(record)}
    more = {"horizon": (record.get("method") or {}).get("horizon"), "stopping": _stopping(record)}
    return found | {name: claim for name, claim in more.items() if claim is not None}


def point_only(record: Mapping[str, Any]) -> bool:
    """Whether a certificate is about a point that a method without a theorem reached, and not about going on."""
    return (record.get("method") or {}).get("claims") == "existence"


def _convergence(record: Mapping[str, Any]) -> dict[str, Any]:
    method = (record.get("method") or {}).get("kind", GRADIENT_DESCENT)
    if method is None:
        reason = "no method was named: nothing is claimed about going on from here"
        return {"verdict": "undecided", "method": None, "from": _place(record), "reason": reason}
    if point_only(record):
        reason = f"no theorem about the convergence of {method} was decided; hypotheses and verdict are about the point"
        return {"verdict": "undecided", "method": method, "from": _place(record), "reason": reason}
    claim = {"verdict": record["verdict"], "method": method, "from": _place(record)}
    return claim if record["verdict"] == "proved" else claim | {"reason": _why(record)}


def _place(record: Mapping[str, Any]) -> str:
    return "given" if record.get("run") is None else "certified iterate"


def _parts(record: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The certificates in the record, the last first, with the name of their point."""
    if isinstance(record.get("final"), Mapping):
        yield "polished" if record.get("polish") else "final", record["final"]
    yield _place(record), record


def _iterates(record: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The certificates of iterates, the last first; a polished point is none, and has another signal."""
    return (part for place, part in _parts(record) if place != "polished")


def _existence(record: Mapping[str, Any]) -> dict[str, Any]:
    for place, part in _parts(record):
        radius = _radius(part)
        if radius is not None and place == "polished":
            radius = _from_the_run(radius, record["polish"])
        if radius is not None:
            return {"verdict": "proved", "radius": radius, "of": place}
    place, part = next(_parts(record))
    return {"verdict": "undecided", "radius": None, "of": place, "reason": _why(part)}


def _from_the_run(radius: Mapping[str, Any], polish: Any) -> Mapping[str, Any] | None:
    """Count from the run's end: ‖θ_run − θ‖ ≤ ‖θ_run − θ_polished‖ + ‖θ_polished − θ‖, rounded upward."""
    moved = polish.get("moved") if isinstance(polish, Mapping) else None
    numbers = [moved, radius.get("lower"), radius.get("upper")]
    if not all(isinstance(n, int | float) and not isinstance(n, bool) and 0 <= n < math.inf for n in numbers):
        return None
    ends = {end: math.nextafter(radius[end] + moved, math.inf) for end in ("lower", "upper")}
    return {**radius, **ends}


def _radius(part: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """How far an exact fit is at most; 0 where the loss is exactly 0 already."""
    if part["verdict"] == "proved":
        guarantees = part.get("guarantees") or {}
        # a schedule whose steps add up to little need not arrive; steps of full size do, within S
        arrives = guarantees.get("limit_has_zero_loss") is True
        found = guarantees.get("distance_to_limit") if arrives else (part.get("quantities") or {}).get("S")
        return found if _proved(found) else None
    start: Mapping[str, Any] = next((h for h in part["hypotheses"] if h.get("id") == "start"), {})
    margin = start.get("margin")
    return margin if start.get("verdict") == "refuted" and _proved(margin) and margin["upper"] == 0 else None


def _proved(bound: Any) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(bound, Mapping) and bound.get("evidence") == "proved"


def _signal(record: Mapping[str, Any]) -> dict[str, Any]:
    for part in _iterates(record):
        bound = _error(part)
        if bound is not None:
            return {"verdict": "proved", "reason": "", "error": bound}
    for part in _iterates(record):
        found = _recovery(part).get("restricted_injectivity")
        if isinstance(found, Mapping) and found.get("verdict") == "refuted":
            return {"verdict": "refuted", "reason": found.get("reason") or "", "error": None}
    stated = next((part["guarantees"]["recovery_error"] for part in _iterates(record) if _stated(part)), None)
    if stated is not None:
        reason = f"the bound of the error is {stated.get('evidence')}: it rests on what was stated or estimated"
    else:
        reason = "no bound of the error: noise, distance or injectivity on what the network can produce is not known"
    return {"verdict": "undecided", "reason": reason, "error": stated}


def _stopping(record: Mapping[str, Any]) -> dict[str, Any] | None:
    """The earliest iteration that is proved, else the earliest that follows from what was stated, else a reason."""
    known = [(part, stop) for part in _iterates(record) if (stop := _early(part)).get("level") is not None]
    answers = [_stop_at(part, stop) for part, stop in known]
    reached = [answer for answer in answers if answer["iteration"] is not None]
    proved = [answer for answer in reached if answer["verdict"] == "proved"]
    if reached:
        return min(proved or reached, key=lambda answer: answer["iteration"])
    return answers[0] if answers else None


def _stop_at(part: Mapping[str, Any], stop: Mapping[str, Any]) -> dict[str, Any]:
    after, error = (part.get("guarantees") or {}).get("early_stopping_iteration"), stop.get("data_error")
    if not isinstance(after, int) or isinstance(after, bool):
        why = stop.get("reason") or "no iterate is proved to be within twice the noise"
        return {"verdict": "undecided", "iteration": None, "data_error": None, "reason": why}
    found = {"iteration": part["iteration"] + after, "data_error": error}
    rests = after == 0 or part["verdict"] == "proved"  # what holds at this iterate needs no descent
    if part["arithmetic"] == "proved" and rests and stop.get("evidence") == "proved" and _proved(error):
        return {"verdict": "proved", **found}
    why = "it rests on what was stated or estimated" if rests else "it holds if the descent converges"
    return {"verdict": "undecided", **found, "reason": why}


def _early(part: Mapping[str, Any]) -> Mapping[str, Any]:
    found = _recovery(part).get("early_stopping")
    return found if isinstance(found, Mapping) else {}


def _recovery(part: Mapping[str, Any]) -> Mapping[str, Any]:
    return (part.get("guarantees") or {}).get("recovery") or {}


def _stated(part: Mapping[str, Any]) -> bool:
    return isinstance((part.get("guarantees") or {}).get("recovery_error"), Mapping)


def _error(part: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The least proved bound of ‖x_t − x̄‖."""
    bounds = [(part.get("guarantees") or {}).get("recovery_error"), (_recovery(part).get("sharp") or {}).get("error")]
    known = [bound for bound in bounds if _proved(bound) and isinstance(bound["upper"], int | float)]
    return min(known, key=lambda bound: bound["upper"], default=None)


def _why(part: Mapping[str, Any]) -> str:
    """The reason of the hypothesis that decided the verdict."""
    failed = [h for h in part["hypotheses"] if h["verdict"] != "proved"]
    decisive = [h for h in failed if h["verdict"] == part["verdict"]] or failed
    reasons = [h.get("reason") or h.get("statement") or h.get("id") for h in decisive]
    return str(reasons[0]) if reasons else f"the verdict is {part['verdict']}"
