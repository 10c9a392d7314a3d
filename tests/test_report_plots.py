"""Pictures draw what the record says: the envelope lies above the observed loss, files are the same every time."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from report_cases import NAMES, SHAPE, case, picture

from dipproofs.enclosures import Verdict
from dipproofs.report import image_figure, image_panels, loss_figure, path_figure, png_bytes, svg_text
from dipproofs.report.images import panel_png, reconstruction
from dipproofs.report.numbers import above
from dipproofs.report.series import MOST_POINTS, envelope_curve, forecast, loss_curve, thinned

PROVED = ["proved", "concave", "log-cosh", "lp", "polynomial", "picture"]
WITH_RUN = [name for name in NAMES if name != "single"]


@pytest.mark.parametrize("name", PROVED)
def test_the_envelope_lies_above_the_observed_loss(name: str) -> None:
    cert = case(name)
    last = cert.run.iterations
    curve = envelope_curve(cert, last)
    assert curve is not None and curve.x[0] == cert.iteration and curve.x[-1] == last
    loss = cert.run.history.loss
    for x, y, following in zip(curve.x, curve.y, [*curve.x[1:], last]):
        # a staircase holds from one point to the next; the last iterates may stand at rounding level
        until = int(following) if curve.steps else int(x)
        assert loss[int(x) : until + 1].max() <= y * (1 + 1e-9) + 1e-25
    assert (np.diff(curve.y) <= 0).all()
    assert curve.y[0] == cert.quantities["loss_0"].upper


@pytest.mark.parametrize("name", PROVED)
def test_the_envelope_agrees_with_the_stated_iterations(name: str) -> None:
    cert = case(name)
    for target, steps in cert.guarantees.iterations_to_loss.items():
        if steps is None or steps > 10**5:
            continue
        curve = envelope_curve(cert, cert.iteration + steps + 1)
        assert curve is not None
        index = np.searchsorted(curve.x, cert.iteration + steps)
        assert curve.y[index] <= float(target) * (1 + 1e-9) or len(curve.x) >= MOST_POINTS - 1


def test_without_guarantees_there_is_no_envelope() -> None:
    assert envelope_curve(case("failed"), 100) is None
    assert envelope_curve(case("proved"), case("proved").iteration) is None
    assert forecast(case("failed"), 1e-6) is None


def test_long_runs_are_thinned_but_keep_what_matters() -> None:
    for logarithmic in (False, True):
        chosen = thinned(10**6, (12345,), logarithmic)
        assert len(chosen) <= MOST_POINTS + 1
        assert chosen[0] == 0 and chosen[-1] == 10**6 - 1 and 12345 in chosen
        assert (np.diff(chosen) > 0).all()
    cert = case("proved")
    loss, path = np.geomspace(1, 1e-12, 50_001), np.linspace(0, 1, 50_001)
    history = replace(cert.run.history, loss=loss, gradient_norm=np.sqrt(loss), path_length=path, step=np.ones(50_000))
    long = replace(cert, run=replace(cert.run, history=history, iterations=50_000))
    curve = loss_curve(long)
    assert curve is not None and curve.x.size <= MOST_POINTS + 1 and cert.iteration in curve.x
    assert png_bytes(loss_figure(long)) and png_bytes(path_figure(long))


@pytest.mark.parametrize("name", WITH_RUN)
@pytest.mark.parametrize("draw", [loss_figure, path_figure])
def test_pictures_are_the_same_every_time_and_self_contained(name: str, draw) -> None:  # type: ignore[no-untyped-def]
    first, second = (svg_text(draw(case(name)), "p", 'a "picture" <of> a run') for _ in range(2))
    assert first == second
    assert first.startswith("<svg") and first.endswith("</svg>")
    assert "http" not in first and "<metadata" not in first and "<style" not in first
    assert "&lt;of&gt;" in first


def test_labels_say_what_is_proved() -> None:
    text = svg_text(loss_figure(case("proved")), "p", "")
    assert "proved from iteration" in text and "guaranteed" in text
    guess = svg_text(loss_figure(case("estimated")), "p", "")
    assert ">guaranteed<" not in guess and ">proved" not in guess and ">estimated" in guess
    nothing = svg_text(loss_figure(case("failed")), "p", "")
    assert ">guaranteed<" not in nothing and ">proved" not in nothing


def test_a_run_that_reaches_zero_loss_can_be_drawn() -> None:
    cert = case("proved")
    loss = cert.run.history.loss.copy()
    loss[-3:] = 0.0
    run = replace(cert.run, history=replace(cert.run.history, loss=loss))
    assert png_bytes(loss_figure(replace(cert, run=run)))


def test_the_callers_settings_come_back() -> None:
    import matplotlib

    with matplotlib.rc_context({"font.size": 31.0}):
        png_bytes(loss_figure(case("proved")))
        assert matplotlib.rcParams["font.size"] == 31.0


def test_panels_of_an_inpainting_problem() -> None:
    cert = case("picture")
    panels = image_panels(cert, SHAPE)
    assert [panel.title for panel in panels] == ["truth", "data", "reconstruction", "error"]
    truth, data, found, error = panels
    x = picture()[0].x_true
    assert x is not None
    np.testing.assert_array_equal(truth.pixels.ravel(), x)
    assert np.isnan(data.pixels).sum() == 4 and "12 observed" in data.caption
    assert (truth.low, truth.high) == (data.low, data.high) == (found.low, found.high)
    np.testing.assert_array_equal(found.pixels.ravel(), reconstruction(cert))
    np.testing.assert_allclose(error.pixels, found.pixels - truth.pixels)
    assert error.low == -error.high
    stated = re.search(r"proved at most ([\d.e-]+);", error.caption)
    assert stated is not None and np.linalg.norm(error.pixels) <= float(stated[1])
    assert cert.final is not None and cert.final.guarantees.recovery_error is not None
    assert float(stated[1]) <= float(above(cert.final.guarantees.recovery_error.upper))
    assert all(panel_png(panel) == panel_png(panel) for panel in panels)
    assert png_bytes(image_figure(panels))


def test_a_proved_bound_of_the_error_is_called_so_where_convergence_is_undecided() -> None:
    cert = case("picture")
    undecided = replace(cert, final=None, iteration=cert.run.iterations, verdict=Verdict.UNDECIDED)
    assert "; proved at most " in image_panels(undecided, SHAPE)[3].caption


def test_panels_of_other_data() -> None:
    cert = case("picture")
    dense = replace(cert, final=None, arrays={**cert.arrays, "A": np.ones((12, 16))})
    assert image_panels(dense, SHAPE)[1].caption == "Aᵀy"
    as_picture = image_panels(cert, SHAPE, data_shape=(3, 4))[1]
    assert as_picture.pixels.shape == (3, 4) and as_picture.caption == "the observation y"
    blind = {key: value for key, value in cert.arrays.items() if key != "x_true"}
    unknown = image_panels(replace(cert, final=None, arrays=blind), SHAPE)
    assert [panel.title for panel in unknown] == ["data", "reconstruction"]


@pytest.mark.parametrize("shape", [None, (16,), (5, 3), (1, 16), (2, 2, 4)])
def test_what_is_no_picture_has_no_panels(shape) -> None:  # type: ignore[no-untyped-def]
    assert image_panels(case("picture"), shape) == []


def test_the_reconstruction_needs_no_run() -> None:
    cert = case("picture")
    saved = replace(cert, run=None)
    np.testing.assert_allclose(reconstruction(saved), reconstruction(cert), rtol=1e-12)
    assert cert.iteration < cert.run.iterations
    captions = [[panel.caption for panel in image_panels(c, SHAPE)] for c in (cert, saved)]
    assert captions[0] == captions[1] and f"x at iteration {cert.run.iterations}" in captions[1]


def test_neither_pyplot_nor_matplotlib_is_imported_before_a_picture_is_made() -> None:
    program = (
        "import sys, dipproofs.report as r; assert not {'matplotlib', 'jax'} & set(sys.modules), 'early'\n"
        "from dipproofs.report.style import new_figure; new_figure(); assert 'matplotlib.pyplot' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
