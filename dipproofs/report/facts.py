"""Observed facts of a certificate, in floating point (evidence: estimated): reconstruction, errors, sizes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from dipproofs.certificate.stored import forward_of
from dipproofs.certificate.structure import SelectedRows
from dipproofs.report.numbers import count, near

if TYPE_CHECKING:
    from dipproofs.certificate.record import Certificate

#: Before the names of the parameters at the end of a run that was polished.
_RUN = "theta_run/"


def described(cert: Certificate) -> Mapping[str, Any]:
    """Return what the provenance says of the problem: its name and the shapes of signal and data."""
    found = cert.provenance.get("about")
    return found if isinstance(found, Mapping) else {}


def problem_name(cert: Certificate) -> str:
    """Return what the problem is called; "" where nobody named it."""
    name = str(described(cert).get("name") or "")
    return "" if name == "matrix" else name


def reconstruction(cert: Certificate) -> np.ndarray:
    """Return g(u, θ) at the last iterate, (n,)."""
    if cert.run is not None:
        return np.asarray(cert.run.network.output(), dtype=float).ravel()
    from dipproofs.networks.record import record_of

    arrays = (cert.later or cert).arrays
    found = record_of(cert.network).output(cert.network, {**arrays, **_at_the_end(arrays)})
    return np.asarray(found, dtype=float).ravel()


def _at_the_end(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The parameters at the end of the run by the names of those that a polish made of them; empty without one."""
    return {name.replace(_RUN, "theta/", 1): arrays[name] for name in arrays if name.startswith(_RUN)}


def is_polished(cert: Certificate) -> bool:
    """Whether a certificate is about a point that no iteration reached: Gauss–Newton steps did, after the run."""
    return any(name.startswith(_RUN) for name in cert.arrays)


def point_name(cert: Certificate) -> str:
    """Return the head of a column about a certificate."""
    return "polished point" if is_polished(cert) else f"iteration {count(cert.iteration)}"


def shaped(cert: Certificate, image_shape: Any = None) -> np.ndarray:
    """Return the reconstruction in the shape of the signal, where that is known."""
    x = reconstruction(cert)
    shape = image_shape or described(cert).get("image_shape")
    return x.reshape(tuple(shape)) if shape and math.prod(shape) == x.size else x


def truth(cert: Certificate) -> np.ndarray | None:
    """Return x̄ if it is known, (n,)."""
    found = (cert.later or cert).arrays.get("x_true")
    return None if found is None else np.asarray(found, dtype=float).ravel()


def _norm(vector: np.ndarray) -> float:
    with np.errstate(all="ignore"):
        return float(np.linalg.norm(vector))


def reconstruction_norm(cert: Certificate) -> float | None:
    """‖x‖ at the last iterate; None where the reconstruction cannot be computed."""
    try:
        size = _norm(reconstruction(cert))
    except (KeyError, TypeError, ValueError):
        return None
    return size if math.isfinite(size) else None


def observed_error(cert: Certificate) -> float | None:
    """‖x − x̄‖/‖x̄‖ at the last iterate; None without x̄."""
    x_true = truth(cert)
    if x_true is None or not _norm(x_true) > 0:
        return None
    error = _norm(reconstruction(cert) - x_true) / _norm(x_true)
    return error if math.isfinite(error) else None


def parameter_norm(cert: Certificate) -> float | None:
    """‖θ‖ of the trained parameters that a certificate is about."""
    from dipproofs.networks.record import record_of

    arrays = cert.arrays
    names = [name for name in arrays if name.startswith("theta/")] or record_of(cert.network).trained(
        cert.network, arrays
    )
    if not names:
        return None
    return math.hypot(*(_norm(np.asarray(arrays[name], dtype=float).ravel()) for name in names))


#: Least squares are not computed where they would take more multiplications.
_MOST_WORK = 5e9


def least_squares(cert: Certificate) -> np.ndarray | None:
    """Return the least-squares solution without a network, B(AB)⁺y (A⁺y without atoms), in floats.

    Returns:
        (n,); None where it would take long.
    """
    arrays = (cert.later or cert).arrays
    A, y, basis = forward_of(arrays), arrays.get("y"), arrays.get("B")
    if A is None or y is None:
        return None
    shift = float(cert.network.get("output_offset", 0.0))
    small, large = sorted((A.shape[0], A.shape[1] if basis is None else basis.shape[1]))
    if basis is None and (selected := selection(A)) is not None:
        columns, entries = selected
        found = np.full(A.shape[1], shift)
        found[columns] += (y - shift * entries) / entries
        return found
    if small**2 * large > _MOST_WORK:
        return None
    A = np.asarray(A, dtype=float)
    AB = A if basis is None else A @ np.asarray(basis, dtype=float)
    coefficients = np.linalg.lstsq(AB, np.asarray(y, dtype=float) - A @ np.full(A.shape[1], shift), rcond=None)[0]
    return np.asarray(shift + (coefficients if basis is None else basis @ coefficients), dtype=float)


