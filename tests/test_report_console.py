"""The console says what the record says, in words, at any width and in ASCII."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import run, without_numbers
from report_cases import NAMES, case, fits_on_a_screen, initial_check, small
from rich.cells import cell_len

from dipproofs.certify.api import certify
from dipproofs.enclosures import Bound, Verdict
from dipproofs.errors import InputError
from dipproofs.problems import InverseProblem
from dipproofs.report import certificate_html, render_certificate, render_check, to_text, words
from dipproofs.report.claims import NAMES as CLAIMS
from dipproofs.report.claims import claim_lines, worst
from dipproofs.report.details import network_text
from dipproofs.report.explain import explain
from dipproofs.report.facts import coarse_tolerance, comparison
from dipproofs.report.notation import ascii_only, formula
from dipproofs.report.numbers import above
from dipproofs.report.words import check_headline, headline, margin, paper_sentence, rate_sentences, standing

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("verbose", [False, True])
def test_it_fits_into_80_columns_and_into_ascii(name: str, verbose: bool) -> None:
    shown = render_certificate(case(name), verbose=verbose)
    text, plain = to_text(shown), to_text(shown, ascii=True)
    assert max(map(cell_len, text.splitlines())) <= 80
    assert plain.isascii()
    assert re.findall(r"\?(?! (?:undecided|estimated|Not|Estimated))", plain) == []  # a character without a replacement
    assert "…" not in text
    assert "\x1b" not in text
    assert str(shown) == text


@pytest.mark.parametrize("name", NAMES)
def test_every_hypothesis_and_reason_is_shown(name: str) -> None:
    cert = case(name)
    text = " ".join(to_text(render_certificate(cert, verbose=True), width=400).split())
    for hypothesis in cert.hypotheses:
        assert str(hypothesis.verdict) in text
        assert " ".join(hypothesis.reason.split()) in text


@pytest.mark.parametrize("name", ["proved", "concave", "log-cosh", "lp", "polynomial", "picture", "single"])
def test_a_proof_is_announced(name: str) -> None:
    cert = case(name)
    assert cert.proved
    assert headline(cert).startswith("Proved ")
    for verbose in (False, True):
        assert "\n✓ Proved " in to_text(render_certificate(cert, verbose=verbose))


def test_the_certified_iterate_is_named() -> None:
    cert = case("proved")
    where = "from the start" if cert.iteration == 0 else f"from iteration {cert.iteration} of {cert.run.iterations}"
    assert where in headline(cert)
    assert "at iteration 7:" in headline(replace(case("single"), iteration=7))
    assert "at initialisation:" in headline(replace(case("single"), iteration=0))


def test_estimates_are_never_called_proofs() -> None:
    cert = case("estimated")
    text = " ".join(to_text(render_certificate(cert, verbose=True)).split())
    assert not cert.proved and standing(cert) == "estimated"
    assert "? Estimated, not proved" in text and "✓ proved Estimated" not in text
    assert "nothing here is a proof" in text
    assert "Estimates (not proved)" in text and "guaranteed from" not in text
    for line in rate_sentences(cert):
        assert "(estimated)" in line


def test_a_failure_says_that_it_is_no_refutation_of_convergence() -> None:
    cert = case("failed")
    text = " ".join(to_text(render_certificate(cert, verbose=True)).split())
    assert not cert.proved and "✗ Not proved" in text
    assert "sufficient, not necessary" in text
    assert "guaranteed from" not in text


def test_a_limit_without_zero_loss_is_not_promised() -> None:
    cert = case("proved")
    finite = replace(cert, guarantees=replace(cert.guarantees, extra={"limit_has_zero_loss": False}))
    assert "zero loss in the limit is not guaranteed" in headline(finite)
    assert not any("zero-loss" in line for line in rate_sentences(finite))


def test_bounds_are_rounded_up_in_sentences() -> None:
    cert = case("proved")
    facts = replace(cert.guarantees, distance_to_limit=Bound(0.1, 0.12341))
    cert = replace(cert, guarantees=facts, quantities={**cert.quantities, "S": None})
    assert "within 0.124 of" in rate_sentences(cert)[0]


def test_iterations_are_counted_from_the_start_of_the_run() -> None:
    cert = case("proved")
    text = to_text(render_certificate(cert, verbose=True))
    for target, steps in cert.guarantees.iterations_to_loss.items():
        assert steps is not None
        row = next(line for line in text.splitlines() if line.split()[:1] == [target])
        assert row.split()[1].replace("\xa0", "") == str(cert.iteration + steps)


def test_the_signal_is_spoken_of() -> None:
    cert = case("picture")
    text = " ".join(to_text(render_certificate(cert, verbose=True), width=120).split())
    assert cert.guarantees.recovery_error is not None
    assert "bound of ‖x_τ − x̄‖" in text and "· the noise" in text and "true error" in text
    assert "Πy" in text  # twelve observations, four atoms


def test_check_has_a_column_for_each_form() -> None:
    check = initial_check()
    text = to_text(render_check(check))
    assert max(map(cell_len, text.splitlines())) <= 80
    assert to_text(render_check(check), ascii=True).isascii()
    heads = next(line for line in text.splitlines() if line.split()[-1:] == ["residual"])
    assert heads.split() == list(check.forms)
    assert "let the run go on" not in text  # here is no run
    assert "run the descent (dipproofs certify)" in " ".join(text.split())
    assert check_headline(check).startswith("Proved" if check.proved else "Not proved")


@pytest.mark.parametrize(("inner", "word"), [(0.5, "holds"), (2.0, "fails"), (1.0, "fails")])
def test_the_papers_condition_is_reported_as_it_is(inner: float, word: str) -> None:
    cert = initial_check().forms["paper"]
    quantities = {**cert.quantities, "R": Bound.exact(1.0), "R_prime": Bound.exact(inner)}
    assert f"R' < R {word}" in paper_sentence(replace(cert, quantities=quantities))


def test_the_papers_condition_may_be_undecided() -> None:
    cert = initial_check().forms["paper"]
    overlap = {"R": Bound(0.9, 1.1), "R_prime": Bound(0.8, 1.0)}
    estimate = {"R": Bound.estimated(1.0), "R_prime": Bound.estimated(0.5)}
    for quantities in (overlap, estimate):
        assert "is undecided" in paper_sentence(replace(cert, quantities={**cert.quantities, **quantities}))


def test_widths_are_listed_with_how_they_are_known() -> None:
    check = replace(
        initial_check(),
        widths={"paper": {"width": None, "reason": "too wide"}, "concave": {"width": 2048, "verdict": "proved"}},
    )
    both = replace(check, widths={"paper": {"width": 10**6}, "residual": {"width": 216}})
    assert "residual holds at a width 4\xa0629 times smaller than paper." in to_text(render_check(both))
    text = to_text(render_check(check))
    assert "paper: no width found: too wide" in text
    assert "concave: width 2\xa0048, proved" in text


def test_margins_show_the_end_that_matters() -> None:
    from dipproofs.certificate.record import Hypothesis

    bound = Bound(0.1234, 0.5678)
    assert margin(Hypothesis("H", "", Verdict.PROVED, bound)) == "≥ 0.123"
    assert margin(Hypothesis("H", "", Verdict.REFUTED, Bound(-2.0, -0.5678))) == "≤ -0.567"
    assert margin(Hypothesis("H", "", Verdict.UNDECIDED, Bound.estimated(0.5))) == "0.5 (estimated)"
    assert margin(Hypothesis("H", "", Verdict.PROVED)) == ""


def test_an_interrupted_run_says_so_first() -> None:
    cert = case("proved")
    cut = replace(cert, run=replace(cert.run, stopped="interrupted"))
    said = f"Interrupted at iteration {cert.run.iterations}"
    assert to_text(render_certificate(cut, verbose=True)).startswith(f"! {said}")
    assert f"! {said}" in to_text(render_certificate(cut))
    assert certificate_html(cut).index(f"<p class='headline'>{said}") < certificate_html(cut).index(
        "<p class='headline'>Proved "
    )
    assert "Interrupted" not in to_text(render_certificate(cert)) + certificate_html(cert)


def test_noise_that_is_zero_is_called_so() -> None:
    from dipproofs.report.signal import signal_rows

    cert = case("picture")
    extra = dict(cert.guarantees.extra)
    extra["recovery"] = {**extra["recovery"], "noise": Bound(0.0, 7.15e-165)}
    clean = replace(cert, guarantees=replace(cert.guarantees, extra=extra))
    rows = {row[0]: row[1] for row in signal_rows([clean])}
    assert rows["· the noise"] == "0 up to rounding"
    assert "‖x̄‖" in rows["bound of ‖x_τ − x̄‖"]


@pytest.mark.parametrize(
    ("size", "words"), [(1e-16, "the noise is 0 up to rounding:"), (1.0, "the noise may be 0 (‖Πε‖")]
)
def test_noise_that_is_not_proved_to_be_there(size: float, words: str) -> None:
    from types import SimpleNamespace

    from dipproofs.recovery.signal_error import Noise, Recovery

    level = Bound(0.0, size)
    known = SimpleNamespace(applies=True, noise=Noise(level, level, "x_true"), problem=SimpleNamespace(y=[1.0, 2.0]))
    assert words in Recovery.why_not(known)  # type: ignore[arg-type]


def test_the_short_text_fits_on_a_screen_and_ends_with_the_verdict() -> None:
    for name in NAMES:
        written = (
            "a-directory-with-a-long-name/of-two-parts/ (report.html; check again: dipproofs verify certificate.json)"
        )
        fits_on_a_screen(to_text(render_certificate(case(name), written=written)))


def test_the_headline_has_the_colour_of_the_worst_claim_asked_for() -> None:
    cert = case("picture")
    assert worst(cert) == "proved"
    recovery = {**cert.guarantees.extra["recovery"], "sharp": None}
    extra = {**cert.guarantees.extra, "recovery": recovery}
    facts = replace(cert.guarantees, recovery_error=Bound(0.0, 1e3), extra=extra)
    vacuous = replace(cert, guarantees=facts, final=None)
    assert worst(vacuous) == "undecided"
    assert "vacuous" in to_text(render_certificate(vacuous))
    assert worst(case("proved")) == "proved"  # no atoms, no distance: nobody asked about the signal
    assert worst(case("failed")) == "refuted"


def test_what_is_missing_for_a_bound_is_said() -> None:
    cert = case("picture")
    recovery = dict(cert.guarantees.extra["recovery"])
    recovery |= {"sharp": None, "noise_norm": None, "distance_to_range": None, "signal_norm": None}
    facts = replace(cert.guarantees, recovery_error=None, extra={**cert.guarantees.extra, "recovery": recovery})
    arrays = {name: array for name, array in cert.arrays.items() if name != "x_true"}
    sentence = claim_lines(replace(cert, guarantees=facts, final=None, arrays=arrays))[0].sentence
    assert "noise.norm" in sentence and "certificate.distance" in sentence


def test_symbols_are_defined_where_they_are_used() -> None:
    text = " ".join(to_text(render_certificate(case("proved"), verbose=True), width=200).split())
    for meaning in ("x: what the curvature of a step may cost", "R₀: the residual norm", "relative to the right side"):
        assert meaning in text


def test_explain_knows_every_word_of_a_certificate() -> None:
    kept = [json.loads(path.read_text(encoding="utf-8")) for path in (ROOT / "docs" / "gallery").glob("*.json")]
    made = [case(name).to_json() for name in ("proved", "picture", "failed", "estimated", "log-cosh", "polynomial")]
    made += json.loads((ROOT / "tests" / "data" / "records.json").read_text(encoding="utf-8")).values()
    made.append(json.loads((ROOT / "examples" / "certificate" / "certificate.json").read_text(encoding="utf-8")))
    assert len(kept) > 4
    used = {word for record in (*kept, *made) for word in words_of(record)}
    assert {"claims", "lyapunov", "slow-mode", "true_error", "block", "log-cosh", "tanh", "H"} <= used
    for word in used:
        assert len(explain(word)) > len(word) + 10, word


@pytest.mark.parametrize("method", ["heavy-ball", "nesterov", "adam"])
def test_explain_states_the_theorem_of_a_method(method: str) -> None:
    """With each condition that a certificate of it lists, each symbol's meaning, and nothing of LaTeX."""
    text = explain(method)
    assert "Needs: squared loss" in text and "docs/theory-methods.md §" in text and "\\" not in text
    left = text.split("\nwhere\n")[0]
    for line in text.split("\nwhere\n")[1].split("\n\n")[0].splitlines():
        name, _, meaning = line.strip().partition(": ")
        assert meaning and name in left, line
    assert "ρ₂ < 1" in text or "ρ₂ <= β₂" in text
    assert "$" in explain(method, latex=True)


