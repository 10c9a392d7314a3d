"""Rows of the operator that tell nothing: said before a run, and dropped where the loss allows it."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from dipproofs.enclosures import Bound, IntervalMatrix, Verdict
from dipproofs.enclosures.norms import vector_norm
from dipproofs.enclosures.widen import widened
from dipproofs.operators.bounds import OperatorBounds, name_rows, zero_rows
from dipproofs.operators.operator import Operator
from dipproofs.theory.losses import resolve_scale


def without_zero_rows(problem: Any, loss: Any) -> tuple[Any, str]:
    """Drop the rows that are 0, with their data, where they add a constant to a loss that cannot be projected.

    Returns:
        The problem, and one line that says what was dropped; "" for nothing. The squared loss keeps all rows: its data
        are projected.
    """
    if loss.projects_data or problem.operator.observed is not None:
        return problem, ""
    A = problem.operator.to_dense()
    zero = zero_rows(A)
    if not zero.size:
        return problem, ""
    if loss.theory.structure not in ("separable", "entrywise") or loss.scale in ("mean", "half-mean"):
        return problem, ""  # no sum over the rows, or one whose factor counts them
    if not bool(loss.in_domain(np, np.zeros(1))):
        return problem, ""
    kept = np.setdiff1d(np.arange(A.shape[0]), zero)
    reduced = copy.copy(problem)
    reduced.operator = Operator(A[kept], kind=problem.operator.kind, domain_shape=problem.operator.domain_shape)
    reduced.y = np.array(problem.y[kept])
    reduced.y.setflags(write=False)
    return reduced, f"A: {name_rows(zero)} 0 and dropped with their data: they add a constant to the loss {loss.kind}"


def lost_in_projection(operator: OperatorBounds, problem: Any, network: Any, loss: Any) -> Bound | None:
    """Enclose L(y) − L(Πy) = c‖(I−Π)(y − A o1)‖², which the shown loss c‖v − Πy‖² leaves out; None without Π."""
    columns = operator.columns
    if columns.identity or not loss.projects_data:
        return None
    y = IntervalMatrix.from_exact(np.asarray(problem.y, np.float64))
    offset = float(getattr(network, "output_offset", 0.0))
    if offset:
        exact = operator.matrix if operator.exact is None else operator.exact
        y = y - exact @ IntervalMatrix.from_exact(np.full(exact.shape[1], offset))
    part = vector_norm(columns.coordinates(y)) / columns.singular_value_range
    rest = widened(Bound.exact(resolve_scale(loss.scale, problem.y.size)) * (vector_norm(y) ** 2 - part**2))
    return rest.nonnegative()


def rank_announcement(operator: OperatorBounds) -> str:
    """Say in one line, before a run, what is not usual about the operator's rank; "" for full rank."""
    if operator.decision.verdict is not Verdict.PROVED:
        return operator.decision.reason
    return operator.decision.statement if "projected" in operator.decision.statement else ""