def selection(A: np.ndarray | SelectedRows) -> tuple[np.ndarray, np.ndarray] | None:
    """Return, where every observation is a multiple of one entry of the signal and none is seen twice, both by row.

    Example:
        >>> selection(np.array([[0.0, 2.0, 0.0], [3.0, 0.0, 0.0]])), selection(np.ones((2, 2)))
        ((array([1, 0]), array([2., 3.])), None)
    """
    if isinstance(A, SelectedRows):
        distinct = np.unique(A.indices).size == A.indices.size
        return (A.indices, np.ones(A.indices.size)) if distinct else None
    seen = A != 0
    if not ((seen.sum(axis=1) == 1).all() and (seen.sum(axis=0) <= 1).all()):
        return None
    columns = seen.argmax(axis=1)
    return columns, np.asarray(A[np.arange(A.shape[0]), columns], dtype=float)


def comparison(cert: Certificate) -> str:
    """Say how the run compares with least squares without a network; empty where that is not known."""
    plain = least_squares(cert)
    if plain is None or not np.isfinite(plain).all():
        return ""
    x_true, seen = truth(cert), observed_error(cert)
    if x_true is not None and seen is not None:
        error = _norm(plain - x_true) / _norm(x_true)
        return f"least squares, no network: error {near(100 * error)} % of ‖x̄‖; this run: {near(100 * seen)} %"
    try:
        x = reconstruction(cert)
    except (KeyError, TypeError, ValueError):
        return ""
    if not 0 < _norm(x) < math.inf:  # after a run that broke down there is nothing to compare
        return ""
    ratio = _norm(plain - x) / _norm(x)
    return f"least squares, no network: differs from x by {near(100 * ratio)} % of ‖x‖" if math.isfinite(ratio) else ""


def coarse_tolerance(cert: Certificate) -> str:
    """Say so where a run stopped at its tolerance although x fits the data no better than 0 does; else empty."""
    if cert.run is None or cert.run.stopped != "tolerance" or cert.loss.get("kind") != "squared":
        return ""
    A, y = forward_of(cert.arrays), cert.arrays.get("y")
    if A is None or y is None:
        return ""
    data = np.asarray(y, dtype=float).ravel()
    x = reconstruction(cert)
    size, left = _norm(data), _norm((x[A.indices] if isinstance(A, SelectedRows) else A @ x) - data)
    if not 0 < size <= left < math.inf:
        return ""
    return (
        f"the run stopped early: ‖A x − y‖ = {near(left)} is no less than ‖y‖ = {near(size)}; lower the tolerance, or "
        "set relative_tolerance"
    )


def picture_quality(cert: Certificate, x: np.ndarray | None = None) -> dict[str, float]:
    """Return relative error, error relative to ‖x̄ − mean‖, PSNR and (for pictures) SSIM; empty without x̄.

    Args:
        cert: certificate. x: the signal to judge, by default the reconstruction.

    Notes:
        PSNR and SSIM take the range of x̄ as data range. The error over ‖x̄ − mean x̄‖ does not reward a
        constant: the best constant picture has 1.
    """
    x_true = truth(cert)
    if x_true is None:
        return {}
    x = reconstruction(cert) if x is None else x
    error, found = x - x_true, {}
    size = _norm(error)
    for name, scale in (("relative", _norm(x_true)), ("centred", _norm(x_true - x_true.mean()))):
        if scale > 0 and math.isfinite(size):
            found[name] = size / scale
    span = float(x_true.max() - x_true.min())
    if span > 0 and 0 < size < math.inf:
        found["psnr"] = 20 * math.log10(span * math.sqrt(x.size) / size)
    shape = described(cert).get("image_shape")
    if span > 0 and math.isfinite(size) and shape and len(shape) == 2 and min(shape) >= 7:
        from skimage.metrics import structural_similarity

        found["ssim"] = float(structural_similarity(x_true.reshape(shape), x.reshape(shape), data_range=span))
    return found
