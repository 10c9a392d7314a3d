"""What is solved: forward operators, signals, noise, and the problem files that describe them."""

from __future__ import annotations

from dipproofs.operators import OPERATORS, Operator
from dipproofs.operators.adapt import as_operator
from dipproofs.problems.inverse_problem import InverseProblem
from dipproofs.problems.problem_file import BuiltProblem, ProblemSpec, load_problem
from dipproofs.problems.run_options import CertificateOptions, DescentOptions, LossOptions
from dipproofs.problems.signals import PHOTOGRAPHS, SIGNALS, photograph, shepp_logan

__all__ = [
    "OPERATORS",
    "PHOTOGRAPHS",
    "SIGNALS",
    "BuiltProblem",
    "CertificateOptions",
    "DescentOptions",
    "InverseProblem",
    "LossOptions",
    "Operator",
    "ProblemSpec",
    "as_operator",
    "load_problem",
    "photograph",
    "shepp_logan",
]