def test_explain_knows_every_word_that_the_program_can_print() -> None:
    from dipproofs.theory.methods import METHOD_THEOREMS, METHODS

    printed = {*words.TITLES, *words.FORM_WORDS, *CLAIMS, *METHODS, *map(str, Verdict), "assumed", "vacuous"}
    printed |= {c.id for theorem in METHOD_THEOREMS.values() for c in theorem.hypotheses}
    for word in printed:
        assert len(explain(word)) > len(word) + 10, word
    assert max(map(len, explain().splitlines())) <= 80


#: What of a record names a choice; the rest are numbers, sentences, and what the user named.
CHOICES = ("verdict", "form", "profile", "arithmetic", "activation", "id", "kind")
NETWORKS = ("two-layer", "two-layer-synthesis", "graph")


def words_of(value: Any, key: str = "") -> Iterator[str]:
    """Give the names of entries, the ids of hypotheses, and the words that stand for a choice."""
    if isinstance(value, dict):
        for name, entry in value.items():
            if key != "iterations_to_loss":
                yield name
            if name not in ("graph", "problem"):
                yield from words_of(entry, name)
    elif isinstance(value, list):
        for entry in value:
            yield from words_of(entry, key)
    elif key in CHOICES and value and value not in NETWORKS:
        yield value


