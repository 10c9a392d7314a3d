"""The anytime search of docs/theory.md §3.3, as a watcher of the run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from dipproofs.certificate.record import Certificate
from dipproofs.certify.at_iterate import unprojected
from dipproofs.certify.quantities import Base, estimate_base, searched
from dipproofs.certify.search import Step, best, largest_psi
from dipproofs.descent import Constant, Iterate, Schedule, Snapshot
from dipproofs.descent.driver import Offer
from dipproofs.enclosures import Bound, Evidence, Verdict
from dipproofs.enclosures.threads import one_thread
from dipproofs.theory import symbols as s

#: Up to this many rows the float test is made at every offered iterate.
_SMALL = 256
#: Larger problems wait until ψ has come this near to what the last float test asked for …
_NEAR = 1.25
#: … or has fallen by this factor: what is asked for changes along the run, though much less than ψ.
_FALL = 8.0
#: A loss so small that the loss's constants are those of the limit.
_TINY = 1e-16
#: Stop proposing after this many proofs that failed although the floats promised success.
_PROOFS = 12


class Anytime:
    """Tests offered iterates cheaply and proves the first that passes.

    Args:
        problem, loss, operator: of the run.
        form: form to certify.
        gamma: gives the largest step in force from an iteration on.
        prove: certifies an iterate rigorously.
        schedule: of the steps.
        promising: with momentum, whether an iterate with these estimated quantities seems certifiable; else None.
        free: only a point is certified, by gradient descent with a step of its own.
        refine: whether to look between the last offered iterate and the first promising one (only with ``promising``).
        goes_on: whether the run goes on after a certificate, so that the device need not wait for it.
    """

    def __init__(
        self,
        problem: Any,
        loss: Any,
        operator: Any,
        form: str,
        gamma: Callable[[int], float],
        prove: Callable[[int, Iterate], Certificate],
        schedule: Schedule | None = None,
        promising: Callable[[Base, Iterate], bool] | None = None,
        *,
        free: bool = False,
        refine: bool = False,
        goes_on: bool = True,
    ) -> None:
        self.schedule = Constant() if schedule is None else schedule
        self.problem, self.loss, self.operator, self.form = problem, loss, operator, form
        self.gamma, self.prove, self.promising, self.free, self.refine = gamma, prove, promising, free, refine
        self.goes_on = goes_on
        self.certificate: Certificate | None = None
        self.iterate: Iterate | None = None
        self.tests = self.proofs = 0
        self._threshold = np.inf
        self._next: float = 0
        self._before = (0, np.inf)
        self._workspace: dict[str, Any] = {}

    def __call__(self, tau: int, offered: Callable[[], Iterate], value: float) -> str | None:
        """Look at an iterate; answer "freeze" once it is certified."""
        if self.certificate is not None or self.proofs >= _PROOFS or self.operator.rank is None:
            return None
        waits = self.problem.operator.shape[0] > _SMALL
        if waits and self._expected(tau, value) > self._threshold and tau < self._next:
            return None
        iterate = offered()
        here = iterate.network
        self.tests += 1
        base = self._estimated(here)
        step = Step(None, 1.0) if self.free else Step(self.gamma(tau))
        if not base.values[s.psi_0].is_finite:
            return None
        if self.promising is not None:
            if not self.promising(base, iterate):
                self._threshold = base.values[s.psi_0].upper / _NEAR
                return None
            return self._first_between(tau, offered) or self._proved(tau, iterate, offered)
        proposals = best(base, self.form, step, self.loss.concave_psi)
        if not proposals or not proposals[0].feasible:
            asked = self._asked(base, step)
            self._threshold = max(_NEAR * asked, base.values[s.psi_0].upper / _FALL)
            # where no small loss would do, only the number of iterations can tell when to look again
            self._next = np.inf if asked > 0 else max(1, 2 * tau)
            return None
        return self._proved(tau, iterate, offered)

    def _estimated(self, network: Any) -> Base:
        with one_thread(network.proof_cost(self.operator)):
            base = estimate_base(
                self.problem, network, self.loss, self.operator, unprojected=unprojected(self.form),
                workspace=self._workspace,
            )  # fmt: skip
        return searched(base, self.schedule)

    def _first_between(self, tau: int, offered: Any) -> str | None:
        """Bisect since the last mark, where nothing promising was, and prove the first promising iterate."""
        low, high, found = getattr(offered, "since", tau), tau, None
        while self.refine and self.promising is not None and high - low > 1:
            middle = (low + high) // 2
            iterate = offered.earlier(middle)
            self.tests += 1
            base = self._estimated(iterate.network)
            if base.values[s.psi_0].is_finite and self.promising(base, iterate):
                high, found = middle, iterate
            else:
                low = middle
        return None if found is None else self._proved(high, found)

    def _proved(self, tau: int, iterate: Iterate, offered: Any = None) -> str | None:
        self.proofs += 1
        if self.goes_on and isinstance(offered, Offer):
            offered.expect_freeze()
        certificate = self.prove(tau, iterate)
        # in estimated arithmetic nothing is proved; guarantees are then given iff every estimate satisfies its bound
        if certificate.verdict is not Verdict.PROVED and certificate.guarantees.distance_to_limit is None:
            return None
        self.certificate, self.iterate = certificate, iterate
        return "freeze"

    def recall(self, saved: Snapshot | None, network: Any) -> str | None:
        """Prove again what was certified before a run was interrupted, before anything later is looked at.

        Args:
            saved: what the run goes on from, if it does. network: of the run.

        Returns:
            "freeze" once that is done, like a call.
        """
        if saved is None or self.certificate is not None or self.proofs:
            return None
        iterate = saved.certified(network)
        return None if iterate is None else self._proved(iterate.iteration, iterate)

    def _asked(self, base: Base, step: Step) -> float:
        """Estimate a ψ at which the test may pass: with the loss's constants at the level that those of now ask for.

        The constants fall with the loss, so this is at least the ψ that is compatible with its own constants.
        """
        now, psi = base.values[s.loss_0].upper, base.values[s.psi_0].upper
        if not (0 < now < np.inf and 0 < psi < np.inf):
            return 0.0
        first = largest_psi(base, self.form, step, self.loss.concave_psi)
        level = Bound.estimated(now * max((first / psi) ** 2, _TINY))
        constants = self.loss.constants(self.problem.y, level)
        values = {**base.values, s.psi_0: Bound.estimated(psi)}
        for symbol in (s.loss_gradient, s.loss_curvature):
            values[symbol] = constants[symbol].with_evidence(Evidence.ESTIMATED)
        return max(first, largest_psi(replace(base, values=values), self.form, step, self.loss.concave_psi))

    def _expected(self, tau: int, value: float) -> float:
        """Estimate ψ at iteration τ from the loss one iteration earlier and what was known before."""
        psi, (then, before) = self._psi(value), self._before
        self._before = tau, psi
        factor = psi / before if 0 < before < np.inf and tau > then else 1.0
        return float(psi * min(factor, 1.0) ** (1 / max(tau - then, 1)))

    def _psi(self, value: float) -> float:
        """ψ at a loss of the history, up to rounding."""
        if not (np.isfinite(value) and value > 0):
            return np.inf
        f = Bound.exact(value)
        return float(self.loss.psi_bound(f, self.loss.constants(self.problem.y, f)).mid)
