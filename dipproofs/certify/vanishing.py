"""A loss that is small but may be 0: the theorem with a bound in its place (docs/theory.md §3, remark g).

With f_0 ≤ f̂ and f̂ > 0, whatever the theorem concludes from f̂ holds for f_0: its constants on {L ≤ f̂} serve
{L ≤ f_0}, ψ(f_0) ≤ ψ(f̂), and if f_0 = 0 the iterate is an exact fit at which gradient descent rests. Nothing is
refuted in this way.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import flint

from dipproofs.certificate.record import Guarantees, Hypothesis
from dipproofs.certify.decide import Decision
from dipproofs.certify.quantities import Base
from dipproofs.enclosures import Bound, Verdict
from dipproofs.theory import symbols as s

#: What is 0 where the loss is.
_SMALL = {"loss_0": s.loss_0, "psi_0": s.psi_0, "S": s.S, "R_prime": s.R_prime, "x": s.curvature_correction}


def may_vanish(loss_0: Bound) -> bool:
    """Whether an enclosed loss may be 0 and is not known to be."""
    return loss_0.is_finite and not loss_0.lower > 0 and loss_0.upper > 0


def at_its_bound(base: Base) -> Base:
    """Return the base with the upper ends of f_0 and ψ(f_0) in their place."""
    ends = {symbol: Bound.exact(base.values[symbol].upper) for symbol in (s.loss_0, s.psi_0)}
    return replace(base, values={**base.values, **ends}, at_bound=True)


def weakened(decision: Decision, env: dict[Any, flint.arb]) -> None:
    """Undo what does not follow for f_0 itself: refutations, margins that depend on ψ(f_0), and lower ends.

    Args:
        decision: changed in place. env: of its evaluator, where x, which conclusions depend on, gets its lower end 0.
    """
    if (correction := env.get(s.curvature_correction)) is not None:
        env[s.curvature_correction] = correction.union(flint.arb(0))
    decision.hypotheses = [_hypothesis(h) for h in decision.hypotheses]
    for name, symbol in _SMALL.items():
        if (known := decision.quantities.get(name)) is not None:
            decision.quantities[name] = _from_zero(known)
        if symbol in decision.values:
            decision.values[symbol] = _from_zero(decision.values[symbol])


def distance_from_zero(guarantees: Guarantees) -> Guarantees:
    """Return the guarantees of the bound, with a distance that may be 0."""
    far = guarantees.distance_to_limit
    return guarantees if far is None else replace(guarantees, distance_to_limit=_from_zero(far))


def _from_zero(bound: Bound) -> Bound:
    return Bound(min(bound.lower, 0.0), bound.upper, bound.evidence)


def _hypothesis(hypothesis: Hypothesis) -> Hypothesis:
    if hypothesis.verdict is Verdict.REFUTED:
        reason = f"fails for the upper end of the loss, which may be 0; {hypothesis.reason}"
        return replace(hypothesis, verdict=Verdict.UNDECIDED, margin=None, reason=reason)
    relative = hypothesis.id in ("H", "injective") or hypothesis.verdict is not Verdict.PROVED
    return replace(hypothesis, margin=None) if relative else hypothesis
