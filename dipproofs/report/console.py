"""A certificate on the console: the answer first, then why, then the numbers."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from dipproofs.enclosures import Evidence, Verdict
from dipproofs.report import words
from dipproofs.report.claims import MARKS, claim_lines, worst
from dipproofs.report.console_short import build_short
from dipproofs.report.details import observed_iterations, problem_title, quantity_names, run_rows
from dipproofs.report.facts import point_name
from dipproofs.report.notation import ascii_only
from dipproofs.report.numbers import count, interval
from dipproofs.report.signal import signal_rows, signal_sentences
from dipproofs.theory import quantities

if TYPE_CHECKING:
    from dipproofs.certificate.record import Certificate, Check

WIDTH = 80
_STYLES = {"proved": "bold green", "refuted": "bold red", "undecided": "bold yellow", "estimated": "bold yellow"}
_ASCII_HEAD = box.Box("    \n    \n -- \n    \n    \n -- \n    \n    \n", ascii=True)


class Rendering:
    """A rich renderable that turns to ASCII where the terminal knows nothing else.

    Args:
        build: makes the parts, given the function through which every text goes.
    """

    def __init__(self, build: Callable[[Callable[[str], str]], Iterable[Any]]) -> None:
        self._build = build

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Group(*self._build(ascii_only if options.ascii_only else str))

    def __str__(self) -> str:
        return to_text(self)


def to_text(renderable: Any, width: int = WIDTH, *, ascii: bool = False) -> str:
    """Render without a terminal: plain text, no colour codes.

    Args:
        renderable: what `render_certificate` or `render_check` returned.
        width: columns.
        ascii: ASCII characters only.
    """
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii" if ascii else "utf-8", newline="\n")
    console = Console(file=stream, width=width, force_terminal=False, color_system=None, highlight=False)
    console.print(renderable, markup=False)
    stream.flush()
    text: str = stream.buffer.getvalue().decode(stream.encoding)
    return "\n".join(line.rstrip() for line in text.splitlines()).strip("\n")


def render_certificate(cert: Certificate, *, verbose: bool = False, written: str = "") -> Rendering:
    """Render a certificate: three claims, rate, forecast, files and the verdict, in at most 20 lines.

    Args:
        cert: certificate; its ``final`` is shown beside it.
        verbose: the long text: hypotheses, guarantees, quantities, the run.
        written: what is said of the files.

    Returns:
        A rich renderable; ``str()`` of it is plain text of width 80.
    """
    return Rendering(lambda say: build_long(cert, say, written) if verbose else build_short(cert, say, written))


def build_long(cert: Certificate, say: Callable[[str], str], written: str = "") -> list[Any]:
    """Make the parts of the long text, given the function through which every text goes."""
    parts: list[Any] = []
    if interruption := words.interruption(cert):
        parts.append(Text(say(f"! {interruption}"), style="bold yellow"))
    parts += [Text(say(problem_title(cert)), style="bold"), Text("")]
    parts += [_bullet(line.text, say) for line in claim_lines(cert)]
    parts.append(_headline(words.headline(cert), words.answer(cert)[0], say, worst(cert)))
    if words.estimated(cert):
        parts.append(_remark(words.ESTIMATED, say))
    if not cert.proved and words.standing(cert) != "estimated":
        parts.append(_remark(words.NOT_NECESSARY, say))
    parts += _hypotheses(cert, say)
    parts += _guarantees(cert, say)
    parts += _quantities(cert, say, True)
    parts += _run(cert, say)
    if cert.proved:
        parts.append(_remark(words.scope(cert), say))
    if written:
        parts.append(Text(say(f"written: {written}")))
    parts.append(_headline(words.headline(cert), words.answer(cert)[0], say, worst(cert)))
    return parts


def render_check(check: Check) -> Rendering:
    """Render the conditions of every form at initialisation, one column per form.

    Args:
        check: what `dipproofs.check` returned.

    Returns:
        A rich renderable; ``str()`` of it is plain text of width 80.
    """
    from dipproofs.report.console_check import build_check

    return Rendering(lambda say: build_check(check, say))


def render_widths(check: Check) -> Rendering:
    """Render the widths that were found for each form."""
    from dipproofs.report.console_check import build_widths

    return Rendering(lambda say: build_widths(check, say))


def _headline(text: str, standing: str, say: Callable[[str], str], colour: str | None = None) -> Text:
    style = _STYLES.get(colour or standing, "bold yellow")
    return Text(say(f"{MARKS.get(standing, '?')} {text}"), style=style)


def _remark(text: str, say: Callable[[str], str]) -> Padding:
    return Padding(Text(say(text), style="dim"), (0, 0, 0, 2))


def _heading(text: str, say: Callable[[str], str]) -> Text:
    return Text("\n" + say(text), style="bold")


def table(*columns: Any, say: Callable[[str], str], header: bool = True) -> Table:
    """Make a table in the one style that all of them have; a column is a name or (name, options)."""
    frame = _ASCII_HEAD if say is ascii_only else box.SIMPLE_HEAD
    made = Table(box=frame, show_header=header, show_edge=False, pad_edge=False, padding=(0, 1))
    for column in columns:
        name, options = (column, {}) if isinstance(column, str) else column
        made.add_column(say(name), overflow="fold", **options)
    return made


def verdict_text(verdict: Verdict, say: Callable[[str], str]) -> Text:
    """Write a verdict with its mark and word, so that colour says nothing new."""
    return Text(say(f"{words.MARKS[verdict]} {verdict}"), style=_STYLES[str(verdict)])


def _hypotheses(cert: Certificate, say: Callable[[str], str]) -> list[Any]:
    form = words.FORM_WORDS.get(cert.form, cert.form)
    parts: list[Any] = [
        _heading(f"Hypotheses at iteration {count(cert.iteration)} ({form}, profile {cert.profile})", say)
    ]
    rows = table("", "", "margin", say=say)
    rows.columns[0].no_wrap = rows.columns[2].no_wrap = True
    for hypothesis in cert.hypotheses:
        text = Text(say(words.statement(hypothesis)))
        if hypothesis.reason:
            text.append("\n" + say("→ " + hypothesis.reason), style="italic")
        rows.add_row(verdict_text(hypothesis.verdict, say), text, say(words.margin(hypothesis)))
    parts.append(rows)
    parts.append(_remark(words.MARGINS, say))
    if known := words.symbols_used(cert):
        parts.append(_remark(f"where {known}", say))
    return parts


def _guarantees(cert: Certificate, say: Callable[[str], str]) -> list[Any]:
    lines = words.guarantee_lines(cert)
    if not lines:
        return []
    parts: list[Any] = [_heading("Guarantees" if cert.proved else "Estimates (not proved)", say)]
    parts += [_bullet(line, say) for line in lines]
    parts += _iterations(cert, say)
    if cert.later is not None:
        last = words.guarantee_lines(cert.later)
        verdict = words.standing(cert.later)
        last_iterate = f"last iterate, {count(cert.later.iteration)}"
        where = "polished point" if cert.end is None else last_iterate
        parts.append(_heading(f"The same at the {where}: {verdict}", say))
        if not last:
            last = [f"{words.title(h)}: {h.verdict}. {h.reason}".strip() for h in words.failures(cert.later)]
        parts += [_bullet(line, say) for line in last]
    return parts + _signal(cert, say)


def _signal(cert: Certificate, say: Callable[[str], str]) -> list[Any]:
    lines = signal_sentences(cert)
    if not lines:
        return []
    parts: list[Any] = [_heading("The signal", say), *(_bullet(line, say) for line in lines)]
    certs = [cert] if cert.later is None else [cert, cert.later]
    found = signal_rows(certs)
    if found:
        heads = [(point_name(c), {"justify": "right"}) for c in certs]
        rows = table("", *heads, say=say)
        for row in found:
            rows.add_row(*(Text(say(cell)) for cell in row))
        parts.append(rows)
    return parts


def _bullet(text: str, say: Callable[[str], str]) -> Table:
    grid = Table.grid(padding=(0, 1))
    grid.add_row(say("•"), Text(say(text)))
    return grid


def _iterations(cert: Certificate, say: Callable[[str], str]) -> list[Any]:
    targets = cert.guarantees.iterations_to_loss
    if not targets or not words.goes_on(cert):
        return []
    observed = observed_iterations(cert)
    right, word = {"justify": "right"}, "guaranteed" if cert.proved else "estimated"
    rows = table(("loss below", right), (f"{word} from iteration", right), ("observed (this run)", right), say=say)
    for target, steps in targets.items():
        surely = "no guarantee" if steps is None else count(cert.iteration + steps)
        rows.add_row(target, say(surely), say(count(observed.get(target))))
    return [rows]


def _quantities(cert: Certificate, say: Callable[[str], str], verbose: bool) -> list[Any]:
    certs = [cert] if cert.later is None else [cert, cert.later]
    names = quantity_names(certs, verbose)
    if not names:
        return []
    levels = {b.evidence for c in certs for name in names if (b := c.quantities.get(name)) is not None}
    weakest = Evidence.weakest(levels)
    uniform = len(levels) == 1
    remark = f"all {weakest}" if uniform else "evidence in the last column"
    parts: list[Any] = [_heading(f"Quantities ({remark})", say)]
    heads = [(point_name(c), {"justify": "right"}) for c in certs]
    rows = table(("name", {"no_wrap": True}), *heads, "meaning", *([] if uniform else ["evidence"]), say=say)
    known = quantities()
    for name in names:
        values = [c.quantities.get(name) for c in certs]
        evidence = Evidence.weakest(b.evidence for b in values if b is not None)
        meaning = known[name].meaning if name in known else ""
        cells = [name, *(say(interval(b)) for b in values), say(meaning)]
        rows.add_row(*cells, *([] if uniform else [str(evidence)]))
    parts.append(rows)
    return parts


def _run(cert: Certificate, say: Callable[[str], str]) -> list[Any]:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column()
    for name, value in run_rows(cert):
        grid.add_row(name, Text(say(value)))
    head = "The run (floating-point observations: estimated)" if cert.run is not None else "Setting"
    return [_heading(head, say), grid]
