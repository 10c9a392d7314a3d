"""Whole instances: operator, data, network, loss, form, profile, step."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from dipproofs.certify.constants import Plan
from dipproofs.certify.search import Step
from dipproofs.descent import Constant, Schedule
from dipproofs.losses import Loss
from dipproofs.networks import TwoLayer
from dipproofs.operators.bounds import bound_operator
from dipproofs.problems import InverseProblem
from dipproofs.testing.losses import LIMITED, losses
from dipproofs.testing.operators import averaging_operators, operators
from dipproofs.testing.steps import forms, normalised_steps, schedules
from dipproofs.testing.two_layer.certified import Proof, certify_plan, place_data
from dipproofs.testing.two_layer.networks import networks, train_modes, widths
from dipproofs.testing.two_layer.reference import reference_descent
from dipproofs.theory import FORMS, PROFILES
from dipproofs.theory.architectures.two_layer import ARCHITECTURES
from dipproofs.theory.theorem import offered


@dataclass(frozen=True, eq=False)
class Instance:
    """An inverse problem with network, loss and step, and its proof if there is one.

    Args:
        problem, network, loss: what is certified (the network at the certified iterate).
        plan: form, profile, train mode.
        schedule: of the step sizes, γ_τ = γ·factor(τ).
        proof: of the descent theorem with that plan, or None.
        iterations: how many steps of descent led to the certified iterate.
    """

    problem: InverseProblem
    network: TwoLayer
    loss: Loss
    plan: Plan
    schedule: Schedule
    proof: Proof | None
    iterations: int = 0

    def __repr__(self) -> str:
        m, n = self.problem.shape
        net = f"{self.network.activation}, k={self.network.width}, d={self.network.input_dimension}"
        step = "" if self.proof is None else f", gamma={self.proof.candidate.gamma!r}, rho={self.proof.candidate.rho!r}"
        return (
            f"Instance({self.plan}, m={m}, n={n}, {net}, {self.loss}, "
            f"{self.schedule}{step}, after {self.iterations} steps)"
        )

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        # how Hypothesis prints a falsifying example
        printer.text(repr(self))


def _profiles(form: str) -> tuple[str, ...]:
    return offered(FORMS[form], tuple(PROFILES))


@st.composite
def instances(
    draw: st.DrawFn,
    form: str | None = None,
    loss_kinds: Iterable[str] | None = None,
    *,
    closeness: tuple[float, ...] = (0.9, 0.99, 0.5, 0.1),
    schedule: bool = False,
    largest_condition: float = 100.0,
) -> Instance:
    """Instances made to satisfy the hypotheses; ``proof`` is None for the few that do not.

    Args:
        form: one form, or None to draw it.
        loss_kinds: names of losses to draw from, or None for all.
        closeness: how close to the edge of feasibility the data are placed (1: at the edge).
        schedule: draw a schedule too.
        largest_condition: of the operator.

    Returns:
        Strategy of `Instance`; shrinks to a scalar problem, A = [[1.]], ½‖·‖², tanh, one hidden unit.
    """
    loss = draw(losses(("squared",) if form == "residual" else loss_kinds))
    chosen = draw(forms(loss)) if form is None else form
    limited = loss.kind in LIMITED
    train = draw(train_modes())
    if limited:
        A = draw(averaging_operators())
    elif loss.projects_data and not (train == "inner" and chosen == "paper"):
        A = draw(operators(largest_condition=largest_condition))
    else:
        rows = st.shared(st.integers(1, 4), key="rows")
        A = draw(operators(rows, rows.flatmap(lambda m: st.integers(m, 5)), largest_condition))
    n = A.shape[1]
    width = widths(2 * n + 2, 24) if train == "inner" else widths(1, 24)
    offset = {"cross-entropy": 0.5, "poisson": 2.0}.get(loss.kind, 0.0)
    network = draw(networks(n, train=st.just(train), width=width, scale=0.1 if limited else 1.0, offset=offset))
    plan = Plan(chosen, draw(st.sampled_from(_profiles(chosen))), ARCHITECTURES[train])
    step = Step(None, draw(normalised_steps(chosen)))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    direction = rng.standard_normal(A.shape[0])
    problem = place_data(A, network, loss, plan, step, direction, draw(st.sampled_from(closeness)))
    made = draw(schedules()) if schedule else Constant()
    if problem is None:
        return Instance(InverseProblem(A, np.zeros(A.shape[0]) + 0.5), network, loss, plan, made, None)
    proof = certify_plan(problem, network, loss, bound_operator(A), plan, step, made)
    return Instance(problem, network, loss, plan, made, proof)


def certified_instances(
    form: str | None = None, loss_kinds: Iterable[str] | None = None, **options: Any
) -> st.SearchStrategy[Instance]:
    """The instances of `instances` whose proof succeeded (well above 90 % of them); shrinks alike."""
    return instances(form, loss_kinds, **options).filter(lambda instance: instance.proof is not None)


@st.composite
def certified_runs(draw: st.DrawFn, form: str = "residual", most_steps: int = 400) -> Instance:
    """Instances found by descending until the certificate is proved, as `certify` does along a run.

    Args:
        form: form to certify.
        most_steps: give up (``proof`` is None) after so many steps.

    Returns:
        Strategy of `Instance` with squared loss and both layers trained; ``network`` is the certified iterate.
        Shrinks to a scalar problem with one hidden unit.
    """
    loss = draw(losses(("squared",)))
    A = draw(operators(largest_condition=3.0, dtypes=("float64",)))
    network = draw(networks(A.shape[1], train=st.just("both"), width=widths(4, 24), dtypes=("float64",)))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    problem = InverseProblem(A, A @ rng.standard_normal(A.shape[1]))
    operator = bound_operator(A)
    plan = Plan(form, "paper" if form == "paper" else "block-observation", ARCHITECTURES["both"])
    gamma, done = _safe_step(problem, network, loss), 0
    for pause in (0, 5, 10, 20, 40, 80, 160, 320, 640):
        network = reference_descent(problem, network, loss, gamma, pause).network
        done += pause
        proof = certify_plan(problem, network, loss, operator, plan, Step(gamma))
        if proof is not None or done >= most_steps:
            break
    return Instance(problem, network, loss, plan, Constant(), proof, done)


def _safe_step(problem: InverseProblem, network: TwoLayer, loss: Loss) -> float:
    """A step well below 1/(Λ‖M‖²) near the start."""
    from dipproofs.certify.quantities import estimate_base
    from dipproofs.theory import symbols as s

    base = estimate_base(problem, network, loss, bound_operator(problem.operator.to_dense()))
    size = base.values[s.norm_AJ].upper ** 2 * base.values[s.loss_curvature].upper
    return 0.25 / size if size > 0 else 1.0
