"""The pictures of a report: loss with its guaranteed envelope, and the path."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from dipproofs.errors import InputError
from dipproofs.report.numbers import above, count
from dipproofs.report.series import (
    Curve,
    envelope_curve,
    forecast,
    linear_rate,
    loss_curve,
    path_curves,
    shown_convention,
)
from dipproofs.report.style import (
    CERTIFIED,
    GUARANTEED,
    INK,
    LABEL_BOX,
    OBSERVED,
    OTHER,
    decades,
    iterations_axis,
    new_figure,
    style,
)
from dipproofs.report.words import standing

#: What is larger is not drawn.
_LARGEST = 1e100

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from dipproofs.certificate.record import Certificate


def certificate_figure(cert: Certificate, what: str | None = None) -> Figure:
    """Draw pictures, loss or path of a certificate.

    Args:
        cert: certificate. what: "images", "loss" or "path"; by default images for pictures, else the loss.

    Raises:
        InputError: another word, a signal that is no picture, or a certificate without a run.
    """
    from dipproofs.report.facts import described
    from dipproofs.report.images import image_figure, image_panels

    panels = image_panels(cert, described(cert).get("image_shape"), described(cert).get("data_shape"))
    chosen = what or ("images" if panels else "loss")
    if chosen == "images":
        if not panels:
            raise InputError("plot: found a signal that is no picture, expected image_shape in InverseProblem")
        return image_figure(panels)
    if chosen not in ("loss", "path"):
        raise InputError(f'plot: found {what!r}, expected "images", "loss" or "path"')
    return loss_figure(cert) if chosen == "loss" else path_figure(cert)


def run_figure(run: Any) -> Figure:
    """Draw loss and path length of a run, both observed.

    Args:
        run: a `Run`.
    """
    with style():
        figure, axes = new_figure()
        loss = np.asarray(run.history.loss, dtype=float)
        decades(axes.yaxis)
        iterations_axis(axes)
        shown = np.flatnonzero((loss > 0) & (loss < _LARGEST))
        axes.plot(shown, loss[shown], color=OBSERVED)
        axes.set_ylabel("loss (observed)")
        beside = axes.twinx()
        path = np.asarray(run.history.path_length, dtype=float)
        finite = np.flatnonzero(path < _LARGEST)
        beside.plot(finite, path[finite], color=OTHER, linestyle="-.")
        beside.set_ylabel("path length (dash-dotted)", color=OTHER)
        beside.grid(False)
        return figure


def loss_figure(cert: Certificate) -> Figure:
    """Draw the observed loss and, from the certified iterate on, the guaranteed envelope.

    Args:
        cert: certificate with a run.

    Returns:
        A matplotlib figure; save it with `dipproofs.report.svg_text` or `png_bytes`.
    """
    with style():
        figure, axes = new_figure()
        semilog = linear_rate(cert)
        observed = loss_curve(cert, logarithmic=not semilog)
        envelopes = _envelopes(cert)
        _scales(axes, semilog)
        if observed is not None:
            positive = observed.y > 0
            axes.plot(observed.x[positive] + _shift(semilog), observed.y[positive], color=OBSERVED, zorder=3)
        word = "guaranteed" if standing(cert) == "proved" else "estimated bound"
        for index, curve in enumerate(envelopes):
            _draw(axes, curve, _shift(semilog), GUARANTEED, "--" if index == 0 else ":")
        _limits(axes, observed, envelopes)
        _mark(axes, cert, observed, _shift(semilog))
        _label_curves(axes, observed, envelopes, word, semilog)
        convention = shown_convention(cert)
        axes.set_ylabel(f"loss {convention}" if 0 < len(convention) <= 24 else "loss")
        return figure


def path_figure(cert: Certificate) -> Figure:
    """Draw path length and distance from the start, and how far the path can still go.

    Args:
        cert: certificate with a run.
    """
    with style():
        figure, axes = new_figure(height=3.0)
        curves = path_curves(cert)
        iterations_axis(axes)
        axes.set_ylabel("length")
        if curves is None:
            return figure
        path, distance = curves
        axes.plot(path.x, path.y, color=OBSERVED, zorder=3)
        axes.plot(distance.x, distance.y, color=OTHER, linestyle="-.", zorder=3)
        top = float(path.y[-1])
        start, remaining = cert.iteration, cert.quantities.get("S")
        here = float(np.interp(start, path.x, path.y))
        end = float(path.x[-1])
        if remaining is not None and cert.guarantees.distance_to_limit is not None:
            top = max(top, here + remaining.upper)
            axes.fill_between([start, end], here, here + remaining.upper, color=GUARANTEED, alpha=0.13, linewidth=0)
            axes.plot([start, end], [here + remaining.upper] * 2, color=GUARANTEED, linestyle="--")
            text = f"at most S = {above(remaining.upper)} more from {count(start)} on ({standing(cert)})"
            _label(axes, text, (end, here + remaining.upper), (0, 5), GUARANTEED)
            axes.plot([start], [here], "o", color=CERTIFIED, markersize=6, zorder=4)
        if top > 1e4 * max(float(np.median(path.y)), 1e-300):
            axes.set_yscale("log")
        else:
            axes.set_ylim(0, top * 1.18 if top > 0 else 1)
        axes.set_xlim(0, max(end, 1))
        if end > 0:
            _path_labels(axes, path, distance, top)
        return figure


def _envelopes(cert: Certificate) -> list[Curve]:
    """The envelope of the certificate, and of the one at the last iterate, extended into the future."""
    last = _last(cert)
    found = [envelope_curve(cert, last)]
    if cert.end is not None:
        ahead = max(last - cert.end.iteration, math.ceil(0.12 * cert.end.iteration))
        found.append(envelope_curve(cert.end, cert.end.iteration + ahead))
    return [curve for curve in found if curve is not None]


def _last(cert: Certificate) -> int:
    """How far the envelope is drawn: until it reaches the last loss, at most three times the run."""
    end = int(cert.run.iterations) if cert.run is not None else cert.iteration + 100
    if cert.run is None:
        return end
    goal = forecast(cert, float(cert.run.history.loss[-1]))
    return max(min(goal or end, 3 * end), end, cert.iteration + 1)


def _shift(semilog: bool) -> int:
    return 0 if semilog else 1


def _scales(axes: Axes, semilog: bool) -> None:
    decades(axes.yaxis)
    if semilog:
        iterations_axis(axes)
    else:
        decades(axes.xaxis)
        axes.set_xlabel("iteration τ + 1")


def _draw(axes: Axes, curve: Curve, shift: int, color: str, line: str) -> None:
    positive = curve.y > 0
    draw: Any = axes.step if curve.steps else axes.plot
    options = {"where": "post"} if curve.steps else {}
    draw(curve.x[positive] + shift, curve.y[positive], color=color, linestyle=line, zorder=2, **options)


def _mark(axes: Axes, cert: Certificate, observed: Curve | None, shift: int) -> None:
    """Mark the certified iterates, with their numbers."""
    for one, first in ((cert, True), (cert.end, False)):
        if one is None or observed is None:
            continue
        place = np.flatnonzero(observed.x == one.iteration)
        if not place.size or not observed.y[place[0]] > 0:
            continue
        if not first and standing(one) not in ("proved", "estimated"):
            continue
        point = (one.iteration + shift, observed.y[place[0]])
        good = standing(one) in ("proved", "estimated")
        axes.plot(*point, marker="o" if good else "x", color=CERTIFIED if good else INK, markersize=7, zorder=5)
        if first and good:
            axes.axvline(point[0], color=CERTIFIED, linewidth=1, linestyle=(0, (1, 2)), zorder=1)
            text = f"{standing(one)} from iteration {count(one.iteration)} on"
            _label(axes, text, (point[0], 1.0), (5, -2), CERTIFIED, xycoords=("data", "axes fraction"))
        elif good:
            fits = axes.transData.transform(point)[0] < axes.transAxes.transform((0.68, 0))[0]
            text = f"{standing(one)} again at {count(one.iteration)}"
            _label(axes, text, point, (9, 0) if fits else (-9, -2), CERTIFIED, bbox=LABEL_BOX)


def _limits(axes: Axes, observed: Curve | None, envelopes: list[Curve]) -> None:
    shown = [c for c in [observed, *envelopes] if c is not None and (c.y > 0).any()]
    if not shown:
        return
    low = min(float(c.y[c.y > 0].min()) for c in shown[:2])
    high = max(float(c.y[np.isfinite(c.y)].max()) for c in shown)
    bottom, top = math.log10(low), math.log10(high)
    decades = max(top - bottom, 0.5)
    axes.set_ylim(10.0 ** max(bottom - 0.1 * decades, -250), 10.0 ** min(top + 0.08 * decades, 250))


def _label_curves(axes: Axes, observed: Curve | None, envelopes: list[Curve], word: str, semilog: bool) -> None:
    """Write beside the curves what they are: the envelope above, the observation below."""
    if observed is not None and observed.x.size > 2:
        _along(axes, observed, 0.6, "observed", OBSERVED, above=False, shift=_shift(semilog))
    if envelopes:
        _along(axes, envelopes[0], 0.5, word, GUARANTEED, above=True, shift=_shift(semilog))


def _along(axes: Axes, curve: Curve, part: float, text: str, color: str, above: bool, shift: int) -> None:
    index = min(int(part * curve.x.size), curve.x.size - 1)
    point = (curve.x[index] + shift, curve.y[index])
    _label(axes, text, point, (6, 6) if above else (-6, -6), color, bbox=LABEL_BOX, zorder=4)


def _label(axes: Axes, text: str, point: Any, offset: tuple[int, int], color: str, **options: Any) -> None:
    """Write beside a point: to the right or left of it, above or below it, where the offset leads."""
    sides: dict[str, Any] = {"ha": "left" if offset[0] > 0 else "right", "va": "bottom" if offset[1] >= 0 else "top"}
    axes.annotate(text, point, xytext=offset, textcoords="offset points", color=color, **sides, **options)


def _path_labels(axes: Axes, path: Curve, distance: Curve, top: float) -> None:
    """Label both curves at their right ends: apart if they are, else above one and below the other, or stacked."""
    last, other = float(path.y[-1]), float(distance.y[-1])
    crowded, room_above = last - other < 0.1 * top, not 0 < top - last < 0.1 * top
    if not crowded:
        _end_label(axes, last, "path length", OBSERVED, -5)
    elif room_above:
        _end_label(axes, last, "path length", OBSERVED, 5)
    else:
        _end_label(axes, other, "path length", OBSERVED, -5)
    _end_label(axes, other, "distance from the start", OTHER, -18 if crowded and not room_above else -5)


def _end_label(axes: Axes, height: float, text: str, color: str, shift: int) -> None:
    coordinates = ("axes fraction", "data")
    _label(axes, text, (1.0, height), (0, shift), color, xycoords=coordinates, bbox=LABEL_BOX, zorder=2.5)
