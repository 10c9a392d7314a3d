"""The anytime search of docs/theory.md §3.3, as a watcher of the run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..networks import TwoLayer
from ..rigor import Verdict
from ..theory import symbols as s
from .estimates import estimate_base
from .record import Certificate
from .search import Step, best, largest_psi

#: Up to this many rows the float test is made at every offered iterate.
_SMALL = 256
#: Larger problems wait until ψ has come this near to what the last float test asked for.
_NEAR = 1.15
#: Stop proposing after this many proofs that failed although the floats promised success.
_PROOFS = 12


class Anytime:
    """Tests offered iterates cheaply and proves the first that passes.

    Args:
        problem, loss, operator: of the run.
        form: form to certify.
        gamma: gives the largest step in force from an iteration on.
        prove: certifies an iterate rigorously.
    """

    def __init__(
        self,
        problem: Any,
        loss: Any,
        operator: Any,
        form: str,
        gamma: Callable[[int], float],
        prove: Callable[[int, TwoLayer], Certificate],
    ) -> None:
        self.problem, self.loss, self.operator, self.form = problem, loss, operator, form
        self.gamma, self.prove = gamma, prove
        self.certificate: Certificate | None = None
        self.tests = self.proofs = 0
        self._threshold = np.inf
        self._next = 0

    def __call__(self, tau: int, network: Callable[[], TwoLayer], value: float) -> str | None:
        """Look at an iterate; answer "freeze" once it is certified."""
        if self.certificate is not None or self.proofs >= _PROOFS or self.operator.rank is None:
            return None
        if self.problem.operator.shape[0] > _SMALL and tau < self._next and self._psi(value) > self._threshold:
            return None
        here = network()
        self.tests += 1
        base = estimate_base(self.problem, here, self.loss, self.operator, unprojected=self.form == "paper")
        step = Step(self.gamma(tau))
        if not base.values[s.psi_0].is_finite:
            return None
        proposals = best(base, self.form, step, self.loss.concave_psi)
        if not proposals or not proposals[0].feasible:
            self._next = max(1, 2 * tau)
            self._threshold = _NEAR * largest_psi(base, self.form, step, self.loss.concave_psi)
            return None
        self.proofs += 1
        certificate = self.prove(tau, here)
        # in estimated arithmetic nothing is proved; guarantees are then given iff every estimate satisfies its bound
        if certificate.verdict is not Verdict.PROVED and certificate.guarantees.distance_to_limit is None:
            return None
        self.certificate = certificate
        return "freeze"

    def _psi(self, value: float) -> float:
        """ψ at a loss of the history, up to rounding."""
        from ..rigor import Bound

        if not (np.isfinite(value) and value > 0):
            return np.inf
        f = Bound.exact(value)
        return self.loss.psi_bound(f, self.loss.constants(self.problem.y, f)).mid
