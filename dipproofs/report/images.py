"""The signal as a picture: truth, data, reconstruction, error."""

from __future__ import annotations

import io
import math
import textwrap
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from dipproofs.certificate.stored import forward_of
from dipproofs.certificate.structure import SelectedRows
from dipproofs.report.facts import described, reconstruction, selection
from dipproofs.report.numbers import above, near
from dipproofs.report.signal import best_bound
from dipproofs.report.style import new_figures, style
from dipproofs.report.words import estimated

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

    @property
    def alt(self) -> str:
        """What is seen, for those who do not see it."""
        height, width = self.pixels.shape
        kind = "signed picture" if self.colours == _SIGNED else "grey picture"
        known = np.isfinite(self.pixels)
        unseen = "" if known.all() else f", {int((~known).sum())} pixels unseen"
        spread = f"values from {near(self.low, 2)} to {near(self.high, 2)}"
        return f"{self.title}: {kind} of {height} by {width} pixels, {spread}{unseen}; {self.caption}"


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
    arrays = (cert.later or cert).arrays
    A, y = forward_of(arrays), arrays["y"]
    assert A is not None
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
    iteration = (cert.later or cert).iteration if cert.run is None else cert.run.iterations
    panels.append(Panel("reconstruction", f"x at iteration {iteration}", x.reshape(shape), low, high))
    if truth is not None:
        error = x - reference
        size = float(np.max(np.abs(error))) or 1.0
        caption = _error_caption(error, reference, size, cert)
        panels.append(Panel("error", caption, error.reshape(shape), -size, size, _SIGNED))
    return panels


def image_figure(panels: Sequence[Panel]) -> Figure:
    """Draw the pictures side by side.

    Args:
        panels: from `image_panels`.
    """
    with style():
        count = max(len(panels), 1)
        figure, axes = new_figures(1, count, 2.1, 2.85)
        for one, panel in zip(axes[0], panels):
            one.imshow(_colours(panel), interpolation="nearest")
            one.set_title(panel.title, fontsize=10)
            one.set_xlabel(textwrap.fill(panel.caption, 30), fontsize=8)
            one.set_xticks([])
            one.set_yticks([])
            one.grid(False)
            one.spines[:].set_visible(False)
        return figure


def picture_figures(cert: Certificate, image_shape: Any = None, data_shape: Any = None) -> str:
    """Return the pictures of a certificate as markup; empty if the signal is no picture.

    Args:
        cert: certificate. image_shape, data_shape: by default what the problem says.
    """
    panels = image_panels(
        cert, image_shape or described(cert).get("image_shape"), data_shape or described(cert).get("data_shape")
    )
    shown = []
    for panel in panels:
        code = b64encode(panel_png(panel)).decode("ascii")
        shown.append(
            f"<figure><img alt='{escape(panel.alt, quote=True)}' src='data:image/png;base64,{code}'>"
            f"<figcaption><b>{escape(panel.title)}</b> {escape(panel.caption)}</figcaption></figure>"
        )
    return f"<div class='panels'>{''.join(shown)}</div>" if shown else ""


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
    A: np.ndarray | SelectedRows,
    y: np.ndarray,
    shape: tuple[int, int],
    data_shape: Sequence[int] | None,
    grey: tuple[float, float],
) -> Panel:
    own = _picture(data_shape, y.size)
    if own is not None:
        pixels = np.asarray(y, dtype=float).reshape(own)
        return Panel("data", "the observation y", pixels, *(grey if own == shape else _range(pixels)))
    if (selected := selection(A)) is not None:
        columns, entries = selected
        seen: np.ndarray = np.full(A.shape[1], math.nan)
        seen[columns] = y / entries
        caption = f"the {columns.size} observed pixels; the others are tinted"
        return Panel("data", caption, seen.reshape(shape), *grey)
    back = np.asarray(A, dtype=float).T @ np.asarray(y, dtype=float)
    return Panel("data", "Aᵀy", back.reshape(shape), *_range(back))


def _picture(shape: Sequence[int] | None, size: int) -> tuple[int, int] | None:
    if shape is None or len(shape) != 2 or min(shape) < 2 or math.prod(shape) != size:
        return None
    return int(shape[0]), int(shape[1])


def _range(values: Any) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)


def _error_caption(error: np.ndarray, truth: np.ndarray, size: float, cert: Certificate) -> str:
    """State the observed error, and beside it the bound that the certificate at that iterate gives."""
    total, observed = float(np.linalg.norm(truth)), float(np.linalg.norm(error))
    relative = f" ({near(observed / total)}\xa0‖x̄‖)" if total > 0 else ""
    last = cert.end or cert
    bound = best_bound(last)
    here = cert.run is None or last.iteration == cert.run.iterations
    known = ""
    if bound is not None and here:
        how = "estimated" if estimated(last) else bound.evidence
        known = f"; {how} at most {above(bound.upper)}"
    return f"‖x\xa0−\xa0x̄‖ = {near(observed)}{relative}{known}; scale ±{near(size, 2)}"
