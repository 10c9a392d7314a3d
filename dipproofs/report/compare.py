"""Certificates side by side on one page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

from dipproofs.report import words
from dipproofs.report.claims import claim_lines
from dipproofs.report.console_short import forecast, smallest_margin
from dipproofs.report.details import network_text, problem_title
from dipproofs.report.facts import picture_quality
from dipproofs.report.images import picture_figures
from dipproofs.report.numbers import count, interval, near
from dipproofs.report.page import data_table, page, section
from dipproofs.report.saved import Saved

Cell = Callable[[Saved], str]
_QUALITY = {
    "relative": "‖x − x̄‖/‖x̄‖",
    "centred": "‖x − x̄‖/‖x̄ − mean‖",
    "psnr": "PSNR (dB)",
    "ssim": "SSIM",
}


def comparison_html(saved: Sequence[Saved], title: str | None = None) -> str:
    """Render saved certificates side by side, a column for each.

    Args:
        saved: from `load_saved`.
        title: of the page.

    Returns:
        HTML text that needs nothing else.
    """
    names = _distinct([one.name for one in saved])
    heading = title or f"Certificates side by side: {', '.join(names)}"
    rows: list[list[str]] = []
    for index, claim in enumerate(("signal", "convergence", "existence")):
        rows.append([claim.capitalize(), *(_claim(one, index) for one in saved)])
    for label, cell in _CELLS:
        cells = [escape(cell(one)) for one in saved]
        if any(cells):
            rows.append([label, *(text or "–" for text in cells)])
    for key, label in _QUALITY.items():
        values = [picture_quality(one.certificate).get(key) for one in saved]
        if any(value is not None for value in values):
            rows.append([f"observed {label}", *("–" if value is None else near(value) for value in values)])
    table = data_table(
        ["", *names], [[escape(row[0]), *row[1:]] for row in rows], raw=True, label=heading, heads_of_rows=True
    )
    pictures = "".join(
        f"<h3>{escape(name)}</h3>{shown}"
        for name, one in zip(names, saved)
        if (shown := picture_figures(one.certificate))
    )
    body = section("Claims and numbers", table) + (section("Pictures", pictures) if pictures else "")
    return page(heading, heading, body)


def _claim(one: Saved, index: int) -> str:
    line = claim_lines(one.certificate)[index]
    return f"<span class='mark {line.verdict}'>{line.mark} {line.verdict}</span><br>{escape(line.sentence)}"


def _distinct(names: Sequence[str]) -> list[str]:
    """Number names that occur twice."""
    return [name if names.count(name) == 1 else f"{name} ({index + 1})" for index, name in enumerate(names)]


def _iterations(one: Saved) -> str:
    done = one.run.get("iterations")
    return (
        f"{count(one.certificate.iteration)} of {count(done)}"
        if isinstance(done, int)
        else count(one.certificate.iteration)
    )


def _loss(one: Saved) -> str:
    return str(one.certificate.loss.get("convention", one.certificate.loss.get("kind", "")))


def _quantity(name: str) -> Cell:
    return lambda one: "" if (bound := one.certificate.quantities.get(name)) is None else interval(bound, 4)


_CELLS: tuple[tuple[str, Cell], ...] = (
    ("Problem", lambda one: problem_title(one.certificate)),
    ("Network", lambda one: network_text(one.certificate.network)),
    ("Method", lambda one: words.method_name(one.certificate)),
    ("Loss function", _loss),
    ("Form, profile", lambda one: f"{one.certificate.form}, {one.certificate.profile}"),
    ("Certified iterate", _iterations),
    ("Rate", lambda one: words.rate_short(one.certificate)),
    ("Forecast", lambda one: forecast(one.certificate)),
    ("Smallest margin", lambda one: smallest_margin(one.certificate)),
    ("Loss at the certified iterate", _quantity("loss_0")),
    ("Path from there, S", _quantity("S")),
    ("Step size γ", _quantity("gamma")),
    ("Made with", lambda one: f"dipproofs {one.certificate.provenance.get('dipproofs', '?')}"),
)
