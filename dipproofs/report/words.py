"""What a certificate says, in sentences; console, HTML and Markdown all take them from here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dipproofs.certificate.stored import forward_of
from dipproofs.enclosures import Bound, Verdict
from dipproofs.report.facts import is_polished
from dipproofs.report.notation import formula
from dipproofs.report.numbers import above, below, count, evidence_note, interval, log_factor, near
from dipproofs.report.signal import extra_rows

if TYPE_CHECKING:
    from dipproofs.certificate.record import Certificate, Check, Hypothesis

MARKS = {Verdict.PROVED: "✓", Verdict.REFUTED: "✗", Verdict.UNDECIDED: "?"}

#: What each hypothesis means for the reader.
TITLES = {
    "rank": "the operator has full rank",
    "loss": "the loss satisfies its assumptions",
    "compact": "the loss has bounded level sets",
    "minimiser": "the loss has one minimiser in reach",
    "start": "the loss is positive and finite",
    "step": "the step size is small enough",
    "radius": "the ball lies within the paper's radius R",
    "injective": "the Jacobian stays injective in the ball",
    "H": "the loss is small enough for that injectivity",
    "paper": "the paper's condition R' < R",
    "descent": "the loss stays finite along the run",
}

FORM_WORDS = {
    "paper": "the paper's own theorem",
    "integral": "integral form",
    "concave": "concave form",
    "residual": "residual form",
    "flow": "gradient flow",
}

SCOPE = (
    "This concerns exact gradient descent, continued from the stored numbers with the same step sizes; rounding "
    "in later floating-point iterations is not part of the claim."
)
COMPUTED = (
    "Rounding, assumed: if the program computes in double precision and evaluates the activation as well as the "
    "certificate says, its own iterates reach a residual of at most {residual:.2g} (loss {loss:.2g}) within "
    "{iterations} iterations, after a path of at most {path:.3g}, and keep it for {kept} more."
)
NOT_NECESSARY = (
    "The conditions are sufficient, not necessary: where they fail the descent may still converge, but it is not "
    "proved to."
)

MARGINS = (
    "Margin: (left side − right side) relative to the right side where that is positive; for a proved hypothesis at "
    "least, for a refuted one at most this much."
)

ESTIMATED = "Arithmetic: estimated. These are floating-point values; nothing here is a proof."


def scope(cert: Certificate) -> str:
    """Return what the claim is about: exact descent, and what is known of the iterates as they are computed."""
    found = cert.guarantees.extra.get("floating_point")
    if not isinstance(found, Mapping):
        return SCOPE
    ends = {key: float(found[key]["upper"]) for key in ("residual", "loss", "path")}
    return f"{SCOPE} {COMPUTED.format(**ends, iterations=found['iterations'], kept=found['kept'])}"


def estimated(cert: Certificate) -> bool:
    """Whether the certificate rests on floating-point values without guarantee."""
    return cert.arithmetic == "estimated"


def standing(cert: Certificate) -> str:
    """Return the verdict as shown: "proved", "refuted", "undecided", or "estimated"."""
    return "estimated" if estimated(cert) and cert.guarantees.distance_to_limit is not None else str(cert.verdict)


def place(cert: Certificate, run: Any = None) -> str:
    """Say where in the run the certificate stands.

    Args:
        cert: a certificate.
        run: the run, by default the certificate's own.
    """
    run = cert.run if run is None else run
    if is_polished(cert):
        return "at the polished point"
    if run is None:
        return "at initialisation" if cert.iteration == 0 else f"at iteration {count(cert.iteration)}"
    if cert.iteration == run.iterations:
        return f"at iteration {count(cert.iteration)}, the last of the run"
    if cert.iteration == 0:
        return f"from the start of the run ({count(run.iterations)} iterations) on"
    return f"from iteration {count(cert.iteration)} of {count(run.iterations)} on"


def failures(cert: Certificate) -> list[Hypothesis]:
    """Return the hypotheses that are not proved, refuted ones first."""
    found = [h for h in cert.hypotheses if h.verdict is not Verdict.PROVED]
    return sorted(found, key=lambda h: h.verdict is not Verdict.REFUTED)


def title(hypothesis: Hypothesis) -> str:
    """Return what a hypothesis means, in words."""
    return TITLES.get(hypothesis.id, hypothesis.id.replace("_", " "))


def statement(hypothesis: Hypothesis) -> str:
    """Return what was decided, with its formula where it has one."""
    name = title(hypothesis)
    return name if hypothesis.statement == name else f"{name}: {formula(hypothesis.statement)}"


def interruption(cert: Certificate) -> str:
    """Say so if the run was interrupted; empty otherwise."""
    run = cert.run
    if run is None or run.stopped != "interrupted":
        return ""
    return f"Interrupted at iteration {count(run.iterations)}: this is about the run so far."


def asked(cert: Certificate) -> str:
    """Return the claim that was asked for: "convergence", "existence" or "early stopping"."""
    if cert.asked:
        return cert.asked
    run, origin = cert.run, (cert.provenance.get("problem") or {}).get("descent")
    wanted = origin.get("stop") if isinstance(origin, Mapping) else None
    if (run is not None and run.stopped == "guaranteed") or wanted == "guaranteed":
        return "early stopping"
    if cert.method.get("kind") in (None, "adam"):  # no theorem about the convergence of either
        return "existence"
    return "convergence"


def answer(cert: Certificate) -> tuple[str, str]:
    """Answer what was asked: a verdict and one sentence."""
    if asked(cert) == "early stopping":
        return _stopping_answer(cert)
    if asked(cert) == "existence":
        from dipproofs.report.claims import claim_lines

        line = claim_lines(cert)[2]
        return line.verdict, line.sentence
    return standing(cert), convergence(cert)


def answered(cert: Certificate) -> bool:
    """Whether what was asked for is proved; a bound at early stopping may rest on the noise norm that was stated."""
    verdict = answer(cert)[0]
    return verdict == "proved" or (verdict == "assumed" and asked(cert) == "early stopping")


def headline(cert: Certificate) -> str:
    """Answer the user's question in one or two sentences."""
    verdict, text = answer(cert)
    if asked(cert) == "existence":
        return f"Existence: {verdict}. {text}"
    return text


