"""The run: gradient descent in JAX, step sizes and schedules, history."""

from __future__ import annotations

from dipproofs.descent.history import History, Run
from dipproofs.descent.run import candidate_iterations, descend
from dipproofs.descent.schedule import SCHEDULES, Backtracking, Constant, Cosine, Polynomial, Schedule, make_schedule

__all__ = [
    "SCHEDULES",
    "Backtracking",
    "Constant",
    "Cosine",
    "History",
    "Polynomial",
    "Run",
    "Schedule",
    "candidate_iterations",
    "descend",
    "make_schedule",
]
