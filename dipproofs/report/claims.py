"""The three claims of a certificate, in sentences: signal, convergence, existence (in this order everywhere)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dipproofs.certificate.stored import forward_of
from dipproofs.enclosures import Bound, Evidence
from dipproofs.report import words
from dipproofs.report.facts import observed_error, parameter_norm, reconstruction_norm
from dipproofs.report.numbers import above, count, near
from dipproofs.report.signal import best_bound, recovery_of

if TYPE_CHECKING:
    from dipproofs.certificate.record import Certificate

NAMES = ("signal", "convergence", "existence")
MARKS = {"proved": "✓", "refuted": "✗", "assumed": "✓", "estimated": "?", "undecided": "?"}
#: From bad to good: the headline has the colour of the worst claim that was asked for.
ORDER = ("refuted", "undecided", "estimated", "assumed", "proved")


@dataclass(frozen=True)
class ClaimLine:
    """One claim.

    Args:
        name: "signal", "convergence" or "existence".
        verdict: "proved", "assumed" (proved from what the user stated), "estimated", "undecided" or "refuted".
        sentence: what it says, with its number, for people who do not know the theory.
    """

    name: str
    verdict: str
    sentence: str

    @property
    def mark(self) -> str:
        """The verdict as one character."""
        return MARKS.get(self.verdict, "?")

    @property
    def text(self) -> str:
        """Name, verdict and sentence in one line."""
        return f"{self.name.capitalize()}: {self.verdict}. {self.sentence}"


def claim_lines(cert: Certificate) -> tuple[ClaimLine, ClaimLine, ClaimLine]:
    """Return what is claimed about the signal, the convergence and the existence of an exact fit.

    Args:
        cert: a certificate, with its run and its ``final`` where there are.
    """
    return _signal(cert), _convergence(cert), _existence(cert)


def worst(cert: Certificate) -> str:
    """Return the worst verdict among the claims that were asked for.

    The one that the exit status is about, and the signal where a distance or atoms were given.
    """
    lines = {line.name: line.verdict for line in claim_lines(cert)}
    wanted = [words.answer(cert)[0]]
    if "B" in cert.arrays or _origin(cert, "certificate").get("distance") is not None:
        vacuous = "vacuous" in next(line.sentence for line in claim_lines(cert) if line.name == "signal")
        wanted.append("undecided" if vacuous else lines["signal"])
    return min(wanted, key=ORDER.index)


def _origin(cert: Certificate, section: str) -> Mapping[str, Any]:
    found = (cert.provenance.get("problem") or {}).get(section)
    return found if isinstance(found, Mapping) else {}


def _verdict(cert: Certificate, name: str, default: str) -> str:
    return default if words.estimated(cert) else str(getattr(cert.claims, name).verdict)


# --- signal ---------------------------------------------------------------------------------------------


def _signal(cert: Certificate) -> ClaimLine:
    last = cert.end if cert.end is not None and best_bound(cert.end) is not None else cert
    bound, seen = best_bound(last), _observed(cert)
    if bound is None:
        verdict, why = _no_bound(last if recovery_of(last) else cert)
        return ClaimLine("signal", _verdict(cert, "signal", verdict), words.sentence(f"{why}{seen}"))
    verdict = _with_evidence(bound, last)
    norm = recovery_of(last).get("signal_norm")
    sentence = f"‖x − x̄‖ ≤ {above(bound.upper)}{_relative(bound, norm)} at iteration {count(last.iteration)}"
    if isinstance(norm, Bound) and bound.upper >= norm.lower:
        sentence += "; vacuous: no better than x = 0"
    elif not isinstance(norm, Bound):
        size = reconstruction_norm(cert)
        sentence += "" if size is None else f" (‖x‖ = {near(size)})"
        if size is not None and bound.upper >= size:
            sentence += "; vacuous: no smaller than x itself"
    given = "" if verdict == "proved" else f", given {_given(last, bound)}"
    return ClaimLine("signal", verdict, f"{sentence}{given}{seen or '.'}")


def _relative(bound: Bound, norm: Any) -> str:
    if not isinstance(norm, Bound) or not norm.lower > 0:
        return ""
    return f" ({above((bound / norm).upper * 100)} % of ‖x̄‖)"


def _observed(cert: Certificate) -> str:
    error = observed_error(cert)
    return "" if error is None else f". Observed error: {near(100 * error)} % of ‖x̄‖."


def _given(cert: Certificate, bound: Bound) -> str:
    """Name what the user stated and the bound rests on."""
    entry, stated = recovery_of(cert), []
    if entry.get("noise_source") in ("stated", "estimated"):
        stated.append("your noise norm" if entry["noise_source"] == "stated" else "the noise estimated from the data")
    distance = entry.get("distance_to_range")
    if isinstance(distance, Bound) and distance.evidence is Evidence.ASSUMED:
        stated.append("your distance")
    if cert.loss.get("assumed"):
        stated.append("what you assert about the loss")
    return " and ".join(stated) or f"values that are {bound.evidence}"


def _no_bound(cert: Certificate) -> tuple[str, str]:
    entry = recovery_of(cert)
    if not entry:
        return "undecided", "nothing is claimed about x̄ where convergence is not proved"
    found = entry.get("restricted_injectivity")
    verdict = str(found.get("verdict", "undecided")) if isinstance(found, Mapping) else "undecided"
    m, n = _sizes(cert)
    seen = "" if m is None else f"A sees {count(m)} of {count(n)} directions"
    if verdict == "refuted":
        cure = "" if "B" in cert.arrays else "; use fixed atoms (two-layer-synthesis)"
        why = seen or "A does not see all that the network can produce"
        return "refuted", f"no bound of the error is possible: {why}{cure}"
    if missing := missing_for_bound(cert):
        return "undecided", f"no bound: {missing}"
    if isinstance(found, Mapping) and m != n and "B" not in cert.arrays:
        return "undecided", f"no bound: {seen}; fixed atoms (two-layer-synthesis) can have one"
    return "undecided", "no bound of the error is proved"


def _sizes(cert: Certificate) -> tuple[int | None, int | None]:
    A = forward_of(cert.arrays)
    if A is None:
        return None, None
    return min(A.shape), int(A.shape[1])


def missing_for_bound(cert: Certificate) -> str:
    """Say what has to be stated for a bound of ‖x − x̄‖; empty if nothing that can be stated is missing."""
    entry = recovery_of(cert)
    wanted = []
    if entry.get("sigma_AQ") is not None and entry.get("noise_norm") is None:
        wanted.append("‖ε‖ (noise.norm)")
    if entry.get("sigma_AQ") is not None and entry.get("distance_to_range") is None:
        wanted.append("the distance from x̄ to the range of the atoms (certificate.distance)")
    return "state " + " and ".join(wanted) if wanted else ""


def _with_evidence(bound: Bound, cert: Certificate) -> str:
    if words.estimated(cert):
        return "estimated"
    return {Evidence.PROVED: "proved", Evidence.ASSUMED: "assumed"}.get(bound.evidence, "estimated")


# --- convergence ----------------------------------------------------------------------------------------


def _convergence(cert: Certificate) -> ClaimLine:
    verdict = _verdict(cert, "convergence", words.standing(cert))
    if verdict in ("proved", "estimated"):
        said = words.sentence(words.convergence(cert).removeprefix("Proved "))
        norm = parameter_norm(cert)
        scale = "" if norm is None or "distance of" not in said else f" (‖θ‖ = {near(norm)})"
        return ClaimLine("convergence", verdict, f"{said.removesuffix('.')}{scale}.")
    reason = cert.claims.convergence.reason or words.why_not(cert)
    return ClaimLine("convergence", verdict, words.sentence(reason) or "Not decided.")


# --- existence ------------------------------------------------------------------------------------------


def _existence(cert: Certificate) -> ClaimLine:
    claim, where = cert.claims.existence, cert.claims.existence.of
    radius = None if claim.radius is None else Bound.from_json(claim.radius)
    source = cert.later if where in ("final", "polished") and cert.later is not None else cert
    if radius is None and words.estimated(cert):
        later = cert.later
        source = later if later is not None and words.limit_distance(later) is not None else cert
        radius, where = words.limit_distance(source), "certified iterate"
    verdict = _verdict(cert, "existence", words.standing(source) if radius is not None else "undecided")
    if not isinstance(radius, Bound):
        reason = claim.reason or "no exact fit near these parameters is proved to exist"
        return ClaimLine("existence", verdict, words.sentence(reason))
    norm = parameter_norm(source)
    scale = "" if norm is None else f" (‖θ‖ = {near(norm)})"
    point = {
        "certified iterate": f"the parameters at iteration {count(source.iteration)}",
        "final": f"the parameters at iteration {count(source.iteration)}",
        "polished": "the parameters at the end of the run",
        "given": "these parameters",
    }.get(where, "the parameters")
    target = "the data" if not words.projects(cert) else "the part Πy of the data that A can produce"
    return ClaimLine(
        "existence",
        verdict,
        f"Parameters that fit {target} exactly lie within {above(radius.upper)} of {point}{scale}.",
    )