def _stopping_answer(cert: Certificate) -> tuple[str, str]:
    """Say whether the prediction is proved to be near the clean data where the run stopped."""
    run, last = cert.run, cert.final or cert
    entry = last.guarantees.extra.get("recovery")
    found = entry.get("early_stopping") if isinstance(entry, Mapping) else None
    stopping = found if isinstance(found, Mapping) else {}
    if run is None or run.stopped != "guaranteed":
        cause = f" ({stopping['reason']})" if stopping.get("reason") else ""
        why = "" if run is None else f" The run: {run.reason}."
        return "undecided", f"Not proved: no iterate was proved to be within 2‖Πε‖ of the clean data{cause}.{why}"
    error = stopping.get("data_error")
    size = f" = {above(error.upper)}" if isinstance(error, Bound) else ""
    claim = f"the prediction A x is within twice the noise, 2‖Πε‖{size}, of the clean data"
    place = f"at iteration {count(run.iterations)}"
    if "(estimated)" in run.reason or estimated(cert):
        return "estimated", f"Estimated, not proved, {place}: {claim}."
    if cert.arrays.get("x_true") is not None:
        return "proved", f"Proved {place}: {claim}."
    return "assumed", f"Proved {place}, given your noise norm: {claim}."


def convergence(cert: Certificate) -> str:
    """Say in one or two sentences what is proved about the convergence of the run."""
    where = place(cert)
    if cert.proved:
        distance = limit_distance(cert)
        near_by = "" if distance is None else f", at a distance of at most {above(distance.upper)}"
        return f"Proved {where}: {method_name(cert)} converges {_goal(cert)}{near_by}."
    if standing(cert) == "estimated":
        return (
            f"Estimated, not proved, {where}: every condition holds for floating-point values. "
            'Use arithmetic = "proved" for a proof.'
        )
    failed = failures(cert)
    trivial = next((h for h in failed if h.id == "start" and h.verdict is Verdict.REFUTED), None)
    if trivial is not None:
        return f"Nothing to prove {where}: {trivial.reason}."
    if failed and failed[0].id == "descent":
        return f"Not proved: the run broke down. {sentence(failed[0].reason)}"
    names = "; ".join(f"{title(h)}: {h.verdict}" for h in failed) or str(cert.verdict)
    return f"Not proved {where} ({names})."


def why_not(cert: Certificate) -> str:
    """Give the first reason why convergence is not proved, with what to do; empty where there is none."""
    failed = failures(cert)
    if not failed:
        return ""
    first = next((h for h in failed if h.reason), failed[0])
    return f"{title(first)}: {first.reason}" if first.reason else title(first)


def method_name(cert: Certificate) -> str:
    """Return the method's name in words."""
    return {
        "heavy-ball": "the heavy-ball method",
        "nesterov": "Nesterov's method",
        "adam": "Adam",
    }.get(str(cert.method.get("kind")), "gradient descent")


def _goal(cert: Certificate) -> str:
    if cert.guarantees.extra.get("limit_has_zero_loss", True):
        return "to a point of zero loss"
    return "(its steps sum to a finite total, so that zero loss in the limit is not guaranteed)"


