"""Where the manual proves what a report names: pages and sections, by hypothesis and method."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dipproofs.theory.methods import METHOD_THEOREMS

if TYPE_CHECKING:
    from dipproofs.certificate.record import Certificate, Hypothesis

#: Title of a page and the prefix of its anchors: `theory.html#section-3`, `theory-methods.html#methods-1`.
PAGES = {
    "theory": ("Theory", "section"),
    "theory-methods": ("Theory of methods", "methods"),
    "theory-graphs": ("Theory of computation graphs", "graphs"),
}
#: Sections of the theory page by hypothesis, where it is not §3.
_SECTIONS = {
    "rank": "1",
    "loss": "5",
    "compact": "1",
    "minimiser": "1",
    "radius": "2",
    "paper": "2",
    "injective": "3.1",
}
_GRAPHS = {"ball": "4"}
_BACKTRACKING = "9"


def place(hypothesis: Hypothesis, cert: Certificate) -> tuple[str, str]:
    """Return page and section in which a hypothesis of a certificate stands.

    Args:
        hypothesis: one of the certificate's. cert: whose method and form decide about the theorem.
    """
    theorem = METHOD_THEOREMS.get(str(cert.method.get("kind")))
    if theorem is not None and hypothesis.id in {c.id for c in theorem.hypotheses} | {"method"}:
        return "theory-methods", theorem.source.removeprefix("§")
    if hypothesis.id in ("step", "H") and cert.schedule.get("kind") == "backtracking":
        return "theory-methods", _BACKTRACKING
    if hypothesis.id in _GRAPHS:
        return "theory-graphs", _GRAPHS[hypothesis.id]
    section = _SECTIONS.get(hypothesis.id, "3")
    return "theory", "3.2" if cert.form == "residual" and hypothesis.id in ("step", "H") else section


def anchor(page: str, section: str) -> str:
    """Return the address of a section in the built manual, relative to its root.

    Example:
        >>> anchor("theory", "3.2")
        'theory.html#section-3-2'
    """
    return f"{page}.html#{PAGES[page][1]}-{section.replace('.', '-')}"


def link(hypothesis: Hypothesis, cert: Certificate, manual: str | None) -> tuple[str, str]:
    """Return address and words of the link from a hypothesis to its theorem.

    Args:
        hypothesis, cert: as for `place`. manual: address of the manual; None: the theorem on the report's own page.
    """
    page, section = place(hypothesis, cert)
    words = f"{PAGES[page][0]} §{section}"
    return ("#theorem" if manual is None else f"{manual.rstrip('/')}/{anchor(page, section)}"), words
