"""The conditions of every form at initialisation, side by side."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rich.text import Text

from dipproofs.enclosures import Verdict
from dipproofs.report import words
from dipproofs.report.console import _bullet, _heading, _headline, _remark, table, verdict_text
from dipproofs.report.numbers import interval
from dipproofs.theory.hypothesis import GO_ON

if TYPE_CHECKING:
    from dipproofs.certificate.record import Certificate, Check

_QUANTITIES = ("loss_0", "psi_0", "gamma", "q", "omega", "rho", "S", "F_inf", "R", "R_prime", "nu_1", "nu_2")


def build_check(check: Check, say: Callable[[str], str]) -> list[Any]:
    """Make the parts of the rendering, given the function through which every text goes."""
    standing = "proved" if check.proved else str(check.to_json()["verdict"])
    estimated = any(words.estimated(cert) for cert in check.forms.values())
    if estimated and not check.proved:
        standing = "estimated"
    parts: list[Any] = [_headline(words.check_headline(check), standing, say)]
    if estimated:
        parts.append(_remark(words.ESTIMATED, say))
    if not check.proved:
        parts.append(_remark(words.NOT_NECESSARY, say))
    parts += [_heading("Conditions, one column per form", say), _forms(check, say)]
    parts += _reasons(check, say)
    if "paper" in check.forms:
        parts.append(_heading("The paper's own condition", say))
        parts.append(_bullet(words.paper_sentence(check.forms["paper"]), say))
    if check.widths:
        parts += build_widths(check, say)
    elif not check.proved:
        parts.append(_remark("`dipproofs check PROBLEM.toml --widths` searches the width at which each holds.", say))
    return parts


def build_widths(check: Check, say: Callable[[str], str]) -> list[Any]:
    """Make the list of the widths at which each form holds."""
    parts: list[Any] = [_heading("Width at which each form holds at initialisation (this network redrawn)", say)]
    parts += [_bullet(words.width_sentence(form, found), say) for form, found in check.widths.items()]
    return parts + [_bullet(line, say) for line in words.width_comparison(check)]


def _forms(check: Check, say: Callable[[str], str]) -> Any:
    forms = list(check.forms.values())
    rows = table(("", {"no_wrap": True}), *check.forms, say=say)
    rows.add_row("verdict", *(verdict_text(c.verdict, say) for c in forms))
    rows.add_row("profile", *(c.profile for c in forms))
    for id in _hypothesis_ids(forms):
        rows.add_row(id, *(_cell(c, id, say) for c in forms))
    rows.add_section()
    for name in _QUANTITIES:
        values = [c.quantities.get(name) for c in forms]
        if any(bound is not None for bound in values):
            rows.add_row(name, *(say("" if b is None else interval(b, 4)) for b in values))
    return rows


def _hypothesis_ids(forms: list[Certificate]) -> list[str]:
    found: dict[str, None] = {}
    for cert in sorted(forms, key=lambda c: -len(c.hypotheses)):
        found |= {h.id: None for h in cert.hypotheses}
    return list(found)


def _cell(cert: Certificate, id: str, say: Callable[[str], str]) -> Text:
    hypothesis = next((h for h in cert.hypotheses if h.id == id), None)
    if hypothesis is None:
        return Text("")
    text = verdict_text(hypothesis.verdict, say)
    if hypothesis.verdict is not Verdict.PROVED and hypothesis.margin is not None:
        text.append("\n" + say(words.margin(hypothesis)), style="dim")
    return text


def _reasons(check: Check, say: Callable[[str], str]) -> list[Any]:
    """Give each reason once, with the forms that it stops."""
    stopped: dict[str, list[str]] = {}
    for name, cert in check.forms.items():
        for hypothesis in words.failures(cert):
            if hypothesis.reason:
                cure = hypothesis.reason.replace(GO_ON, "run the descent (dipproofs certify)")  # here is no run yet
                text = f"{words.title(hypothesis)}: {hypothesis.verdict}; {cure}"
                stopped.setdefault(text, []).append(name)
    lines = [f"{', '.join(names)}: {text}." for text, names in stopped.items()]
    return [_heading("Why not, and what to do", say), *(_bullet(line, say) for line in lines)] if lines else []