def limit_distance(cert: Certificate) -> Bound | None:
    """Return the best bound of the distance to the limit: the stated one, or the length S of the path."""
    distance, path = cert.guarantees.distance_to_limit, cert.quantities.get("S")
    if distance is None or path is None:
        return distance
    return min(distance, path, key=lambda bound: bound.upper)


def goes_on(cert: Certificate) -> bool:
    """Whether a method is named that would go on from here, so that a rate says something."""
    return cert.method.get("kind") is not None


def rate_sentences(cert: Certificate) -> list[str]:
    """Return the guarantees on distance, path and speed, from the certified iterate on."""
    facts = cert.guarantees
    lines: list[str] = []
    if not goes_on(cert):
        return lines
    distance = limit_distance(cert)
    if distance is not None:
        goal = "an exact zero-loss point" if facts.extra.get("limit_has_zero_loss", True) else "the limit"
        here = f"parameters θ at iteration {count(cert.iteration)}"
        parameters = "polished parameters θ" if is_polished(cert) else here
        lines.append(
            f"The descent converges: {goal} lies within {above(distance.upper)} of the {parameters}"
            f"{_scale(cert)}{evidence_note(distance)}."
        )
    path = cert.quantities.get("S")
    if path is not None and distance is not None:
        lines.append(
            f"The rest of its path is no longer than {above(path.upper)}{evidence_note(path)} and stays in the ball "
            "of that radius."
        )
    rate = facts.log_contraction_per_step
    if rate is not None and rate.upper < 0:
        percent, tenfold = log_factor(rate)
        what = "residual norm ‖A g − y‖" if cert.loss.get("kind") == "squared" else "desingularized loss ψ(f)"
        ten = "" if tenfold is None else f", a factor 10 at most every {count(tenfold)} steps"
        if "residual_envelope" in facts.extra:
            bound = facts.extra["residual_envelope"]
            here = f", {above(bound.upper)} here," if isinstance(bound, Bound) else ""
            lines.append(
                f"A bound of the {what}{here} shrinks by at least {percent} % in every step{ten}{evidence_note(rate)}; "
                "the norm itself may rise for a while."
            )
        else:
            lines.append(f"Every step shrinks the {what} by at least {percent} %{ten}{evidence_note(rate)}.")
    elif facts.rate_exponent is not None:
        constant = cert.schedule.get("kind", "constant") == "constant"
        why = "the rate is not linear" if constant else "the steps vary"
        lines.append(
            f"Every step of the largest size raises Ψ(f) by at least {interval(facts.rate_exponent)}"
            f"{evidence_note(facts.rate_exponent)}; {why}."
        )
    if lines and projects(cert):
        lines.append("Loss and residual are those of the part of y that the generator can reach, Πy.")
    return lines


def rate_short(cert: Certificate) -> str:
    """Say in one line how fast the loss is guaranteed to fall; empty where nothing is."""
    rate = cert.guarantees.log_contraction_per_step
    if rate is not None and rate.upper < 0:
        percent, tenfold = log_factor(rate)
        what = (
            "‖A x − y‖, x = g(u, θ)," if cert.loss.get("kind") == "squared" else "ψ(loss), ψ as in dipproofs explain,"
        )
        if projects(cert):
            what = what.replace("− y", "− Πy")
        ten = "" if tenfold is None else f": a factor 10 at most every {count(tenfold)} steps"
        if "residual_envelope" in cert.guarantees.extra:
            what = f"a bound of {what}"
        return f"each step shrinks {what} by at least {percent} %{ten}{evidence_note(rate)}"
    if cert.guarantees.rate_exponent is not None:
        return "not linear; how many steps are guaranteed to be enough stands below"
    return ""


#: Symbols in the formulas of hypotheses, and what they stand for.
_SYMBOLS = {
    "f₀": "f₀: the loss at the certified iterate",
    "R₀": "R₀: the residual norm there",
    "ψ(f₀)": "ψ: the desingularizing function of the loss",
    "ρ": "ρ: the radius of the ball around it",
    "M_ρ": "M_ρ: a bound of the norm of the Jacobian of A g in that ball",
    "F(": "F: a lower bound of its smallest singular value there",
    "∫₀^ρ": "∫₀^ρ F dt: the available injectivity up to the radius",
    " x": "x: what the curvature of a step may cost (the curvature correction)",
    "ω": "ω: the step-size factor",
    "γ": "γ: the step size",
    "q ": "q: the step size times the gradient's Lipschitz constant",
}


def symbols_used(cert: Certificate) -> str:
    """Say what the symbols in the formulas of the hypotheses stand for."""
    shown = " ".join(
        formula(h.statement) for h in cert.hypotheses if h.id in ("start", "step", "injective", "H", "paper")
    )
    return "; ".join(meaning for sign, meaning in _SYMBOLS.items() if sign in f"{shown} ")


