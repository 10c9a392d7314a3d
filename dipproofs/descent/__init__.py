"""The run: first-order methods in JAX, step sizes and schedules, history."""

from __future__ import annotations

from dipproofs.descent.engine import Iterate
from dipproofs.descent.history import History, Run
from dipproofs.descent.methods import METHODS, Adam, GradientDescent, HeavyBall, Method, Nesterov, make_method
from dipproofs.descent.momentum import automatic_momentum
from dipproofs.descent.program import Program, autodiff_program
from dipproofs.descent.resume import Snapshot
from dipproofs.descent.run import descend
from dipproofs.descent.schedule import SCHEDULES, Backtracking, Constant, Cosine, Polynomial, Schedule, make_schedule

__all__ = [
    "METHODS",
    "SCHEDULES",
    "Adam",
    "Backtracking",
    "Constant",
    "Cosine",
    "GradientDescent",
    "HeavyBall",
    "History",
    "Iterate",
    "Method",
    "Nesterov",
    "Polynomial",
    "Program",
    "Run",
    "Schedule",
    "Snapshot",
    "autodiff_program",
    "automatic_momentum",
    "descend",
    "make_method",
    "make_schedule",
]
