"""From stored arrays to what the theorems are told of a state: ‖D‖, ⟨r,MD⟩, ⟨M⁺r,D⟩ (docs/theory-methods.md §1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from dipproofs.certify.methods.setting import Direction
from dipproofs.enclosures import Bound, IntervalMatrix, IntervalVector
from dipproofs.enclosures.norms import euclidean
from dipproofs.networks.linearisation import Linearisation, as_vectors

#: Sizes up to which the hint w ≈ K⁻¹r is looked for.
_ROWS = 2048


def direction(
    linearisation: Linearisation,
    residual: IntervalVector,
    norm: Bound,
    sigma: Bound,
    displacement: Mapping[str, np.ndarray],
) -> Direction:
    """Enclose the scalars of a displacement D.

    Args:
        linearisation: M at the iterate.
        residual: r, (m,). norm: ‖r‖. sigma: s_A(θ).
        displacement: D by parameter, exact floats.

    Notes:
        For any w: |⟨M⁺r,D⟩ − ⟨w,MD⟩| ≤ ‖r − Kw‖‖D‖/s_A, K = MMᵀ; without a w, |⟨M⁺r,D⟩| ≤ ‖r‖‖D‖/s_A.
    """
    exact = {name: IntervalMatrix.from_exact(array) for name, array in as_vectors(displacement).items()}
    if not any(array.any() for array in displacement.values()):
        return Direction.zero()
    size = total_norm(exact)
    moved = linearisation.forward(exact)
    slope = inner(residual, moved)
    away = norm * size / sigma if sigma.lower > 0 else Bound.unknown()
    newton = Bound(-away.upper, away.upper, away.evidence)
    w = newton_hint(linearisation, residual)
    if w is not None and sigma.lower > 0:
        hint = IntervalMatrix.from_exact(w)
        left = residual - linearisation.forward(linearisation.backward(hint))
        error = Bound(0.0, float(left.column_norms()[1])) * size / sigma
        newton = newton.intersect(inner(hint, moved) + Bound(-error.upper, error.upper))
    return Direction(size, slope, newton)


def newton_hint(linearisation: Linearisation, residual: IntervalVector) -> np.ndarray | None:
    """Solve K w = r in floats; None where K is not at hand."""
    if residual.shape[0] > _ROWS:
        return None
    gram = linearisation.gram()
    if gram is None or not np.isfinite(gram.mid).all():
        return None
    try:
        w = np.linalg.solve(gram.mid, residual.mid)
    except np.linalg.LinAlgError:
        return None
    return w if np.isfinite(w).all() else None


def gradient_norm(linearisation: Linearisation, residual: IntervalVector) -> Bound:
    """Enclose ‖Mᵀr‖."""
    return total_norm(linearisation.backward(residual))


def total_norm(arrays: Mapping[str, IntervalMatrix]) -> Bound:
    """Enclose the Euclidean norm of all entries."""
    low, high = Bound.exact(0), Bound.exact(0)
    for array in arrays.values():
        near = np.maximum(np.nextafter(np.abs(array.mid) - array.radius(), -np.inf), 0.0)
        far = np.nextafter(np.abs(array.mid) + array.radius(), np.inf) if array.rad is not None else np.abs(array.mid)
        if not np.isfinite(far).all():
            return Bound(0.0, np.inf)
        low, high = low + Bound.exact(float(euclidean(near)[0])) ** 2, high + Bound.exact(float(euclidean(far)[1])) ** 2
    return Bound(max(low.sqrt().lower, 0.0), high.sqrt().upper)


def inner(left: IntervalVector, right: IntervalVector) -> Bound:
    """Enclose ⟨left, right⟩."""
    row: Any = IntervalMatrix(left.mid[None, :], None if left.rad is None else left.rad[None, :])
    return (row @ right).entry(0)  # type: ignore[no-any-return]