def _scale(cert: Certificate) -> str:
    from dipproofs.report.facts import parameter_norm

    norm = parameter_norm(cert)
    return "" if norm is None else f", ‖θ‖ = {near(norm)}"


def projects(cert: Certificate) -> bool:
    """Whether there are more observations than directions, so that y is replaced by its projection Πy."""
    if "projected" in cert.loss:
        return True
    A, basis = forward_of(cert.arrays), cert.arrays.get("B")
    if A is None:
        return False
    return bool(A.shape[0] > (A.shape[1] if basis is None else basis.shape[1]))


def forecast_sentence(cert: Certificate) -> str:
    """Say where the forecast of the residual norm ends; its curve is in the record, not in a text."""
    curve = cert.guarantees.extra.get("forecast")
    if not isinstance(curve, Mapping) or not goes_on(cert):
        return ""
    norm = "‖A g − Πy‖" if projects(cert) else "‖A g − y‖"
    return (
        f"After {count(int(curve['length']))} steps {norm} is at most {above(float(curve['proved'][-1]))}; bounds for "
        "the steps before: guarantees.forecast in certificate.json."
    )


def guarantee_lines(cert: Certificate) -> list[str]:
    """Return every guarantee that is a sentence; empty where nothing is guaranteed."""
    forecast = forecast_sentence(cert)
    return [
        *rate_sentences(cert),
        *([forecast] if forecast else []),
        *(f"{name}: {value}" for name, value in extra_rows(cert)),
    ]


def margin(hypothesis: Hypothesis) -> str:
    """Write a margin by the end that matters for the verdict.

    A proved hypothesis has at least this much to spare, a refuted one misses at least this much.
    """
    bound = hypothesis.margin
    if bound is None:
        return ""
    if hypothesis.verdict is Verdict.PROVED:
        return f"≥ {below(bound.lower)}"
    if hypothesis.verdict is Verdict.REFUTED:
        return f"≤ {above(bound.upper)}"
    return interval(bound, 3) + evidence_note(bound)


def paper_sentence(cert: Certificate) -> str:
    """Say honestly whether the paper's condition R' < R holds at initialisation.

    Args:
        cert: the certificate of form ``paper``.
    """
    inner, outer = cert.quantities.get("R_prime"), cert.quantities.get("R")
    if inner is None or outer is None:
        return "The paper's condition R' < R was not evaluated: " + "; ".join(
            h.reason or title(h) for h in failures(cert)
        )
    verdict = inner.lt(outer)
    numbers = f"R' = {interval(inner)}{evidence_note(inner)}, R = {interval(outer)}{evidence_note(outer)}"
    if verdict is Verdict.PROVED:
        return f"The paper's condition R' < R holds: {numbers}."
    if verdict is Verdict.REFUTED:
        return f"The paper's condition R' < R fails: {numbers}."
    return f"The paper's condition R' < R is undecided: {numbers}."


def check_headline(check: Check) -> str:
    """Answer in one sentence whether convergence is proved at initialisation."""
    good = [name for name, cert in check.forms.items() if cert.proved]
    if good:
        return f"Proved at initialisation, before any step, by: {', '.join(good)}."
    if any(standing(cert) == "estimated" for cert in check.forms.values()):
        names = [name for name, cert in check.forms.items() if standing(cert) == "estimated"]
        return f"Estimated, not proved, at initialisation: the conditions of {', '.join(names)} hold in floats."
    return "Not proved at initialisation by any form; a run may still be certified later (dipproofs certify)."


def width_sentence(form: str, found: Any) -> str:
    """Say at which width a form was found to hold at initialisation."""
    if not isinstance(found, dict) or found.get("width") is None:
        reason = found.get("reason", "") if isinstance(found, dict) else ""
        return f"{form}: no width found{': ' + reason if reason else ''}"
    verdict = found.get("verdict", "")
    reason = found.get("reason", "")
    details = "; ".join(part for part in (found.get("step", ""), reason) if part)
    return f"{form}: width {count(found['width'])}, {verdict}{' (' + details + ')' if details else ''}"


def width_comparison(check: Check) -> list[str]:
    """Compare the narrowest width found with that of the paper's own condition."""
    widths = {form: found["width"] for form, found in check.widths.items() if found.get("width") is not None}
    narrow = min(widths, key=lambda form: widths[form], default="paper")
    if "paper" not in widths or widths[narrow] * 2 > widths["paper"]:
        return []
    return [f"{narrow} holds at a width {count(widths['paper'] // widths[narrow])} times smaller than paper."]


def sentence(text: str) -> str:
    """Write a phrase as a sentence.

    Example:
        >>> sentence("no rank"), sentence("")
        ('No rank.', '')
    """
    return text[:1].upper() + text[1:].rstrip(".") + "." if text else ""