def test_a_run_prints_the_text_that_is_kept() -> None:
    _, shown, _ = run("certify", ROOT / "examples" / "gaussian.toml")
    assert len(shown.splitlines()) <= 20 and max(map(cell_len, shown.splitlines())) <= 80
    kept = (ROOT / "docs" / "gallery" / "gaussian.txt").read_text(encoding="utf-8")
    assert without_numbers(shown) == without_numbers(re.sub(r"Files .*\n", "", kept))


@pytest.mark.parametrize("kind", ["foo", None, 3])
def test_a_network_of_an_unknown_kind_is_named(kind: Any) -> None:
    cert = case(NAMES[0])
    with pytest.raises(InputError, match=r"certificate network.kind: found .*, expected one of two-layer, "):
        network_text({**cert.network, "kind": kind})


def test_a_tolerance_that_is_too_large_for_the_data_is_noted() -> None:
    problem, network = small()
    tiny = InverseProblem(problem.operator, 1e-8 * problem.y)
    coarse, fine = (certify(tiny, network, tolerance=tolerance) for tolerance in (1e-12, 1e-22))
    assert coarse.proved and fine.proved
    for render in (to_text(render_certificate(coarse)), certificate_html(coarse)):
        assert "is no less than ‖y‖ =" in render and "set relative_tolerance" in " ".join(render.split())
    fits_on_a_screen(to_text(render_certificate(coarse, written="out/")))
    assert coarse_tolerance(fine) == "" == coarse_tolerance(case("proved"))


