"""The short answer on the console: three claims, rate and forecast, files, and the verdict as last line."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from dipproofs.report import words
from dipproofs.report.claims import MARKS, claim_lines, worst
from dipproofs.report.details import observed_iterations, problem_title
from dipproofs.report.facts import coarse_tolerance, comparison
from dipproofs.report.numbers import below, count

if TYPE_CHECKING:
    from dipproofs.certificate.record import Certificate

#: A sentence longer than this is cut where a part of it ends; `verbose` shows all of it. Reasons with cures are longer.
_LONG, _LONGEST_REASON, _LONGEST_VERDICT = 150, 320, 220
#: The conditions that have a margin, in few words.
_TIGHT = {"step": "step small enough", "H": "loss small enough", "injective": "injectivity left", "paper": "R' < R"}
STYLES = {"proved": "bold green", "refuted": "bold red"}


def build_short(cert: Certificate, say: Callable[[str], str], written: str = "") -> list[Any]:
    """Make the parts of the short text, given the function through which every text goes.

    Args:
        cert: certificate with its run and ``final``.
        say: turns a text to ASCII where the terminal knows nothing else.
        written: what is said of the files.
    """
    grid = Table.grid(padding=(0, 2))
    for _ in range(2):
        grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for line in claim_lines(cert):
        limit = _LONGEST_REASON if line.name == "convergence" and not cert.proved else _LONG
        verdict = Text(say(f"{line.mark} {line.verdict}"), style=STYLES.get(line.verdict, "bold yellow"))
        grid.add_row(line.name.capitalize(), verdict, Text(say(shortened(line.sentence, limit))))
    parts: list[Any] = [Text(say(shortened(problem_title(cert), 158)), style="bold"), grid]
    more = Table.grid(padding=(0, 2))
    more.add_column(no_wrap=True, style="dim")
    more.add_column(overflow="fold")
    for name, text in _more(cert, written):
        more.add_row(say(name), Text(say(text)))
    parts.append(more)
    if interruption := words.interruption(cert):
        parts.append(Text(say(f"! {interruption}"), style="bold yellow"))
    mark, answer = MARKS.get(words.answer(cert)[0], "?"), shortened(words.headline(cert), _LONGEST_VERDICT)
    parts.append(Text(say(f"{mark} {answer}"), style=STYLES.get(worst(cert), "bold yellow")))
    return parts


def _more(cert: Certificate, written: str) -> list[tuple[str, str]]:
    rows = [("Margin", smallest_margin(cert))]
    if words.goes_on(cert):
        rows = [("Rate", words.rate_short(cert)), ("Forecast", forecast(cert)), *rows]
    rows += [("Note", coarse_tolerance(cert)), ("Compare", comparison(cert))]
    rows.append(("Files", written))
    return [(name, text) for name, text in rows if text]


def forecast(cert: Certificate) -> str:
    """Say from which iteration on the loss is guaranteed to be small, beside what was observed."""
    seen = observed_iterations(cert)
    known = [(target, steps) for target, steps in cert.guarantees.iterations_to_loss.items() if steps is not None]
    ahead = [pair for pair in known if pair[1] > 0] or known[-1:]
    if not ahead:
        return ""
    parts = []
    for target, steps in dict((ahead[0], ahead[-1])).items():
        saw = f" (observed: {count(seen[target])})" if target in seen else ""
        parts.append(f"loss ≤ {target} from iteration {count(cert.iteration + steps)} on{saw}")
    word = "guaranteed" if cert.proved else "estimated"
    return f"{word}: {', '.join(parts)}"


def smallest_margin(cert: Certificate) -> str:
    """Say which hypothesis is nearest to failing, and relative to what."""
    known = [h for h in cert.hypotheses if h.margin is not None and h.id in _TIGHT]
    if not cert.proved or not known:
        return ""
    least = min(known, key=lambda h: h.margin.lower if h.margin is not None else 0.0)
    assert least.margin is not None
    part = below(100 * least.margin.lower)
    return f"{part} % of the right side in the tightest condition ({_TIGHT[least.id]})"


def shortened(text: str, limit: int) -> str:
    """Cut a text where a sentence, a clause or a word ends.

    Example:
        >>> shortened("Not proved: no rank; use other rows. Or a mask.", 30)
        'Not proved: no rank.'
    """
    if len(text) <= limit:
        return text
    head = text[:limit]
    ends = [match.start() for match in re.finditer(r"[.;:](?= )", head)]
    if ends and ends[-1] > limit // 3:
        return head[: ends[-1]].rstrip(" .;:") + "."
    return head[: head.rfind(" ")].rstrip(" ,;:(") + " [...]"
