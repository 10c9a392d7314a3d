"""The expressivity trade-off: more atoms represent more of the signal, and are told apart less well (theory §7)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from dipproofs.enclosures import Bound, Verdict
from dipproofs.errors import InputError
from dipproofs.operators.bounds import bound_operator
from dipproofs.recovery.signal_error import Recovery


@dataclass(frozen=True)
class TradeoffPoint:
    """What is proved about the limit of a synthesis generator with r atoms; no descent is needed for it.

    Args:
        atoms: r.
        verdict: whether A is injective on the span of the atoms.
        sigma_AQ: σ_min(AQ). distance: dist(x̄, Im B).
        bound: of ‖x_∞ − x̄‖, the paper's form; sharp: through the leakage. None where nothing is proved.
        true_error: ‖x_∞ − x̄‖, enclosed.
        relative: ‖x̄‖, to divide by.
    """

    atoms: int
    verdict: Verdict
    sigma_AQ: Bound | None
    distance: Bound | None
    bound: Bound | None
    sharp: Bound | None
    true_error: Bound | None
    relative: Bound

    @property
    def vacuous(self) -> bool:
        """Whether the bound is no better than the one of x = 0."""
        return self.bound is None or not self.bound.upper < self.relative.lower


def atoms_tradeoff(problem: Any, atoms: np.ndarray, counts: Iterable[int], loss: Any = None) -> list[TradeoffPoint]:
    """Bound the error of the limit for the first r atoms, for each r.

    Args:
        problem: `InverseProblem` with x_true.
        atoms: (n, R) exact floats, most important first. counts: numbers of atoms r ≤ R.
        loss: by default the squared error.

    Raises:
        InputError: a problem without x_true, a count out of range.

    Example:
        >>> import dipproofs as dp
        >>> problem = dp.InverseProblem(np.eye(3)[:2], [1.0, 2.0], x_true=[1.0, 2.0, 0.5])
        >>> [str(p.verdict) for p in atoms_tradeoff(problem, np.eye(3), [1, 2, 3])]
        ['proved', 'proved', 'refuted']
    """
    from dipproofs.losses import SquaredError

    if problem.x_true is None:
        raise InputError("trade-off: found no x_true, expected a problem whose signal is known")
    A, matrix = problem.operator.to_dense(), np.asarray(atoms)
    points = []
    for r in counts:
        if not 1 <= r <= matrix.shape[1]:
            raise InputError(f"atoms: found {r}, expected 1 to {matrix.shape[1]}")
        basis = np.ascontiguousarray(matrix[:, :r])
        network: Any = SimpleNamespace(basis=basis, output_offset=0.0)
        recovery = Recovery(problem, network, bound_operator(A, basis), loss or SquaredError())
        parts = recovery.bounds(Bound.exact(0))
        found = recovery.judged(lambda: Verdict.PROVED)
        points.append(
            TradeoffPoint(
                r, found.verdict, recovery.sigma, recovery.distance, parts["at_limit"], parts["sharp.at_limit"],
                recovery.limit_error, recovery.signal_norm,
            )
        )  # fmt: skip
    return points


def best_point(points: Iterable[TradeoffPoint]) -> TradeoffPoint | None:
    """Return the point with the smallest proved bound."""
    proved = [point for point in points if point.bound is not None]
    return min(proved, key=lambda point: point.bound.upper if point.bound else np.inf, default=None)
