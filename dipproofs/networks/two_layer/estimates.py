"""The base quantities of a two-layer network in plain floats: fast, for the search along a run; evidence estimated."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.linalg import eigvalsh

from dipproofs.enclosures import Bound, IntervalMatrix
from dipproofs.networks.activation import numpy_activation
from dipproofs.networks.base import Enclosure, Workspace
from dipproofs.networks.two_layer.quantities import sizes
from dipproofs.operators.bounds import OperatorBounds
from dipproofs.theory import symbols as s

if TYPE_CHECKING:
    from dipproofs.networks.two_layer.network import TwoLayer


def estimate_network(
    network: TwoLayer, operator: OperatorBounds, *, unprojected: bool, workspace: Workspace | None
) -> Enclosure:
    """Estimate what `quantities.enclose_network` encloses, with the same keys.

    Args:
        network, operator, unprojected: as there.
        workspace: keeps arrays that the next call for the same run can write to.
    """
    # a diverging run may bring any numbers; what is not finite is never feasible
    with np.errstate(all="ignore"):
        return _estimate(network, operator, unprojected, {} if workspace is None else workspace)


def _estimate(network: TwoLayer, operator: OperatorBounds, unprojected: bool, workspace: Workspace) -> Enclosure:
    k = network.width
    u, W, V = (np.asarray(array, np.float64) for array in (network.u, network.W, network.V))
    phi, dphi = numpy_activation(network.activation)(W @ u)
    norm_u, norm_phi = float(np.linalg.norm(u)), float(np.linalg.norm(phi))
    inner = 0.0 if network.train == "outer" else norm_u**2 / k
    outer = 0.0 if network.train == "inner" else norm_phi**2 / k
    C = None if operator.columns.rows is None else operator.columns.rows.mid
    AV = _observed(operator, V, workspace)
    same, whole = operator.orthonormal, operator.rows.identity
    # of a mask, V's rows that are seen are AV: no matrix is needed
    B = None if operator.rows.rows is None or same else operator.rows.rows.mid
    CAV = AV if C is None else C @ AV
    low, high = _spectrum(CAV, dphi, inner, outer, None if same else operator.gram, same, workspace)
    values: dict[Any, float] = {s.norm_u: norm_u, s.norm_phi: norm_phi}
    values |= {s.norm_A: operator.norm.upper, s.sigma_A: operator.sigma.lower}
    values |= {
        s.sigma_AJ: low,
        s.norm_AJ: high,
        s.norm_V: _norm(AV, workspace=workspace),
    }
    BV = V if whole else AV if B is None else B @ V
    square = None if B is None else B @ B.T
    values[s.sigma_J] = low if same else _spectrum(BV, dphi, inner, outer, square, whole)[0]
    values[s.sigma_in] = _inner(BV, dphi, inner)
    values[s.sigma_A_in] = values[s.sigma_in] if same else _inner(CAV, dphi, inner)
    values[s.c_A0] = _largest_column(AV)
    values[s.c_0] = values[s.c_A0] if BV is AV else _largest_column(BV)
    if unprojected:
        values[s.c_full] = values[s.c_0] if BV is V else _largest_column(V)
        values[s.sigma_min_J] = values[s.sigma_J] if whole else _spectrum(V, dphi, inner, outer, None, True)[0]
    bounds = {symbol: Bound.estimated(max(value, 0.0)) for symbol, value in values.items()}
    return Enclosure(bounds, IntervalMatrix(_prediction(network, operator, AV @ phi / math.sqrt(k))), sizes(network))


def _prediction(network: TwoLayer, operator: OperatorBounds, v: np.ndarray) -> np.ndarray:
    if not network.output_offset:
        return v
    forward = operator.matrix if operator.exact is None else operator.exact
    return np.asarray(v + forward.mid @ np.full(network.n, network.output_offset))


def _observed(operator: OperatorBounds, V: np.ndarray, workspace: Workspace) -> np.ndarray:
    """AV; a mask picks rows, into memory that is already there: fresh pages cost more than the rows."""
    if operator.selection is None:
        return np.asarray(operator.matrix.mid @ V)
    indices, signs = operator.selection
    AV = workspace.setdefault("AV", np.empty((indices.size, V.shape[1])))
    np.take(V, indices, axis=0, out=AV, mode="clip")
    if (signs < 0).any():
        AV *= signs[:, None]
    return np.asarray(AV)


def _largest_column(matrix: np.ndarray) -> float:
    return math.sqrt(float(np.einsum("ij,ij->j", matrix, matrix).max()))


def _spectrum(
    XV: np.ndarray,
    dphi: np.ndarray,
    inner: float,
    outer: float,
    square: np.ndarray | None,
    orthonormal: bool,
    workspace: Workspace | None = None,
) -> tuple[float, float]:
    """Estimate σ_min and ‖·‖ of a factor of inner·XV D²(XV)ᵀ + outer·XXᵀ (XXᵀ = I when orthonormal)."""
    size = XV.shape[0]
    if orthonormal:
        low, high = _inner(XV, dphi, inner), math.sqrt(inner) * _norm(XV, dphi, workspace) if inner else 0.0
        return math.hypot(low, math.sqrt(outer)), math.hypot(high, math.sqrt(outer))
    assert square is not None
    scaled = XV * dphi
    gram = inner * (scaled @ scaled.T) + outer * square if inner else outer * square
    if not np.isfinite(gram).all():
        return 0.0, math.inf
    if size <= 600:
        values = eigvalsh(gram)
        return math.sqrt(max(values[0], 0.0)), math.sqrt(max(values[-1], 0.0))
    return math.sqrt(max(_least(gram), 0.0)), math.sqrt(_norm(gram))


def _inner(XV: np.ndarray, dphi: np.ndarray, inner: float) -> float:
    if inner == 0 or XV.shape[1] < XV.shape[0]:
        return 0.0
    scaled = XV * dphi
    gram = scaled @ scaled.T
    if not np.isfinite(gram).all():
        return 0.0
    value = eigvalsh(gram)[0] if gram.shape[0] <= 600 else _least(gram)
    return math.sqrt(max(inner * float(value), 0.0))


def _norm(matrix: np.ndarray, factors: np.ndarray | None = None, workspace: Workspace | None = None) -> float:
    """Power iteration for ‖X diag(d)‖, with a little margin: only a search rests on it.

    It goes on where the last one for the same run ended, and needs fewer products then.
    """
    name = "top" if factors is None else "top, scaled"
    known = None if workspace is None else workspace.get(name)
    x = np.random.default_rng(0).standard_normal((matrix.shape[1],)) if known is None else known
    count, excess = (6, 1.03) if known is None else (2, 1.015)
    d = 1.0 if factors is None else factors
    size = 0.0
    for _ in range(count):
        x = d * (matrix.T @ (matrix @ (d * x)))
        size = float(np.linalg.norm(x))
        if not 0 < size < math.inf:
            return size
        x = x / size
    if workspace is not None:
        workspace[name] = x
    return math.sqrt(size) * excess


def _least(gram: np.ndarray) -> float:
    least = eigvalsh(gram, subset_by_index=[0, 0])
    return float(least[0] if least.size else eigvalsh(gram)[0])  # LAPACK may find none when eigenvalues coincide
