"""The run: gradient descent in JAX, step sizes and schedules, history."""

from __future__ import annotations

from .history import History, Run
from .run import candidate_iterations, descend
from .schedule import SCHEDULES, Backtracking, Constant, Cosine, Polynomial, Schedule, make_schedule

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