def test_greek_letters_of_every_method_are_letters() -> None:
    assert formula("Z_s*\\eta > 1 - \\beta + \\pi*\\zeta") == "Z_s η > 1 − β + π ζ"
    assert ascii_only("η β π ζ Π") == "eta beta pi zeta P"


def test_a_stop_that_cannot_be_proved_has_its_reason() -> None:
    cert = case("proved")
    asked = replace(cert, provenance={**cert.provenance, "problem": {"descent": {"stop": "guaranteed"}}})
    assert cert.run.stopped == "tolerance"
    assert "of the clean data (the noise is not known: give x_true, or ‖ε‖ as noise.norm)." in headline(asked)


def test_a_run_that_broke_down_is_not_compared() -> None:
    cert = case("single")
    assert comparison(cert).startswith("least squares")
    for size in (np.nan, 1e-300):  # of what is lost, and of what least squares are far from
        assert comparison(replace(cert, arrays={**cert.arrays, "V": np.full_like(cert.arrays["V"], size)})) == ""


@pytest.mark.parametrize("render", [lambda cert: to_text(render_certificate(cert, verbose=True)), certificate_html])
def test_a_curve_of_the_record_is_a_sentence_of_the_report(render: Any) -> None:
    cert = case("proved")
    curve = cert.guarantees.extra["forecast"]
    assert len(curve["proved"]) > 20
    text = " ".join(render(cert).split())
    assert f"After {curve['length']} steps ‖A g − y‖ is at most {above(curve['proved'][-1])};" in text
    assert not any(str(value) in text for value in curve["proved"][1:-1])
    assert "forecast: iterations" not in text and "frozen" not in text
