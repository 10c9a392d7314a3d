"""The curves that pictures draw, taken from the record; nothing here is a new claim."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dipproofs.certificate.stored import forward_of

if TYPE_CHECKING:
    from dipproofs.certificate.record import Certificate

#: More points than this are not seen.
MOST_POINTS = 600

#: Values above this are not drawn: axes overflow.
_LARGEST = 1e100


@dataclass(frozen=True, eq=False)
class Curve:
    """Points (x, y) in the order of x; ``steps``: valid as a staircase only."""

    x: np.ndarray
    y: np.ndarray
    steps: bool = False


def thinned(count: int, keep: tuple[int, ...] = (), logarithmic: bool = False) -> np.ndarray:
    """Choose at most about `MOST_POINTS` of the indices 0…count−1, both ends and ``keep`` among them.

    Example:
        >>> thinned(5).tolist(), len(thinned(10**6, keep=(7,))) <= MOST_POINTS + 1
        ([0, 1, 2, 3, 4], True)
    """
    if count <= MOST_POINTS:
        return np.arange(count)
    top = count - 1
    spread = np.geomspace(1, count, MOST_POINTS) - 1 if logarithmic else np.linspace(0, top, MOST_POINTS)
    inside = [index for index in keep if 0 <= index < count]
    return np.unique(np.concatenate([np.round(spread).astype(int), np.array(inside, dtype=int)]))


def loss_curve(cert: Certificate, logarithmic: bool = False) -> Curve | None:
    """Return the observed loss of the run, thinned; None without a run."""
    if cert.run is None:
        return None
    loss = np.asarray(cert.run.history.loss, dtype=float)
    chosen = thinned(loss.size, (cert.iteration,), logarithmic)
    return _finite(chosen, loss[chosen])


def envelope_curve(cert: Certificate, last: int) -> Curve | None:
    """Return the guaranteed upper bound of the loss from the certified iterate to the iteration ``last``.

    Args:
        cert: certificate with guarantees.
        last: iteration at which the curve ends.

    Returns:
        The envelope that the guarantees state: geometric for the residual form, through Ψ⁻¹ for the others;
        for steps that vary, the staircase of ``iterations_to_loss``. None without guarantees.
    """
    loss_0 = cert.quantities.get("loss_0")
    if cert.guarantees.distance_to_limit is None or loss_0 is None or last <= cert.iteration:
        return None
    further = thinned(last - cert.iteration + 1)
    x = (cert.iteration + further).astype(float)
    rate, exponent = cert.guarantees.log_contraction_per_step, cert.guarantees.rate_exponent
    if not _constant(cert.schedule):
        return _staircase(cert, loss_0.upper, last)
    if cert.form == "residual" and rate is not None:
        return Curve(x, loss_0.upper * np.exp(2.0 * rate.upper * further))
    if exponent is None:
        return _staircase(cert, loss_0.upper, last)
    from dipproofs.losses import envelope

    loss = loss_of(cert.loss)
    constants = loss.constants(cert.arrays["y"], loss_0)
    return Curve(x, np.asarray(envelope(loss, loss_0, exponent, [int(i) for i in further], constants)))


def forecast(cert: Certificate, target: float) -> int | None:
    """Return the iteration from which the loss is surely below the smallest stated target ≥ ``target``."""
    stated = [
        (float(level), steps)
        for level, steps in cert.guarantees.iterations_to_loss.items()
        if steps is not None and float(level) >= target * (1 - 1e-12)
    ]
    return None if not stated else cert.iteration + min(stated)[1]


def loss_of(description: Mapping[str, Any]) -> Any:
    """Make the runtime loss again from its JSON description."""
    from dipproofs.losses import make_loss

    skip = {"kind", "convention", "assumed", "projected", "parameters", "psi", "Psi", "Psi_inv"}
    parameters = {key: value for key, value in description.items() if key not in skip}
    return make_loss(str(description["kind"]), **parameters, **description.get("parameters", {}))


def shown_convention(cert: Certificate) -> str:
    """Return the loss in one line, as it is minimised: with Πy in place of y where the data are projected."""
    from dipproofs.report.words import projects

    convention = str(cert.loss.get("convention", ""))
    return re.sub(r"\by\b", "Πy", convention) if projects(cert) else convention


def projection_constant(cert: Certificate) -> float | None:
    """Return what projecting the data takes from the loss, L(y) − L(Πy), in floats; None where nothing is projected."""
    from dipproofs.report.words import projects

    A, y = forward_of(cert.arrays), cert.arrays.get("y")
    if A is None or y is None or not projects(cert) or cert.loss.get("kind") != "squared":
        return None
    A, y = np.asarray(A, dtype=float), np.asarray(y, dtype=float)
    shift = A @ np.full(A.shape[1], float(cert.network.get("output_offset", 0.0)))
    AB = A if "B" not in cert.arrays else A @ np.asarray(cert.arrays["B"], dtype=float)
    rest = (y - shift) - AB @ np.linalg.lstsq(AB, y - shift, rcond=None)[0]
    value = float(loss_of(cert.loss).value(np, rest, np.zeros_like(rest)))
    return value if math.isfinite(value) else None


def path_curves(cert: Certificate) -> tuple[Curve, Curve] | None:
    """Return the path length and the distance from the start, both observed."""
    if cert.run is None:
        return None
    history = cert.run.history
    path = np.asarray(history.path_length, dtype=float)
    chosen = thinned(path.size, (cert.iteration,))
    where = np.asarray(history.distance_iteration, dtype=float)
    distance = np.asarray(history.distance, dtype=float)
    some = thinned(where.size)
    return _finite(chosen, path[chosen]), _finite(where[some], distance[some])


def _finite(x: np.ndarray, y: np.ndarray) -> Curve:
    good = np.abs(y) <= _LARGEST  # NaN and inf are not
    return Curve(np.asarray(x[good], dtype=float), y[good])


def linear_rate(cert: Certificate) -> bool:
    """Whether the loss decreases geometrically, as far as is guaranteed (or observed, without guarantees)."""
    if cert.guarantees.log_contraction_per_step is not None:
        return True
    if cert.run is None or cert.run.history.loss.size < 20:
        return True
    loss = np.asarray(cert.run.history.loss, dtype=float)
    half = loss[loss.size // 2], loss[-1]
    if not all(math.isfinite(value) and value > 0 for value in half):
        return True
    return bool(half[1] < 0.05 * half[0])


def _constant(schedule: Mapping[str, Any]) -> bool:
    return bool(schedule.get("kind", "constant") == "constant")


def _staircase(cert: Certificate, start: float, last: int) -> Curve | None:
    known = sorted(
        (cert.iteration + steps, float(level))
        for level, steps in cert.guarantees.iterations_to_loss.items()
        if steps is not None and float(level) <= start
    )
    points = [(cert.iteration, start), *(point for point in known if point[0] <= last)]
    if len(points) < 2:
        return None
    points.append((last, points[-1][1]))
    x, y = zip(*points)
    return Curve(np.array(x, dtype=float), np.array(y), steps=True)
