"""The signal as a picture: truth, data, reconstruction, error."""

from __future__ import annotations

import io
import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dipproofs.enclosures import Bound, Evidence
from dipproofs.report.numbers import above, near
from dipproofs.report.signal import recovery_of
from dipproofs.report.style import new_figure_row, style
from dipproofs.report.words import standing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from dipproofs.certificate.record import Certificate

_GREY, _SIGNED, _UNSEEN = "gray", "PuOr", "#7aa6c2"


@dataclass(frozen=True, eq=False)
class Panel:
    """One picture with its grey scale.

    Args:
        title: short name. caption: what is to be known about it.
        pixels: (height, width); NaN where nothing is known.
        low, high: values shown as the ends of the colour map.
        colours: name of a matplotlib colour map.
    """

    title: str
    caption: str
    pixels: np.ndarray
    low: float
    high: float
    colours: str = _GREY


def image_panels(
    cert: Certificate, image_shape: Sequence[int] | None, data_shape: Sequence[int] | None = None
) -> list[Panel]:
    """Make the pictures of an image problem.

    Args:
        cert: certificate; the reconstruction is that of its last iterate.
        image_shape: (height, width) of the signal.
        data_shape: (rows, columns) of y, if y is a picture too (a sinogram, a blurred image).

    Returns:
        Truth (if known), data, reconstruction and error (if the truth is known); empty if the signal is not
        a picture. All numbers are floating-point observations (evidence: estimated).
    """
    arrays = (cert.final or cert).arrays
    A, y = arrays["A"], arrays["y"]
    shape = _picture(image_shape, A.shape[1])
    if shape is None:
        return []
    x = reconstruction(cert)
    truth = arrays.get("x_true")
    reference = x if truth is None else np.asarray(truth, dtype=float)
    low, high = _range(reference)
    panels = []
    if truth is not None:
        panels.append(Panel("truth", "the signal x̄", reference.reshape(shape), low, high))
    panels.append(_data_panel(A, y, shape, data_shape, (low, high)))
    iteration = cert.iteration if cert.run is None else cert.run.iterations
    panels.append(Panel("reconstruction", f"x at iteration {iteration}", x.reshape(shape), low, high))
    if truth is not None:
        error = x - reference
        size = float(np.max(np.abs(error))) or 1.0
        caption = _error_caption(error, reference, size, cert)
        panels.append(Panel("error", caption, error.reshape(shape), -size, size, _SIGNED))
    return panels


def reconstruction(cert: Certificate) -> np.ndarray:
    """Return g(u, θ) at the last iterate, (n,), in floating point (evidence: estimated)."""
    if cert.run is not None:
        return np.asarray(cert.run.network.output(), dtype=float)
    from dipproofs.networks import TwoLayer

    arrays, kind = (cert.final or cert).arrays, cert.network
    network = TwoLayer(
        arrays["u"], arrays["W"], arrays["V"], activation=kind["activation"], train=kind["train"],
        basis=arrays.get("B"), output_offset=kind.get("output_offset", 0.0),
    )  # fmt: skip
    return np.asarray(network.output(), dtype=float)


def image_figure(panels: Sequence[Panel]) -> Figure:
    """Draw the pictures side by side.

    Args:
        panels: from `image_panels`.
    """
    with style():
        figure, axes = new_figure_row(len(panels))
        for one, panel in zip(axes, panels):
            one.imshow(_colours(panel), interpolation="nearest")
            one.set_title(panel.title, fontsize=10)
            one.set_xlabel(textwrap.fill(panel.caption, 30), fontsize=8)
            one.set_xticks([])
            one.set_yticks([])
            one.grid(False)
            one.spines[:].set_visible(False)
        return figure


def panel_png(panel: Panel) -> bytes:
    """Write one picture as PNG, one pixel a pixel, the same bytes every time."""
    from matplotlib.image import imsave

    stream = io.BytesIO()
    nothing: dict[str, Any] = {"Software": None}
    imsave(stream, _colours(panel), format="png", metadata=nothing)
    return stream.getvalue()


def _colours(panel: Panel) -> np.ndarray:
    from matplotlib import colormaps
    from matplotlib.colors import to_rgba

    scale = panel.high - panel.low or 1.0
    values = np.clip((panel.pixels - panel.low) / scale, 0.0, 1.0)
    painted = np.asarray(colormaps[panel.colours](np.nan_to_num(values)))
    painted[np.isnan(panel.pixels)] = to_rgba(_UNSEEN)
    return np.asarray(np.round(painted * 255), dtype=np.uint8)


def _data_panel(
    A: np.ndarray, y: np.ndarray, shape: tuple[int, int], data_shape: Sequence[int] | None, grey: tuple[float, float]
) -> Panel:
    own = _picture(data_shape, y.size)
    if own is not None:
        pixels = np.asarray(y, dtype=float).reshape(own)
        return Panel("data", "the observation y", pixels, *(grey if own == shape else _range(pixels)))
    if _selects(A):
        seen: np.ndarray = np.full(A.shape[1], math.nan)
        rows, columns = np.nonzero(A)
        seen[columns] = y[rows] / A[rows, columns]
        caption = f"the {columns.size} observed pixels; the others are tinted"
        return Panel("data", caption, seen.reshape(shape), *grey)
    back = np.asarray(A, dtype=float).T @ np.asarray(y, dtype=float)
    return Panel("data", "Aᵀy", back.reshape(shape), *_range(back))


def _selects(A: np.ndarray) -> bool:
    """Whether every observation is a multiple of one pixel, and no pixel is seen twice."""
    seen = A != 0
    return bool((seen.sum(axis=1) == 1).all() and (seen.sum(axis=0) <= 1).all())


def _picture(shape: Sequence[int] | None, size: int) -> tuple[int, int] | None:
    if shape is None or len(shape) != 2 or min(shape) < 2 or math.prod(shape) != size:
        return None
    return int(shape[0]), int(shape[1])


def _range(values: Any) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)


def _best_bound(cert: Certificate) -> Bound | None:
    """Return the smallest stated bound of ‖x_τ − x̄‖."""
    sharp = recovery_of(cert).get("sharp")
    stated = [cert.guarantees.recovery_error, sharp.get("error") if isinstance(sharp, Mapping) else None]
    return min((bound for bound in stated if isinstance(bound, Bound)), key=lambda b: b.upper, default=None)


def _error_caption(error: np.ndarray, truth: np.ndarray, size: float, cert: Certificate) -> str:
    """State the observed error, and beside it the bound that the certificate at that iterate gives."""
    total, observed = float(np.linalg.norm(truth)), float(np.linalg.norm(error))
    relative = f" ({near(observed / total)}\xa0‖x̄‖)" if total > 0 else ""
    last = cert.final or cert
    bound = _best_bound(last)
    here = cert.run is None or last.iteration == cert.run.iterations
    known = ""
    if bound is not None and here:
        how = standing(last) if bound.evidence is Evidence.PROVED else bound.evidence
        known = f"; {how} at most {above(bound.upper)}"
    return f"‖x\xa0−\xa0x̄‖ = {near(observed)}{relative}{known}; scale ±{near(size, 2)}"
