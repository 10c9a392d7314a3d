"""`report.html`: one self-contained page from one certificate."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dipproofs.report import words
from dipproofs.report.claims import MARKS, claim_lines, missing_for_bound, worst
from dipproofs.report.details import observed_iterations, problem_title, quantity_names, run_rows, toml_text
from dipproofs.report.facts import least_squares, picture_quality, point_name
from dipproofs.report.images import picture_figures
from dipproofs.report.manual import link
from dipproofs.report.notation import formula, symbol
from dipproofs.report.numbers import count, interval, near
from dipproofs.report.page import data_table, definition_list, item_list, page, section
from dipproofs.report.series import projection_constant, shown_convention
from dipproofs.report.signal import signal_rows, signal_sentences, split_rows

if TYPE_CHECKING:
    from dipproofs.certificate.record import Certificate, Hypothesis


def certificate_html(
    cert: Certificate,
    *,
    image_shape: Sequence[int] | None = None,
    data_shape: Sequence[int] | None = None,
    problem_text: str | None = None,
    title: str | None = None,
    date: str | None = None,
    manual: str | None = None,
) -> str:
    """Render a certificate as a page that needs nothing else: no network, no script.

    Args:
        cert: certificate, with its run and its ``final``.
        image_shape: (height, width), if the signal is a picture; by default what the problem says.
        data_shape: shape of y, if it is a picture too.
        problem_text: the problem file as it was read; else it is written from the provenance.
        title: title of the page; by default the problem's name and sizes.
        date: shown in the title; by default that of the certificate, or today's.
        manual: address of the manual; hypotheses then link to the theory page there, else to the theorem on this page.

    Returns:
        HTML text. The same certificate gives the same characters (on the same day, without a date).
    """
    day = date or str(cert.provenance.get("date") or datetime.date.today().isoformat())
    heading = title or f"{problem_title(cert)}; {day}"
    parts = [
        _answer(cert),
        _images(cert, image_shape, data_shape),
        _signal(cert),
        _guarantees(cert),
        _figures(cert),
        _hypotheses(cert, manual),
        _theorem(cert),
        _quantities(cert),
        _provenance(cert),
        _problem(cert, problem_text),
        _again(cert),
    ]
    text = f"{words.interruption(cert)} {words.headline(cert)}".lstrip()
    return page(heading, text, "\n".join(part for part in parts if part))


def write_report(cert: Certificate, path: Path | str, **options: Any) -> Path:
    """Write `certificate_html` to a file, all of it or nothing.

    Args:
        cert: certificate.
        path: the file; its folder must exist.
        options: of `certificate_html`.
    """
    from dipproofs.certificate.write import write_atomically

    target = Path(path)
    write_atomically(target, certificate_html(cert, **options).encode())
    return target


def _answer(cert: Certificate) -> str:
    verdict, colour = words.answer(cert)[0], worst(cert)
    notes = []
    if words.estimated(cert):
        notes.append(words.ESTIMATED)
    elif cert.proved:
        notes.append(words.scope(cert))
    if not cert.proved and words.standing(cert) != "estimated":
        notes.append(words.NOT_NECESSARY)
    body = "".join(f"<p class='note'>{escape(note)}</p>" for note in notes)
    interruption = words.interruption(cert)
    first = f"<p class='headline'>{escape(interruption)}</p>" if interruption else ""
    claims = "".join(
        f"<li id='claim-{line.name}'><b>{line.name.capitalize()}</b> "
        f"<span class='mark {line.verdict}'>{line.mark} {line.verdict}</span> {escape(line.sentence)}</li>"
        for line in claim_lines(cert)
    )
    return (
        f"<section id='answer' class='answer {escape(colour)}'>{first}"
        f"<p class='verdict'>{MARKS.get(verdict, '?')} {escape(verdict)}</p>"
        f"<p class='headline'>{escape(words.headline(cert))}</p><ul class='claims'>{claims}</ul>{body}</section>"
    )


def _guarantees(cert: Certificate) -> str:
    sides = [cert] if cert.later is None else [cert, cert.later]
    columns = []
    for side in sides:
        lines = words.guarantee_lines(side)
        label = f"{words.place(side, cert.run)}: {words.standing(side)}"
        if not lines:
            if len(sides) == 1:
                return ""
            lines = [f"{words.title(h)}: {h.verdict}. {h.reason}" for h in words.failures(side)]
        columns.append(f"<div><h3>{escape(label[:1].upper() + label[1:])}</h3>{item_list(lines)}</div>")
    head = "Guarantees" if cert.proved else "Estimates (not proved)"
    return section(head, f"<div class='columns'>{''.join(columns)}</div>{_iterations(cert)}")


def _iterations(cert: Certificate) -> str:
    targets = cert.guarantees.iterations_to_loss
    if not targets or not words.goes_on(cert):
        return ""
    observed = observed_iterations(cert)
    rows = [
        [target, "no guarantee" if steps is None else count(cert.iteration + steps), count(observed.get(target))]
        for target, steps in targets.items()
    ]
    word = "guaranteed" if cert.proved else "estimated"
    heads = ["loss below", f"{word} from iteration", "observed in this run"]
    return data_table(heads, rows, numbers=(0, 1, 2), label="Iterations to small losses")


def _signal(cert: Certificate) -> str:
    lines = signal_sentences(cert)
    if not lines:
        return ""
    sides = [cert] if cert.later is None else [cert, cert.later]
    rows = signal_rows(sides)
    heads = ["", *(point_name(side) for side in sides)]
    body = ""
    if rows:
        first, rest = split_rows(rows)
        body = data_table(heads, first, tuple(range(1, len(heads))), label="Error of the signal", heads_of_rows=True)
        if rest:
            table = data_table(heads, rest, tuple(range(1, len(heads))), label="Its parts", heads_of_rows=True)
            body += f"<details><summary>What the bound consists of</summary>{table}</details>"
    if missing := missing_for_bound(cert):
        lines = [*lines, f"For a bound of ‖x − x̄‖: {missing}."]
    return section("The signal", item_list(lines) + body + _quality(cert))


_QUALITY = {
    "relative": "error relative to ‖x̄‖",
    "centred": "error relative to ‖x̄ − mean‖ (the best constant has 1)",
    "psnr": "PSNR in dB (peak: the range of x̄)",
    "ssim": "SSIM",
}


def _quality(cert: Certificate) -> str:
    found = picture_quality(cert)
    if not found:
        return ""
    plain = least_squares(cert)
    beside = {} if plain is None else picture_quality(cert, plain)
    rows = [
        [label, near(found[key]), *([near(beside[key]) if key in beside else "–"] if beside else [])]
        for key, label in _QUALITY.items()
        if key in found
    ]
    heads = ["observed", "this run, last iterate", *(["least squares, no network"] if beside else [])]
    table = data_table(heads, rows, (1, 2), label="Observed quality", heads_of_rows=True)
    return f"{table}<p class='note'>Observed in floating point; not part of any claim.</p>"


def _images(cert: Certificate, image_shape: Any, data_shape: Any) -> str:
    shown = picture_figures(cert, image_shape, data_shape)
    if not shown:
        return ""
    note = "<p class='note'>The error shown is observed in floating point; what is proved is among the claims.</p>"
    return section("Pictures", f"{shown}{note}")


def _figures(cert: Certificate) -> str:
    if cert.run is None or cert.run.iterations == 0:
        return ""
    from dipproofs.report.canvas import svg_text
    from dipproofs.report.plots import loss_figure, path_figure

    loss = svg_text(loss_figure(cert), "loss", f"Loss along the run. {words.headline(cert)}")
    path = svg_text(path_figure(cert), "path", "Path length and distance from the start along the run.")
    known = "guaranteed" if cert.proved else "estimated" if words.standing(cert) == "estimated" else None
    caption = (
        "Loss along the run (solid, observed)."
        if known is None
        else f"Loss along the run (solid, observed) and its {known} upper bound (dashed; dotted from the last iterate)."
    )
    convention, constant = shown_convention(cert), projection_constant(cert)
    caption += f" The loss is {convention}." if convention else ""
    if constant is not None:
        caption += f" The part of the data that A cannot produce adds the constant {near(constant)}, not shown."
    return section(
        "The run",
        f"<figure class='plot'>{loss}<figcaption>{escape(caption)}</figcaption></figure>"
        f"<figure class='plot'>{path}<figcaption>{escape(_path_caption(cert))}</figcaption></figure>",
    )


def _path_caption(cert: Certificate) -> str:
    base = "Length of the path (solid) and distance from the starting parameters (dash-dotted), observed."
    if cert.guarantees.distance_to_limit is None:
        return base
    return base + " The band is what the certificate leaves for the rest of the path."


def _hypotheses(cert: Certificate, manual: str | None) -> str:
    form = words.FORM_WORDS.get(cert.form, cert.form)
    rows = []
    for hypothesis in cert.hypotheses:
        reason = f"<p class='reason'>{escape(hypothesis.reason)}</p>" if hypothesis.reason else ""
        verdict = str(hypothesis.verdict)
        rows.append(
            [
                f"<span class='mark {verdict}'>{words.MARKS[hypothesis.verdict]} {verdict}</span>",
                f"{_linked(hypothesis, cert, manual)}{_formula(hypothesis)}{reason}",
                escape(words.margin(hypothesis)),
            ]
        )
    lead = f"At iteration {count(cert.iteration)}; {form}, injectivity profile {cert.profile}."
    table = data_table(["verdict", "hypothesis", "margin"], rows, numbers=(2,), raw=True, label="Hypotheses")
    known = words.symbols_used(cert)
    where = f"<p class='note'>Where {escape(known)}.</p>" if known else ""
    note = f"<p class='note'>{escape(words.MARGINS)}</p>"
    return section("Hypotheses", f"<p>{escape(lead)}</p>{table}{where}{note}")


def _linked(hypothesis: Hypothesis, cert: Certificate, manual: str | None) -> str:
    """Name a hypothesis, linked to its theorem; the section of the manual is said in words too."""
    address, where = link(hypothesis, cert, manual)
    name = escape(words.title(hypothesis))
    return f"<a href='{escape(address, quote=True)}' title='{escape(where, quote=True)}'>{name}</a>"


def _theorem(cert: Certificate) -> str:
    from dipproofs.errors import InputError
    from dipproofs.report.explain import explain

    try:
        text = explain(cert.form)
    except InputError:
        return ""
    summary = f"<details><summary>{escape(words.FORM_WORDS.get(cert.form, cert.form))}, in full</summary>"
    return section("The theorem", f"{summary}<pre>{escape(text)}</pre></details>", "theorem")


def _formula(hypothesis: Hypothesis) -> str:
    if hypothesis.statement == words.title(hypothesis):
        return ""
    return f"<br><span class='formula'>{escape(formula(hypothesis.statement))}</span>"


def _quantities(cert: Certificate) -> str:
    from dipproofs.theory import quantities

    sides = [cert] if cert.later is None else [cert, cert.later]
    known = quantities()
    rows = []
    for name in quantity_names(sides, verbose=True):
        bounds = [side.quantities.get(name) for side in sides]
        evidence = str(max(b.evidence for b in bounds if b is not None))
        what = known.get(name)
        meaning = "" if what is None else what.meaning
        sign = name if what is None else symbol(str(what.symbol))
        rows.append([sign, name, *(interval(b) for b in bounds), evidence, meaning])
    if not rows:
        return ""
    heads = ["", "name", *(point_name(side) for side in sides), "evidence", "meaning"]
    body = data_table(heads, rows, numbers=tuple(range(2, 2 + len(sides))), label="Quantities")
    note = (
        "<p class='note'>Every number is an enclosure, rounded here: alone it is right to one unit of its last digit; "
        "the full ends are in certificate.json.</p>"
    )
    return section("Quantities", f"<details><summary>{len(rows)} quantities</summary>{body}{note}</details>")


def _provenance(cert: Certificate) -> str:
    rows = run_rows(cert)
    versions = {k: v for k, v in cert.provenance.items() if isinstance(v, str) and k not in ("device", "dtype")}
    rows.append(("versions", ", ".join(f"{name} {version}" for name, version in versions.items())))
    head = "The run in numbers (floating-point observations: estimated)" if cert.run is not None else "Setting"
    device = ("device", f"{cert.provenance.get('device', '?')}, {cert.provenance.get('dtype', '?')}")
    return section(head, definition_list([*(row for row in rows if row[0] != "made with"), device]))


def _problem(cert: Certificate, text: str | None) -> str:
    origin = cert.provenance.get("problem") or {}
    if text is None and not origin:
        return ""
    shown = text if text is not None else toml_text({k: v for k, v in origin.items() if isinstance(v, Mapping)})
    label = "The problem file" if text is not None else "The problem file, with defaults filled in"
    return section(label, f"<pre>{escape(shown)}</pre>")


def _again(cert: Certificate) -> str:
    steps = (
        "<p>Beside this page lie <code>certificate.json</code> (every number in full) and the arrays it is about. An "
        "independent checker recomputes everything from them in another arithmetic:</p>"
        "<pre>dipproofs verify certificate.json</pre>"
        f"<p>What the words mean: <code>dipproofs explain {escape(cert.form)}</code>.</p>"
        '<p><code>arrays.npz</code> can also be fed back in: a problem file with <code>kind = "file"</code> and '
        '<code>path = "arrays.npz"</code> starts from the certified iterate.</p>'
    )
    return section("How to check this again", steps)
