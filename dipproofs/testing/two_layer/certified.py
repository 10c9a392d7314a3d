"""Instances whose hypotheses hold, by construction: data are placed near the prediction until they do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dipproofs.certificate.record import Guarantees
from dipproofs.certify.constants import Plan
from dipproofs.certify.decide import Decision, Evaluator
from dipproofs.certify.guarantees import guarantee
from dipproofs.certify.quantities import Base, enclose_base, estimate_base
from dipproofs.certify.search import Candidate, Step, propose
from dipproofs.descent import Constant, Schedule
from dipproofs.enclosures import Verdict
from dipproofs.losses import Loss
from dipproofs.networks import TwoLayer
from dipproofs.operators.bounds import OperatorBounds, bound_operator
from dipproofs.problems import InverseProblem
from dipproofs.theory import symbols as s


@dataclass(frozen=True, eq=False)
class Proof:
    """A certificate of one form and one profile, with the numbers it was made from.

    Args:
        plan: form, profile, train mode.
        candidate: radius ρ and step γ (the largest of the schedule).
        base: enclosures of the base quantities.
        decided: hypotheses and derived quantities.
        guarantees: what follows.
        evaluator: evaluates further formulas at the same radius.
    """

    plan: Plan
    candidate: Candidate
    base: Base
    decision: Decision
    guarantees: Guarantees
    evaluator: Evaluator

    def __repr__(self) -> str:
        return f"Proof({self.plan}, rho={self.candidate.rho!r})"

    @property
    def values(self) -> dict[Any, Any]:
        """Enclosures by symbol of `dipproofs.theory.symbols`."""
        return self.decision.values


def certify_plan(
    problem: InverseProblem,
    network: TwoLayer,
    loss: Loss,
    operator: OperatorBounds,
    plan: Plan,
    step: Step,
    schedule: Schedule | None = None,
    targets: tuple[float, ...] = (1e-3, 1e-6, 1e-9),
) -> Proof | None:
    """Certify one iterate with this form and this profile, whatever others would give.

    Args:
        problem, network, loss, operator, step, schedule: as in `certify.at_iterate.certify_at`.
        plan: form, profile and train mode.
        targets: losses to count iterations to.

    Returns:
        The proof, or None when a hypothesis is not proved.
    """
    if operator.rank is None:
        return None
    base = enclose_base(operator, problem.y, network, loss, unprojected=plan.theorem.form.unprojected)
    if not (base.values[s.loss_0].lower > 0 and base.values[s.loss_0].is_finite):
        return None
    candidate = propose(base, plan, step)
    if not candidate.feasible:
        return None
    evaluator = Evaluator(base, candidate)
    decision = evaluator.run()
    if decision.verdict is not Verdict.PROVED:
        return None
    made = guarantee(evaluator, decision, loss, schedule or Constant(), 0, targets)
    return Proof(plan, candidate, base, decision, made, evaluator)


def prediction(A: np.ndarray, network: TwoLayer) -> np.ndarray:
    """A g(u,θ) in floats."""
    return np.asarray(A.astype(np.float64) @ network.output())


def place_data(
    A: np.ndarray,
    network: TwoLayer,
    loss: Loss,
    plan: Plan,
    step: Step,
    direction: np.ndarray,
    closeness: float = 0.9,
    attempts: int = 40,
) -> InverseProblem | None:
    """Choose y near the prediction, in a given direction, so that the hypotheses hold.

    The distance is halved until they seem to hold, and then multiplied by ``closeness``: 0.9 is close to the edge of
    what can be proved.

    Args:
        A: (m, n) operator. network, loss, plan, step: of the certificate.
        direction: (m,) in which y differs from the prediction.
        closeness: in ]0, 1].
        attempts: give up after so many halvings.

    Returns:
        The problem, or None when no distance will do (an operator or network that is not injective).
    """
    operator = bound_operator(A)
    start = prediction(A, network)
    size = float(np.linalg.norm(direction))
    if operator.rank is None or size == 0 or not np.isfinite(start).all():
        return None
    unit = direction / size
    low, high = (float(loss._with_parameters(end)) for end in loss.theory.data_domain)
    distance = 4.0 * max(1.0, float(np.linalg.norm(start)))
    for _ in range(attempts):
        y = observation(loss, start, distance * unit)
        if (
            np.isfinite(y).all()
            and (y > low).all()
            and (y < high).all()
            and _feasible(A, y, network, loss, operator, plan, step)
        ):
            return InverseProblem(A, observation(loss, start, closeness * distance * unit))
        distance /= 2
    return None


def observation(loss: Loss, v: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Data whose minimiser is v + shift."""
    if loss.kind == "logit-cross-entropy":
        return np.asarray(1 / (1 + np.exp(-(v + shift))))
    return np.asarray(v + shift + loss.parameters.get("background", 0.0))


def _feasible(
    A: np.ndarray, y: np.ndarray, network: TwoLayer, loss: Loss, operator: OperatorBounds, plan: Plan, step: Step
) -> bool:
    problem = InverseProblem(A, y)
    with np.errstate(all="ignore"):
        base = estimate_base(problem, network, loss, operator, unprojected=plan.theorem.form.unprojected)
    psi = base.values[s.psi_0]
    return psi.is_finite and psi.lower > 0 and propose(base, plan, step).feasible
